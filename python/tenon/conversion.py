# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tenon convert` as a function: weights and activations in other number formats."""

import contextlib
import json
import os
import tempfile
import typing
from collections.abc import Mapping, Sequence

import numpy as np

from .command import call
from .errors import text_of_path
from .models import file_of


def convert(
    model: "str | os.PathLike[str] | bytes | typing.Any",
    output: "str | os.PathLike[str] | None" = None,
    *,
    weights: str | None = None,
    layers: "Mapping[str, str] | None" = None,
    activations: str | None = None,
    calibration: "str | os.PathLike[str] | Sequence[Mapping[str, np.ndarray]] | None" = None,
    format_files: "Sequence[str | os.PathLike[str]]" = (),
    seed: int | None = None,
    target: str | None = None,
    target_files: "Sequence[str | os.PathLike[str]]" = (),
    target_plugins: "Sequence[str | os.PathLike[str]]" = (),
) -> list[dict[str, typing.Any]]:
    """Puts a float model's weights into a number format; returns what that costs each layer.

    model        as `tenon.compile` takes it
    output       the file to write: an artifact (.tenon) or a model (.onnx); without
                 it nothing is written
    weights      a format with its options, e.g. "i4:block32" (docs/HowTo/convert-weights.md)
    layers       {regular expression: format} for layers whose whole name matches,
                 "none" to leave them; the first match decides
    activations  a format for what enters these layers
    calibration  samples to choose its scales on: a path as the command takes it, or
                 a list with the inputs of one run each, {name: array}
    target       chip of the artifact, by default the first of target_files, or cpu:host
    target_files declarations of chips that target may name
    target_plugins libraries with targets that it may name

    Each entry of the result is one layer with the keys of `tenon convert --report`,
    the worst first. Raises CompileError for a format or a model that does not fit.
    """
    arguments = ["-q"]
    for flag, value in (("weights", weights), ("activations", activations), ("seed", seed), ("target", target)):
        if value is not None:
            arguments.append(f"--{flag}={value}")
    arguments += [f"--layers={pattern}={recipe}" for pattern, recipe in (layers or {}).items()]
    arguments += [b"--target-file=" + text_of_path(file, "the target file") for file in target_files]
    arguments += [b"--load-target-plugin=" + text_of_path(file, "the target plugin") for file in target_plugins]
    arguments += [b"--format-file=" + text_of_path(file, "the format file") for file in format_files]
    if output is not None:
        arguments += ["-o", text_of_path(output, "the output")]
    with contextlib.ExitStack() as scratch:
        folder = scratch.enter_context(tempfile.TemporaryDirectory(prefix="tenon-"))
        if calibration is not None and not isinstance(calibration, (str, bytes, os.PathLike)):
            samples, calibration = calibration, os.path.join(folder, "samples")
            os.mkdir(calibration)
            for number, sample in enumerate(samples):
                np.savez(os.path.join(calibration, f"{number}.npz"), **sample)
        if calibration is not None:
            arguments.append(b"--calibration=" + text_of_path(calibration, "the calibration"))
        report = os.path.join(folder, "report.json")
        path = scratch.enter_context(file_of(model))
        call(["convert", *arguments, f"--report={report}", "--", path])
        with open(report, encoding="utf-8") as file:
            return json.load(file)["layers"]
