# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gather, scatter, one-hot and top-k."""

import numpy as np

from .case import FLOATS, INTEGERS, C, Case, T, allowed, index_of

ALL = FLOATS + INTEGERS + ("bool",)
# Indices need something to point at: no zero sizes of the indexed axis.
SIZES = {"only_sizes": True, "sizes": tuple({"N": n, "M": m, "K": k} for n, m, k in (
    (1, 1, 1), (2, 3, 5), (7, 16, 3), (16, 17, 1), (17, 15, 2), (33, 1, 32), (5, 0, 3), (4, 31, 0)))}


def unique(shape, sizes, rng):
    """Index pairs into [17, 5] that do not repeat: order is undefined where they do."""
    flat = rng.permutation(17 * 5)[: int(np.prod(shape[:-1]))]
    return np.stack([flat // 5, flat % 5 - 5], -1).reshape(shape)


def gathers():
    for dtype in ALL:
        yield Case("Gather", (T(dtype, "N", 3), T("i64", "M", draw=index_of("N"))), **SIZES)
        yield Case("GatherElements", (T(dtype, "N", 5), T("i64", "M", 4, draw=index_of("N"))), **SIZES)
    for axis in (0, 1, 2, -1):
        indexed = ("N", 5, "K")[axis]
        wide = {"only_sizes": True, "sizes": SIZES["sizes"][:6]}
        for dtype in ("i32", "i64"):
            yield Case("Gather", (T("f32", "N", 5, "K"), T(dtype, 2, "M", draw=index_of(indexed))), {"axis": axis}, **wide)
    yield Case("Gather", (T("f32", "N", 5), T("i64", draw=index_of("N"))), **SIZES)
    yield Case("Gather", (T("f32", "N", 5), C("i64", [[0, -1], [2, 2]])), {"axis": 1}, **SIZES)
    for axis in (0, 1, -1):
        shape = [4, 5, 6]
        shape[axis] = 3
        yield Case("GatherElements", (T("f32", 4, 5, 6), T("i32", *shape, draw=index_of((4, 5, 6)[axis]))), {"axis": axis})
    for dtype in ("f32", "i64", "f16", "bool"):
        yield Case("GatherND", (T(dtype, 4, 3, "K"), T("i64", "M", 2, draw=index_of(3))), **SIZES)
    yield Case("GatherND", (T("f32", 4, 3), T("i64", 5, 2, draw=index_of(3))))
    yield Case("GatherND", (T("f32", 2, 3, 4), T("i64", 2, 5, 1, draw=index_of(3))), {"batch_dims": 1})
    yield Case("GatherND", (T("f32", 2, 3, 4), T("i64", 2, 3, 1, draw=index_of(4))), {"batch_dims": 2})


def scatters():
    for dtype in ALL:
        yield Case("ScatterND", (T(dtype, 17, 5), T("i64", 9, 2, draw=unique), T(dtype, 9)))
        column = lambda s, z, r: np.tile(r.permutation(7)[:3, None] - 7, (1, 5))  # noqa: E731
        yield Case("ScatterElements", (T(dtype, 7, 5), T("i64", 3, 5, draw=column), T(dtype, 3, 5)))
    for kind in ("add", "mul", "max", "min"):
        for dtype in ("f32", "f16", "f64", "i32", "i64", "u8"):
            yield Case("ScatterND", (T(dtype, 5, 3), T("i64", 9, 1, draw=index_of(5)), T(dtype, 9, 3)),
                       {"reduction": kind}, rtol=2e-2 if dtype == "f16" else None, opset=18)
            yield Case("ScatterElements", (T(dtype, 5, 7), T("i64", 5, 9, draw=index_of(7)), T(dtype, 5, 9)),
                       {"reduction": kind, "axis": 1}, rtol=2e-2 if dtype == "f16" else None, opset=18)
    yield Case("ScatterND", (T("f32", "N", 3), T("i64", 1, 1, draw=index_of("N")), T("f32", 1, 3)), **SIZES)
    yield Case("Scatter", (T("f32", 3, 4), C("i64", [[1, 0, 2, 0]]), T("f32", 1, 4)), {"axis": 0}, opset=10)


def one_hots():
    for axis in (0, 1, -1):
        yield Case("OneHot", (T("i64", "N", "M", draw=(-7, 7)), C("i64", 7), C("f32", [2, 5])), {"axis": axis}, out=("f32",))
    for dtype in ("i32", "i64", "u8", "f32"):
        yield Case("OneHot", (T(dtype, "N", draw=(0, 9)), C("i64", [5]), C("i32", [0, 1])), out=("i32",))
    # Indices out of range select nothing.
    yield Case("OneHot", (C("i64", [-9, 9, 3, -1]), C("i64", 4), C("f32", [0, 1])), out=("f32",))


def tops():
    for dtype in ("f32", "f16", "f64", "i32", "i64", "u8", "i8"):
        for largest in (0, 1):
            yield Case("TopK", (T(dtype, "N", 11), C("i64", [3])), {"largest": largest}, out=(dtype, "i64"))
    for axis in (0, 1, 2):
        yield Case("TopK", (T("f32", 3, 17, 5), C("i64", [2])), {"axis": axis}, out=("f32", "i64"))
    yield Case("TopK", (T("f32", "N", 33), C("i64", [33])), out=("f32", "i64"))
    yield Case("TopK", (T("f32", "N", 5), C("i64", [0])), out=("f32", "i64"))
    ties = lambda s, z, r: r.integers(0, 3, s)  # noqa: E731
    yield Case("TopK", (T("f32", 9, 31, draw=ties), C("i64", [31])), out=("f32", "i64"))
    # NaN is the largest, and NaNs keep their order.
    def with_nan(shape, sizes, rng):
        drawn = rng.integers(-3, 4, shape).astype(float)
        return np.where(rng.integers(0, 3, shape) == 0, np.nan, np.where(rng.integers(0, 9, shape) == 0, np.inf, drawn))

    for dtype in ("f32", "f16", "f64"):
        for largest in (0, 1):
            for k in (1, 4, 11):
                yield Case("TopK", (T(dtype, "N", 11, draw=with_nan), C("i64", [k])), {"largest": largest}, out=(dtype, "i64"))
    yield Case("TopK", (T("f32", "N", 5),), {"k": 2}, out=("f32", "i64"), opset=9)


def cases():
    yield from filter(allowed, [*gathers(), *scatters(), *one_hots(), *tops()])
