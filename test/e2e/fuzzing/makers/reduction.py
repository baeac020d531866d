# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reductions, normalisations, products, quantization."""

import numpy as np

REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
              "ReduceLogSumExp", "ReduceLogSum")
FLOATS = ("f32",) * 5 + ("f16", "f64")


def reduce(g):
    op = g.one_of(REDUCTIONS)
    choice = FLOATS if "Log" in op or "L2" in op or "Mean" in op else FLOATS + ("i32", "i64")
    if op in ("ReduceMax", "ReduceMin"):
        choice += ("u8", "i8") + (("bool",) if g.opset >= 20 else ())
    x = g.operand((g.one_of(choice),), 1, 4)
    if x.dtype == "f64" and "Log" in op:
        return
    keep = g.integer(0, 1)
    axes = sorted({g.axis_of(x) % x.rank for _ in range(g.integer(1, x.rank))}) if g.chance(0.85) else None
    attrs = {"keepdims": keep}
    if g.opset >= 18 or (op == "ReduceSum" and g.opset >= 13):
        if axes is None and g.chance(0.3):
            attrs["noop_with_empty_axes"] = 1
        g.add(op, [x, g.ints(*axes)] if axes is not None else [x], attrs)
    else:
        g.add(op, [x], {**attrs, **({"axes": axes} if axes is not None else {})})


def arg_of_most(g):
    x = g.operand((g.one_of(("f32",) * 4 + ("f16", "i32", "u8", "f64")),), 1, 4)
    attrs = {"axis": g.axis_of(x), "keepdims": g.integer(0, 1)}
    if g.chance(0.4):
        attrs["select_last_index"] = 1
    g.add(g.one_of(["ArgMax", "ArgMin"]), [x], attrs)


def softmax(g):
    x = g.operand((g.one_of(("f32",) * 4 + ("f16", "bf16")),), 1, 4)
    g.add(g.one_of(["Softmax", "Softmax", "LogSoftmax", "Hardmax"]), [x], {"axis": g.axis_of(x)})


def cumulate(g):
    x = g.operand(("f32", "i32", "i64", "f64"), 1, 3)
    g.add("CumSum", [x, g.constant(np.int64(g.axis_of(x)))], {"exclusive": g.integer(0, 1), "reverse": g.integer(0, 1)})


def matmul(g):
    x = g.operand((g.one_of(FLOATS + ("i32",)),), 1, 4)
    inner = x.dims[-1] if x.dims is not None else None
    if inner is None:
        sizes = {s[-1] for s in x.shapes}
        inner = sizes.pop() if len(sizes) == 1 else None
    if inner is None:
        y = g.add("Transpose", [x], {"perm": [*range(x.rank - 2), x.rank - 1, x.rank - 2]})[0] if x.rank >= 2 else x
        g.add("MatMul", [x, y])
        return
    dims = (inner, *g.dims(1)) if x.rank > 1 or g.chance(0.8) else (inner,)
    if x.rank > 2 and x.dims is not None and g.chance(0.5):
        dims = tuple(1 if g.chance(0.3) else d for d in x.dims[:-2]) + dims
    if g.chance(0.5) and not any(isinstance(d, str) for d in dims):
        y = g.constant((g.rng.standard_normal(dims) * 2).astype(x.arrays[0].dtype))
    else:
        y = g.input(x.dtype, dims)
    g.add("MatMul", [x, y])


def gemm(g):
    a, b = g.integer(0, 1), g.integer(0, 1)
    rows, inner, columns = g.dims(3)
    dtype = g.one_of(FLOATS)
    x = g.input(dtype, (inner, rows) if a else (rows, inner))
    y = g.input(dtype, (columns, inner) if b else (inner, columns))
    bias = g.one_of([None, (columns,), (rows, columns), (1, columns), (rows, 1), ()])
    attrs = {"transA": a, "transB": b, **({"alpha": 0.5} if g.chance(0.3) else {}), **({"beta": 2.0} if g.chance(0.3) else {})}
    g.add("Gemm", [x, y, g.input(dtype, bias) if bias is not None else None], attrs)


def einsum(g):
    equation = g.one_of(["ij,jk->ik", "bij,bjk->bik", "ij->ji", "ij,ij->i", "i,j->ij", "bhid,bhjd->bhij", "ij->"])
    letters = {c: d for c, d in zip("bhijkd", g.dims(6))}
    operands = [g.input("f32", tuple(letters[c] for c in part)) for part in equation.split("->")[0].split(",")]
    g.add("Einsum", operands, {"equation": equation})


