# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators that move data: layouts, joins, gathers and scatters."""

import numpy as np

from .elementwise import ANY_CHOICE

MOVED = ANY_CHOICE[:14] + ("bool",)


def transpose(g):
    x = g.operand((g.one_of(MOVED),), 1, 4)
    g.add("Transpose", [x], {"perm": g.rng.permutation(x.rank).tolist()} if g.chance(0.9) else {})


def unsqueeze(g):
    x = g.operand((g.one_of(MOVED),), 0, 3)
    axis = g.integer(-x.rank - 1, x.rank)
    g.add("Unsqueeze", [x, g.ints(axis)])


def squeeze(g):
    x = g.some(lambda v: v.rank and not v.sizes and any(all(s[a] == 1 for s in v.shapes) for a in range(v.rank)))
    if x is None:
        x = g.input("f32", (1, *g.dims(2)))
    axes = [a for a in range(x.rank) if all(s[a] == 1 for s in x.shapes)]
    g.add("Squeeze", [x, g.ints(g.one_of(axes))] if g.chance(0.9) else [x])


def flatten(g):
    x = g.operand((g.one_of(MOVED),), 1, 4)
    g.add("Flatten", [x], {"axis": g.integer(-x.rank, x.rank)})


def concat(g):
    x = g.operand((g.one_of(MOVED),), 1, 4)
    axis = g.integer(0, x.rank - 1)

    def joins(v):
        return v.dtype == x.dtype and v.rank == x.rank and not v.sizes and all(
            a[:axis] + a[axis + 1 :] == b[:axis] + b[axis + 1 :] for a, b in zip(v.shapes, x.shapes))

    parts = [x]
    for _ in range(g.integer(1, 3)):
        y = g.some(joins)
        if y is not None and g.chance(0.6):
            parts.append(y)
        elif x.dims is not None:
            dims = list(x.dims)
            dims[axis] = g.dims(1)[0]
            parts.append(g.input(x.dtype, dims))
        else:
            parts.append(x)
    g.rng.shuffle(parts)
    g.add("Concat", parts, {"axis": axis - x.rank if g.chance(0.3) else axis})


def slices(g):
    """Constant bounds, in and beyond the size."""
    x = g.operand((g.one_of(MOVED),), 1, 4)
    count = g.integer(1, x.rank)
    axes = g.rng.choice(x.rank, count, replace=False).tolist()
    begins = [g.one_of([0, 0, 1, 2, -1, -3, 100, -100]) for _ in axes]
    ends = [g.one_of([1, 2, 3, 8, 64, 512, -1, -2, 2**63 - 1, -(2**63), 2**31 - 1]) for _ in axes]
    steps = [g.one_of([1, 1, 1, 1, 2, 3, -1, -2]) for _ in axes]
    given = [x, g.ints(*begins), g.ints(*ends), g.ints(*axes)]
    g.add("Slice", given if g.chance(0.3) and all(s == 1 for s in steps) else [*given, g.ints(*steps)])


def indices(g, size_of, dims, dtype="i64"):
    """Indices into an axis whose size each binding has, from its end too."""

    def maker(shape, b):
        size = size_of(b)
        numpy = {"i64": np.int64, "i32": np.int32}[dtype]
        return g.rng.integers(-size, size, shape).astype(numpy) if size else np.zeros(shape, numpy)

    return g.input(dtype, dims, maker=maker)


def gather(g):
    x = g.operand((g.one_of(MOVED),), 1, 3)
    axis = g.axis_of(x)
    if g.chance(0.3):
        least = min(s[axis] for s in x.shapes)
        if not least:
            return
        index = g.constant(np.array(g.rng.integers(-least, least, g.one_of([(), (1,), (3,), (2, 2)]))))
    else:
        index = indices(g, lambda b: x.shapes[b][axis], g.dims(g.integer(0, 2)), g.one_of(["i64", "i32"]))
    g.add("Gather", [x, index], {"axis": axis})


def gather_elements(g):
    x = g.operand((g.one_of(MOVED),), 1, 3, predicate=lambda v: v.dims is not None)
    if x.dims is None:
        return
    axis = g.axis_of(x)
    dims = list(x.dims)
    dims[axis] = g.dims(1)[0]
    index = indices(g, lambda b: x.shapes[b][axis], dims)
    g.add("GatherElements", [x, index], {"axis": axis})


