# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Products, convolutions and attention whose operands lie in narrow formats:
written in graph ops, compiled, and compared with NumPy on the exact values of
the codes (tenon.formats, which test/e2e/number_formats.py checks)."""

import json

import numpy as np
import pytest
from onnx import TensorProto, helper

import python_api  # noqa: F401
import tenon as api
import tenon.formats

CFP8 = "{name: cFP8E4M3_b9, kind: float, exponent: 4, mantissa: 3, bias: 9}"
WIDE = "{name: wide, kind: codebook, values: [" + ", ".join(str(i * abs(i) / 64) for i in range(-60, 61)) + "]}"
# How a format is written as an element type.
TYPES = {"f8E4M3FN": "f8E4M3FN", "f8E5M2": "f8E5M2", "f4E2M1FN": "f4E2M1FN", "f6E3M2FN": "f6E3M2FN",
         "cFP8E4M3": f'!num.format<"{CFP8}">', "NF4": '!num.format<"NF4">', "wide": f'!num.format<"{WIDE}">',
         "bf16": "bf16", "f16": "f16", "f32": "f32"}
UNIT = 2.0 ** -24  # of float32's roundings


def format_of(name, tmp_path):
    if name == "cFP8E4M3":
        return tenon.formats.get(name).with_bias(9)
    if name == "wide":
        (tmp_path / "wide.yaml").write_text(WIDE)
        return tenon.formats.load(str(tmp_path / "wide.yaml"))
    return tenon.formats.get(name)


def rounded(x, name, tmp_path):
    fmt = format_of(name, tmp_path)
    return fmt.decode(fmt.encode(x))


def tensor(shape, element="f32"):
    return "tensor<" + "".join(f"{d}x" for d in shape) + element + ">"


def argument(name, shape, symbols=()):
    dims = ", ".join(f'"{s}"' for s in (symbols or [""] * len(shape)))
    kind = tensor(["?" if s else d for d, s in zip(shape, symbols or [""] * len(shape))])
    return f'%{name}: {kind} {{onnx.name = "{name}", onnx.dims = [{dims}]}}', kind


def run(tenon, tmp_path, arguments, body, result, feeds, target="cpu:host"):
    """Compiles @main(arguments) and runs it; the artifact's kernels and the output."""
    source, artifact = tmp_path / "m.mlir", tmp_path / "m.tenon"
    rank = result.count("x")
    dims = ", ".join(['""'] * rank)
    source.write_text(f'func.func @main({", ".join(arguments)}) -> ({result} {{onnx.name = "y", onnx.dims = [{dims}]}}) {{\n{body}\n}}\n')
    done = tenon("compile", source, "--start-from=graph", f"--target={target}", "-o", artifact)
    assert done.returncode == 0, done.stderr
    kernels = json.loads(tenon("explain", artifact, "--json").stdout)["kernels"]
    return kernels, api.load(str(artifact)).session().run(feeds)["y"]


def close(got, expected, magnitude, terms):
    """Within the rounding of a float32 sum of `terms` products whose magnitudes add up to `magnitude`."""
    bound = (terms + 2) * UNIT * magnitude + 1e-30
    worst = np.max(np.abs(got.astype(np.float64) - expected) / bound)
    assert worst <= 1, f"worst error is {worst} of the bound"


def cast(name, shape, element, to="q"):
    return f"%{name}{to} = graph.cast %{name} : ({tensor(shape)}) -> {tensor(shape, element)}"


