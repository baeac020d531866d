# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Arithmetic on sizes as exporters write it, and what is done with the results."""

import numpy as np

from ..values import SPECIAL


def open_value(g, low_rank=1):
    return g.some(lambda v: v.rank >= low_rank and not v.sizes and not v.is_static()) or g.operand(("f32",), low_rank, 3, fresh=1)


def shape_of(g):
    value = open_value(g)
    attrs = {}
    if g.opset >= 15 and g.chance(0.3):
        attrs["start"] = g.integer(-value.rank - 1, value.rank)
        if g.chance(0.5):
            attrs["end"] = g.integer(-value.rank, value.rank + 1)
    return g.add("Shape", [value], attrs)[0]


def one_size(g, vector=True):
    """A size as [1] (or a scalar), by one of the ways that exporters take."""
    found = g.some(lambda v: v.sizes and v.dtype == "i64" and not v.constant and
                   v.rank == (1 if vector else 0) and all(a.size == 1 for a in v.arrays))
    if found is not None and g.chance(0.5):
        return found
    shape = shape_of(g)
    length = shape.arrays[0].size
    if length == 0:
        return g.ints(2) if vector else g.constant(np.int64(2))
    at = g.integer(-length, length - 1)
    way = g.integer(0, 2)
    if vector:
        if way == 0:
            return g.add("Gather", [shape, g.ints(at)])[0]
        if way == 1:
            begin = at % length
            return g.add("Slice", [shape, g.ints(begin), g.ints(begin + 1), g.ints(0)])[0]
        scalar = g.add("Gather", [shape, g.constant(np.int64(at))])[0]
        return g.add("Unsqueeze", [scalar, g.ints(0)])[0]
    if way == 0:
        return g.add("Size", [open_value(g)])[0]
    scalar = g.add("Gather", [shape, g.constant(np.int64(at))])[0]
    return scalar


def arithmetic(g, vector=True):
    """One or two steps of arithmetic on a size."""
    value = one_size(g, vector)
    for _ in range(g.integer(0, 2)):
        value = step(g, value, vector)
    return value


