# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Artifacts and sessions over NumPy arrays, on the runtime's C ABI."""

import collections.abc
import os
import re
import shutil
import tempfile
import threading
import weakref
from dataclasses import dataclass

import numpy as np

from . import _runtime
from .errors import DTypeError, InputError, ShapeError, text_of_path

# ONNX's TensorProto.DataType to NumPy. bfloat16 and what is below a byte or no
# IEEE float comes from ml_dtypes, if it is installed; each element takes a byte.
_NUMPY = {
    1: np.dtype(np.float32), 2: np.dtype(np.uint8), 3: np.dtype(np.int8), 4: np.dtype(np.uint16),
    5: np.dtype(np.int16), 6: np.dtype(np.int32), 7: np.dtype(np.int64), 9: np.dtype(np.bool_),
    10: np.dtype(np.float16), 11: np.dtype(np.float64), 12: np.dtype(np.uint32), 13: np.dtype(np.uint64),
}
NUMPY_OWN = frozenset(_NUMPY.values())
# Kinds that NumPy cannot hand over by itself travel as unsigned integers.
_CARRIER = {1: np.uint8, 2: np.uint16}
try:
    import ml_dtypes

    _NUMPY |= {
        16: np.dtype(ml_dtypes.bfloat16), 17: np.dtype(ml_dtypes.float8_e4m3fn),
        18: np.dtype(ml_dtypes.float8_e4m3fnuz), 19: np.dtype(ml_dtypes.float8_e5m2),
        20: np.dtype(ml_dtypes.float8_e5m2fnuz), 21: np.dtype(ml_dtypes.uint4), 22: np.dtype(ml_dtypes.int4),
        23: np.dtype(ml_dtypes.float4_e2m1fn), 24: np.dtype(ml_dtypes.float8_e8m0fnu),
        25: np.dtype(ml_dtypes.uint2), 26: np.dtype(ml_dtypes.int2),
        27: np.dtype(ml_dtypes.float6_e2m3fn), 28: np.dtype(ml_dtypes.float6_e3m2fn),
    }
except ImportError:
    pass

# tenon_guard in tenon.h.
_GUARDS = {None: 0, "end": 1, "begin": 2}


@dataclass(frozen=True)
class TensorInfo:
    """What a model declares of an input or output. A shape holds an int for a
    fixed dimension, its name for a named one, None for a nameless one. An optional
    input has a default, and may be left out of a run."""

    name: str
    dtype: np.dtype
    onnx_dtype: int
    shape: tuple[int | str | None, ...]
    optional: bool = False

    @property
    def is_static(self) -> bool:
        """Whether every dimension is fixed."""
        return all(isinstance(d, int) for d in self.shape)

    def __str__(self):
        return f"{self.name}: {self.dtype}{_declared(self.shape)}"


def _declared(shape):
    """A declared shape as text: "[batch, 3, 224, 224]", "?" for a dimension without a name."""
    return f"[{', '.join('?' if d is None else str(d) for d in shape)}]"


def _info(entry):
    name, dtype, dims, names, optional = entry
    shape = tuple(d if d >= 0 else (n or None) for d, n in zip(dims, names))
    if dtype not in _NUMPY:
        raise DTypeError("TN7007", f"[TN7007] '{name}' has ONNX element type {dtype}, which NumPy lacks; install ml_dtypes")
    return TensorInfo(name, _NUMPY[dtype], dtype, shape, optional)


def _carrier(array, dtype):
    """A view of an array whose dtype equals a declared one, that the buffer protocol can describe.

    Equal dtypes are not always one object (unpickled arrays have their own), so the
    declared one decides, and stands in the view.
    """
    return array.view(dtype if dtype.isbuiltin == 1 else _CARRIER[dtype.itemsize])


def _of_type(array, info):
    """The array, one of the other byte order as a copy in this machine's. Raises DTypeError for another type."""
    if array.dtype == info.dtype:
        return array
    if info.dtype.isbuiltin == 1 and array.dtype.newbyteorder("=") == info.dtype:
        return array.astype(info.dtype)
    raise DTypeError("TN7007", f"[TN7007] input '{info.name}': found {array.dtype}, expected {info.dtype}")