@pytest.mark.parametrize("target", ["cpu:host", "cpu:x86-64-v3"])
@pytest.mark.parametrize("m,k,n", [(1, 67, 40), (7, 130, 33), (64, 48, 65), (50, 1200, 17)])
@pytest.mark.parametrize("left,right", [("f8E4M3FN", "f8E5M2"), ("cFP8E4M3", "NF4"), ("f4E2M1FN", "f32"), ("wide", "f6E3M2FN")])
def test_matmul_of_formats(tenon, tmp_path, left, right, m, k, n, target):
    """Operands are narrow in the op itself; sizes hit rows read in place, copied and gathered."""
    rng = np.random.default_rng(1)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((m, k), (k, n)))
    body = "\n".join([cast("a", (m, k), TYPES[left]), cast("b", (k, n), TYPES[right]),
                      f"%r = graph.matmul %aq, %bq : ({tensor((m, k), TYPES[left])}, {tensor((k, n), TYPES[right])}) -> {tensor((m, n))}",
                      f"return %r : {tensor((m, n))}"])
    kernels, got = run(tenon, tmp_path, [argument("a", (m, k))[0], argument("b", (k, n))[0]], body, tensor((m, n)), {"a": a, "b": b}, target)
    x, y = rounded(a, left, tmp_path), rounded(b, right, tmp_path)
    close(got, x @ y, np.abs(x) @ np.abs(y), k)
    assert any("decoded by table" in kernel["schedule"] for kernel in kernels), kernels


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("code,low,high", [("i8", -128, 127), ("ui8", 0, 255), ("i4", -8, 7)])
def test_dequantized_activations_join_their_readers(tenon, tmp_path, code, low, high, transposed):
    """A scale and zero point of run time; two readers, one of which is no product."""
    m, k, n = 9, 70, 50
    rng = np.random.default_rng(2)
    shape = (k, m) if transposed else (m, k)
    x = (rng.standard_normal(shape) * 3).astype(np.float32)
    w = rng.standard_normal((k, n)).astype(np.float32)
    s, zero = np.float32(6 / (high - low)), (low + high + 3) // 2
    q = tensor(shape, code)
    body = f"""%z = graph.constant dense<{zero}> : tensor<{code}>
%q = graph.quantize %x, %s, %z {{axis = 0 : i64}} : ({tensor(shape)}, tensor<f32>, tensor<{code}>) -> {q}
%d = graph.dequantize %q, %s, %z {{axis = 0 : i64}} : ({q}, tensor<f32>, tensor<{code}>) -> {tensor(shape)}
%p = graph.matmul %d, %w {"{transpose_lhs}" if transposed else ""} : ({tensor(shape)}, {tensor((k, n))}) -> {tensor((m, n))}
%e = graph.unary exp %d : ({tensor(shape)}) -> {tensor(shape)}
%t = graph.reduce sum %e {{axes = array<i64: 0, 1>, keep_dims}} : ({tensor(shape)}) -> {tensor((1, 1))}
%r = graph.binary add %p, %t : ({tensor((m, n))}, {tensor((1, 1))}) -> {tensor((m, n))}
return %r : {tensor((m, n))}"""
    arguments = [argument("x", shape)[0], argument("s", ())[0], argument("w", (k, n))[0]]
    kernels, got = run(tenon, tmp_path, arguments, body, tensor((m, n)), {"x": x, "s": s, "w": w})
    codes = np.clip(np.rint(x / s) + zero, low, high)
    d = ((codes - zero).astype(np.float32) * s).astype(np.float64)
    left = d.T if transposed else d
    total = np.exp(d).sum()
    close(got, left @ w.astype(np.float64) + total, np.abs(left) @ np.abs(w) + 40 * total, k)
    assert any("decoded by table" in kernel["schedule"] for kernel in kernels)
    assert not any(kernel["strategy"].startswith("misc-quantize") for kernel in kernels)


@pytest.mark.parametrize("accumulator", ["f16", "bf16", "f32", "f64"])
def test_matmul_accumulators(tenon, tmp_path, accumulator):
    """16-bit sums are rounded after each term, bit for bit; others have a bound."""
    m, k, n = 5, 37, 11
    rng = np.random.default_rng(3)
    a, b = (rng.standard_normal(shape).astype(np.float32) for shape in ((m, k), (k, n)))
    one, two = TYPES["f8E4M3FN"], TYPES["f8E5M2"]
    body = "\n".join([cast("a", (m, k), one), cast("b", (k, n), two),
                      f"%r = graph.matmul %aq, %bq {{accumulator = {accumulator}}} : ({tensor((m, k), one)}, {tensor((k, n), two)}) -> {tensor((m, n))}",
                      f"return %r : {tensor((m, n))}"])
    _, got = run(tenon, tmp_path, [argument("a", (m, k))[0], argument("b", (k, n))[0]], body, tensor((m, n)), {"a": a, "b": b})
    x, y = rounded(a, "f8E4M3FN", tmp_path).astype(np.float32), rounded(b, "f8E5M2", tmp_path).astype(np.float32)
    if accumulator not in ("f16", "bf16"):
        exact = x.astype(np.float64) @ y.astype(np.float64)
        return close(got, exact, np.abs(x) @ np.abs(y), k if accumulator == "f32" else 0)
    fmt, expected = tenon_format(accumulator), np.zeros((m, n), np.float32)
    for step in range(k):
        expected = fmt.decode(fmt.encode(expected + x[:, step, None] * y[None, step])).astype(np.float32)
    assert np.array_equal(got, expected)
    assert not np.array_equal(got, (x @ y).astype(np.float32))


