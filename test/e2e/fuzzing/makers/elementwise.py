# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Elementwise operators, casts, selections and branches."""

import numpy as np
from onnx import TensorProto, helper

from operators.case import DTYPES
from operators.elementwise import NO_DOUBLE, UNARY

from ..values import FLOATS, INTEGERS, PLAIN

FLOAT_CHOICE = ("f32",) * 6 + ("f16", "f16", "f64", "bf16")
ANY_CHOICE = FLOAT_CHOICE + ("i32", "i64", "i64", "u8", "i8", "bool", "i16", "u16", "u32", "u64")
ARITHMETIC = ("Add", "Sub", "Mul", "Div")
COMPARE = ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual")


def typed(g, choice, high_rank=4):
    return g.operand((g.one_of(choice),), 0, high_rank)


def unary(g):
    op, values, attrs = g.one_of(UNARY)
    x = typed(g, FLOAT_CHOICE)
    if x.dtype == "f64" and op in NO_DOUBLE:
        return
    if g.level == PLAIN and values[0] > -1 and g.chance(0.5):
        x = g.input(x.dtype, x.dims if x.dims is not None else g.dims(2), low=values[0], high=values[1])
    attrs = dict(attrs)
    if "alpha" in attrs and g.chance(0.3):
        attrs["alpha"] = float(g.one_of([0.0 if op != "Celu" else 1.5, 0.5, 2.0, -0.5]))  # Celu divides by it
    g.add(op, [x], attrs)


def unary_of_others(g):
    op = g.one_of(["Abs", "Sign", "Neg", "Not", "BitwiseNot", "IsNaN", "IsInf", "Identity", "Relu"])
    choice = {"Not": ("bool",), "BitwiseNot": INTEGERS, "IsNaN": ("f32", "f16", "f64"), "IsInf": ("f32", "f64"),
              "Neg": ("i32", "i64", "i8", "i16", "f32"), "Relu": ("i32", "i8", "f32")}.get(op, ANY_CHOICE[:-3])
    g.add(op, [typed(g, choice)])


def binary(g):
    op = g.one_of(ARITHMETIC)
    x = typed(g, FLOAT_CHOICE + ("i32", "i64", "i64", "u8"))
    y = g.broadcast_to(x)
    if y is None:
        return
    g.add(op, [x, y] if g.chance(0.7) else [y, x])


def square(g):
    """A value with itself."""
    x = typed(g, FLOAT_CHOICE)
    g.add(g.one_of(["Mul", "Add", "Sub", "Div", "Max", "Equal"]), [x, x])


def power(g):
    x = typed(g, ("f32",) * 5 + ("f16", "i32", "i64"))
    kind = g.integer(0, 3)
    if kind == 0:
        y = g.broadcast_to(x)
    elif kind == 1:
        y = g.constant(np.array(g.one_of([0, 1, 2, 3, 4, 5, -1, -2, -3, 0.5, -0.5, 1.5]), np.float32).astype(
            x.arrays[0].dtype if g.chance(0.6) else np.float32))
    elif kind == 2:
        dtype = g.one_of(["i32", "i64", "f32"])
        base = g.broadcast_to(x, dtype)
        y = base if base is not None and not base.constant else None
    else:  # a constant base
        y, x = x, g.constant(np.array(g.one_of([-2, -1, 0, 2, 3, -0.5]), x.arrays[0].dtype))
        if x.dtype in INTEGERS:
            return
    if y is not None:
        g.add("Pow", [x, y])


def modulo(g):
    fmod = g.integer(0, 1)
    x = typed(g, ("f32", "f16", "f64") if fmod and g.chance(0.6) else ("i32", "i64", "i8", "u8", "i16", "u32"))
    if g.chance(0.5) or x.dtype[0] == "u":
        y = g.constant(np.array(g.one_of([1, 2, 3, 5, 7] + ([-2, -3] if x.dtype[0] != "u" else [])), x.arrays[0].dtype))
    else:
        y = g.broadcast_to(x)
    if y is not None:
        g.add("Mod", [x, y], {"fmod": 1 if x.dtype in FLOATS else fmod})


def compare(g):
    op = g.one_of(COMPARE)
    x = typed(g, FLOAT_CHOICE + ("i32", "i64") + (("bool",) if op == "Equal" else ()))
    y = g.broadcast_to(x)
    if y is not None:
        g.add(op, [x, y])


def logic(g):
    x = typed(g, ("bool",))
    y = g.broadcast_to(x)
    if y is not None:
        g.add(g.one_of(["And", "Or", "Xor"]), [x, y])