def step(g, value, vector):
    op = g.one_of(["Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "Neg", "Round up", "Halve", "Cast", "Where", "Float"])
    number = lambda n: g.ints(n) if vector else g.constant(np.int64(n))  # noqa: E731
    other = one_size(g, vector) if g.chance(0.4) else number(g.integer(1, 9))
    if op in ("Add", "Sub", "Mul", "Div", "Mod", "Min", "Max"):
        pair = [value, other] if g.chance(0.7) else [other, value]
        return g.add(op, pair)[0]
    if op == "Neg":
        return g.add("Neg", [value])[0]
    if op == "Round up":  # to a multiple
        n = g.integer(2, 8)
        if g.chance(0.5):
            more = g.add("Add", [value, number(n - 1)])[0]
            return g.add("Mul", [g.add("Div", [more, number(n)])[0], number(n)])[0]
        rest = g.add("Mod", [value, number(n)])[0]
        missing = g.add("Mod", [g.add("Sub", [number(n), rest])[0], number(n)])[0]
        return g.add("Add", [value, missing])[0]
    if op == "Halve":
        return g.add("Div", [value, number(2)])[0]
    if op == "Cast":
        return g.add("Cast", [g.add("Cast", [value], {"to": 6})[0]], {"to": 7})[0]
    if op == "Where":
        less = g.add(g.one_of(["Less", "Equal", "Greater"]), [value, other])[0]
        return g.add("Where", [less, value, number(g.integer(0, 5))])[0]
    wide = g.add("Cast", [value], {"to": 1})[0]
    half = g.add("Mul", [wide, g.constant(np.array([0.5] if vector else 0.5, np.float32))])[0]
    return g.add("Cast", [g.add(g.one_of(["Floor", "Ceil"]), [half])[0]], {"to": 7})[0]


def small(g, value):
    """Whether every array of a size value is fit to make something of that size."""
    return all(0 <= int(n) <= 200 for a in value.arrays for n in a.ravel())


def slice_by_size(g):
    x = open_value(g)
    axis = g.axis_of(x)
    vector = lambda: arithmetic(g) if g.chance(0.7) else g.ints(g.integer(-20, 40))  # noqa: E731
    begin = g.ints(g.one_of([0, 0, 0, 1, -1, 2, -3, 1000, -1000])) if g.chance(0.6) else vector()
    end = vector() if g.chance(0.8) else g.ints(g.one_of([2**63 - 1, -1, 5, 512, -(2**63)]))
    step = g.ints(g.one_of([1, 1, 1, 2, -1, 3, -2]))
    g.add("Slice", [x, begin, end, g.ints(axis), step])


def slice_both(g):
    x = g.operand(("f32", "f16", "i64", "bool"), 2, 4)
    axes = sorted(g.rng.choice(x.rank, 2, replace=False).tolist())
    ends = g.add("Concat", [arithmetic(g), arithmetic(g)], {"axis": 0})[0]
    g.add("Slice", [x, g.ints(0, g.integer(-2, 2)), ends, g.ints(*axes)])


def reshape(g):
    x = open_value(g)
    kind = g.integer(0, 4)
    if kind == 0:
        shape = g.ints(*g.one_of([[-1], [0, -1], [1, -1], [-1, 1], [0] * x.rank + [1]]))
    elif kind == 1:  # a flattened part: [sizes, -1]
        sizes = g.add("Shape", [x])[0]
        head = g.add("Slice", [sizes, g.ints(0), g.ints(1), g.ints(0)])[0]
        shape = g.add("Concat", [head, g.ints(-1)], {"axis": 0})[0]
    elif kind == 2:  # the product of the sizes
        sizes = g.add("Shape", [x])[0]
        if g.opset >= 18:
            product = g.add("ReduceProd", [sizes, g.ints(0)], {"keepdims": 1})[0]
        else:
            product = g.add("ReduceProd", [sizes], {"axes": [0], "keepdims": 1})[0]
        shape = g.add("Concat", [product, g.ints(1)], {"axis": 0})[0]
    elif kind == 3:  # like another value's
        sizes = g.add("Shape", [x])[0]
        parts = [g.add("Gather", [sizes, g.ints(axis)])[0] for axis in g.rng.permutation(x.rank).tolist()]
        shape = g.add("Concat", parts, {"axis": 0})[0]
    else:
        sizes = g.add("Shape", [x])[0]
        shape = g.add("Concat", [g.ints(1), sizes, g.ints(1)], {"axis": 0})[0]
    g.add("Reshape", [x, shape])


def expand(g):
    x = g.operand(("f32", "i64", "f16", "bool"), 1, 3)
    sizes = []
    for axis in range(x.rank):
        if all(s[axis] == 1 for s in x.shapes):
            sizes.append(arithmetic(g))
        else:
            sizes.append(g.ints(1))
    if g.chance(0.4):
        sizes.insert(0, arithmetic(g))
    if not all(small(g, s) for s in sizes):
        return
    g.add("Expand", [x, g.add("Concat", sizes, {"axis": 0})[0]])


def tile(g):
    x = g.operand(("f32", "i32", "bool"), 1, 3)
    repeats = [arithmetic(g) if g.chance(0.4) else g.ints(g.integer(0, 3)) for _ in range(x.rank)]
    if all(small(g, s) and all(a.max(initial=0) < 20 for a in s.arrays) for s in repeats):
        g.add("Tile", [x, g.add("Concat", repeats, {"axis": 0})[0]])


def fill(g):
    sizes = [arithmetic(g) if g.chance(0.6) else g.ints(g.integer(0, 4)) for _ in range(g.integer(1, 3))]
    if all(small(g, s) for s in sizes):
        shape = g.add("Concat", sizes, {"axis": 0})[0]
        value = np.array([g.one_of([0, 1, 7])], g.one_of([np.float32, np.int64, np.bool_]))
        made = g.add("ConstantOfShape", [shape], {"value": value})[0]
        made.sizes = False


def count(g):
    end = arithmetic(g, vector=False)
    begin = g.constant(np.int64(g.integer(-3, 3)))
    delta = g.constant(np.int64(g.one_of([1, 1, 2, 3, -1])))
    if g.chance(0.3):
        begin, end = end, begin
    if all(abs(int(a)) < 500 for a in [*end.arrays, *begin.arrays]):
        made = g.add("Range", [begin, end, delta])[0]
        made.sizes = False


def pad(g):
    x = g.operand(("f32", "f16", "i32", "i64"), 1, 4)
    if g.chance(0.5):
        pads = [g.ints(0) if g.chance(0.5) else arithmetic(g) if g.chance(0.4) else g.ints(g.integer(-2, 4)) for _ in range(2 * x.rank)]
        amounts = g.add("Concat", pads, {"axis": 0})[0]
    else:
        amounts = g.ints(*[g.one_of([0, 0, 1, 2, 3, -1]) for _ in range(2 * x.rank)])
    if any(abs(int(n)) > 100 for a in amounts.arrays for n in a):
        return
    modes = ["constant", "constant", "edge", "reflect"] + (["wrap"] if g.opset >= 19 else [])
    mode = g.one_of(modes)
    value = g.constant(np.array(3, x.arrays[0].dtype)) if mode == "constant" and g.chance(0.5) else None
    g.add("Pad", [x, amounts, value], {"mode": mode})


def split(g):
    x = open_value(g)
    axis = g.axis_of(x)
    if g.opset >= 18 and g.chance(0.6):
        n = g.integer(1, 4)
        g.add("Split", [x], {"axis": axis, "num_outputs": n}, n)
        return
    if g.chance(0.4):
        n = g.integer(1, 3)
        g.add("Split", [x], {"axis": axis, **({"num_outputs": n} if g.opset >= 18 else {})}, n)
        return
    length = arithmetic(g)
    size = g.add("Gather", [g.add("Shape", [x])[0], g.ints(axis)])[0]
    rest = g.add("Sub", [size, length])[0]
    g.add("Split", [x, g.add("Concat", [length, rest], {"axis": 0})[0]], {"axis": axis}, 2)


def top(g):
    if g.chance(0.4):  # NaN has a place in the order
        x = g.input(g.one_of(["f32", "f16"]), g.dims(g.integer(1, 2)), level=SPECIAL)
    else:
        x = g.operand(("f32", "f16", "i64", "i32", "u8"), 1, 3)
    axis = g.axis_of(x)
    if g.chance(0.6):
        size = g.add("Gather", [g.add("Shape", [x])[0], g.ints(axis)])[0]
        k = g.add("Min", [size, g.ints(g.integer(1, 6))])[0]
    else:
        k = g.ints(g.integer(0, 4)) if g.chance(0.7) else arithmetic(g)
    g.add("TopK", [x, k], {"axis": axis, "largest": g.integer(0, 1), "sorted": 1}, 2)


def triangle(g):
    x = g.operand(("f32", "i64", "bool"), 2, 3)
    k = arithmetic(g, vector=False) if g.chance(0.5) else g.constant(np.int64(g.integer(-5, 5)))
    g.add("Trilu", [x, k] if g.chance(0.8) else [x], {"upper": g.integer(0, 1)})


def one_hot(g):
    x = g.operand(("i64", "i32"), 1, 2)
    depth = arithmetic(g, vector=False)
    if all(0 < int(a) < 60 for a in depth.arrays):
        g.add("OneHot", [x, depth, g.constant(np.array([0, 1], np.float32))], {"axis": g.one_of([-1, 0])})


def positions(g):
    """table[position[:, -n:]], as exporters of decoders write it."""
    index = g.operand(("i64",), 2, 2)
    length = arithmetic(g)
    last = g.add("Slice", [index, g.add("Neg", [length])[0], g.ints(2**63 - 1), g.ints(1)])[0]
    table = g.operand(("f32",), 2, 2)
    rows = min(s[0] for s in table.shapes)
    if rows == 0:
        return
    bounded = g.add("Mod", [last, g.constant(np.int64(rows))])[0]
    g.add("Gather", [table, bounded])


def resize_to(g):
    x = g.operand(("f32",), 4, 4, fresh=0.6)
    sizes = [g.add("Gather", [g.add("Shape", [x])[0], g.ints(0, 1)])[0]]
    sizes += [arithmetic(g), arithmetic(g)]
    if all(all(0 < int(n) < 40 for a in s.arrays for n in a) for s in sizes[1:]):
        target = g.add("Concat", sizes, {"axis": 0})[0]
        g.add("Resize", [x, None, None, target], {
            "mode": g.one_of(["nearest", "linear", "cubic"]),
            "coordinate_transformation_mode": g.one_of(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]),
            "nearest_mode": g.one_of(["floor", "round_prefer_floor", "ceil", "round_prefer_ceil"])})


def use_size(g):
    """A size as a value: into the data."""
    size = arithmetic(g, vector=g.chance(0.5))
    wide = g.add("Cast", [size], {"to": 1})[0]
    wide.sizes = False
    x = g.operand(("f32",), 0, 3)
    g.add(g.one_of(["Add", "Mul", "Sub"]), [x, wide])


def makers():
    return [(slice_by_size, 6), (slice_both, 2), (reshape, 4), (expand, 3), (tile, 1), (fill, 2), (count, 2), (pad, 4),
            (split, 3), (top, 3), (triangle, 1), (one_hot, 1), (positions, 1), (resize_to, 2), (use_size, 2)]
