# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every code of floats of up to 8 bits as the constant weight of a product: written
in graph ops, compiled, and compared with the exact values of the codes
(tenon.formats, which test/e2e/number_formats.py checks)."""

import json
import re

import ml_dtypes
import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

import python_api  # noqa: F401
import tenon as api
import tenon.formats
from test_narrow_operands import UNIT, close, tensor

K, N = 530, 515  # no multiple of a block, a panel or a vector
BUILTIN = ["f4E2M1FN", "f6E2M3FN", "f6E3M2FN", "f8E3M4", "f8E4M3", "f8E4M3B11FNUZ", "f8E4M3FN", "f8E4M3FNUZ", "f8E5M2", "f8E5M2FNUZ"]
# The bias of cFP8, other widths and specials, six exponent bits, no subnormals, no sign: not all of them fit float16.
DECLARED = {
    "cFP8E5M2": "{name: a, kind: float, exponent: 5, mantissa: 2, bias: %d}",
    "cFP8E4M3": "{name: a, kind: float, exponent: 4, mantissa: 3, bias: %d}",
    "cFP8E3M4": "{name: a, kind: float, exponent: 3, mantissa: 4, bias: %d}",
    "five bits": "{name: a, kind: float, exponent: 2, mantissa: 2, bias: %d}",
    "seven bits": "{name: a, kind: float, exponent: 3, mantissa: 3, bias: %d, infinity: true, nan: ieee}",
    "five exponent bits, one NaN": "{name: a, kind: float, exponent: 5, mantissa: 2, bias: %d, nan: all_ones}",
    "six exponent bits": "{name: a, kind: float, exponent: 6, mantissa: 1, bias: %d}",
    "no sign": "{name: a, kind: float, sign: false, exponent: 4, mantissa: 4, bias: %d}",
    "no subnormals": "{name: a, kind: float, exponent: 4, mantissa: 3, bias: %d, subnormals: false}",
}
FORMATS = [(name, None) for name in BUILTIN] + [(name, 6) for name in DECLARED] + [(name, bias) for name in list(DECLARED)[:3] for bias in (-50, 20, 100)]
IN_FLOAT16 = {"f8E3M4", "f8E4M3", "f8E4M3B11FNUZ", "f8E4M3FN", "f8E4M3FNUZ", "f8E5M2", "f8E5M2FNUZ", "f6E2M3FN", "f6E3M2FN", "cFP8E5M2", "cFP8E4M3", "cFP8E3M4",
              "five bits", "seven bits", "five exponent bits, one NaN"}


def format_of(name, bias, tmp_path):
    """The format, and how it is written as an element type."""
    if bias is None:
        return api.formats.get(name), name
    declaration = DECLARED[name].replace("name: a", f"name: {re.sub('[^a-zA-Z0-9]', '_', f'{name}_{bias}')}") % bias
    (tmp_path / "a.yaml").write_text(declaration)
    return api.formats.load(str(tmp_path / "a.yaml")), f'!num.format<"{declaration}">'


def products(tenon, tmp_path, weights, scale, element, x, target, real="f32", block=None):
    """The first row of x, the first two, and all, times the dequantized codes of `weights`; and what the ledger says of the products."""
    blob = lambda array: f'dense<"0x{np.ascontiguousarray(array, np.float32).tobytes().hex()}">'
    constant = lambda name, array, kind: (f"%{name}32 = graph.constant {blob(array)} : {tensor(array.shape)}\n"
                                          f"%{name} = graph.cast %{name}32 {{saturate = false}} : ({tensor(array.shape)}) -> {tensor(array.shape, kind)}")
    kinds = [tensor((K, N), element), tensor(scale.shape, real)]
    axis = f"axis = 0 : i64, block_size = {block} : i64" if block else "axis = 1 : i64"
    lines = [constant("codes", weights, element), constant("scale", scale, real),
             f"%w = graph.dequantize %codes, %scale {{{axis}}} : ({', '.join(kinds)}) -> {tensor((K, N), real)}"]
    counts = (1, 2, len(x))
    results = [tensor((rows, N), real) for rows in counts]
    lines += [f"%y{rows} = graph.matmul %x{rows}, %w : ({tensor((rows, K), real)}, {tensor((K, N), real)}) -> {kind}" for rows, kind in zip(counts, results)]
    lines.append(f"return {', '.join(f'%y{rows}' for rows in counts)} : {', '.join(results)}")
    arguments = ", ".join(f'%x{rows}: {tensor((rows, K), real)} {{onnx.name = "x{rows}", onnx.dims = ["", ""]}}' for rows in counts)
    outputs = ", ".join(f'{kind} {{onnx.name = "y{rows}", onnx.dims = ["", ""]}}' for rows, kind in zip(counts, results))
    source, artifact = tmp_path / "m.mlir", tmp_path / "m.tenon"
    source.write_text(f"func.func @main({arguments}) -> ({outputs}) {{\n" + "\n".join(lines) + "\n}\n")
    done = tenon("compile", source, "--start-from=graph", f"--target={target}", "-o", artifact)
    assert done.returncode == 0, done.stderr
    kernels = json.loads(tenon("explain", artifact, "--json").stdout)["kernels"]
    schedules = [kernel["schedule"] for kernel in kernels if kernel["strategy"] == "gemm-quantized"]
    assert len(schedules) == 3, kernels
    loaded = api.load(str(artifact))
    return loaded.session().run({f"x{rows}": x[:rows].view(loaded.inputs[0].dtype) for rows in counts}), schedules


def one_code_a_column(values):
    """Weights [K, N] that are zero but for one in each column, which are the values over and over."""
    weights, n = np.zeros((K, N)), np.arange(N)
    weights[n * 7 % K, n] = values[n % len(values)]
    return weights


@pytest.mark.sweep(3)
@pytest.mark.parametrize("target", ["cpu:host", "cpu:x86-64-v3"])
@pytest.mark.parametrize("name, bias", FORMATS)
def test_every_code(tenon, tmp_path, name, bias, target):
    """Exactly, with infinities and NaN among the weights and without them."""
    fmt, element = format_of(name, bias, tmp_path)
    values = fmt.decode(np.arange(1 << fmt.width, dtype=np.uint32)).astype(np.float64)
    scale = np.float32(2.0 ** (np.arange(N) % 5 - 2))
    for chosen in (values, values[np.isfinite(values)]):
        found, schedules = products(tenon, tmp_path, one_code_a_column(chosen), scale, element, np.ones((21, K), np.float32), target)
        with np.errstate(over="ignore"):
            expected = np.float32(chosen[np.arange(N) % len(chosen)] * scale)
        for y in found.values():
            assert np.array_equal(y, np.broadcast_to(expected, y.shape), equal_nan=True), np.flatnonzero(y[0] != expected)[:9]
        if target != "cpu:host":
            assert all(("decoded as float16" in schedule) == (name in IN_FLOAT16) for schedule in schedules), schedules
        if np.isfinite(values).all():
            break


@pytest.mark.sweep(3)
@pytest.mark.parametrize("target", ["cpu:host", "cpu:x86-64-v3"])
@pytest.mark.parametrize("block", [None, 8, 16, 32, 96])
@pytest.mark.parametrize("name, bias", [("f8E4M3FN", None), ("f6E3M2FN", None), ("cFP8E5M2", 20), ("cFP8E3M4", -50)])
def test_sums(tenon, tmp_path, name, bias, block, target):
    fmt, element = format_of(name, bias, tmp_path)
    rng = np.random.default_rng(1)
    weights = fmt.decode(fmt.encode((rng.standard_normal((K, N)) * fmt.largest / 8).astype(np.float32))).astype(np.float64)
    scale = rng.uniform(0.5, 1, (-(-K // block), N) if block else (N,)).astype(np.float32)
    x = rng.standard_normal((21, K)).astype(np.float32)
    found, schedules = products(tenon, tmp_path, weights, scale, element, x, target, block=block)
    assert all((f", block {block}," in schedule) == (block is not None) for schedule in schedules)
    scaled = weights * (np.repeat(scale.astype(np.float64), block, axis=0)[:K] if block else scale)
    for y in found.values():
        rows = x[:len(y)].astype(np.float64)
        close(y, rows @ scaled, np.abs(rows) @ np.abs(scaled), K)


@pytest.mark.parametrize("name", ["f8E4M3FN", "f8E5M2"])
@pytest.mark.parametrize("real, kind", [("f16", np.float16), ("bf16", ml_dtypes.bfloat16)])
def test_weights_of_16_bits_are_rounded(tenon, tmp_path, name, real, kind):
    values = api.formats.get(name).decode(np.arange(256, dtype=np.uint32)).astype(np.float64)
    values = values[np.abs(values) < 2**14]
    scale = np.random.default_rng(2).uniform(0.5, 1, N).astype(kind).astype(np.float32)
    x = np.ones((21, K), kind)
    found, _ = products(tenon, tmp_path, one_code_a_column(values), scale, name, x, "cpu:host", real)
    expected = (values[np.arange(N) % len(values)] * scale).astype(kind)
    for y in found.values():
        assert np.array_equal(y.view(kind), np.broadcast_to(expected, y.shape))


@pytest.mark.parametrize("shape", [(), (N,)])
def test_zero_points_of_zero(shape):
    """The only ones that ONNX allows for floats, and that exporters write: weights stay narrow beside them."""
    fp8 = lambda name, values: helper.make_tensor(name, TensorProto.FLOAT8E4M3FN, values.shape, values.astype(ml_dtypes.float8_e4m3fn).tobytes(), raw=True)
    values = np.arange(0x7F, dtype=np.uint8).view(ml_dtypes.float8_e4m3fn).astype(np.float64)
    weights, scale = one_code_a_column(values), np.full(shape, 0.5, np.float32)
    nodes = [helper.make_node("DequantizeLinear", ["codes", "scale", "zero"], ["w"], axis=1), helper.make_node("MatMul", ["x", "w"], ["y"])]
    graph = helper.make_graph(nodes, "m", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["M", K])], [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
                              [fp8("codes", weights), numpy_helper.from_array(scale, "scale"), fp8("zero", np.zeros(shape))])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    artifact = api.compile(model.SerializeToString())
    assert [strategy.split(" ")[0] for _, strategy, _ in artifact.kernels] == ["gemm-quantized"]
    x = np.random.default_rng(3).standard_normal((21, K)).astype(np.float32)
    assert np.array_equal(artifact.session().run({"x": x})["y"], np.float32(x.astype(np.float64) @ weights * 0.5))


@pytest.mark.parametrize("target", ["cpu:host", "cpu:x86-64-v3"])
@pytest.mark.parametrize("bias, weight, element", [(-50, 1.125 * 2.0**60, 3 * 2.0**-149), (100, 1.125 * 2.0**-90, 2.0**124)])
def test_products_near_the_limits_of_float32(tenon, tmp_path, bias, weight, element, target):
    """Where codes are read as multiples of a unit far from 1, it enters before the sums do: none overflows or vanishes that a weight's would not."""
    _, kind = format_of("cFP8E4M3", bias, tmp_path)
    x = np.full((9, K), element, np.float32)
    found, _ = products(tenon, tmp_path, np.full((K, N), weight), np.ones(N, np.float32), kind, x, target)
    for y in found.values():
        assert np.allclose(y, K * weight * element, rtol=K * UNIT, atol=0)