def tenon_format(name):
    return tenon.formats.get(name)


def convolve(x, w, group, stride, pad):
    """x [n, h, w, c], w [o, c / group, kh, kw] in float64; also of the magnitudes."""
    n, h, width, _ = x.shape
    o, per, kh, kw = w.shape
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    oh, ow = (h + 2 * pad - kh) // stride + 1, (width + 2 * pad - kw) // stride + 1
    out = np.zeros((n, oh, ow, o))
    for i in range(oh):
        for j in range(ow):
            window = padded[:, i * stride:i * stride + kh, j * stride:j * stride + kw]
            for g in range(group):
                part = window[..., g * per:(g + 1) * per].transpose(0, 3, 1, 2)
                filters = w[g * o // group:(g + 1) * o // group]
                out[:, i, j, g * o // group:(g + 1) * o // group] = np.einsum("nchw,ochw->no", part, filters)
    return out


@pytest.mark.parametrize("element", ["f8E4M3FN", "cFP8E4M3", "i8"])
@pytest.mark.parametrize("channels,outputs,group,size,stride,layout", [
    (19, 40, 1, 3, 1, 1), (19, 33, 1, 1, 1, 1), (24, 48, 4, 3, 2, 1), (20, 20, 20, 3, 1, 1), (6, 10, 1, 3, 1, 0)])
def test_convolution_of_formats(tenon, tmp_path, element, channels, outputs, group, size, stride, layout):
    """Windows, pixels, groups, depthwise, and channels-first."""
    h = w = 11
    pad = size // 2
    rng = np.random.default_rng(4)
    x = rng.standard_normal((1, h, w, channels)).astype(np.float32)
    weights = rng.standard_normal((outputs, channels // group, size, size)).astype(np.float32)
    bias = rng.standard_normal(outputs).astype(np.float32)
    oh = (h + 2 * pad - size) // stride + 1
    shape, out = ((1, h, w, channels), (1, oh, oh, outputs)) if layout else ((1, channels, h, w), (1, outputs, oh, oh))
    if element == "i8":
        scale = np.float32(0.03)
        values = (np.clip(np.rint(x / scale), -128, 127) * scale).astype(np.float32).astype(np.float64)
        lines = [f"%s = graph.constant dense<{float(scale)!r}> : tensor<f32>",
                 f"%q = graph.quantize %x, %s {{axis = 0 : i64}} : ({tensor(shape)}, tensor<f32>) -> {tensor(shape, 'i8')}",
                 f"%d = graph.dequantize %q, %s {{axis = 0 : i64}} : ({tensor(shape, 'i8')}, tensor<f32>) -> {tensor(shape)}"]
    else:
        values = rounded(x, element, tmp_path)
        lines = [cast("x", shape, TYPES[element]), f"%d = graph.cast %xq : ({tensor(shape, TYPES[element])}) -> {tensor(shape)}"]
    constant = lambda name, value: f"%{name} = graph.constant dense<\"0x{value.tobytes().hex().upper()}\"> : {tensor(value.shape)}"
    lines += [constant("w", weights), constant("b", bias),
              f"%r = graph.conv %d, %w, %b {{strides = array<i64: {stride}, {stride}>, dilations = array<i64: 1, 1>, pads = array<i64: {pad}, {pad}, {pad}, {pad}>, "
              f"group = {group} : i64, layout = {layout} : i32}} : ({tensor(shape)}, {tensor(weights.shape)}, {tensor(bias.shape)}) -> {tensor(out)}",
              f"return %r : {tensor(out)}"]
    feed = x if layout else np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    kernels, got = run(tenon, tmp_path, [argument("x", shape)[0]], "\n".join(lines), tensor(out), {"x": feed})
    got = got if layout else got.transpose(0, 2, 3, 1)
    expected = convolve(values, weights.astype(np.float64), group, stride, pad) + bias
    magnitude = convolve(np.abs(values), np.abs(weights).astype(np.float64), group, stride, pad) + np.abs(bias)
    close(got, expected, magnitude, channels // group * size * size + 1)
    fused = any("decoded by table" in kernel["schedule"] for kernel in kernels)
    assert fused == (group != channels), kernels


@pytest.mark.parametrize("element", ["f8E4M3FN", "f8E5M2", "i8"])
def test_attention_on_narrow_keys_and_values(tenon, tmp_path, element):
    """What a cache in 8 bits looks like; of run-time length."""
    heads, queries, keys, size = 4, 5, 70, 24
    rng = np.random.default_rng(5)
    q, k, v = (rng.standard_normal((1, heads, length, size)).astype(np.float32) for length in (queries, keys, keys))
    lines, values = [], []
    for name, x in (("k", k), ("v", v)):
        shape = x.shape
        if element == "i8":
            values.append((np.clip(np.rint(x / np.float32(0.03)), -128, 127) * np.float32(0.03)).astype(np.float32).astype(np.float64))
            lines += [f"%{name}s = graph.constant dense<0.03> : tensor<f32>",
                      f"%{name}q = graph.quantize %{name}, %{name}s {{axis = 0 : i64}} : ({tensor(shape)}, tensor<f32>) -> {tensor(shape, 'i8')}",
                      f"%{name}d = graph.dequantize %{name}q, %{name}s {{axis = 0 : i64}} : ({tensor(shape, 'i8')}, tensor<f32>) -> {tensor(shape)}"]
        else:
            values.append(rounded(x, element, tmp_path))
            lines += [cast(name, shape, TYPES[element]), f"%{name}d = graph.cast %{name}q : ({tensor(shape, TYPES[element])}) -> {tensor(shape)}"]
    lines += [f"%r = graph.attention %q, %kd, %vd {{scale = 0.2 : f32}} : ({tensor(q.shape)}, {tensor(k.shape)}, {tensor(v.shape)}) -> {tensor(q.shape)}",
              f"return %r : {tensor(q.shape)}"]
    arguments = [argument(name, x.shape)[0] for name, x in (("q", q), ("k", k), ("v", v))]
    kernels, got = run(tenon, tmp_path, arguments, "\n".join(lines), tensor(q.shape), {"q": q, "k": k, "v": v})
    scores = 0.2 * q.astype(np.float64) @ values[0].transpose(0, 1, 3, 2)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    expected = weights / weights.sum(-1, keepdims=True) @ values[1]
    assert np.max(np.abs(got - expected)) < 2e-5
    attention = next(kernel for kernel in kernels if kernel["strategy"].startswith("row-attention"))
    text = "i8" if element == "i8" else element
    assert f"{text} decoded by table" in attention["schedule"], attention


@pytest.mark.parametrize("count, fits", [(4, True), (1, False), (3, False)])
def test_scales_that_come_at_run_time(count, fits):
    """Where a scale for each index is expected, another number of them is refused when it comes."""
    nodes = [helper.make_node("DequantizeLinear", ["x", "s"], ["y"], axis=0)]
    ends = [helper.make_tensor_value_info(name, kind, shape) for name, kind, shape in
            (("x", TensorProto.INT8, [4, 6]), ("s", TensorProto.FLOAT, ["S"]), ("y", TensorProto.FLOAT, None))]
    model = helper.make_model(helper.make_graph(nodes, "m", ends[:2], ends[2:]), opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = api.compile(model.SerializeToString()).session()
    feeds = {"x": np.ones((4, 6), np.int8), "s": np.arange(1, count + 1, dtype=np.float32)}
    if fits:
        assert np.array_equal(session.run(feeds)["y"], np.broadcast_to(feeds["s"][:, None], (4, 6)))
    else:
        with pytest.raises(api.errors.TenonError, match="TN7006"):
            session.run(feeds)
