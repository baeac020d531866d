# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products whose constant weights stay narrow, in the forms that exporters write:
DequantizeLinear with one scale, one per column, or one per block, before MatMul
and Gemm, directly and through Transpose. Compiled code is compared with the
reference; the artifact must hold the codes, not their f32 values."""

import functools
import re

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import python_api  # noqa: F401
import tenon as api
from tenon import _compiler

RANGES = {"INT8": (-128, 128), "UINT8": (0, 256), "INT4": (-8, 8), "UINT4": (0, 16), "INT2": (-2, 2), "UINT2": (0, 4)}
K, N = 530, 515  # no multiple of a block, a panel or a vector


def scale_shape(form, k, n, axis_k):
    if form == "one":
        return ()
    if form == "column":
        return (n,)
    shape = [n, n]
    shape[axis_k] = -(-k // form)
    return tuple(shape)


def build(kind, form, zero=None, layout="MatMul", rows="M", float_type=np.float32, x_shape=None, products=1, k=K):
    """The model of one dequantized matrix; `form` is "one", "column" or a block size."""
    rng = np.random.default_rng(5)
    low, high = RANGES[kind]
    code_type = getattr(TensorProto, kind)
    axis_k = 0 if layout == "MatMul" else 1
    shape = (k, N) if axis_k == 0 else (N, k)
    initializers = [helper.make_tensor("codes", code_type, shape, rng.integers(low, high, shape).flatten())]
    parameter = scale_shape(form, k, N, axis_k)
    initializers.append(numpy_helper.from_array(np.asarray(rng.uniform(0.1, 1, parameter) / high, float_type), "scale"))
    operands = ["codes", "scale"]
    if zero:
        points = rng.integers(low, high, parameter) if zero == "each" else np.full(parameter, {"same": low + 1, "middle": (low + high) // 2}[zero])
        initializers.append(helper.make_tensor("zero", code_type, parameter, np.atleast_1d(points).flatten()))
        operands.append("zero")
    attributes = {"axis": axis_k if isinstance(form, int) else 1 - axis_k} | ({"block_size": form} if isinstance(form, int) else {})
    nodes = [helper.make_node("DequantizeLinear", operands, ["w"], "dequantize", **attributes)]
    real = helper.np_dtype_to_tensor_dtype(np.dtype(float_type))
    inputs, outputs = [], []
    for i in range(products):
        inputs.append(helper.make_tensor_value_info(f"x{i}", real, x_shape or [rows, k]))
        outputs.append(helper.make_tensor_value_info(f"y{i}", real, None))
        if layout == "Gemm":
            nodes.append(helper.make_node("Gemm", [f"x{i}", "w"], [f"p{i}"], f"product{i}", transB=1))
        else:
            right = "w"
            if layout == "Transpose":
                nodes.append(helper.make_node("Transpose", ["w"], [f"t{i}"], f"transpose{i}", perm=[1, 0]))
                right = f"t{i}"
            nodes.append(helper.make_node("MatMul", [f"x{i}", right], [f"p{i}"], f"product{i}"))
        nodes.append(helper.make_node("LeakyRelu", [f"p{i}"], [f"y{i}"], f"activation{i}", alpha=0.5))
    model = helper.make_model(helper.make_graph(nodes, "narrow", inputs, outputs, initializers),
                              opset_imports=[helper.make_opsetid("", 25 if "2" in kind else 21)])
    model.ir_version = min(model.ir_version, 12)
    return model


@functools.cache
def compiled(target, *arguments, **more):
    """The bytes of a model that `build` makes, and its artifact, for tests of one model's values."""
    data = build(*arguments, **more).SerializeToString()
    return data, api.compile(data, target)


