# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Number formats: the declarations the compiler knows, and exact conversion.

    fmt = tenon.formats.get("f8E4M3FN")
    codes = fmt.encode([0.1, 448.0])      # numpy.uint32
    values = fmt.decode(codes)            # numpy.float64, exact
    tenon.formats.load("my-format.yaml")  # docs/HowTo/add-a-number-format.md
"""

import os

import numpy as np

from . import _compiler
from .errors import text_of_path

_registry = _compiler.FormatRegistry()


class Format:
    """A number format. `declaration` is its canonical text; `width` its bits."""

    def __init__(self, native):
        self._native = native

    def __getattr__(self, name):
        return getattr(self._native, name)

    def __reduce__(self):
        raise TypeError("a format belongs to this process; send its declaration, or its name for formats.get")

    def __repr__(self):
        return f"tenon.formats.Format({self._native.declaration})"

    def with_bias(self, bias: int) -> "Format":
        """The format with the per-tensor bias bound. Raises ValueError if it
        has none or its values would leave float32."""
        return Format(self._native.with_bias(bias))

    def decode(self, codes) -> np.ndarray:
        """Exact float64 values of integer codes, in their shape. Bits above the width are ignored."""
        codes = np.asarray(codes)
        return self._native.decode(np.ascontiguousarray(codes, np.uint32).ravel()).reshape(codes.shape)

    def pack(self, codes) -> np.ndarray:
        """Bytes of codes as the format's storage keys lay them out: the rows are
        the array's last dimension, each padded to the format's alignment."""
        codes = np.atleast_1d(np.asarray(codes))
        return self._native.pack(np.ascontiguousarray(codes, np.uint32).ravel(), codes.shape[-1])

    def unpack(self, packed, row_length: int) -> np.ndarray:
        """uint32 codes [rows, row_length] of bytes that `pack` made."""
        packed = np.ascontiguousarray(packed, np.uint8).ravel()
        return self._native.unpack(packed, row_length).reshape(-1, row_length)

    def encode(self, values, rounding: str = "nearest_even", saturate: bool = True, seed: int = 0) -> np.ndarray:
        """uint32 codes of values, each rounded once, in their shape.

        rounding  nearest_even, nearest_away, toward_zero, toward_positive,
                  toward_negative, or stochastic, which draws from `seed` and the
                  position of the value
        saturate  out of range gives the largest finite value; otherwise infinity
                  where the format has one, else NaN
        """
        values = np.asarray(values)
        flat = np.ascontiguousarray(values, np.float64).ravel()
        return self._native.encode(flat, rounding, saturate, seed).reshape(values.shape)


def get(name: str) -> Format:
    """The format of a name or alias. Raises KeyError, naming the known ones."""
    native = _registry.find(name)
    if native is None:
        raise KeyError(f"[TN4102] unknown number format '{name}'; known are {', '.join(names())}")
    return Format(native)


def names() -> list[str]:
    """Names of the known formats: the shipped ones, then those loaded."""
    return _registry.names()


def load(path: "str | os.PathLike[str]") -> Format:
    """Reads a declaration. Raises ValueError with the rule that it breaks."""
    return Format(_registry.load(text_of_path(path, "the declaration")))
