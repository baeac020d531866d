# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Elementwise operators: every kind, element type and broadcast pattern."""

import numpy as np

from .case import DTYPES, EITHER_ONE, FLOATS, INTEGERS, C, Case, T, allowed

ANY, POSITIVE, UNIT = (-4, 4), (0.05, 6), (-0.95, 0.95)
# Operator, range of the values, attributes.
UNARY = [
    ("Abs", ANY, {}), ("Neg", ANY, {}), ("Exp", ANY, {}), ("Log", POSITIVE, {}), ("Sqrt", POSITIVE, {}),
    ("Reciprocal", POSITIVE, {}), ("Floor", ANY, {}), ("Ceil", ANY, {}), ("Round", ANY, {}), ("Sign", ANY, {}),
    ("Sin", ANY, {}), ("Cos", ANY, {}), ("Tan", UNIT, {}), ("Asin", UNIT, {}), ("Acos", UNIT, {}), ("Atan", ANY, {}),
    ("Sinh", ANY, {}), ("Cosh", ANY, {}), ("Tanh", ANY, {}), ("Asinh", ANY, {}), ("Acosh", (1.05, 6), {}),
    ("Atanh", UNIT, {}), ("Erf", ANY, {}), ("Sigmoid", ANY, {}), ("Relu", ANY, {}), ("Softplus", ANY, {}),
    ("Softsign", ANY, {}), ("HardSwish", ANY, {}), ("Mish", ANY, {}), ("LeakyRelu", ANY, {"alpha": 0.3}),
    ("Elu", ANY, {"alpha": 1.5}), ("Celu", ANY, {"alpha": 1.5}), ("Selu", ANY, {}), ("HardSigmoid", ANY, {}),
    ("HardSigmoid", ANY, {"alpha": 0.5, "beta": 0.3}), ("ThresholdedRelu", ANY, {"alpha": 0.7}),
    ("Shrink", ANY, {"lambd": 1.5, "bias": 0.5}), ("Gelu", ANY, {}), ("Gelu", ANY, {"approximate": "tanh"}),
    ("Swish", ANY, {"alpha": 1.5}),
]
# Kernels have no double-precision polynomials of these.
NO_DOUBLE = {"Exp", "Log", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh",
             "Erf", "Sigmoid", "Softplus", "Mish", "Elu", "Celu", "Selu", "Gelu", "Swish"}
BINARY = [("Add", FLOATS + INTEGERS), ("Sub", FLOATS + INTEGERS), ("Mul", FLOATS + INTEGERS),
          ("Div", FLOATS + INTEGERS), ("Pow", ("f32", "f16", "f64", "i32", "i64")), ("PRelu", FLOATS + ("i32", "u32")),
          ("And", ("bool",)), ("Or", ("bool",)), ("Xor", ("bool",)), ("BitwiseAnd", INTEGERS), ("BitwiseOr", INTEGERS),
          ("BitwiseXor", INTEGERS), ("Mod", INTEGERS)]
COMPARE = [("Equal", FLOATS + INTEGERS + ("bool",)), ("Less", FLOATS + INTEGERS), ("LessOrEqual", FLOATS + INTEGERS),
           ("Greater", FLOATS + INTEGERS), ("GreaterOrEqual", FLOATS + INTEGERS)]
# Shapes of the two operands.
PATTERNS = [
    (("N", "M"), ("N", "M")), (("N", "M"), ("M",)), (("N", "M"), ("N", 1)), (("N", 1), (1, "M")), (("N", "M"), ()),
    ((), ("N",)), (("N", "M", "K"), ("M", 1)), (("K", 1, "N", "M"), ("M",)), (("N", 1, "M"), (1, "K", 1)),
    ((1,), ("N",)), ((1, 1, 1), ("N", "M")), ((3, 1, 5), (1, 4, 1)), ((7, 17), (17,)), ((2, 3, 1, 5), (3, 4, 5)),
    ((), ()), ((0, 3), (1, 3)), ((5, 1), (1, 31)), (("N", 16), ("N", 16)), (("N", 33), (33,)),
]


