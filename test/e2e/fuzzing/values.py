# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Values and sizes that programs are run with."""

import numpy as np

from operators.case import DTYPES, FLOATS, INTEGERS

# Tiles of kernels are 4, 8, 16 and 32 wide, and so are vectors.
SIZES = (0, 1, 2, 3, 5, 7, 8, 9, 13, 15, 16, 17, 31, 33)
WEIGHTS = np.array([3, 4, 3, 4, 3, 3, 1, 1, 2, 1, 1, 1, 1, 1], float)
WEIGHTS /= WEIGHTS.sum()
# How far a program's values go.
PLAIN, SPECIAL, WILD = "plain", "special", "wild"


def draw_size(rng):
    return int(rng.choice(SIZES, p=WEIGHTS))


def specials(dtype, level):
    """Values that kernels forget; those of WILD overflow in sums."""
    numpy = DTYPES[dtype][1]
    if dtype in INTEGERS:
        bounds = np.iinfo(numpy)
        return np.array([0, 1, 2, bounds.max, bounds.min, bounds.max - 1], numpy) if level == WILD else np.array([0, 1, 2], numpy)
    tiny, huge = {"f32": (1e-40, 1e30), "f64": (5e-320, 1e300), "f16": (6e-8, 6e4), "bf16": (1e-40, 1e30)}[dtype]
    found = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5]
    if level == WILD:
        found += [tiny, -tiny, huge, -huge]
    return np.array(found).astype(numpy)


def draw(rng, dtype, shape, level=PLAIN, low=None, high=None):
    """An array; a tenth of it special values where the level says so."""
    numpy = DTYPES[dtype][1]
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        low = (0 if dtype[0] == "u" else -20) if low is None else low
        array = np.asarray(rng.integers(low, 20 if high is None else high, shape)).astype(numpy)
    elif low is not None:
        array = np.asarray(rng.uniform(low, high, shape)).astype(numpy)
    else:
        kind = rng.integers(4)
        array = np.asarray(rng.integers(-3, 4, shape) if kind == 0 else 2 * rng.standard_normal(shape)).astype(numpy)
    if level != PLAIN and low is None and array.size:
        array = np.array(array)
        mask = rng.random(array.shape) < 0.1
        array[mask] = rng.choice(specials(dtype, level), int(mask.sum()))
    return array


__all__ = ["FLOATS", "INTEGERS", "PLAIN", "SPECIAL", "WILD", "draw", "draw_size", "specials"]
