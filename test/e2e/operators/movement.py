# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Views, data movement, creation and shape operators."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .case import DTYPES, FLOATS, INTEGERS, C, Case, T, allowed

# A slice of an open dimension up to a constant needs that many elements.
LARGE = tuple({"N": n, "M": m} for n, m in ((8, 8), (9, 17), (16, 31), (33, 15), (17, 9)))
ALL = FLOATS + INTEGERS + ("bool",)


def shapes():
    """A reshape to sizes that the run computes, as subgraph-free single nodes allow."""
    for dtype in ALL:
        yield Case("Reshape", (T(dtype, "N", 6), C("i64", [-1, 3])))
    full = {"only_sizes": True, "sizes": ({"N": 1, "M": 1}, {"N": 5, "M": 3}, {"N": 16, "M": 17}, {"N": 3, "M": 0})}
    yield Case("Reshape", (T("f32", "N", "M", 4), C("i64", [0, -1])), **full)
    yield Case("Reshape", (T("f32", 0, 3), C("i64", [3, 0])), {"allowzero": 1})
    yield Case("Reshape", (T("f32", 2, 3, 4), C("i64", [4, 6])))
    yield Case("Reshape", (T("f32", 1), C("i64", [])))
    for axis in range(-3, 4):
        yield Case("Flatten", (T("f32", "N", 3, "M"),), {"axis": axis})
    # Without axes the rank would depend on N: a dimension that varies stays.
    yield Case("Squeeze", (T("f32", 1, "N", 1),), peer=False)
    yield Case("Squeeze", (T("i64", 1, "N", 1), C("i64", [-1])))
    yield Case("Squeeze", (T("f32", 1, "N", 1),), {"axes": [0]}, opset=11)
    yield Case("Unsqueeze", (T("f16", "N", "M"), C("i64", [0, -1])))
    yield Case("Unsqueeze", (T("f32", "N"),), {"axes": [1, 2]}, opset=11)
    yield Case("Expand", (T("f32", "N", 1), C("i64", [3, 1, 7])))
    yield Case("Expand", (T("bool", 1, "N"), C("i64", [4, 1])))
    yield Case("Expand", (T("f32", "N", "M"), C("i64", [1])))
    yield Case("Expand", (T("i8"), C("i64", [2, 17])))
    yield Case("Shape", (T("f32", "N", 3, "M"),), out=("i64",))
    yield Case("Shape", (T("f32", "N", 3, "M"),), {"start": -2, "end": 3}, out=("i64",))
    yield Case("Size", (T("f32", "N", 3, "M"),), out=("i64",))


def permutations():
    import itertools

    for perm in itertools.permutations(range(3)):
        yield Case("Transpose", (T("f32", "N", "M", "K"),), {"perm": list(perm)})
        yield Case("Transpose", (T("f32", 5, 17, 33),), {"perm": list(perm)})
    yield Case("Transpose", (T("f32", "N", "M"),))
    for perm in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 3, 1, 2], [3, 2, 1, 0]):
        yield Case("Transpose", (T("f32", 2, "N", 16, "M"),), {"perm": perm})
    yield Case("Transpose", (T("f32", 2, 3, 4, 5, 6),), {"perm": [4, 0, 3, 1, 2]})
    for dtype in ALL:
        yield Case("Transpose", (T(dtype, "N", "M"),), {"perm": [1, 0]})
    for mode in ("DCR", "CRD"):
        yield Case("DepthToSpace", (T("f32", "N", 12, "M", 3),), {"blocksize": 2, "mode": mode})
    yield Case("SpaceToDepth", (T("f32", "N", 3, 4, 6),), {"blocksize": 2})
    yield Case("SpaceToDepth", (T("f32", "N", 3, 4, 6),), {"blocksize": 2, "mode": "CRD"}, opset=28)
    yield Case("SpaceToDepth", (T("f32", "N", 3, 4, 6),), {"blocksize": 4}, refused="TN2104")
    yield Case("DepthToSpace", (T("f32", "N", 12, 4, 6),), {"blocksize": 5}, refused="TN2104")
    yield Case("Split", (T("f32", 5, "N"),), opset=13, out=("f32", "f32"), refused="TN2104")