def unary_cases():
    for op, values, attrs in UNARY:
        opset = 24 if op == "Swish" else 21
        for dtype in FLOATS:
            # ONNX Runtime rounds the attributes' sums to float.
            yield Case(op, (T(dtype, "N", "M", draw=values),), attrs, opset=opset, peer=(op, dtype) != ("Shrink", "f64"),
                       refused="TN5002" if dtype == "f64" and op in NO_DOUBLE else "")
        yield Case(op, (T("f32", draw=values),), attrs, opset=opset)
        yield Case(op, (T("f32", 3, 1, 17, draw=values),), attrs, opset=opset)
    for op in ("Abs", "Sign"):
        for dtype in INTEGERS:
            yield Case(op, (T(dtype, "N", 3),))
    for op in ("Neg", "Relu"):
        for dtype in INTEGERS[:4]:
            yield Case(op, (T(dtype, "N", 3),))
    yield Case("Not", (T("bool", "N", "M"),))
    for dtype in INTEGERS:
        yield Case("BitwiseNot", (T(dtype, "N", "M"),))
    special = C("f32", [np.nan, np.inf, -np.inf, 0, -0.0, 1, -2, 3e38, 1e-40])
    for op, attrs in (("IsNaN", {}), ("IsInf", {}), ("IsInf", {"detect_negative": 0}), ("IsInf", {"detect_positive": 0}),
                      ("IsInf", {"detect_positive": 0, "detect_negative": 0})):
        yield Case(op, (T("f32", 9, draw=lambda s, z, r: special.value),), attrs, out=("bool",))
        yield Case(op, (T("f64", "N"),), attrs, out=("bool",))
    yield Case("IsNaN", (T("f16", "N", 5),), out=("bool",))


