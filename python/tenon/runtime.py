# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Artifacts and sessions over NumPy arrays, on the runtime's C ABI."""

import os
import shutil
import weakref
from dataclasses import dataclass

import numpy as np

from . import _runtime
from .errors import DTypeError, InputError

# ONNX's TensorProto.DataType to NumPy. The 8-bit and bfloat16 kinds come from
# ml_dtypes, if it is installed.
_NUMPY = {
    1: np.dtype(np.float32), 2: np.dtype(np.uint8), 3: np.dtype(np.int8), 4: np.dtype(np.uint16),
    5: np.dtype(np.int16), 6: np.dtype(np.int32), 7: np.dtype(np.int64), 9: np.dtype(np.bool_),
    10: np.dtype(np.float16), 11: np.dtype(np.float64), 12: np.dtype(np.uint32), 13: np.dtype(np.uint64),
}
# Kinds that NumPy cannot hand over by itself travel as unsigned integers.
_CARRIER = {1: np.uint8, 2: np.uint16}
try:
    import ml_dtypes

    _NUMPY |= {
        16: np.dtype(ml_dtypes.bfloat16), 17: np.dtype(ml_dtypes.float8_e4m3fn),
        18: np.dtype(ml_dtypes.float8_e4m3fnuz), 19: np.dtype(ml_dtypes.float8_e5m2),
        20: np.dtype(ml_dtypes.float8_e5m2fnuz),
    }
except ImportError:
    pass


@dataclass(frozen=True)
class TensorInfo:
    """What a model declares of an input or output. A shape holds an int for a
    fixed dimension, its name for a named one, None for a nameless one."""

    name: str
    dtype: np.dtype
    onnx_dtype: int
    shape: tuple

    @property
    def is_static(self):
        return all(isinstance(d, int) for d in self.shape)


def _info(entry):
    name, dtype, dims, names = entry
    shape = tuple(d if d >= 0 else (n or None) for d, n in zip(dims, names))
    return TensorInfo(name, _NUMPY.get(dtype), dtype, shape)


def _carrier(array):
    """A view of the array that the buffer protocol can describe."""
    return array if array.dtype.kind in "fiub" else array.view(_CARRIER[array.dtype.itemsize])


class Artifact:
    """A compiled model: a mapped file (or bytes), shared by all its sessions."""

    def __init__(self, source, summary=None, temporary=False, check_weights=False):
        self._source = bytes(source) if isinstance(source, (bytes, bytearray, memoryview)) else os.fspath(source)
        self._model = _runtime.Model(self._source, check_weights)
        self.summary = summary or {}
        self.inputs = [_info(entry) for entry in self._model.inputs()]
        self.outputs = [_info(entry) for entry in self._model.outputs()]
        if temporary:
            weakref.finalize(self, os.unlink, self._source)

    def save(self, path):
        """Copies the artifact to a file of its own, all or nothing."""
        partial = f"{os.fspath(path)}.partial"
        if isinstance(self._source, bytes):
            with open(partial, "wb") as file:
                file.write(self._source)
        else:
            shutil.copyfile(self._source, partial)
        os.replace(partial, path)

    def session(self, threads=1):
        """A session; threads=0 means one a processor. Make one for each Python thread."""
        return Session(self, threads)

    @property
    def kernels(self):
        """(name, strategy, [ONNX nodes]) of each kernel, in the order they run."""
        return [(name, strategy, nodes.split("\n")) for name, strategy, nodes in self._model.kernels()]

    @property
    def ledger(self):
        """The compiler's decisions, one record each, as JSON text."""
        return self._model.ledger

    @property
    def target(self):
        return self._model.target

    @property
    def weight_bytes(self):
        return self._model.weight_bytes

    @property
    def code_bytes(self):
        return self._model.code_bytes


class Session:
    """Runs one model with buffers of its own. Not for two threads at once."""

    def __init__(self, artifact, threads):
        self.artifact = artifact
        self._session = _runtime.Session(artifact._model, threads)
        self._by_name = {info.name: (index, info) for index, info in enumerate(artifact.inputs)}
        self._shapes = {}  # shapes of all inputs -> shapes of all outputs, of the last run

    def run(self, inputs):
        """Takes {input name: array}, returns {output name: array}.

        C-contiguous arrays of the declared dtype are read in place; others are
        made contiguous first, but never converted to another dtype. Outputs are
        new arrays that the model writes directly.
        """
        key = self._bind(inputs)
        shapes = self._shapes.get(key)
        if shapes is None:
            shapes = [self._session.output_shape(i) for i in range(len(self.artifact.outputs))]
            self._shapes = {key: shapes}
        results = {}
        for i, (info, shape) in enumerate(zip(self.artifact.outputs, shapes)):
            results[info.name] = result = np.empty(shape, info.dtype)
            self._session.bind_output(i, _carrier(result))
        self._session.run()
        return results

    @property
    def arena_bytes(self):
        """Bytes of activations of the last run."""
        return self._session.arena_bytes

    def _bind(self, inputs):
        missing = [name for name in self._by_name if name not in inputs]
        unknown = [name for name in inputs if name not in self._by_name]
        if missing or unknown:
            names = ", ".join(self._by_name) or "none"
            what = [f"no input '{n}' given" for n in missing] + [f"the model has no input '{n}'" for n in unknown]
            code = "TN7009" if missing else "TN7001"
            raise InputError(code, f"[{code}] {'; '.join(what)}; its inputs are: {names}")
        key = []
        self._held = []  # arrays must outlive the run that reads them
        for name, (index, info) in self._by_name.items():
            array = np.asarray(inputs[name])
            if array.dtype != info.dtype:
                raise DTypeError("TN7007", f"[TN7007] input '{name}': found {array.dtype}, expected {info.dtype}")
            array = _carrier(np.ascontiguousarray(array) if array.ndim else array)
            self._session.bind_input(index, array, info.onnx_dtype, array.shape)
            self._held.append(array)
            key.append(array.shape)
        return tuple(key)


def load(path_or_bytes, check_weights=False):
    """Loads an artifact. `check_weights` also verifies the hash of the weights."""
    return Artifact(path_or_bytes, check_weights=check_weights)