def bits(g):
    x = typed(g, INTEGERS)
    y = g.broadcast_to(x)
    if y is None or g.opset < 18:
        return
    g.add(g.one_of(["BitwiseAnd", "BitwiseOr", "BitwiseXor"]), [x, y])


def variadic(g):
    op = g.one_of(["Max", "Min", "Sum", "Mean"])
    x = typed(g, FLOAT_CHOICE[:-1] + (("i32", "i64", "u8") if op in ("Max", "Min") else ()))
    operands = [x] + [y for y in (g.broadcast_to(x) for _ in range(g.integer(0, 2))) if y is not None]
    g.add(op, operands)


def clip(g):
    x = typed(g, FLOAT_CHOICE + ("i32", "i64", "u8", "i8"))
    numpy = x.arrays[0].dtype
    low = g.constant(np.array(g.one_of([0, 1, -1 if x.dtype[0] != "u" else 0]), numpy)) if g.chance(0.7) else None
    high = g.constant(np.array(g.one_of([1, 3, 6]), numpy)) if g.chance(0.7) else None
    if high is not None and g.chance(0.2):
        high = g.input(x.dtype, ())
    g.add("Clip", [x, low, high])


def where(g):
    x = typed(g, ANY_CHOICE)
    y, condition = g.broadcast_to(x), g.broadcast_to(x, "bool")
    if y is not None and condition is not None:
        g.add("Where", [condition, x, y])


def prelu(g):
    x = typed(g, FLOAT_CHOICE)
    slope = g.broadcast_to(x)
    if slope is not None and slope.rank <= x.rank:
        g.add("PRelu", [x, slope])


def cast(g):
    x = typed(g, ANY_CHOICE)
    target = g.one_of(FLOATS + INTEGERS + ("bool",))
    g.add("Cast", [x], {"to": DTYPES[target][0]})


def limited_cast(g):
    """Out of range is undefined: a Clip in front."""
    x = typed(g, ("f32", "f16", "f64"))
    numpy = x.arrays[0].dtype
    clipped = g.add("Clip", [x, g.constant(np.array(0, numpy)), g.constant(np.array(100, numpy))])[0]
    whole = g.add("Cast", [clipped], {"to": DTYPES[g.one_of(INTEGERS)][0]})[0]
    if g.chance(0.3):
        g.add("Cast", [whole], {"to": TensorProto.FLOAT})


def branch(g):
    """An If whose condition follows from shapes, or is data; branches capture values."""
    x = typed(g, ("f32",))
    if g.chance(0.5):
        from .sizes import one_size

        size = one_size(g, vector=False)
        condition = g.add(g.one_of(["Less", "Equal", "Greater"]), [size, g.constant(np.int64(g.integer(0, 8)))])[0]
    else:
        condition = g.some(lambda v: v.dtype == "bool" and v.rank == 0) or g.input("bool", ())
    y = g.like(x) if g.chance(0.5) else None
    if y and condition.dtype == "bool" and not condition.sizes and (y.dims is None or y.dims != x.dims):
        y = None  # sizes that are equal here and need not be: of branches that data chooses, they would depend on data

    count = 2 if g.chance(0.3) else 1

    def path(out):
        """The nodes to one output: none of them may be left once sizes are known."""
        op = g.one_of(["Identity", "Relu", "Neg", "Mul", "Add", "Abs"] + ["Reshape"] * (y is not None))
        if op == "Reshape":
            return [helper.make_node("Shape", [y.name], [out + "s"]), helper.make_node("Reshape", [x.name, out + "s"], [out])]
        operands = [x.name, (y or x).name] if op in ("Mul", "Add") else [x.name]
        if op == "Identity" or g.chance(0.3):
            return [helper.make_node(op, operands, [out])]
        return [helper.make_node(op, operands, [out + "a"]), helper.make_node("Abs", [out + "a"], [out])]

    def body(prefix):
        outs = [f"{prefix}{g.counts.get('t', 0)}_{i}" for i in range(count)]
        kinds = [helper.make_tensor_value_info(out, DTYPES[x.dtype][0], [None] * x.rank) for out in outs]
        return helper.make_graph([node for out in outs for node in path(out)], prefix, [], kinds)

    wanted = [g.chance(0.6), True] if count == 2 else 1
    g.add("If", [condition], {"then_branch": body("then"), "else_branch": body("else")}, wanted)


def makers():
    return [(unary, 8), (unary_of_others, 3), (binary, 8), (square, 1), (power, 4), (modulo, 2), (compare, 3), (logic, 1),
            (bits, 1), (variadic, 3), (clip, 2), (where, 3), (prelu, 1), (cast, 4), (limited_cast, 2), (branch, 3)]
