# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler's decisions, read from an artifact (docs/Runtime/ledger.md)."""

import json
import os
from dataclasses import dataclass

from .errors import ArtifactError
from .runtime import Artifact


@dataclass(frozen=True)
class Node:
    """An ONNX node: `became` is kernel, view, constant, dimensions or removed."""

    node: str
    operator: str
    became: str
    kernels: tuple[str, ...] = ()
    inputs: tuple[int, ...] = ()
    """What it reads: indices of nodes, and -1 - i for the model's input i."""


@dataclass(frozen=True)
class Kernel:
    """A kernel of the artifact. `work` is operations, 0 where named dimensions decide;
    `vector_bits` is 0 for scalar code and where it varies; `seconds` are predicted by the
    chip's numbers, at nominal sizes."""

    kernel: str
    device: str = ""
    strategy: str = ""
    schedule: str = ""
    precision: str = ""
    tile: str = ""
    vector_bits: int = 0
    work: int = 0
    nodes: tuple[str, ...] = ()
    seconds: float = 0.0
    """Of a run, by the chip's numbers, at the sizes to expect."""


@dataclass(frozen=True)
class Note:
    """A lossy step or a fallback, with the code that docs/Runtime/ledger.md explains."""

    code: str
    text: str
    kernels: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ledger:
    """What became of each ONNX node, in the model's order; the kernels, in that of
    their launches; and notes. As text it is a table of the kernels."""

    nodes: tuple[Node, ...]
    kernels: tuple[Kernel, ...]
    notes: tuple[Note, ...]
    predictions: tuple[tuple[str, float], ...] = ()
    """Of a model for several devices: seconds of a run by the chips' numbers, as the plan
    that was chosen and others would have it."""

    @classmethod
    def of_json(cls, text: str) -> "Ledger":
        """Raises ArtifactError if the text is no ledger."""

        def records(kind, entries):
            known = kind.__dataclass_fields__  # keys are added by later versions
            fields = [{key: value for key, value in entry.items() if key in known} for entry in entries]
            return tuple(kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in one.items()}) for one in fields)

        try:
            root = json.loads(text)
            predictions = tuple((entry["plan"], entry["seconds"]) for entry in root.get("predictions", ()))
            return cls(records(Node, root["nodes"]), records(Kernel, root["kernels"]), records(Note, root.get("notes", ())),
                       predictions)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            message = "[TN8017] the artifact holds no ledger that this version can read; compile the model again"
            raise ArtifactError("TN8017", message) from None

    def __str__(self):
        def shortened(text, most=48):
            return text if len(text) <= most else f"{text[: most // 2 - 1]}..{text[-most // 2 + 1 :]}"

        rows = [("kernel", "work", "vector", "precision", "strategy", "ONNX nodes")]
        for kernel in self.kernels:
            rows.append((shortened(kernel.kernel), f"{kernel.work:,}" if kernel.work else "-", str(kernel.vector_bits or "-"),
                         kernel.precision, kernel.strategy, shortened(", ".join(kernel.nodes))))
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
        lines += [f"[{note.code}] {note.text} ({len(note.kernels)} of {len(self.kernels)} kernels)" for note in self.notes]
        return "\n".join(lines)


def explain(artifact: "Artifact | str | os.PathLike[str] | bytes") -> Ledger:
    """What became of each ONNX node of an artifact, which may be for another machine
    if it is given as a path or as bytes."""
    if isinstance(artifact, Artifact):
        return Ledger.of_json(artifact.ledger)
    with Artifact(artifact, driver="null") as loaded:  # the driver that takes every code
        return Ledger.of_json(loaded.ledger)