def _remove(path):
    """A temporary file that somebody else may have removed."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def _remove_own(path, process):
    """The same for the process that made it: what is forked off ends, too."""
    if os.getpid() == process:
        _remove(path)


def _listed(infos):
    """Inputs or outputs as text, of many the first."""
    most = 4
    return ", ".join([*map(str, infos[:most]), *([f"and {len(infos) - most} more"] if len(infos) > most else [])])


class Artifact:
    """A compiled model: a mapped file (or bytes), shared by all its sessions.

    inputs, outputs  lists of `TensorInfo`, in the model's order
    fixed_inputs     names of the model's inputs that are constants here, because
                     initializers have them too (see `overridable` of `tenon.compile`)
    summary          what `tenon.compile` reports; empty after `tenon.load`

    As a context manager it is closed at the end. It can be pickled, as its bytes.
    """

    inputs: list[TensorInfo]
    outputs: list[TensorInfo]
    fixed_inputs: list[str]
    summary: dict

    def __init__(self, source, summary=None, temporary=False, check_weights=False, driver=""):
        self._native = None
        is_path = not isinstance(source, (bytes, bytearray, memoryview))
        self._source = os.fspath(source) if is_path else bytes(source)
        data = text_of_path(source, "the artifact") if is_path else self._source
        self._native = _runtime.Model(data, is_path, check_weights, driver)
        self.summary = summary or {}
        self.inputs = [_info(entry) for entry in self._native.inputs()]
        self.outputs = [_info(entry) for entry in self._native.outputs()]
        self.fixed_inputs = self._native.fixed_inputs()
        self._forget = weakref.finalize(self, _remove_own, self._source, os.getpid()) if temporary else None

    def close(self) -> None:
        """Gives the file back, and its memory once no session uses it. May be called again."""
        self._native = None
        if self._forget:
            self._forget()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __repr__(self):
        source = f"{len(self._source)} bytes" if isinstance(self._source, bytes) else os.fsdecode(self._source)
        state = f"for {self.target.split(',')[0]}" if self._native else "closed"
        return f"<tenon.Artifact {source}, {state}: {_listed(self.inputs)} -> {_listed(self.outputs)}>"

    def __reduce__(self):
        return _from_bytes, (self._bytes(), self.summary)

    def _bytes(self):
        self._refuse_closed()
        if isinstance(self._source, bytes):
            return self._source
        with open(self._source, "rb") as file:
            return file.read()

    def _refuse_closed(self):
        if self._native is None:
            raise InputError("TN8080", "[TN8080] the artifact is closed; load it again")

    @property
    def _model(self):
        self._refuse_closed()
        return self._native

    def save(self, path: "str | os.PathLike[str]") -> None:
        """Copies the artifact to a file of its own, all or nothing. Raises OSError."""
        self._refuse_closed()  # its file may be gone
        path = os.fsdecode(text_of_path(path, "the artifact"))
        folder, name = os.path.split(path)
        # Beside the target, where renaming is atomic, and under a name of its own.
        handle, partial = tempfile.mkstemp(prefix=f"{name}.", suffix=".tmp", dir=folder or ".")
        try:
            with os.fdopen(handle, "wb") as file:
                if isinstance(self._source, bytes):
                    file.write(self._source)
                else:
                    with open(self._source, "rb") as source:
                        shutil.copyfileobj(source, file)
            os.chmod(partial, 0o644)
            os.replace(partial, path)
        except BaseException:
            _remove(partial)
            raise

    def session(self, threads: int = 1, *, guard: "str | None" = None) -> "Session":
        """A session; threads=0 means one a processor. Make one for each Python thread.

        guard  for debugging of kernels: "end" or "begin" runs in memory whose end,
               or beginning, touches a page without access (tenon_guard in tenon.h)

        Raises InputError for a negative number, ValueError for an unknown guard.
        """
        if guard not in _GUARDS:
            raise ValueError(f"guard is {guard!r}; expected 'end', 'begin' or None")
        return Session(self, threads, _GUARDS[guard])

    @property
    def kernels(self) -> list[tuple[str, str, list[str]]]:
        """(name, strategy, ONNX nodes) of each kernel, in the order they run."""
        return [(name, strategy, nodes.splitlines()) for name, strategy, nodes in self._model.kernels()]

    @property
    def ledger(self) -> str:
        """The compiler's decisions, one record each, as JSON text."""
        return self._model.ledger

    @property
    def target(self) -> str:
        """What it was compiled for, with every feature, e.g. "cpu:x86-64-v3"."""
        return self._model.target

    @property
    def weight_bytes(self) -> int:
        """Bytes of weights, mapped once for all sessions."""
        return self._model.weight_bytes

    @property
    def code_bytes(self) -> int:
        """Bytes of machine code."""
        return self._model.code_bytes


