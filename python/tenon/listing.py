# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tenon targets` and `tenon ops` as functions: what can be compiled, and for what."""

import fnmatch
import json
from dataclasses import dataclass

from .command import call


@dataclass(frozen=True)
class Target:
    """A chip that `tenon.compile` can be given. `means` is what the name stands for,
    with every feature; the two differ for cpu:host."""

    target: str
    means: str
    triple: str
    vector_bits: int
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Operator:
    """An ONNX operator in a range of opsets (`last_opset` None: to the newest).
    `supported` is as `tenon ops` prints it, "no" where it is refused."""

    domain: str
    operator: str
    first_opset: int
    last_opset: int | None
    supported: str


def _records(kind, entries):
    fields = kind.__dataclass_fields__  # later versions of the command may say more
    return [kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in entry.items() if k in fields}) for entry in entries]


def targets() -> list[Target]:
    """The chips that models are compiled for."""
    return _records(Target, json.loads(call(["targets", "--json"])[0]))


def ops(pattern: str = "*", target: str = "cpu") -> list[Operator]:
    """ONNX's operators and in which opsets the target has them, by default all; `pattern`
    chooses by name, e.g. "Conv" or "Reduce*". Raises TenonError for an unknown target."""
    found = _records(Operator, json.loads(call(["ops", "--json", f"--target={target}"])[0])["operators"])
    return [operator for operator in found if fnmatch.fnmatchcase(operator.operator.lower(), pattern.lower())]
