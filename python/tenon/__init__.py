# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tenon: ONNX models compiled ahead of time, and run.

    artifact = tenon.compile("model.onnx", target="cpu:host")
    session = artifact.session(threads=1)
    outputs = session.run({"x": numpy_array})

`tenon.load` needs the runtime only; the compiler is loaded by the first
`tenon.compile`. `tenon.verify`, `tenon.convert`, `tenon.targets` and `tenon.ops`
call the command `tenon`, which the package brings (also `python -m tenon`).
"""

import os
import typing

from ._runtime import version as __version__
from .conversion import convert
from .errors import (
    ArtifactError, CompileError, Diagnostic, DTypeError, InputError, RunError, ShapeError, TenonError,
    UnsupportedCpuError,
)
from .ledger import Ledger, explain
from .listing import Operator, Target, ops, targets
from .library import StaticLibrary
from .runtime import Artifact, Run, Session, TensorInfo, load, load_driver
from .verification import VerifyReport, verify


def compile(
    model: "str | os.PathLike[str] | bytes | typing.Any",
    target: "str | typing.Sequence[str] | None" = None,
    output: "str | os.PathLike[str] | None" = None,
    *,
    dump_to: "str | os.PathLike[str] | None" = None,
    format_files: "typing.Sequence[str | os.PathLike[str]]" = (),
    progress: "typing.Callable[[str], object] | None" = None,
    flush_denormals: bool = False,
    overridable: str = "",
    red_zones: bool = False,
    sizes: "typing.Mapping[str, int | tuple[int, int]] | None" = None,
    target_files: "typing.Sequence[str | os.PathLike[str]]" = (),
    target_plugins: "typing.Sequence[str | os.PathLike[str]]" = (),
    pins: "typing.Sequence[str]" = (),
    forbids: "typing.Sequence[str]" = (),
    plan_in: "str | os.PathLike[str] | None" = None,
    plan_out: "str | os.PathLike[str] | None" = None,
    nominal: "typing.Mapping[str, int] | None" = None,
    emit: str = "artifact",
) -> "Artifact | StaticLibrary":
    """Compiles an ONNX model and returns the loaded artifact.

    model     a path, the bytes of a serialized model, or an object with
              SerializeToString (onnx.ModelProto)
    target    the chip, e.g. "cpu:x86-64-v3"; `tenon targets` lists them. By default the
              first of target_files, or cpu:host. Of a list the first is the host; the
              others are devices beside it, which get the parts of the model that they
              are predicted to be faster for
    output    where the artifact is written, all or nothing; without it the
              artifact is a temporary file until `Artifact.save`
    dump_to   a folder for the IR after each stage, without weights
    format_files  declarations of number formats to load
    progress  called with the name of each phase as it begins
    flush_denormals  take denormal weights (below 1.2e-38) of convolutions and
              matrix products as zero; `warnings` tells if there are any
    overridable  a regular expression for whole names of initializers that are
              also inputs: these stay optional inputs though they are weights or
              decide sizes; other such initializers are optional inputs anyway
    red_zones  for debugging of kernels: bytes behind every buffer of activations
              that the runtime checks after each kernel (TN7020)
    sizes     of the model's open dimensions, by their names or as "INPUT:AXIS":
              {"batch": 1} fixes one, {"x:2": (16, 512)} gives its smallest and
              largest size, which a run checks

    target_files  declarations of chips that target may name (docs/HowTo/add-a-chip.md)
    target_plugins  libraries with targets that target may name (docs/HowTo/add-a-target.md)
    pins, forbids  "REGEX=DEVICE": where the operators of ONNX nodes of such names run, or
              do not run
    plan_in, plan_out  files that say which device runs which ONNX node: one to follow, one
              to write
    nominal   sizes of open dimensions that costs are estimated at, named as in sizes:
              {"batch": 8}; 32, or the nearest that is allowed, where there is none
    emit      "static-lib": an archive and a C header, to link into a program
              (docs/HowTo/link-a-model.md); output names the archive, libNAME.a, and
              what is returned is a `StaticLibrary`

    The artifact's `summary` holds the target, counts of nodes and kernels, sizes
    in bytes, seconds by phase, and `warnings`, a list of `Diagnostic`: the warnings
    and notes that the command line prints.

    Raises CompileError, whose `diagnostics` are all problems of the model.
    An exception of `progress` is raised once the compilation has ended.
    """
    from .compiler import compile_model

    return compile_model(model, "" if target is None else target, output, dump_to, format_files, progress, flush_denormals,
                         overridable, red_zones, sizes, target_files, pins, forbids, target_plugins, plan_in, plan_out,
                         nominal, emit)


def __getattr__(name):
    """`tenon.formats`, which loads the compiler, when it is first asked for."""
    if name == "formats":
        import importlib

        return importlib.import_module(".formats", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


__all__ = [
    "Artifact", "ArtifactError", "CompileError", "DTypeError", "Diagnostic", "InputError", "Ledger", "Operator",
    "Run", "RunError", "Session", "ShapeError", "StaticLibrary", "Target", "TenonError", "TensorInfo",
    "UnsupportedCpuError", "VerifyReport", "__version__", "compile", "convert", "explain", "load", "load_driver", "ops",
    "targets", "verify",
]