class Session:
    """Runs one model with buffers of its own; the weights are the artifact's.

    Calls from several threads take turns; for runs side by side make a session
    for each thread. The interpreter lock is free while a model runs. As a context
    manager it is closed at the end; its artifact is not.
    """

    def __init__(self, artifact, threads, guard=0):
        self.artifact = artifact
        self._threads = threads
        self._native = None
        self._native = _runtime.Session(artifact._model, threads, guard)
        self._by_name = {info.name: (index, info) for index, info in enumerate(artifact.inputs)}
        self._shapes = {}  # shapes of all inputs -> shapes of all outputs, of the last run
        self._lock = threading.Lock()

    def close(self) -> None:
        """Gives the session's memory back. May be called again."""
        with self._lock:
            self._native = None

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __repr__(self):
        state = "closed" if self._native is None else f"threads={self._threads}"
        return f"<tenon.Session {state} of {self.artifact!r}>"

    def __reduce__(self):
        raise TypeError("a session is this process's own; send its artifact, and make a session of that")

    @property
    def _session(self):
        if self._native is None:
            raise InputError("TN8080", "[TN8080] the session is closed; make another one")
        return self._native

    def run(
        self, inputs: "collections.abc.Mapping[str, np.ndarray]",
        outputs: "collections.abc.Mapping[str, np.ndarray] | None" = None,
    ) -> dict[str, np.ndarray]:
        """Takes {input name: array}, returns {output name: array}.

        Inputs that are C-contiguous, aligned arrays of the declared dtype are read in
        place; others are copied first, also those of the other byte order, but never
        converted to another dtype. Shapes are those of `Artifact.inputs`; a dimension with a name has
        the same size wherever the name occurs. Optional inputs that are left out
        have their defaults, whatever an earlier run was given.

        The model writes results directly into new arrays, or for names in
        `outputs` into the arrays given there: C-contiguous, writable, of the
        result's shape and dtype, overlapping neither an input nor each other.

        Raises InputError for missing and unknown names, DTypeError and ShapeError
        for arrays that do not fit, RunError if sizes contradict each other inside
        of the model. After an error the session can be used again.
        """
        with self._lock:
            _, results = self._prepare(inputs, outputs or {})
            self._session.run()
            return results

    def start(
        self, inputs: "collections.abc.Mapping[str, np.ndarray]",
        outputs: "collections.abc.Mapping[str, np.ndarray] | None" = None,
    ) -> "Run":
        """Begins a run and returns at once; `Run.wait` gives what `run` would have returned.

        The run goes on on a thread of the session's own: several models can run at
        once, and the next inputs be prepared. Until it has been waited for, the
        arrays must stay as they are and the session is in use: what else asks it
        for something fails (TN7011). Raises what `run` does for inputs
        and outputs that do not fit.
        """
        with self._lock:
            held, results = self._prepare(inputs, outputs or {})
            self._session.start()
            return Run(self._session, held, results)

    def _prepare(self, inputs, given):
        """Binds inputs and outputs; returns the arrays that a run reads, and its results by name."""
        for what, mapping in (("inputs", inputs), ("outputs", given)):
            if not isinstance(mapping, collections.abc.Mapping):
                raise TypeError(f"{what} are a mapping of names to arrays, not {type(mapping).__name__}")
        held, key = self._bind(inputs)  # arrays must outlive the run that reads them
        shapes = self._shapes.get(key)
        if shapes is None:
            try:
                shapes = [self._session.output_shape(i) for i in range(len(self.artifact.outputs))]
            except ShapeError as error:  # sizes that do not fit together
                raise self._with_shapes(error, self._by_name, key) from None
            self._shapes = {key: shapes}
        self._refuse_unknown("output", given, [info.name for info in self.artifact.outputs])
        results = {}
        for i, (info, shape) in enumerate(zip(self.artifact.outputs, shapes)):
            result = given.get(info.name)
            if result is None:
                result = np.empty(shape, info.dtype)
            else:
                self._check_output(info, shape, result)
                self._refuse_overlap(info.name, result, held, results)
            results[info.name] = result
            self._session.bind_output(i, _carrier(result, info.dtype))
        return held, results

    @property
    def arena_bytes(self) -> int:
        """Bytes of activations of the last run."""
        with self._lock:
            return self._session.arena_bytes

    @staticmethod
    def _refuse_unknown(what, given, names, fixed=()):
        constants = [name for name in given if name in fixed]
        if constants:
            raise InputError("TN7001", f"[TN7001] {', '.join(map(repr, constants))}: initializers that are also inputs, and constants "
                             f"of this artifact; compile with overridable={'|'.join(map(re.escape, constants))!r} (--overridable) to give them")
        unknown = [f"the model has no {what} '{name}'" for name in given if name not in names]
        if unknown:
            raise InputError("TN7001", f"[TN7001] {'; '.join(unknown)}; its {what}s are: {', '.join(names) or 'none'}")

    @staticmethod
    def _refuse_overlap(name, array, inputs, outputs):
        # All of them are contiguous: bounds that overlap are elements that do.
        for other in [*inputs, *outputs.values()]:
            if np.may_share_memory(array, other):
                raise InputError("TN7001", f"[TN7001] output '{name}' overlaps an input or another output; give it memory of its own")

    @staticmethod
    def _check_output(info, shape, array):
        if not isinstance(array, np.ndarray):
            raise InputError("TN7001", f"[TN7001] output '{info.name}': found {type(array).__name__}, expected a NumPy array")
        if array.dtype != info.dtype:
            raise DTypeError("TN7007", f"[TN7007] output '{info.name}': found {array.dtype}, expected {info.dtype}")
        if array.shape != tuple(shape):
            raise ShapeError("TN7006", f"[TN7006] output '{info.name}': found shape {array.shape}, expected {tuple(shape)}")
        if not (array.flags.c_contiguous and array.flags.aligned and array.flags.writeable):
            raise InputError("TN7001", f"[TN7001] output '{info.name}' must be C-contiguous, aligned and writable")

    @staticmethod
    def _with_shapes(error, names, shapes):
        """The error with the shapes that were declared and given of those inputs that it names."""
        told = []
        for (name, (_, info)), shape in zip(names.items(), shapes):
            if shape is not None and (f"'{name}'" in str(error) or len(names) == 1):
                told.append(f"expected {_declared(info.shape)}, got {shape}")
        return type(error)(error.code, "; ".join([str(error), *told]))

    def _bind(self, inputs):
        missing = [f"no input '{name}' given" for name, (_, info) in self._by_name.items() if name not in inputs and not info.optional]
        if missing:
            raise InputError("TN7009", f"[TN7009] {'; '.join(missing)}; the model's inputs are: {', '.join(self._by_name)}")
        self._refuse_unknown("input", inputs, list(self._by_name), self.artifact.fixed_inputs)
        held, key = [], []
        for name, (index, info) in self._by_name.items():
            if name not in inputs:
                self._session.bind_default(index)
                key.append(None)
                continue
            array = _carrier(np.require(_of_type(np.asarray(inputs[name]), info), requirements="CA"), info.dtype)
            # One element passes for a scalar: recorded test vectors often hold it so.
            shape = () if not info.shape and array.size == 1 else array.shape
            try:
                self._session.bind_input(index, array, info.onnx_dtype, shape)
            except ShapeError as error:
                raise self._with_shapes(error, {name: (index, info)}, [shape]) from None
            held.append(array)
            key.append(shape)
        return held, tuple(key)


