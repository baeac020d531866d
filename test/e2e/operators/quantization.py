# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Quantization and the integer operators."""

import numpy as np

from .case import C, Case, T, allowed

MS = {"domain": "com.microsoft"}
# Products in single precision may lie on the other side of a rounding boundary.
STEP = {"steps": 1}


def linear():
    for dtype in ("i8", "u8", "i16", "u16"):
        yield Case("QuantizeLinear", (T("f32", "N", "M"), C("f32", 0.05), C(dtype, 7)), out=(dtype,))
        yield Case("DequantizeLinear", (T(dtype, "N", "M"), C("f32", 0.05), C(dtype, 7)), out=("f32",))
    for axis in (0, 1, -1):
        scale, zero = C("f32", [0.1, 0.02, 0.3]), C("u8", [1, 128, 200])
        yield Case("QuantizeLinear", (T("f32", 3, 3, 3), scale, zero), {"axis": axis}, out=("u8",))
        yield Case("DequantizeLinear", (T("u8", 3, 3, 3), scale, zero), {"axis": axis}, out=("f32",))
    yield Case("QuantizeLinear", (T("f32", "N", 3), C("f32", [0.1])), out=("u8",))
    yield Case("DequantizeLinear", (T("i32", "N", 3), C("f32", 0.1)), out=("f32",))
    # ONNX Runtime does not round the quotient to float16.
    yield Case("QuantizeLinear", (T("f16", "N", 5), C("f16", 0.1), C("i8", 0)), out=("i8",), steps=1)
    yield Case("DequantizeLinear", (T("i8", "N", 5), C("f16", 0.1), C("i8", 0)), out=("f16",))
    blocked = C("f32", np.linspace(0.1, 1, 8).reshape(2, 4))
    yield Case("QuantizeLinear", (T("f32", 2, 16), blocked), {"block_size": 4, "axis": 1}, out=("u8",))
    yield Case("DequantizeLinear", (T("u8", 2, 16), blocked), {"block_size": 4, "axis": 1}, out=("f32",))
    for op in ("QuantizeLinear", "DequantizeLinear"):
        first = T("f32" if op[0] == "Q" else "u8", "N", "M")
        yield Case(op, (first, C("f32", 0.05), C("u8", 3)), out=("u8" if op[0] == "Q" else "f32",), **MS)
    yield Case("DynamicQuantizeLinear", (T("f32", 5, 17),), out=("u8", "f32", "u8"))


def products():
    scale = lambda value: C("f32", value)  # noqa: E731
    for dtype in ("u8", "i8"):
        a, b = T(dtype, "N", 17), T(dtype, 17, 33)
        yield Case("MatMulInteger", (a, b, C(dtype, 3), C(dtype, 5)), out=("i32",))
        yield Case("MatMulInteger", (a, b), out=("i32",))
        yield Case("QLinearMatMul", (a, scale(0.1), C(dtype, 3), b, scale(0.02), C(dtype, 2), scale(0.3), C(dtype, 1)),
                   out=(dtype,), **STEP)
    yield Case("ConvInteger", (T("u8", 1, 3, 7, 9), T("u8", 5, 3, 3, 3), C("u8", 7), C("u8", 2)), out=("i32",))
    yield Case("QLinearConv", (T("u8", 1, 3, 7, 9), scale(0.1), C("u8", 3), T("u8", 5, 3, 3, 3), scale(0.02), C("u8", 2),
                               scale(0.3), C("u8", 1), C("i32", [1, -2, 3, -4, 5])), out=("u8",), **STEP)
    for dtype in ("u8", "i8"):
        x = (T(dtype, "N", "M"), scale(0.1), C(dtype, 3))
        for op in ("QLinearAdd", "QLinearMul"):
            yield Case(op, (*x, T(dtype, "M"), scale(0.05), C(dtype, 1), scale(0.2), C(dtype, 4)), out=(dtype,), **MS, **STEP)
        yield Case("QLinearSigmoid", (*x, scale(1 / 256), C(dtype, 0)), out=(dtype,), **MS, **STEP)
        yield Case("QLinearLeakyRelu", (*x, scale(0.1), C(dtype, 2)), {"alpha": 0.1}, out=(dtype,), **MS, **STEP)


def cases():
    yield from filter(allowed, [*linear(), *products()])
