# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tenon: ONNX models compiled ahead of time, and run.

    artifact = tenon.compile("model.onnx", target="cpu:host")
    session = artifact.session(threads=1)
    outputs = session.run({"x": numpy_array})

`tenon.load` needs the runtime only; the compiler is loaded by the first
`tenon.compile`.
"""

from .errors import (
    ArtifactError, CompileError, Diagnostic, DTypeError, InputError, RunError, ShapeError, TenonError,
    UnsupportedCpuError,
)
from .runtime import Artifact, Session, TensorInfo, load


def compile(model, target="cpu:host", output=None):
    """Compiles a model and returns the loaded artifact.

    `model` is a path, the bytes of a serialized model, or an object with
    SerializeToString (onnx.ModelProto). `output` is where the artifact is
    written; without it the artifact is a temporary file until `save`.
    All problems of the model are raised together as one CompileError.
    """
    from .compiler import compile_model

    return compile_model(model, target, output)


__all__ = [
    "Artifact", "ArtifactError", "CompileError", "Diagnostic", "DTypeError", "InputError", "RunError", "Session",
    "ShapeError", "TenonError", "TensorInfo", "UnsupportedCpuError", "compile", "load",
]
