# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compiler side of the package: the only module that loads MLIR."""

import os
import tempfile

from . import _compiler
from .errors import to_diagnostics
from .runtime import Artifact


def compile_model(model, target, output, dump_to=None, format_files=(), progress=None, flush_denormals=False):
    """See tenon.compile."""
    data = None
    path = ""
    if isinstance(model, (str, os.PathLike)):
        path = os.fspath(model)
    elif hasattr(model, "SerializeToString"):
        data = model.SerializeToString()
    elif isinstance(model, (bytes, bytearray, memoryview)):
        data = bytes(model)
    else:
        raise TypeError(f"a model is a path, bytes or an onnx.ModelProto, not {type(model).__name__}")

    temporary = None
    if output is None:
        # Mapped by the runtime: the name may go once the artifact is loaded and saved.
        handle, temporary = tempfile.mkstemp(suffix=".tenon")
        os.close(handle)
        output = temporary
    try:
        summary = _compiler.compile(path, data, os.fspath(output), target, os.fspath(dump_to or ""),
                                    [os.fspath(file) for file in format_files], progress, bool(flush_denormals))
        summary["warnings"] = to_diagnostics(summary["warnings"])
        return Artifact(output, summary=summary, temporary=temporary is not None)
    except BaseException:
        if temporary:
            os.unlink(temporary)
        raise