def layer_norm(g):
    x = g.operand(("f32", "f32", "f16"), 2, 4, predicate=lambda v: v.dims is not None)
    if x.dims is None or g.opset < 17:
        return
    axis = g.integer(1, x.rank - 1)
    scale, bias = g.input(x.dtype, x.dims[axis:]), g.input(x.dtype, x.dims[axis:]) if g.chance(0.7) else None
    g.add("LayerNormalization", [x, scale, bias], {"axis": axis - x.rank, "epsilon": 1e-5})


def rms_norm(g):
    if g.opset < 23:
        return
    x = g.operand(("f32",), 2, 3, predicate=lambda v: v.dims is not None)
    if x.dims is not None:
        g.add("RMSNormalization", [x, g.input("f32", x.dims[-1:])], {"axis": -1})


def channels(g, low_rank=3):
    channel = g.integer(1, 4)
    return channel, g.input("f32", (g.dims(1)[0], channel, *g.dims(g.integer(low_rank, 4) - 2)))


def batch_norm(g):
    channel, x = channels(g, 2)
    stats = [g.constant(g.rng.uniform(0.5, 2, channel).astype(np.float32)) for _ in range(4)]
    g.add("BatchNormalization", [x, *stats])


def instance_norm(g):
    channel, x = channels(g)
    g.add("InstanceNormalization", [x, *[g.constant(g.rng.uniform(0.5, 2, channel).astype(np.float32)) for _ in range(2)]])


def group_norm(g):
    groups = g.integer(1, 3)
    channel = groups * g.integer(1, 2)
    x = g.input("f32", (g.dims(1)[0], channel, *g.dims(g.integer(1, 2))))
    if g.opset >= 21:
        g.add("GroupNormalization", [x, *[g.constant(g.rng.uniform(0.5, 2, channel).astype(np.float32)) for _ in range(2)]],
              {"num_groups": groups})


def lp_norm(g):
    x = g.operand(("f32",), 1, 3)
    g.add("LpNormalization", [x], {"axis": g.axis_of(x), "p": g.integer(1, 2)})


def mean_variance(g):
    x = g.input("f32", g.dims(4))
    g.add("MeanVarianceNormalization", [x], {"axes": [0, 2, 3]})


def quantize(g):
    x = g.operand(("f32",), 1, 3, predicate=lambda v: not any(np.isnan(a).any() for a in v.arrays))
    zero = g.constant(g.one_of([np.uint8(128), np.int8(0), np.uint8(0), np.int8(-3), np.uint8(255)]))
    scale = g.constant(np.float32(g.one_of([0.25, 0.1, 1.0, 0.007])))
    q = g.add("QuantizeLinear", [x, scale, zero])[0]
    if g.chance(0.7):
        g.add("DequantizeLinear", [q, scale, zero])


def dequantize_channels(g):
    channel = g.integer(1, 5)
    x = g.operand(("u8", "i8"), 2, 2, fresh=1)
    x = g.input(x.dtype, (g.dims(1)[0], channel))
    scale = g.constant(g.rng.uniform(0.01, 1, channel).astype(np.float32))
    g.add("DequantizeLinear", [x, scale, g.constant(np.zeros(channel, x.arrays[0].dtype))], {"axis": 1})


def dynamic_quantize(g):
    x = g.operand(("f32",), 1, 3, predicate=lambda v: all(a.size and np.isfinite(a).all() for a in v.arrays))
    g.add("DynamicQuantizeLinear", [x], {}, 3)


def integer_matmul(g):
    rows, inner, columns = g.dims(3)
    a, b = g.input(g.one_of(["u8", "i8"]), (rows, inner)), g.input("i8", (inner, columns))
    g.add("MatMulInteger", [a, b])


def makers():
    return [(reduce, 8), (arg_of_most, 3), (softmax, 3), (cumulate, 2), (matmul, 5), (gemm, 3), (einsum, 2), (layer_norm, 2),
            (rms_norm, 1), (batch_norm, 1), (instance_norm, 1), (group_norm, 1), (lp_norm, 1), (mean_variance, 1),
            (quantize, 2), (dequantize_channels, 1), (dynamic_quantize, 1), (integer_matmul, 1)]