def pieces():
    for dtype in ALL:
        yield Case("Concat", (T(dtype, "N", 3), T(dtype, "N", "M"), T(dtype, "N", 1)), {"axis": 1})
        yield Case("Slice", (T(dtype, "N", 9), C("i64", [1]), C("i64", [7]), C("i64", [1]), C("i64", [2])))
        yield Case("Tile", (T(dtype, "N", 3), C("i64", [2, 3])))
        yield Case("Tile", (T(dtype, 2, "M"), C("i64", [3, 2])))  # rows without elements, too
        yield Case("Split", (T(dtype, "N", 7), C("i64", [3, 0, 4])), {"axis": 1}, out=(dtype,) * 3)
    yield Case("Concat", (T("f32", "N", "M"), T("f32", "K", "M")), {"axis": 0})
    yield Case("Concat", (T("f32", "N", 2, "M"), T("f32", "N", 2, "K")), {"axis": -1})
    yield Case("Concat", (T("f32", "N", 2),), {"axis": 0})
    # More operands than have code of their own, and than a host program's function takes.
    for dtype, count in (("f32", 20), ("i8", 20), ("f32", 150)):
        yield Case("Concat", (T(dtype, 2, 3), T(dtype, 2, 1)) * count, {"axis": 1})
        yield Case("Concat", (T(dtype, 2, "N", "M"), T(dtype, 2, "K", "M"), T(dtype, 2, 3, "M"), T(dtype, 2, 0, "M")) * count, {"axis": 1})
        yield Case("Concat", (T(dtype, "N"), T(dtype, "K")) * count, {"axis": 0})
    for starts, ends, axes, steps in (
        ([-3], [1 << 40], [1], [1]), ([5], [-100], [1], [-1]), ([7], [0], [-1], [-3]), ([0, 2], [-1, 8], [0, 2], [1, 3]),
        ([-1], [-(1 << 40)], [2], [-1]), ([3], [3], [1], [1]), ([1], [2], [0], [1]),
    ):
        yield Case("Slice", (T("f32", "N", 7, "M"), C("i64", starts), C("i64", ends), C("i64", axes), C("i64", steps)),
                   only_sizes=True, sizes=LARGE)
        yield Case("Slice", (T("f32", 3, 7, 6), C("i64", starts), C("i64", ends), C("i64", axes), C("i64", steps)))
    yield Case("Slice", (T("f32", "N", 7), C("i32", [1, 2]), C("i32", [3, 4])), only_sizes=True, sizes=LARGE)
    yield Case("Slice", (T("f32", "N", 7),), {"starts": [1], "ends": [5], "axes": [1]}, opset=9)
    yield Case("Split", (T("f32", 12, "N"),), {"num_outputs": 4}, out=("f32",) * 4)
    yield Case("Split", (T("f32", 7, "N"),), {"num_outputs": 3}, out=("f32",) * 3)
    yield Case("Split", (T("f32", "N", 6),), {"axis": -1, "split": [1, 5]}, out=("f32",) * 2, opset=11)
    yield Case("Tile", (T("f32", "N", "M", 2), C("i64", [1, 2, 1])))
    yield Case("Tile", (C("f32", [1, 1, 1, 1]), C("i64", [1000])))  # larger than what is worth a constant
    yield Case("Tile", (T("f32", "N", "M", 2), C("i64", [0, 1, 3])))