def check(model, shapes, tolerance=1e-5, target="cpu:host"):
    """Compares with the reference at each shape of the inputs; returns the artifact's kernels' strategies."""
    data = model.SerializeToString()
    artifact = api.compile(data, target)
    session, reference = artifact.session(), _compiler.Reference(data)
    rng = np.random.default_rng(7)
    for shape in shapes:
        kind = helper.tensor_dtype_to_np_dtype(model.graph.input[0].type.tensor_type.elem_type)
        feeds = {i.name: rng.standard_normal(shape).astype(kind) for i in model.graph.input}
        values = [(i.type.tensor_type.elem_type, list(shape), feeds[i.name].tobytes()) for i in model.graph.input]
        for (name, mine), (_, size, expected) in zip(session.run(feeds).items(), reference.run(values)):
            expected = np.frombuffer(expected, kind).reshape(size).astype(np.float64)
            assert mine.shape == expected.shape
            error = np.abs(mine - expected).max() / np.abs(expected).max()
            assert error < tolerance, f"{name} at {shape}: {error}"
    return [strategy for _, strategy, _ in artifact.kernels]


def assert_narrow(strategies, text):
    assert strategies and all(s.startswith("gemm-quantized") and f"weights {text}," in s for s in strategies), strategies


ROWS = [(1, K), (2, K), (11, K), (13, K), (30, K)]


@pytest.mark.sweep(5)
@pytest.mark.parametrize("kind", RANGES)
@pytest.mark.parametrize("form", ["one", "column", 4, 16, 32, 96])
@pytest.mark.parametrize("zero", [None, "same", "middle", "each"])
def test_every_scale_and_zero_point(kind, form, zero):
    block = f", block {form}" if isinstance(form, int) else ""
    assert_narrow(check(build(kind, form, zero), ROWS), kind.lower() + block)


@pytest.mark.sweep(7)
@pytest.mark.parametrize("kind, rows", [("INT4", "M"), ("UINT4", 1), ("INT2", 5), ("UINT2", "M"), ("INT4", 8), ("UINT4", 9)])
@pytest.mark.parametrize("form", ["one", 4, 16, 32, 96])
@pytest.mark.parametrize("zero", [None, "middle", "each"])
def test_a_row_of_whole_vectors(kind, rows, form, zero):
    """With AVX2 up to eight such rows become integers; their last group of 32 steps is not full."""
    k = 536
    shapes = [(m, k) for m in ((1, 2, 7, 8, 9, 14) if rows == "M" else [rows])]
    strategies = check(build(kind, form, zero, rows=rows, k=k), shapes, target="cpu:x86-64-v3")
    assert_narrow(strategies, kind.lower() + (f", block {form}" if isinstance(form, int) else ""))
    assert ("rows as 24-bit integers" in strategies[0]) == (form != 4 and rows != 9) and "decoded in fours" in strategies[0]


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan, 3e37, 1e-30, 1e-44, 0])
@pytest.mark.parametrize("place", [0, 1, 535])
@pytest.mark.parametrize("target", ["cpu:host", "cpu:x86-64-v3"])
def test_rows_that_integers_cannot_take(value, place, target):
    """An infinity, or a number near the largest or smallest, gives what products of weights give."""
    data, artifact = compiled(target, "INT4", 32, rows=1, k=536)
    x = np.zeros((1, 536), np.float32)
    x[0, place] = value
    (y,) = artifact.session().run({"x0": x}).values()
    ((_, size, expected),) = _compiler.Reference(data).run([(TensorProto.FLOAT, [1, 536], x.tobytes())])
    expected = np.frombuffer(expected, np.float32).reshape(size)
    assert len(np.unique(np.sign(expected))) > 1 or np.isnan(value) or value == 0
    denormal = 1e-45 if value == 1e-44 else 0  # one unit of its last place
    assert np.allclose(y, expected, rtol=1e-5, atol=denormal, equal_nan=True)


