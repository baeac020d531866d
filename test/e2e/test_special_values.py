# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""NaN, infinities, 1e30, denormals and zeros in every elementwise operator, where one
operand is a constant that the code generator can compute with: no element of a
result stays unwritten (each output is pre-filled, with two patterns), and each is
what the reference evaluator says.

A constant that a kernel sees through a selection (Where(p, c, c)) is one for LLVM
and none for the graph, which would evaluate it while compiling."""

import itertools
import math
import platform
from fractions import Fraction

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import python_api  # noqa: F401
import tenon as api
from operator_tests import evaluate
from operators.case import DTYPES, INTEGERS, bfloat16
from operators.elementwise import NO_DOUBLE, UNARY
from tenon import _compiler

SPECIAL = [np.nan, np.inf, -np.inf, 1e30, -1e30, 1e-40, -1e-40, 0.0, -0.0, 1.0, -2.0, 3.0, -0.5, 2.5]
FLOATS = ["f32", "f64", "f16"] + (["bf16"] if bfloat16 else [])
BINARY = ["Add", "Sub", "Mul", "Div", "Pow", "PRelu", "Min", "Max", "Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual",
          "Mod", "fmod"]
INTEGER_BINARY = ["Add", "Sub", "Mul", "Div", "Mod", "fmod", "Min", "Max", "Equal", "Less", "Greater", "BitwiseAnd", "BitwiseOr",
                  "BitwiseXor"]
FILLS = (0xA5, 0x5A)


def values_of(dtype):
    """The special values that the type has: none that became an infinity or zero."""
    with np.errstate(over="ignore"):
        exact = np.array(SPECIAL)
        found = exact.astype(DTYPES[dtype][1])
    back = found.astype(np.float64)
    largest = {"f16": 60000.0}.get(dtype, 1e30)
    back = np.where(np.isinf(back) & np.isfinite(exact), np.sign(exact) * largest, back)
    smallest = {"f16": 6e-8, "f64": 5e-324}.get(dtype, 1e-40)
    return np.where(abs(exact) == 1e-40, np.sign(exact) * smallest, back).astype(DTYPES[dtype][1])


class Model:
    """A model of independent nodes on one input x and a condition p."""

    def __init__(self, dtype, x, opset=24):
        self.dtype, self.x, self.opset = dtype, x, opset
        self.nodes, self.outputs, self.constants, self.texts = [], [], {}, []

    def constant(self, value, dtype=None):
        dtype = dtype or self.dtype
        value = np.asarray(value, DTYPES[dtype][1])
        name = f"c{len(self.constants)}"
        self.constants[name] = helper.make_tensor(name, DTYPES[dtype][0], value.shape, value.tobytes(), raw=True)
        return name

    def node(self, op, inputs, text, out=None, **attrs):
        """`fmod` is Mod with that attribute."""
        if op == "fmod":
            op, attrs = "Mod", {"fmod": 1}
        name = f"y{len(self.texts)}"
        self.nodes.append(helper.make_node(op, inputs, [name], **attrs))
        self.outputs.append(helper.make_tensor_value_info(name, DTYPES[out or self.dtype][0], None))
        self.texts.append(text)

    def hidden(self, value):
        """A constant that only the kernel knows to be one, as large as x."""
        c, name = self.constant(value), f"h{len(self.nodes)}"
        self.nodes.append(helper.make_node("Where", ["p", c, c], [name]))
        return name

    def check(self, tolerance=(0, 0)):
        inputs = [helper.make_tensor_value_info("x", DTYPES[self.dtype][0], ["n"]),
                  helper.make_tensor_value_info("p", TensorProto.BOOL, ["n"])]
        graph = helper.make_graph(self.nodes, "special", inputs, self.outputs, list(self.constants.values()))
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=10)
        data = model.SerializeToString()
        feeds = {"x": self.x, "p": np.arange(len(self.x)) % 2 == 0}
        expected = evaluate(_compiler.Reference(data), model, feeds)
        session = api.compile(data).session()
        runs = []
        for fill in FILLS:
            filled = {name: np.full(want.nbytes, fill, np.uint8).view(want.dtype).reshape(want.shape) for name, want in expected.items()}
            runs.append(session.run(feeds, filled))
        problems = []
        for output, text in zip(self.outputs, self.texts):
            first, second, want = runs[0][output.name], runs[1][output.name], expected[output.name]
            unwritten = first.view(np.uint8) != second.view(np.uint8)
            if unwritten.any():
                problems.append(f"{text} of {self.x}: {np.count_nonzero(unwritten)} bytes are not written: {first}")
                continue
            wrong = different(first, want, tolerance)
            if wrong.any():
                problems.append(f"{text} of {self.x[wrong]}: {first[wrong]}, expected {want[wrong]}")
        assert not problems, "\n".join(problems)


def different(mine, want, tolerance):
    if mine.dtype.kind in "iub":
        return mine != want
    mine, want = mine.astype(np.float64), want.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return ~np.isclose(mine, want, rtol=tolerance[0], atol=tolerance[1], equal_nan=True)


# Results that are denormal may be zero.
TOLERANCE = {"f32": (2e-5, 2e-38), "f64": (1e-9, 0), "f16": (2e-3, 1e-7), "bf16": (1.6e-2, 2e-38)}


def takes(op, dtype, opset=24):
    """Whether ONNX's operator has the element type."""
    schema = onnx.defs.get_schema("Mod" if op == "fmod" else op, opset)
    name = onnx.helper.tensor_dtype_to_string(DTYPES[dtype][0]).removeprefix("TensorProto.").lower()
    constraints = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    return f"tensor({name})" in constraints.get(schema.inputs[0].type_str, [schema.inputs[0].type_str])