def gather_nd(g):
    x = g.operand((g.one_of(MOVED),), 1, 3)
    width = g.integer(1, x.rank)
    least = [min(s[a] for s in x.shapes) for a in range(width)]
    if not all(least):
        return
    maker = lambda shape, b: np.stack(  # noqa: E731
        [g.rng.integers(-n, n, shape[:-1]) for n in least], -1).astype(np.int64).reshape(shape)
    g.add("GatherND", [x, g.input("i64", (*g.dims(g.integer(1, 2)), width), maker=maker)])


def scatter_nd(g):
    x = g.operand(("f32", "i64", "f16", "i32"), 1, 3, predicate=lambda v: v.dims is not None)
    if x.dims is None:
        return
    rows = min(s[0] for s in x.shapes)
    if not rows:
        return
    reduction = g.one_of(["none", "none", "add", "mul", "max", "min"]) if g.opset >= 18 else "none"
    count = g.integer(1, rows) if reduction == "none" else g.integer(1, 6)
    if reduction == "none":
        index = g.rng.permutation(rows)[:count]
    else:
        index = g.rng.integers(-rows, rows, count)
    updates = g.input(x.dtype, (count, *x.dims[1:]))
    g.add("ScatterND", [x, g.constant(np.asarray(index, np.int64).reshape(-1, 1)), updates],
          {"reduction": reduction} if reduction != "none" else {})


def scatter_elements(g):
    x = g.operand(("f32", "i64", "f16"), 2, 2, predicate=lambda v: v.dims is not None)
    if x.dims is None or not all(x.shapes[b][0] for b in range(len(x.shapes))):
        return
    maker = lambda shape, b: np.broadcast_to(  # noqa: E731
        g.rng.integers(-x.shapes[b][0], x.shapes[b][0], (1, shape[1])), shape).astype(np.int64)
    index = g.input("i64", (1, x.dims[1]), maker=maker)
    reduction = g.one_of(["none", "add", "max", "min"]) if g.opset >= 18 else "none"
    g.add("ScatterElements", [x, index, g.input(x.dtype, (1, x.dims[1]))],
          {"axis": 0, **({"reduction": reduction} if reduction != "none" else {})})


def depth_to_space(g):
    block = g.integer(1, 3)
    x = g.input("f32", (g.dims(1)[0], block * block * g.integer(1, 2), *g.dims(2)))
    g.add("DepthToSpace", [x], {"blocksize": block, "mode": g.one_of(["DCR", "CRD"])})


def space_to_depth(g):
    block = g.integer(1, 3)
    x = g.input("f32", (g.dims(1)[0], g.integer(1, 3), block * g.integer(0, 3), block * g.integer(1, 3)))
    g.add("SpaceToDepth", [x], {"blocksize": block})


def eye_like(g):
    x = g.operand(("f32", "i64", "f16"), 2, 2)
    g.add("EyeLike", [x], {"k": g.one_of([0, 1, -1, 3, -40, 100])})


def expand_constant(g):
    x = g.operand((g.one_of(MOVED),), 1, 3)
    if x.is_static():
        shape = [g.integer(1, 4) if s == 1 else 1 for s in x.shapes[0]]
        g.add("Expand", [x, g.ints(*([g.integer(0, 3)] if g.chance(0.3) else []), *shape)])
    else:
        g.add("Expand", [x, g.ints(g.integer(0, 3), *[1] * x.rank)])


def tile_constant(g):
    x = g.operand((g.one_of(MOVED),), 1, 3)
    g.add("Tile", [x, g.ints(*[g.one_of([0, 1, 1, 2, 3]) for _ in range(x.rank)])])


def makers():
    return [(transpose, 4), (unsqueeze, 3), (squeeze, 2), (flatten, 2), (concat, 4), (slices, 5), (gather, 4),
            (gather_elements, 2), (gather_nd, 2), (scatter_nd, 2), (scatter_elements, 2), (depth_to_space, 1),
            (space_to_depth, 1), (eye_like, 1), (expand_constant, 1), (tile_constant, 1)]