class Run:
    """A run that `Session.start` began. One that is dropped is waited for first."""

    def __init__(self, native, held, results):
        self._native = native
        self._held = held  # arrays must outlive the run that reads them
        self._results = results
        self._lock = threading.Lock()

    def wait(self) -> dict[str, np.ndarray]:
        """Returns {output name: array} when the run is done, the same when called again.

        Raises what `Session.run` would have raised; called again, too. The session
        can be used from then on.
        """
        with self._lock:
            if self._native is not None:
                native, self._native = self._native, None
                try:
                    native.wait()
                except BaseException as error:
                    self._results = error
                self._held = None
        if isinstance(self._results, BaseException):
            raise self._results
        return self._results

    def __del__(self):
        if getattr(self, "_native", None) is not None:
            try:
                self.wait()
            except Exception:  # nobody asks for it any more
                pass


def _from_bytes(data, summary):
    return Artifact(data, summary)


def load(path_or_bytes: "str | os.PathLike[str] | bytes", check_weights: bool = False) -> Artifact:
    """Loads an artifact from a file, which is mapped, or from bytes, which are kept.

    The hashes of manifest and code are always verified, that of the weights with
    `check_weights`. Raises ArtifactError for a file that is missing, damaged or of
    another version, UnsupportedCpuError for code that this CPU cannot run.
    """
    return Artifact(path_or_bytes, check_weights=check_weights)


def load_driver(path: "str | os.PathLike[str]") -> None:
    """Loads the driver of a device beside the host from a shared library, for artifacts
    that are loaded from now on; it stays until the process ends.

    Raises InputError for a file that is no such library, or a driver whose name is taken.
    """
    name = text_of_path(path, "the driver")
    if b"/" not in name:  # else the loader would look in the system's folders
        name = b"./" + name
    problem = _runtime.load_driver(name)
    if problem:
        problem = re.sub(r"^\[TN\d+\] ", "", problem)  # of the runtime, where it refuses the driver
        raise InputError("TN8052", f"[TN8052] {os.fsdecode(name)}: {problem}")