@pytest.mark.parametrize("target", ["cpu:host", "cpu:x86-64-v3"])
def test_numbers_beside_much_larger_ones(target):
    """What one element of 32, times a weight of zero, is large leaves the others their bits."""
    k = 512
    model = build("INT4", 32, rows=1, k=k)
    codes, scale = (numpy_helper.to_array(i).copy() for i in model.graph.initializer)
    codes[::32] = 0
    model.graph.initializer[0].CopyFrom(helper.make_tensor("codes", TensorProto.INT4, codes.shape, codes.astype(np.int8).flatten()))
    weights = codes.astype(np.float64) * np.repeat(scale.astype(np.float64), 32, axis=0)
    artifact = api.compile(model.SerializeToString(), target)
    for large in (1e4, 1e12, 1e20):
        x = np.random.default_rng(3).standard_normal((1, k)).astype(np.float32)
        x[:, ::32] = large
        y = artifact.session().run({"x0": x})["y0"]
        exact = x.astype(np.float64) @ weights
        others = np.where(np.arange(k) % 32, abs(x.astype(np.float64)), 0)
        assert (abs(y - np.where(exact < 0, exact / 2, exact)) / (others @ abs(weights))).max() < 2**-22


@pytest.mark.sweep(5)
@pytest.mark.parametrize("rows, bound", [("normal", 2**-23), ("positive", 2**-22.5), ("far from zero", 2**-22.5), ("outliers", 2**-19.5)])
@pytest.mark.parametrize("form", ["column", 16, 32])
@pytest.mark.parametrize("target", ["cpu:host", "cpu:x86-64-v2", "cpu:x86-64-v3"])
def test_errors_of_long_rows(rows, bound, form, target):
    """Against float64, as a share of the sum of all products' sizes."""
    k, rng = 4096, np.random.default_rng(0)
    data, artifact = compiled(target, "INT4", form, rows=1, k=k)
    codes, scale = (numpy_helper.to_array(i).astype(np.float64) for i in onnx.load_from_string(data).graph.initializer)
    weights = codes * (scale if form == "column" else np.repeat(scale, form, axis=0))
    x = rng.standard_normal(k)
    x = {"normal": x, "positive": abs(x), "far from zero": x + 10, "outliers": np.where(np.arange(k) % 1000 == 7, 1000 * x, x)}[rows]
    x = x.astype(np.float32)[None]
    y = artifact.session().run({"x0": x})["y0"]
    exact = x.astype(np.float64) @ weights
    error = abs(y - np.where(exact < 0, exact / 2, exact)) / (abs(x.astype(np.float64)) @ abs(weights))
    assert error.max() < bound, np.log2(error.max())


