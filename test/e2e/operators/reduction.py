# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reductions over every set of axes, softmax, arg-reductions, cumulative sums."""

import itertools

from .case import FLOATS, C, Case, T, allowed

KINDS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
         "ReduceLogSumExp", "ReduceSumSquare")


# There is no largest element of none.
FULL = {"only_sizes": True, "sizes": tuple({"N": n, "M": m, "K": k} for n, m, k in (
    (1, 1, 1), (2, 3, 5), (7, 16, 3), (16, 17, 1), (17, 15, 2), (33, 1, 32)))}


def values(kind, dtype):
    if kind == "ReduceLogSum":
        return (0.1, 2) if dtype in FLOATS else (1, 5)
    if kind == "ReduceProd":
        return (0.7, 1.3) if dtype in FLOATS else (1, 3)
    if dtype[0] == "u":
        return (0, 3)
    return (-2, 2) if dtype in FLOATS else (-5, 6)


def with_infinities(shape, sizes, rng):
    """Rows and columns with one infinity, and of nothing but negative infinities."""
    drawn = rng.standard_normal(shape)
    drawn[1, 3], drawn[2, 4] = float("inf"), float("-inf")
    drawn[3, :] = drawn[:, 7] = float("-inf")
    return drawn


def axis_sets(rank):
    for count in range(1, rank + 1):
        yield from itertools.combinations(range(rank), count)


def reductions():
    for kind in KINDS:
        draw, empty = values(kind, "f32"), kind != "ReduceMean"  # a mean of nothing is undefined
        # Sums of many squares, and logarithms of them, lose more than the sum itself.
        for axes in axis_sets(3):
            for keep in (0, 1):
                yield Case(kind, (T("f32", "N", "M", "K", draw=draw), C("i64", list(axes))), {"keepdims": keep},
                           rtol=1e-4, peer_empty=empty)
        yield Case(kind, (T("f32", 5, 17, 3, draw=draw), C("i64", [-1])), rtol=1e-4)
        yield Case(kind, (T("f32", "N", 3, draw=draw),), rtol=1e-4, peer_empty=empty)
        yield Case(kind, (T("f32", "N", 3, draw=draw),), {"noop_with_empty_axes": 1}, rtol=1e-4,
                   peer=False)  # element-wise since opset 18, which ONNX Runtime reads otherwise
        yield Case(kind, (T("f32", draw=draw),), rtol=1e-4)
        yield Case(kind, (T("f32", 0, 3, draw=draw), C("i64", [0])), peer=False)
        yield Case(kind, (T("f32", "N", 7, draw=draw),), {"axes": [1], "keepdims": 0}, opset=12, rtol=1e-4)
        for dtype in ("f16", "f64", "bf16", "i32", "i64", "u32", "u64", "i8", "u8"):
            # 16-bit results of integers wrap alike, means are truncated alike.
            yield Case(kind, (T(dtype, "N", 9, draw=values(kind, dtype)), C("i64", [1])),
                       rtol={"f16": 4e-3, "bf16": 3e-2}.get(dtype), peer=dtype not in ("f16", "bf16"),
                       refused="TN5003" if "Log" in kind and dtype not in ("f16", "bf16") else "")
    # ONNX Runtime's values are not the sum's logarithm where that is infinite.
    for axis in (0, 1):
        yield Case("ReduceLogSumExp", (T("f32", 5, 17, draw=with_infinities), C("i64", [axis])), rtol=1e-4, peer=False)
    for kind in ("ReduceMax", "ReduceMin"):
        yield Case(kind, (T("bool", "N", 5), C("i64", [1])))
        for axes in ([0], [0, 1]):  # the maximum of nothing is false, the minimum true
            yield Case(kind, (T("bool", "N", "M"), C("i64", axes)), {"keepdims": 0}, peer=False)


def softmaxes():
    for op in ("Softmax", "LogSoftmax", "Hardmax"):
        sizes = FULL if op == "Hardmax" else {}
        for axis in (0, 1, 2, -1):
            yield Case(op, (T("f32", "N", "M", "K"),), {"axis": axis}, **sizes)
        for dtype in ("f16", "f64", "bf16"):
            yield Case(op, (T(dtype, "N", "M"),), {"axis": -1}, rtol={"f16": 4e-3, "bf16": 3e-2}.get(dtype),
                       refused="TN5003" if dtype == "f64" and op != "Hardmax" else "", **sizes)
        yield Case(op, (T("f32", 7, 33),))
        yield Case(op, (T("f32", "N", 3, 5),), {"axis": 1}, opset=11)
        huge = lambda s, z, r: r.choice([-1e30, 1e30, 0, 80, -80], s)  # noqa: E731
        yield Case(op, (T("f32", 9, 17, draw=huge),))


def indices():
    ties = lambda s, z, r: r.integers(0, 4, s)  # noqa: E731
    for op in ("ArgMax", "ArgMin"):
        for axis in (0, 1, -1):
            for last in (0, 1):
                yield Case(op, (T("f32", "N", "M", "K", draw=ties),), {"axis": axis, "select_last_index": last},
                           out=("i64",), **FULL)
        for dtype in ("f16", "f64", "i32", "i64", "u8", "i8"):
            yield Case(op, (T(dtype, "N", 9, draw=(0, 5)),), {"axis": 1, "keepdims": 0}, out=("i64",), **FULL)


def scans():
    for dtype in ("f32", "f64", "i32", "i64", "f16"):
        for exclusive, reverse in itertools.product((0, 1), (0, 1)):
            yield Case("CumSum", (T(dtype, "N", "M"), C("i64", 1)), {"exclusive": exclusive, "reverse": reverse},
                       rtol=2e-2 if dtype == "f16" else None, atol=5e-2 if dtype == "f16" else None)
    for axis in (0, 1, -1):
        yield Case("CumSum", (T("f32", "N", "M", 3), C("i32", axis)))


def cases():
    yield from filter(allowed, [*reductions(), *softmaxes(), *indices(), *scans()])
