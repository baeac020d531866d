# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models as the functions take them: a path, bytes, or an onnx.ModelProto."""

import contextlib
import os
import tempfile

from .errors import text_of_path


def bytes_of(model):
    """The bytes of a model that is no path."""
    if hasattr(model, "SerializeToString"):
        return model.SerializeToString()
    if isinstance(model, (bytes, bytearray, memoryview)):
        return bytes(model)
    raise TypeError(f"a model is a path, bytes or an onnx.ModelProto, not {type(model).__name__}")


@contextlib.contextmanager
def file_of(model):
    """The path of a model, of one that is no path as a file for the time being."""
    if isinstance(model, (str, os.PathLike)):
        yield text_of_path(model, "the model")
        return
    with tempfile.TemporaryDirectory(prefix="tenon-") as folder:
        path = os.path.join(folder, "model.onnx")
        with open(path, "wb") as file:
            file.write(bytes_of(model))
        yield os.fsencode(path)