@pytest.mark.parametrize("dtype", FLOATS)
def test_unary(dtype):
    x = values_of(dtype)
    model = Model(dtype, x)
    for op, _, attrs in UNARY:
        if (dtype == "f64" and op in NO_DOUBLE) or not takes(op, dtype):
            continue
        model.node(op, ["x"], op, **attrs)
        for value in x:
            model.node(op, [model.hidden(value)], f"{op} {value}", **attrs)
    model.check(TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", FLOATS)
def test_binary(dtype):
    x = values_of(dtype)
    for op in filter(lambda op: takes(op, dtype), BINARY):
        model = Model(dtype, x, opset=28 if op == "Mod" else 24)
        out = "bool" if op in BINARY[8:13] else None
        for value in x:
            model.node(op, ["x", model.constant(value)], f"{op} x, {value}", out)
            if op != "PRelu":
                model.node(op, [model.constant(value), "x"], f"{op} {value}, x", out)
            model.node(op, ["x", model.hidden(value)], f"{op} x, hidden {value}", out)
            model.node(op, [model.hidden(value), "x"], f"{op} hidden {value}, x", out)
        model.node(op, ["x", "x"], f"{op} x, x", out)
        model.check(TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["i8", "u8", "i32", "u32", "i64", "u64"])
def test_integer_binary(dtype):
    info = np.iinfo(DTYPES[dtype][1])
    x = np.array([0, 1, 2, 7, info.min, info.max, info.min + 1] + ([-1, -3] if info.min else [info.max // 2 + 1]), DTYPES[dtype][1])
    for op in INTEGER_BINARY + (["Pow"] if dtype in ("i32", "i64") else []):
        model = Model(dtype, x)
        out = "bool" if op in ("Equal", "Less", "Greater") else None
        for value in x:
            model.node(op, ["x", model.constant(value)], f"{op} x, {value}", out)
            model.node(op, [model.constant(value), "x"], f"{op} {value}, x", out)
            model.node(op, ["x", model.hidden(value)], f"{op} x, hidden {value}", out)
        model.node(op, ["x", "x"], f"{op} x, x", out)
        model.check()


EDGES = [127.5, 128, -128.5, -129, 255.5, 256, 32768, -32769, 65536, 2147483520, 2147483648, -2147483648, -2147483904, 4294967040,
         4294967296, 9.2e18, 9.223372036854776e18, -9.3e18, 1.8e19, 1.8446744073709552e19]


@pytest.mark.parametrize("dtype", FLOATS)
def test_cast_to_integers(dtype):
    x = values_of(dtype)
    with np.errstate(over="ignore"):
        x = np.concatenate([x, np.array(EDGES).astype(x.dtype)])
    model = Model(dtype, x)
    for target in INTEGERS + ("bool",):
        model.node("Cast", ["x"], f"Cast to {target}", target, to=DTYPES[target][0])
        for value in x:
            model.node("Cast", [model.hidden(value)], f"Cast to {target} {value}", target, to=DTYPES[target][0])
    model.check()


@pytest.mark.parametrize("dtype", ["f32", "f16"])
def test_quantize(dtype):
    """NaN gets the lowest code, whatever the zero point."""
    x = values_of(dtype)
    model = Model(dtype, x, opset=21)
    for target in ("i8", "u8", "i16", "u16"):
        for zero in (0, 7):
            scale, zero = model.constant(0.5), model.constant(zero, target)
            model.node("QuantizeLinear", ["x", scale, zero], f"QuantizeLinear to {target}", target)
            for value in x:
                model.node("QuantizeLinear", [model.hidden(value), scale, zero], f"QuantizeLinear to {target} {value}", target)
    model.check()
    lowest = api.compile(helper.make_model(
        helper.make_graph([helper.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])], "g",
                          [helper.make_tensor_value_info("x", TensorProto.FLOAT, [40])], [helper.make_tensor_value_info("y", TensorProto.INT8, [40])],
                          [helper.make_tensor("s", TensorProto.FLOAT, [], [1.0]), helper.make_tensor("z", TensorProto.INT8, [], [5])]),
        opset_imports=[helper.make_opsetid("", 21)], ir_version=10)).session().run({"x": np.full(40, np.nan, np.float32)})["y"]
    assert (lowest == -128).all()


@pytest.mark.parametrize("base, exponent", [(b, e) for b in ("f32", "f64", "f16", "i32", "i64") + (("bf16",) if bfloat16 else ())
                                            for e in ("f32", "f64", "f16", "i8", "i32", "i64", "u8", "u64")])
def test_pow_of_every_pair(base, exponent):
    """Negative bases have whole powers; whole results are exact, and truncated to no
    smaller number where the base is an integer. Constant and variable alike."""
    kinds = DTYPES[base][1], DTYPES[exponent][1]
    x = np.array([-3, -2, -1, 0, 1, 2, 3, 5, 7, 10] + ([] if base[0] == "i" else [-0.0, 0.5, -0.5, -1.5, 2.25]), kinds[0])
    y = np.array([0, 1, 2, 3, 4, 5, 6, 7] + ([] if exponent[0] == "u" else [-1, -2, -3]) + ([0.5, -0.5, 2.5, 0.75] if exponent[0] == "f" else []),
                 kinds[1])
    pairs = [(a, b) for a in x for b in y if not (base[0] == "i" and (a == 0 and b < 0 or a < 0 and b != np.floor(float(b))))]
    left, right = (np.array(column, kind) for column, kind in zip(zip(*pairs), kinds))
    inputs = [helper.make_tensor_value_info("x", DTYPES[base][0], ["n"]), helper.make_tensor_value_info("y", DTYPES[exponent][0], ["n"])]
    nodes, outputs, constants, wants = [helper.make_node("Pow", ["x", "y"], ["z"])], ["z"], [], []
    with np.errstate(all="ignore"):
        power = lambda a, b: np.power(np.asarray(a, np.float64), np.asarray(b, np.float64)).astype(kinds[0])  # noqa: E731
        wants.append(power(left, right))
        for i, value in enumerate(x):
            if base[0] == "i" and value <= 0:
                continue
            constants.append(helper.make_tensor(f"b{i}", DTYPES[base][0], [], np.asarray(value).tobytes(), raw=True))
            nodes.append(helper.make_node("Pow", [f"b{i}", "y"], [f"p{i}"]))
            outputs.append(f"p{i}")
            wants.append(power(value, right))
        for i, value in enumerate(y):
            if base[0] == "i" and (value < 0 or value != np.floor(float(value))):
                continue
            constants.append(helper.make_tensor(f"e{i}", DTYPES[exponent][0], [], np.asarray(value).tobytes(), raw=True))
            nodes.append(helper.make_node("Pow", ["x", f"e{i}"], [f"q{i}"]))
            outputs.append(f"q{i}")
            wants.append(power(left, value))
    graph = helper.make_graph(nodes, "pow", inputs, [helper.make_tensor_value_info(o, DTYPES[base][0], None) for o in outputs], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    results = api.compile(model.SerializeToString()).session().run({"x": left, "y": right})
    expected = evaluate(_compiler.Reference(model.SerializeToString()), model, {"x": left, "y": right})
    for name, want in zip(outputs, wants):
        for who, got in (("compiled", results[name]), ("reference", expected[name])):
            exact = np.isfinite(want.astype(np.float64)) & (want.astype(np.float64) == np.floor(want.astype(np.float64)))
            wrong = different(got, want, {"f32": (4e-7, 0), "f64": (1e-15, 0), "f16": (1e-3, 0), "bf16": (8e-3, 0)}.get(base, (0, 0)))
            wrong |= exact & (got != want)
            assert not wrong.any(), f"{who} {name}: {left[wrong]} ^ {right[wrong]} = {got[wrong]}, expected {want[wrong]}"


def test_dynamic_quantize():
    """NaN counts for nothing in the range; a range of nothing has scale 1 and zero point 0."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])]
    kinds = {"y": TensorProto.UINT8, "s": TensorProto.FLOAT, "z": TensorProto.UINT8}
    graph = helper.make_graph([helper.make_node("DynamicQuantizeLinear", ["x"], list(kinds))], "dynamic", inputs,
                              [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    data = model.SerializeToString()
    session, reference = api.compile(data).session(), _compiler.Reference(data)
    nan, clean = np.nan, np.float32([-1, 0.25, 3])
    for x, scale, zero in (
        (np.full(37, nan), 1, 0), (np.zeros(37), 1, 0), (np.zeros(0), 1, 0), ([nan, *clean, nan, nan], 4 / 255, 64),
        (np.tile([nan, *clean], 50), 4 / 255, 64), ([nan, 5.1], 5.1 / 255, 0), ([nan, -5.1], 5.1 / 255, 255),
        ([1e-45, 0], 1, 0),
    ):
        x = np.float32(x)
        feeds = {"x": x}
        for who, got in (("compiled", session.run(feeds)), ("reference", evaluate(reference, model, feeds))):
            assert np.isclose(got["s"], scale, rtol=1e-6) and got["z"] == zero, f"{who} of {x[:8]}: {got}"
            assert (got["y"][np.isnan(x)] == 0).all(), f"{who}: {got}"
            numbers = ~np.isnan(x)
            want = np.clip(np.round(x[numbers] / np.float32(scale)) + zero, 0, 255)
            assert (abs(got["y"][numbers] - want) <= 0).all(), f"{who}: {got['y'][numbers]}, expected {want}"


def run_unary(ops, x):
    graph = helper.make_graph([helper.make_node(op, ["x"], [op]) for op in ops], "unary",
                              [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
                              [helper.make_tensor_value_info(op, TensorProto.FLOAT, None) for op in ops])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    return api.compile(model.SerializeToString()).session().run({"x": np.asarray(x, np.float32)})


def to_precision(x, precision):
    """The nearest number of so many bits, of two the even one."""
    x = Fraction(x)
    unit = Fraction(2) ** (math.frexp(x)[1] - precision)
    return float(round(x / unit) * unit)


@pytest.mark.parametrize("source, target", [("f64", "f16"), ("f64", "bf16"), ("i32", "bf16"), ("i64", "bf16"), ("u64", "bf16"), ("i64", "f16")])
def test_casts_round_once(source, target):
    """Values next to a tie of the target that a format between would take for the tie."""
    if target == "bf16" and not bfloat16:
        pytest.skip("lacks ml_dtypes")
    precision, kind = {"f16": 11, "bf16": 8}[target], DTYPES[source][1]
    largest = 15 if target == "f16" else 30 if source == "i32" else 62
    x = []
    for exponent in range(precision, largest):
        for mantissa in (1 << precision - 1, (1 << precision - 1) + 1, (1 << precision) - 2):
            tie = (2 * mantissa + 1) << exponent - precision
            x += [tie * (1 - 2.0**-52), tie, tie * (1 + 2.0**-51)] if source == "f64" else [tie - 1, tie, tie + 1]
    x = np.array(x, kind)
    x = x if source == "u64" else np.concatenate([x, -x])
    node = helper.make_node("Cast", ["x"], ["y"], to=DTYPES[target][0])
    graph = helper.make_graph([node], "cast", [helper.make_tensor_value_info("x", DTYPES[source][0], ["n"])],
                              [helper.make_tensor_value_info("y", DTYPES[target][0], ["n"])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    y = api.compile(model.SerializeToString()).session().run({"x": x})["y"].astype(np.float64)
    expected = np.array([math.copysign(to_precision(abs(v), precision), v) for v in x.tolist()])
    wrong = y != expected
    assert not wrong.any(), f"{x[wrong][:4]} give {y[wrong][:4]}, expected {expected[wrong][:4]}"


@pytest.mark.parametrize("target", ["x86-64-v2", "x86-64-v3", "x86-64-v4", "aarch64", "riscv64"])
def test_bfloat16_needs_no_library(tenon, target, tmp_path):
    """A single number that goes to many places as it is: LLVM would convert it by a call."""
    nodes = [helper.make_node("Expand", ["x", "s"], ["e"]), helper.make_node("Where", ["c", "x", "e"], ["w"]), helper.make_node("Tile", ["x", "s"], ["t"])]
    graph = helper.make_graph(nodes, "brain", [helper.make_tensor_value_info("x", TensorProto.BFLOAT16, [1]), helper.make_tensor_value_info("c", TensorProto.BOOL, [7])],
                              [helper.make_tensor_value_info(name, TensorProto.BFLOAT16, [7]) for name in "ewt"],
                              [helper.make_tensor("s", TensorProto.INT64, [1], [7])])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, tmp_path / "m.onnx")
    done = tenon("compile", tmp_path / "m.onnx", f"--target={target}", "-o", tmp_path / "m.tenon")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("op, x, attrs, tolerance", [
    ("ReduceLogSum", [1e-40, 1e-45, 2e-39, 1], {}, 2e-6),
    ("LpPool", [1e-13, 2e-13, 1], dict(kernel_shape=[1, 1], p=3), 1e-4)])  # whose cubes are denormal
def test_logarithm_of_denormals(op, x, attrs, tolerance):
    """Also at the end of a reduction, and on the way to a root."""
    model = Model("f32", np.array(x, np.float32))
    model.node("Log", ["x"], "Log")
    model.nodes.append(helper.make_node("Reshape", ["x", model.constant([-1, 1, 1, 1], "i64")], ["rows"]))
    axes = [model.constant([3], "i64")] if op == "ReduceLogSum" else []
    model.nodes.append(helper.make_node(op, ["rows", *axes], ["results"], **attrs))
    model.node("Reshape", ["results", model.constant([-1], "i64")], op)
    model.check(tolerance=(tolerance, 0))


def test_odd_functions_of_zeros():
    """They keep the sign."""
    zeros = np.tile(np.float32([0.0, -0.0]), 20)
    ops = ["Sin", "Tan", "Asin", "Atan", "Sinh", "Tanh", "Asinh", "Atanh", "Erf", "Softsign"]
    for op, y in run_unary(ops, zeros).items():
        assert (y == 0).all() and (np.signbit(y) == np.signbit(zeros)).all(), f"{op}: {y[:2]}"


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("dtype", ["f32", "f64"])
def test_a_norm_of_zero_gives_zero(dtype, p):
    """"When the Lp norm is zero ... the output is defined to be zero": also where squares underflow, and not where NaN is."""
    code, numpy = DTYPES[dtype]
    node = helper.make_node("LpNormalization", ["x"], ["y"], axis=1, p=p)
    graph = helper.make_graph([node], "m", [helper.make_tensor_value_info("x", code, ["n", 5])],
                              [helper.make_tensor_value_info("y", code, ["n", 5])])
    tiny = np.finfo(numpy).tiny
    x = np.array([[0, -0.0, 0, 0, 0], [tiny, -tiny, tiny, 0, tiny], [3, 0, -4, 0, 0], [np.nan, 1, 1, 1, 1]], numpy)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    y = api.compile(model.SerializeToString()).session().run({"x": x})["y"]
    assert not y[0].any() and np.isnan(y[3]).all()
    if p == 2:
        assert not y[1].any()
    else:
        np.testing.assert_allclose(y[1], [0.25, -0.25, 0.25, 0, 0.25])
    np.testing.assert_allclose(y[2], np.array([3, 0, -4, 0, 0]) / (7 if p == 1 else 5), rtol=1e-6)


def test_sine_has_bounds():
    """Of every number, in vectors with large ones among small ones, too."""
    rng = np.random.default_rng(0)
    x = np.float32(np.concatenate([np.exp(rng.uniform(-20, 88.7, 100_000)), rng.uniform(0, 1e3, 100_000), [3.4028235e38, 0, 1e-45]]))
    x = np.concatenate([x, -x])
    for op, y in run_unary(["Sin", "Cos"], x).items():
        assert (abs(y) <= 1).all(), f"{op} of {x[~(abs(y) <= 1)][:4]}: {y[~(abs(y) <= 1)][:4]}"
        assert np.allclose(y, {"Sin": np.sin, "Cos": np.cos}[op](np.float64(x)), rtol=4e-7, atol=0), op


@pytest.mark.parametrize("attrs", [dict(kernel_shape=[3, 3]), dict(kernel_shape=[2, 2], strides=[2, 2]), dict(kernel_shape=[1, 1]),
                                   dict(kernel_shape=[5, 5], pads=[2] * 4), dict(kernel_shape=[2, 60]),
                                   dict(kernel_shape=[3, 2], dilations=[1, 2], strides=[3, 1]), None])
def test_max_pool_of_nan(attrs):
    """NaN comes out of every window that it is in, wherever it stands."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal((2, 3, 70, 70)).astype(np.float32)
    x[rng.random(x.shape) < 0.01] = np.nan
    x[0, 1], x[1, 2] = np.nan, np.inf
    node = helper.make_node("MaxPool" if attrs else "GlobalMaxPool", ["x"], ["y"], **(attrs or {}))
    graph = helper.make_graph([node], "pool", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 70, 70])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    data = model.SerializeToString()
    want = evaluate(_compiler.Reference(data), model, {"x": x})["y"]
    got = api.compile(data).session().run({"x": x})["y"]
    assert np.isnan(want).any() and np.array_equal(got, want, equal_nan=True), np.argwhere(~((got == want) | np.isnan(got) & np.isnan(want)))[:4]


@pytest.mark.parametrize("bound", [dict(clip=0.5), "HardSigmoid", "Relu"])
def test_bounded_cells_keep_nan(bound):
    """Clipping, and functions with a bound, pass NaN on."""
    rng = np.random.default_rng(2)
    for op, gates, functions in (("RNN", 1, 1), ("GRU", 3, 2), ("LSTM", 4, 3)):
        attrs = dict(activations=[bound] * functions) if isinstance(bound, str) else bound
        weights = [helper.make_tensor(name, TensorProto.FLOAT, shape, rng.standard_normal(shape).astype(np.float32).tobytes(), raw=True)
                   for name, shape in (("w", (1, gates * 5, 3)), ("r", (1, gates * 5, 5)))]
        graph = helper.make_graph([helper.make_node(op, ["x", "w", "r"], ["y"], hidden_size=5, **attrs)], "cell",
                                  [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 2, 3])],
                                  [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)], weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
        x = rng.standard_normal((4, 2, 3)).astype(np.float32)
        x[2, 1, 0] = np.nan
        y = api.compile(model.SerializeToString()).session().run({"x": x})["y"]
        isnan = np.isnan(y).all(axis=(1, 3))
        assert (isnan == [[False, False], [False, False], [False, True], [False, True]]).all() and np.isnan(y).sum() == 10, f"{op}: {isnan}"