def binary_cases():
    for op, dtypes in BINARY + COMPARE:
        out = ("bool",) if (op, dtypes) in COMPARE else None
        for dtype in dtypes:
            exact = dtype in INTEGERS or dtype == "bool"
            low = (1, 40) if exact and op in ("Div", "Mod") else (0, 4) if exact and op == "Pow" else None
            if not exact and op == "Div":
                low = (0.5, 4)
            if not exact and op == "Pow":
                low = (-2, 2)
            first = (0, 5) if op == "Pow" and exact else None
            patterns = PATTERNS if dtype in ("f32", "i64", "bool") and op in ("Add", "Sub", "And", "Less") else PATTERNS[:3]
            for a, b in patterns:
                if op == "PRelu" and len(b) > len(a):
                    continue
                yield Case(op, (T(dtype, *a, draw=first), T(dtype, *b, draw=low)), out=out)
    for dtype in FLOATS:
        yield Case("Mod", (T(dtype, "N", "M"), T(dtype, "M", draw=(0.5, 3))), {"fmod": 1})
        # Exact, however large the quotient; ONNX Runtime is as inexact as the type.
        large = lambda s, z, r: r.standard_normal(s) * 10.0 ** r.uniform(0, 4, s)  # noqa: E731
        small = lambda s, z, r: r.uniform(0.5, 1, s) * 10.0 ** r.uniform(-3, 0, s)  # noqa: E731
        yield Case("Mod", (T(dtype, "N", 9, draw=large), T(dtype, 9, draw=small)), {"fmod": 1}, peer=False)
        yield Case("Mod", (T(dtype, "N", 9, draw=large), T(dtype, 9, draw=lambda s, z, r: -r.uniform(0.1, 3, s))),
                   opset=28, peer=False)
    huge = lambda s, z, r: r.standard_normal(s) * 10.0 ** r.uniform(-40, 38, s)  # noqa: E731
    for dtype in ("f32", "f64"):
        yield Case("Mod", (T(dtype, "N", 9, draw=huge), T(dtype, "N", 9, draw=huge)), {"fmod": 1}, peer=False)
    # Quotients that no f64 holds: divisors down to the smallest there is.
    most = lambda s, z, r: r.uniform(1, 1.7, s) * 2.0 ** r.integers(800, 1024, s)  # noqa: E731
    least = lambda s, z, r: (r.uniform(1, 2, s) * 2.0 ** r.integers(-1021, 40, s)  # noqa: E731
                             * r.choice([1, 2.0**-40], s) + 5e-324)
    for attrs in ({}, {"fmod": 1}):
        yield Case("Mod", (T("f64", "N", 33, draw=most), T("f64", "N", 33, draw=least)), attrs, opset=28, peer=False)
    edges = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -6.0, 6.0, 3e38]
    for attrs in ({}, {"fmod": 1}):
        yield Case("Mod", (C("f32", [[e] for e in edges]), T("f32", 9, draw=lambda s, z, r: edges)), attrs, opset=28,
                   peer=False)
    for dtype in INTEGERS:
        yield Case("Mod", (T(dtype, "N", "M"), T(dtype, "M", draw=(1, 9))), {"fmod": 1})
    for dtype in INTEGERS[:4]:
        negative = lambda s, z, r: -r.integers(1, 9, s)  # noqa: E731
        yield Case("Mod", (T(dtype, "N"), T(dtype, "N", draw=negative)))
        yield Case("Div", (T(dtype, "N"), T(dtype, "N", draw=negative)))
    for base, exponent in (("i32", "f32"), ("f32", "i32"), ("i64", "f32"), ("f32", "i64"), ("f16", "f32")):
        yield Case("Pow", (T(base, "N", draw=(1, 5)), T(exponent, "N", draw=(0, 3))), rtol=4e-3)
        whole = lambda s, z, r: r.integers(0, 6, s)  # noqa: E731
        yield Case("Pow", (T(base, "N", 3, draw=(-9, 10)), T(exponent, "N", 3, draw=whole)), rtol=4e-3 if base == "f16" else None)
        for constant in (2, 5):
            yield Case("Pow", (T(base, "N", draw=(-9, 10)), C(exponent, constant)), rtol=4e-3 if base == "f16" else None)
    for dtype in FLOATS:
        for exponent in (3, 4, 7, -1, -2, -5, 11, 20):
            yield Case("Pow", (T(dtype, "N", draw=(-1.7, 1.7)), C(dtype, exponent)))
        for exponent in (0.5, 0.25, 0.75, 1.5, -0.5, -1.25, 3.5, 0.3):
            yield Case("Pow", (T(dtype, "N"), C(dtype, exponent)))
        for base in (-2, -1, 0, 0.5, 10):
            yield Case("Pow", (C(dtype, base), T(dtype, "N", draw=lambda s, z, r: r.integers(-4, 5, s))))
    for direction in ("LEFT", "RIGHT"):
        for dtype in INTEGERS[4:]:
            yield Case("BitShift", (T(dtype, "N", "M"), T(dtype, "M", draw=(0, 8))), {"direction": direction})
            # By the width and more: 0, on every processor.
            width = 8 * np.dtype(DTYPES[dtype][1]).itemsize
            far = lambda s, z, r, w=width: r.choice([0, 1, w - 1, w, w + 1, 2 * w, 255], s)  # noqa: E731
            yield Case("BitShift", (T(dtype, "N", 9), T(dtype, 9, draw=far)), {"direction": direction}, peer=False)
            yield Case("BitShift", (C(dtype, [255, 3, 128]), T(dtype, "N", 3, draw=far)), {"direction": direction}, peer=False)
    for dtype in ("u32", "u64"): # no value is below zero
        top = np.iinfo(DTYPES[dtype][1]).max
        large = lambda s, z, r, t=top: r.integers(t // 2, t, s, np.uint64)  # noqa: E731
        yield Case("PRelu", (T(dtype, "N", 9, draw=large), T(dtype, 9, draw=(2, 5))), peer=False)


def other_cases():
    for op in ("Max", "Min", "Sum", "Mean"):
        for dtype in FLOATS:
            yield Case(op, (T(dtype, "N", "M"), T(dtype, "M"), T(dtype, "N", 1)))
        yield Case(op, (T("f32", "N"),))
    for op in ("Max", "Min"):
        for dtype in INTEGERS:
            yield Case(op, (T(dtype, "N", "M"), T(dtype, "M")))
    for dtype in FLOATS + INTEGERS:
        yield Case("Clip", (T(dtype, "N", "M"), C(dtype, 1), C(dtype, 3)))
    yield Case("Clip", (T("f32", "N"), None, T("f32")))
    yield Case("Clip", (T("f32", "N"), T("f32")))
    yield Case("Clip", (T("f32", "N"),), {"min": -1.0, "max": 0.5}, opset=10)
    for dtype in FLOATS + INTEGERS + ("bool",):
        yield Case("Where", (T("bool", "N", 1), T(dtype, "N", "M"), T(dtype, "M")))
        yield Case("Identity", (T(dtype, "N", "M"),))
    yield Case("Where", (T("bool", "M"), T("f32"), T("f32", "N", 1)))
    everything = FLOATS + INTEGERS + ("bool",)
    for source in everything:
        for target in everything:
            # Out of range is undefined in ONNX: small values, unsigned where it matters.
            values = (0, 2) if source == "bool" else (0, 100)
            tensor = T(source, "N", 7, draw=None if source == "bool" else values)
            yield Case("Cast", (tensor,), {"to": DTYPES[target][0]}, out=(target,))
    yield Case("CastLike", (T("f32", "N"), T("i32", 1)), out=("i32",))
    yield Case("CastLike", (T("i64", "N"), T("f16", 1)), out=("f16",))
    yield Case("Dropout", (T("f32", "N", "M"),), out=("f32", "bool"))
    yield Case("Dropout", (T("f32", "N"), C("f32", 0.5), C("bool", False)))


def run_time_broadcasts():
    for a, b in ((("N", "M"), ("K", "M")), (("M", "N"), ("M", "K")), (("N",), ("K",)), (("N", "M", "N"), ("K", "M", "K")),
                 (("N", "N"), ("K", "N")), (("N", 4, "M"), ("K", 1, "M"))):
        yield Case("Add", (T("f32", *a), T("f32", *b)), **EITHER_ONE)
        yield Case("Sub", (T("f16", *a), T("f16", *b)), **EITHER_ONE)
        yield Case("Less", (T("i64", *a), T("i64", *b)), out=("bool",), **EITHER_ONE)
    yield Case("Where", (T("bool", "N", "M"), T("f32", "K", "M"), T("f32", "K", 1)), **EITHER_ONE)
    yield Case("Where", (T("bool", "N"), T("f32", "K"), T("f32", "N")), **EITHER_ONE)
    yield Case("Max", (T("f32", "N", "M"), T("f32", "K", "M"), T("f32", "N", "M")), **EITHER_ONE)


def microsoft_cases():
    ms = {"domain": "com.microsoft", "opset": 21}
    yield Case("Gelu", (T("f32", "N", "M"),), **ms)
    yield Case("FastGelu", (T("f32", "N", "M"),), **ms)
    yield Case("FastGelu", (T("f32", "N", 33), T("f32", 33)), **ms)
    yield Case("BiasGelu", (T("f32", "N", 17), T("f32", 17)), **ms)
    yield Case("QuickGelu", (T("f32", "N", "M"),), {"alpha": 1.702}, **ms)
    yield Case("BiasAdd", (T("f32", 2, "N", 320), T("f32", 320), T("f32", 2, "N", 320)), **ms, peer=False)


def cases():
    yield from filter(allowed, [*unary_cases(), *binary_cases(), *other_cases(), *run_time_broadcasts(), *microsoft_cases()])