def pads():
    for mode in ("constant", "reflect", "edge", "wrap"):
        for dtype in ("f32", "f16", "f64", "i32", "i64", "u8", "i8", "bool"):
            value = (C(dtype, 1),) if mode == "constant" else ()
            yield Case("Pad", (T(dtype, 3, 5), C("i64", [1, 2, 0, 3]), *value), {"mode": mode})
        # Reflection and wrapping need something to reflect: sizes of at least 4.
        sizes = tuple({"N": n, "M": m} for n, m in ((4, 7), (17, 4), (5, 16)))
        yield Case("Pad", (T("f32", "N", 1, "M"), C("i64", [1, 0, 3, 2, 0, 0])), {"mode": mode}, sizes=sizes,
                   only_sizes=mode != "constant")
    yield Case("Pad", (T("f32", "N", "M"), C("i64", [2, 0, 1, 3])))
    yield Case("Pad", (T("f32"), C("i64", [])))
    yield Case("Pad", (T("f32", 5, 7), C("i64", [-1, 2, 0, -3])))
    yield Case("Pad", (T("f32", "N", 7), C("i64", [1, 1]), C("f32", -2.5), C("i64", [-1])))
    yield Case("Pad", (T("f32", "N", 7),), {"pads": [0, 1, 2, 0], "value": 3.0}, opset=10)


def created():
    one = lambda dtype, value: numpy_helper.from_array(np.array([value], DTYPES[dtype][1]))  # noqa: E731
    for dtype in ("f32", "f16", "f64", "i32", "i64", "u8", "bool"):
        yield Case("ConstantOfShape", (C("i64", [2, 17]),), {"value": one(dtype, 1)}, out=(dtype,))
    yield Case("ConstantOfShape", (C("i64", []),), out=("f32",))
    yield Case("ConstantOfShape", (C("i64", [0, 3]),), out=("f32",))
    for dtype, values in (("f32", (0, 4.5, 0.25)), ("f64", (3, -2, -0.5)), ("i32", (2, 40, 3)), ("i64", (9, -9, -4))):
        yield Case("Range", tuple(C(dtype, v) for v in values))
    yield Case("Range", (C("i64", 5), C("i64", 5), C("i64", 1)))
    for dtype in ("f32", "f64", "i64", "i32", "f16", "u8", "bool"):
        for upper in (0, 1):
            yield Case("Trilu", (T(dtype, 2, "N", "M"),), {"upper": upper})
    for k in (-3, -1, 0, 2, 40):
        yield Case("Trilu", (T("f32", "N", "M"), C("i64", k)), {"upper": 1})
        yield Case("Trilu", (T("f32", "N", "M"), C("i64", k)), {"upper": 0})
    for k in (-1, 0, 2):
        yield Case("EyeLike", (T("f32", "N", "M"),), {"k": k})
    for k in (-3, 5, 6, -100, 2**31, -(2**31) - 1, 2**63 - 1, -(2**63)):
        yield Case("EyeLike", (T("f32", 3, 5),), {"k": k}, peer=abs(k) < 2**31)
        yield Case("EyeLike", (T("f32", "N", "M"),), {"k": k}, peer=False)
    yield Case("EyeLike", (T("f32", 3, 5),), {"dtype": TensorProto.INT64}, out=("i64",))


def functions():
    """AffineGrid is the function of ONNX's schema, whose If use its inputs."""
    for align in (0, 1):
        yield Case("AffineGrid", (T("f32", 2, 2, 3), C("i64", [2, 3, 4, 5])), {"align_corners": align}, opset=20)
        yield Case("AffineGrid", (T("f32", 2, 3, 4), C("i64", [2, 3, 4, 5, 6])), {"align_corners": align}, opset=20)


def conditions():
    """If with constants in its branches: nodes of a case have no outer values."""
    def constant(name, values):
        value = numpy_helper.from_array(np.array(values, np.float32))
        node = helper.make_node("Constant", [], [name], value=value)
        return helper.make_graph([node], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, None)])

    attrs = {"then_branch": constant("yes", [1, 2, 3]), "else_branch": constant("no", [4, 5, 6])}
    yield Case("If", (T("bool"),), attrs, out=("f32",))
    yield Case("If", (C("bool", True),), attrs, out=("f32",))


def cases():
    yield from filter(allowed, [*shapes(), *permutations(), *pieces(), *pads(), *created(), *functions(), *conditions()])