@pytest.mark.parametrize("mask", [None, "causal", TensorProto.FLOAT, TensorProto.BOOL])
def test_attention_to_infinity(mask):
    """A row whose scores are -inf by themselves is NaN, as any softmax of them is; one
    that is to see no key is zero, whatever its scores are."""
    feeds = {name: np.ones((1, 1, length, 4), np.float32) for name, length in (("q", 4), ("k", 2), ("v", 2))}
    feeds["q"][0, 0, 1] = [-np.inf, 0.5, 0.5, 0.5]
    feeds["q"][0, 0, 3] = [np.inf, 0.5, 0.5, 0.5]
    feeds["v"] *= 3
    rows = [3, np.nan, 3, np.nan]
    if isinstance(mask, int):
        feeds["mask"] = np.array([[1, 1], [1, 0], [0, 0], [0, 0]], bool)
        rows[2:] = 0, 0
        if mask == TensorProto.FLOAT:
            feeds["mask"] = np.where(feeds["mask"], 0, -np.inf).astype(np.float32)
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), [*array.shape[:2], "n" + name, array.shape[-1]]
                                            if name != "mask" else array.shape) for name, array in feeds.items()]
    node = helper.make_node("Attention", list(feeds), ["y"], is_causal=int(mask == "causal"))
    graph = helper.make_graph([node], "attention", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    data = model.SerializeToString()
    want = np.broadcast_to(np.array(rows, np.float32)[None, None, :, None], (1, 1, 4, 4))
    for got in (api.compile(data).session().run(feeds)["y"], evaluate(_compiler.Reference(data), model, feeds)["y"]):
        assert np.array_equal(got, want, equal_nan=True), got


@pytest.mark.parametrize("mask", ["causal", "bool", "float"])
@pytest.mark.parametrize("length, size", [(3, 4), (40, 16), (100, 72)])
def test_attention_hides_infinite_values(mask, length, size):
    """A key that a row does not see has a weight of zero, and zero times infinity is NaN."""
    rng = np.random.default_rng(length)
    feeds = {name: rng.standard_normal((1, 1, length, size)).astype(np.float32) for name in "qkv"}
    hidden = length - 1  # from all rows but the last
    feeds["v"][0, 0, hidden, 1], feeds["v"][0, 0, hidden, 2] = np.inf, np.nan
    if mask != "causal":
        sees = np.ones((length, length), bool)
        sees[:-1, hidden] = False
        sees[0] = False
        feeds["m"] = sees if mask == "bool" else np.where(sees, 0, -np.inf).astype(np.float32)
    inputs = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape) for name, array in feeds.items()]
    node = helper.make_node("Attention", list(feeds), ["y"], is_causal=int(mask == "causal"))
    graph = helper.make_graph([node], "attention", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    data = model.SerializeToString()
    for y in (api.compile(data).session().run(feeds)["y"], evaluate(_compiler.Reference(data), model, feeds)["y"]):
        assert np.isnan(y[0, 0, :-1, 1:3]).all() and np.isposinf(y[0, 0, -1, 1]) and np.isnan(y[0, 0, -1, 2])
        assert np.isfinite(y[..., 3:]).all() and np.isfinite(y[..., 0]).all()


def rows_of_nan(dtype, length, rng):
    """Rows without NaN, with one or more of either sign, of nothing else, beside infinities, and of ties."""
    x = rng.integers(-2, 3, (40, length)).astype(DTYPES[dtype][1])
    for row in range(2, 30):
        at = rng.integers(0, length, min(row // 6 + 1, length))
        x[row, at] = np.nan if row % 2 else -np.nan
    x[[20, 24]] = np.inf
    x[[21, 25]] = -np.inf
    x[22, :-1], x[22, -1], x[23, 0], x[23, 1:] = np.inf, np.nan, np.nan, -np.inf
    x[30], x[31] = np.nan, -np.nan
    return x


@pytest.mark.parametrize("length", [3, 17, 100])
@pytest.mark.parametrize("dtype", FLOATS)
def test_arg_of_nan(dtype, length):
    """NaN is the largest and the smallest, the first or the last of it, as in NumPy: along
    vectors, across them and in what is left over, of sizes that are known and others."""
    rng = np.random.default_rng(length)
    rows = rows_of_nan(dtype, length, rng)
    x = rows.reshape(4, 10, length)
    for axis, x in ((2, x), (1, x.transpose(0, 2, 1)), (0, x.transpose(2, 0, 1))):
        x = np.ascontiguousarray(x)
        nodes, names = [], []
        for op, last in (("ArgMax", 0), ("ArgMax", 1), ("ArgMin", 0), ("ArgMin", 1)):
            if takes(op, dtype):
                names.append(f"{op}{last}")
                nodes.append(helper.make_node(op, ["x"], names[-1:], axis=axis, select_last_index=last, keepdims=0))
        if takes("Hardmax", dtype):
            names.append("Hardmax")
            nodes.append(helper.make_node("Hardmax", ["x"], names[-1:], axis=axis))
        for dims in (x.shape, ["a", "b", "c"]):
            kinds = [DTYPES[dtype][0] if name == "Hardmax" else TensorProto.INT64 for name in names]
            graph = helper.make_graph(nodes, "arg", [helper.make_tensor_value_info("x", DTYPES[dtype][0], dims)],
                                      [helper.make_tensor_value_info(name, kind, None) for name, kind in zip(names, kinds)])
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=10)
            data = model.SerializeToString()
            wide = x.astype(np.float64)
            for who, got in (("compiled", api.compile(data).session().run({"x": x})),
                             ("reference", evaluate(_compiler.Reference(data), model, {"x": x}))):
                for name in names:
                    of = np.argmin if name.startswith("ArgMin") else np.argmax
                    want = length - 1 - of(np.flip(wide, axis), axis) if name[-1] == "1" else of(wide, axis)
                    mine = got[name]
                    if name == "Hardmax":
                        assert ((mine == 1).sum(axis) == 1).all() and ((mine != 0).sum(axis) == 1).all(), f"{who} {name} of axis {axis}: {mine}"
                        mine = np.argmax(mine.astype(np.float64), axis)
                    assert np.array_equal(mine, want), f"{who} {name} of axis {axis}, {dims}: {mine}, expected {want}"


@pytest.mark.parametrize("code", ["FLOAT8E4M3FN", "FLOAT8E5M2"])
def test_arg_of_nan_codes(code):
    """Of codes that are decoded on the way."""
    x = rows_of_nan("f32", 37, np.random.default_rng(3))
    nodes, names = [helper.make_node("Cast", ["x"], ["c"], to=getattr(TensorProto, code), saturate=0),
                    helper.make_node("Cast", ["c"], ["d"], to=TensorProto.FLOAT)], []
    for op, axis, last in itertools.product(("ArgMax", "ArgMin"), (0, 1), (0, 1)):
        names.append(f"{op} {axis} {last}")
        nodes.append(helper.make_node(op, ["d"], names[-1:], axis=axis, select_last_index=last, keepdims=0))
    graph = helper.make_graph(nodes, "codes", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
                              [helper.make_tensor_value_info(name, TensorProto.INT64, None) for name in ("d", *names)])
    graph.output[0].type.tensor_type.elem_type = TensorProto.FLOAT
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    data = model.SerializeToString()
    for who, got in (("compiled", api.compile(data).session().run({"x": x})), ("reference", evaluate(_compiler.Reference(data), model, {"x": x}))):
        decoded = got["d"]
        assert np.isnan(decoded).sum() >= np.isnan(x).sum()
        for name in names:
            op, axis, last = name.split()
            axis, of = int(axis), np.argmin if op == "ArgMin" else np.argmax
            want = decoded.shape[axis] - 1 - of(np.flip(decoded, axis), axis) if last == "1" else of(decoded, axis)
            assert np.array_equal(got[name], want), f"{who} {name}: {got[name]}, expected {want}"


@pytest.mark.parametrize("target", ["cpu:host", "cpu:x86-64-v2"])
@pytest.mark.parametrize("dtype", [dtype for dtype in FLOATS if DTYPES[dtype][1](0).nbytes == 2])
def test_scattered_bits(dtype, target):
    """What is not combined keeps its bits: every NaN of 16 bits, quiet or signalling,
    in operand and updates, as single elements and as slices with and without a rest."""
    if target != "cpu:host" and platform.machine() != "x86_64":
        pytest.skip("for x86-64")
    kind, infinity = DTYPES[dtype][1], {"f16": 0x7C00, "bf16": 0x7F80}[dtype]
    bits = np.array([sign | b for sign in (0, 0x8000) for b in range(infinity + 1, 0x8000)], np.uint16)
    back = np.random.default_rng(0).permutation(len(bits))
    inputs, nodes, feeds, wants = [], [], {}, {}

    def add(op, x, indices, updates, want):
        names = [f"{name}{len(nodes)}" for name in "xiuy"]
        for name, array in zip(names, (x, indices, updates)):
            array = array.view(kind) if array.dtype == np.uint16 else array
            feeds[name] = array
            inputs.append(helper.make_tensor_value_info(name, TensorProto.INT64 if array.dtype == np.int64 else DTYPES[dtype][0], array.shape))
        nodes.append(helper.make_node(op, names[:3], names[3:]))
        wants[names[3]] = want

    nothing, few = np.zeros_like(bits), back[:3]
    partly = bits.copy()
    partly[few] = bits[back[-3:]]
    add("ScatterElements", bits, few, bits[back[-3:]], partly)
    add("ScatterND", bits, few[:, None].copy(), bits[back[-3:]], partly)
    scattered = nothing.copy()
    scattered[back] = bits
    add("ScatterElements", nothing, back, bits, scattered)
    add("ScatterND", nothing, back[:, None].copy(), bits, scattered)
    for width in (1, 2, 7, 16, 37, 127):
        rows = np.resize(bits, (-(-len(bits) // width), width))
        order = np.random.default_rng(width).permutation(len(rows))
        moved = np.empty_like(rows)
        moved[order] = rows
        add("ScatterND", np.zeros_like(rows), order[:, None].copy(), rows, moved)
    graph = helper.make_graph(nodes, "bits", inputs, [helper.make_tensor_value_info(name, DTYPES[dtype][0], None) for name in wants])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    data = model.SerializeToString()
    for who, got in (("compiled", api.compile(data, target=target).session().run(feeds)), ("reference", evaluate(_compiler.Reference(data), model, feeds))):
        for node in nodes:
            mine, want = got[node.output[0]].view(np.uint16), wants[node.output[0]]
            assert np.array_equal(mine, want), f"{who} {node.op_type} of {want.shape}: {np.count_nonzero(mine != want)} differ"


@pytest.mark.parametrize("op", ["ScatterND", "ScatterElements"])
@pytest.mark.parametrize("dtype", FLOATS)
def test_scattered_nan(op, dtype):
    """The larger and the smaller of a NaN and a number is NaN, whichever is the update."""
    model = Model(dtype, np.array([1, np.nan, 3, 4, np.nan, 6], DTYPES[dtype][1]))
    indices = model.constant(np.array([[0], [1], [2], [1], [4]]) if op == "ScatterND" else [0, 1, 2, 1, 4], "i64")
    updates = model.constant([np.nan, 7, -1, 8, np.nan])
    for reduction in ("max", "min"):
        model.node(op, ["x", indices, updates], reduction, reduction=reduction)
    model.check()


@pytest.mark.parametrize("op, attrs", [("LRN", dict(size=3)), ("MeanVarianceNormalization", dict(axes=[2])),
                                       ("LpNormalization", dict(axis=2, p=1)), ("LpNormalization", dict(axis=2, p=2)),
                                       ("InstanceNormalization", {})])
def test_squares_beyond_half(op, attrs):
    """Normalizations of half whose sums of squares, or sums, are beyond half."""
    x = np.array([6e4, 1, -2, 5e4, 4, -6e4], np.float16).reshape(1, 2, 3, 1)
    weights = ["w", "w"] if op == "InstanceNormalization" else []
    one = helper.make_tensor("w", TensorProto.FLOAT16, [2], np.ones(2, np.float16).tobytes(), raw=True)
    results = []
    for dtype in (TensorProto.FLOAT16, TensorProto.FLOAT):
        wide = dtype == TensorProto.FLOAT
        nodes = [helper.make_node("Cast", [name], [name + "c"], to=dtype) for name in dict.fromkeys(["x", *weights])]
        nodes.append(helper.make_node(op, [name + "c" for name in ["x", *weights]], ["y"], **attrs))
        graph = helper.make_graph(nodes, "half", [helper.make_tensor_value_info("x", TensorProto.FLOAT16, ["n", 2, 3, 1])],
                                  [helper.make_tensor_value_info("y", dtype, None)], [one] if weights else [])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        results.append(api.compile(model.SerializeToString()).session().run({"x": x})["y"].astype(np.float16 if wide else np.float64))
    assert np.allclose(results[0], results[1].astype(np.float64), rtol=2e-3, atol=1e-3), results
