# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tenon verify` as a function: compiled code against the reference evaluator."""

import contextlib
import json
import os
import tempfile
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .command import call
from .errors import DTypeError, text_of_path
from .models import file_of
from .runtime import NUMPY_OWN, Artifact

# Exit status of the command where values differ.
_MISMATCH = 4


@dataclass(frozen=True)
class VerifyReport:
    """What was compared, and whether it agrees.

    first_wrong, worst  kernels by name, None where there is none
    kernels, outputs    a dict each, with the keys of `tenon verify --json`
    """

    ok: bool
    model: str
    target: str
    first_wrong: str | None
    worst: str | None
    kernels: list[dict[str, typing.Any]]
    outputs: list[dict[str, typing.Any]]

    def __str__(self):
        compared = sum(kernel["compared"] for kernel in self.kernels)
        wrong = sum(not kernel["ok"] for kernel in self.kernels)
        lines = [
            f"{compared} of {len(self.kernels)} kernels compared for {self.target}, {wrong} wrong",
            f"{sum(output['ok'] for output in self.outputs)} of {len(self.outputs)} outputs agree",
        ]
        if self.first_wrong is not None:
            lines.append(f"the first wrong kernel is {self.first_wrong}, the worst {self.worst}")
        return "\n".join(lines)


def _write(array, folder, name, number):
    """A file with an array that the command reads; its path."""
    path = os.path.join(folder, f"{number}.npy")
    if array.dtype.newbyteorder("=") in NUMPY_OWN:
        np.save(path, array.astype(array.dtype.newbyteorder("="), order="C"))
        return path
    try:
        from onnx import numpy_helper
    except ImportError:
        message = f"[TN7007] input '{name}': arrays of {array.dtype} are handed over by the package onnx; install it"
        raise DTypeError("TN7007", message) from None
    path = os.path.join(folder, f"{number}.pb")
    with open(path, "wb") as file:
        file.write(numpy_helper.from_array(array, name).SerializeToString())
    return path


def verify(
    model: "str | os.PathLike[str] | bytes | typing.Any",
    inputs: "Mapping[str, np.ndarray] | None" = None,
    *,
    target: "str | None" = None,
    artifact: "Artifact | str | os.PathLike[str] | None" = None,
    test_data: "str | os.PathLike[str] | None" = None,
    dims: "Mapping[str, int] | None" = None,
    seed: int | None = None,
    threads: int = 1,
    atol: float | None = None,
    rtol: float | None = None,
    target_files: "Sequence[str | os.PathLike[str]]" = (),
    target_plugins: "Sequence[str | os.PathLike[str]]" = (),
    drivers: "Sequence[str | os.PathLike[str]]" = (),
) -> VerifyReport:
    """Compares compiled code with the reference evaluator, kernel by kernel.

    model      as `tenon.compile` takes it
    inputs     values of inputs by name; the others are random, of `seed`, with the
               sizes in `dims` where dimensions have names
    target     the chip to compile for, by default as `tenon.compile` has it; this machine
               must be able to run it
    artifact   an artifact of this model to judge, instead of compiling one
    test_data  a folder with input_0.pb and so on; recorded outputs are compared too
    atol, rtol tolerances; the defaults depend on the element type
    target_files  declarations of chips that target, or the artifact, may name
    target_plugins  libraries with targets that these may name
    drivers    libraries with drivers of its devices, as `tenon.load_driver` takes them

    Values that differ do not raise: the report's `ok` says so. Raises CompileError
    for a model that cannot be compiled, InputError for inputs that do not fit.
    """
    arguments = ["--json", f"--threads={threads}"]
    with contextlib.ExitStack() as scratch:
        folder = scratch.enter_context(tempfile.TemporaryDirectory(prefix="tenon-"))
        for number, (name, value) in enumerate((inputs or {}).items()):
            path = _write(np.asarray(value), folder, name, number)
            arguments.append(f"--input={name}=@{path}")
        arguments += [f"--dim={name}={size}" for name, size in (dims or {}).items()]
        for flag, value in (("random-seed", seed), ("atol", atol), ("rtol", rtol)):
            if value is not None:
                arguments.append(f"--{flag}={value}")
        if test_data is not None:
            arguments.append(b"--test-data=" + text_of_path(test_data, "the folder"))
        if artifact is None:
            arguments += [f"--target={target}"] if target else []
        else:
            if isinstance(artifact, Artifact):
                given, artifact = artifact, os.path.join(folder, "model.tenon")
                given.save(artifact)
            arguments.append(b"--artifact=" + text_of_path(artifact, "the artifact"))
        arguments += [b"--target-file=" + text_of_path(file, "the target file") for file in target_files]
        arguments += [b"--load-target-plugin=" + text_of_path(file, "the target plugin") for file in target_plugins]
        arguments += [b"--load-driver=" + text_of_path(file, "the driver") for file in drivers]
        path = scratch.enter_context(file_of(model))
        text, _ = call(["verify", *arguments, "--", path], accepted=(0, _MISMATCH))
    report = json.loads(text)
    return VerifyReport(**{key: report[key] for key in VerifyReport.__dataclass_fields__})