@pytest.mark.sweep(5)
@pytest.mark.parametrize("bits", range(2, 8))
@pytest.mark.parametrize("block", [16, 32, 128])
@pytest.mark.parametrize("target", ["cpu:host", "cpu:x86-64-v3"])
def test_every_width_at_its_limits(bits, block, target):
    """Codes and digits of the row of the largest size: sums of integers have room for them. More rows read codes one by one."""
    k, n, largest = 512, 520, 2**bits - 1
    rng = np.random.default_rng(bits)
    codes = np.where(rng.random((n, k)) < 0.9, largest, rng.integers(0, largest + 1, (n, k)))
    codes[:8] = largest
    packed = np.packbits((codes[:, :, None] >> np.arange(bits)) & 1 != 0, axis=None, bitorder="little").reshape(n, k // block, -1)
    scale = rng.uniform(0.5, 2, (n, k // block)).astype(np.float32)
    zero_point = np.packbits(np.zeros((n, -(-k // block * bits // 8) * 8), bool), axis=1).astype(np.uint8)  # nothing is taken away
    node = helper.make_node("MatMulNBits", ["x0", "codes", "scale", "zero"], ["y0"], "product", domain="com.microsoft",
                            K=k, N=n, bits=bits, block_size=block)
    model = helper.make_model(helper.make_graph(
        [node], "limits", [helper.make_tensor_value_info("x0", TensorProto.FLOAT, ["M", k])],
        [helper.make_tensor_value_info("y0", TensorProto.FLOAT, ["M", n])],
        [numpy_helper.from_array(packed, "codes"), numpy_helper.from_array(scale, "scale"), numpy_helper.from_array(zero_point, "zero")]),
        opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)], ir_version=10)
    artifact = api.compile(model.SerializeToString(), target)
    assert_narrow([strategy for _, strategy, _ in artifact.kernels], f"uint{bits}, block {block}")
    session = artifact.session()
    weights = codes * np.repeat(scale.astype(np.float64), block, axis=1)
    for element in (127 * 65536, 126 * 65536 + 32767, -126 * 65536 - 32896, -127 * 65536, 126 * 65536 - 32640):
        x = np.full((1, k), element * 2.0**-23, np.float32)
        y = session.run({"x0": x})["y0"]
        expected = x.astype(np.float64) @ weights.T
        assert np.allclose(y, expected, rtol=2e-6), (element, abs(y / expected - 1).max())
    for rows in (3, 20):
        x = rng.random((rows, k)).astype(np.float32)
        assert np.allclose(session.run({"x0": x})["y0"], x.astype(np.float64) @ weights.T, rtol=2e-6)


@pytest.mark.sweep(5)
@pytest.mark.parametrize("rows", [1, 8, 9, "M"])
@pytest.mark.parametrize("form", ["one", "column", 4, 16, 32, 96])
@pytest.mark.parametrize("target", ["cpu:host", "cpu:x86-64-v3"])
def test_floats_whose_values_are_multiples_of_one(target, form, rows):
    """With AVX2 they are integers of half a unit, as bytes."""
    k = 536
    model = build("INT4", form, rows=rows, k=k)
    model.graph.initializer[0].data_type = TensorProto.FLOAT4E2M1
    model.opset_import[0].version = 23
    strategies = check(model, [(m, k) for m in ((1, 2, 8, 9, 14) if rows == "M" else [rows])], target=target)
    assert_narrow(strategies, "f4E2M1FN" + (f", block {form}" if isinstance(form, int) else ""))
    assert target == "cpu:host" or "decoded in fours" in strategies[0]


@pytest.mark.parametrize("layout", ["Transpose", "Gemm"])
@pytest.mark.parametrize("form", ["column", 16, 32])
def test_transposed(layout, form):
    strategies = check(build("UINT4", form, "each", layout), ROWS)
    assert_narrow(strategies, "uint4" + (f", block {form}" if form != "column" else ""))


@pytest.mark.parametrize("rows", [1, 3, 4, 5, 12, 13, 128, 193])
def test_static_rows(rows):
    assert_narrow(check(build("INT4", 32, rows=rows), [(rows, K)]), "int4, block 32")


@pytest.mark.parametrize("k", [K, 536])
@pytest.mark.parametrize("rows", [0, "M"])
def test_no_rows(rows, k):
    session = api.compile(build("INT4", 32, rows=rows, k=k).SerializeToString(), "cpu:host").session()
    assert session.run({"x0": np.zeros((0, k), np.float32)})["y0"].shape == (0, N)


@pytest.mark.parametrize("shape", [["B", 3, K], ["B", "M", K], [K]])
def test_batches_and_vectors(shape):
    sizes = [tuple({"B": 5, "M": m}.get(d, d) for d in shape) for m in (1, 7)]
    assert_narrow(check(build("INT8", "column", x_shape=shape), sizes), "int8")


def test_half_precision():
    assert_narrow(check(build("INT4", 32, float_type=np.float16), ROWS, tolerance=2e-3), "int4, block 32")


@pytest.mark.sweep(7)
@pytest.mark.parametrize("rows", [1, 2, 5, 40, "M"])
@pytest.mark.parametrize("form", ["one", "column", 32, 16])
@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("real", ["FLOAT16", "BFLOAT16"])
def test_halves_are_rounded_as_the_model_says(real, zero, form, rows):
    """7 s - 6 s - s is what DequantizeLinear's roundings to 16 bits leave, and nothing else."""
    rng = np.random.default_rng(7)
    number, kind = getattr(TensorProto, real), np.dtype(np.float16 if real == "FLOAT16" else ml_dtypes.bfloat16)
    first = form if isinstance(form, int) else 0  # three rows of one block
    shape = scale_shape(form, K, N, 0)
    scale, points = rng.uniform(0.5, 1, shape).astype(kind), rng.integers(0, 6 if zero else 1, shape)
    weight = lambda code, steps: (code * steps.astype(np.float64)).astype(kind).astype(np.float64)
    left = lambda steps: weight(7, steps) - weight(6, steps) - weight(1, steps)
    while not left(scale).any():  # one scale may leave nothing
        scale = rng.uniform(0.5, 1, shape).astype(kind)
    codes = rng.integers(0, 8, (K, N))
    codes[first:first + 3] = np.array([[7], [6], [1]])
    codes += np.repeat(points, form, axis=0)[:K] if first else points
    initializers = [helper.make_tensor("codes", TensorProto.UINT4, (K, N), codes.flatten()),
                    helper.make_tensor("scale", number, shape, scale.tobytes(), raw=True),
                    helper.make_tensor("zero", TensorProto.UINT4, shape, points.flatten())]
    attributes = {"axis": 0, "block_size": form} if first else {"axis": 1}
    nodes = [helper.make_node("DequantizeLinear", ["codes", "scale", "zero"], ["w"], **attributes),
             helper.make_node("MatMul", ["x", "w"], ["y"])]
    graph = helper.make_graph(nodes, "halves", [helper.make_tensor_value_info("x", number, [rows, K])],
                              [helper.make_tensor_value_info("y", number, None)], initializers)
    artifact = api.compile(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString())
    assert_narrow([strategy for _, strategy, _ in artifact.kernels], "uint4" + (f", block {form}" if first else ""))
    x = np.zeros((40 if rows == "M" else rows, K), kind)
    x[:, first:first + 3] = np.array([1, -1, -1])
    (y,) = artifact.session().run({"x": x.view(artifact.inputs[0].dtype)}).values()
    expected = left(scale[1] if first else np.broadcast_to(scale, N))
    assert expected.any() and np.array_equal(y.view(kind).astype(np.float64), np.broadcast_to(expected, y.shape))


def test_two_products_of_one_matrix():
    strategies = check(build("INT4", 32, products=2), ROWS)
    assert len(strategies) == 2
    assert_narrow(strategies, "int4, block 32")


def test_blocks_without_a_schedule_are_evaluated_once():
    strategies = check(build("INT8", 48), ROWS)
    assert len(strategies) == 1 and strategies[0].startswith("gemm (") and "packed at compile time as f32" in strategies[0]


def test_results_do_not_depend_on_threads(tmp_path):
    artifact = api.compile(build("UINT4", 16, "each").SerializeToString())
    x = np.random.default_rng(0).standard_normal((37, K)).astype(np.float32)
    one, three = (artifact.session(threads=n).run({"x0": x})["y0"] for n in (1, 3))
    assert np.array_equal(one, three)


def test_verify_explain_and_size(tenon, tmp_path):
    onnx.save(build("INT4", 32), tmp_path / "model.onnx")
    done = tenon("compile", tmp_path / "model.onnx", "-o", tmp_path / "model.tenon")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.tenon").stat().st_size < 0.25 * K * N * 4
    explained = tenon("explain", "--nodes", tmp_path / "model.tenon")
    assert re.search(r"dequantize .*weights int4, block 32, decoded (by|in)", explained.stdout), explained.stdout
    verified = tenon("verify", tmp_path / "model.onnx")
    assert verified.returncode == 0, verified.stdout + verified.stderr
