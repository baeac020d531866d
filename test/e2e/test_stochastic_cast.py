# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stochastic casts draw by the element's place in its tensor and by nothing else:
the bits are those of an oracle with draws of its own, whatever the kernel that the
cast is fused into, its vectors, its tiles and its threads."""

import platform

import numpy as np
import pytest

import python_api  # noqa: F401
import tenon as api
from number_formats import FIELDS, SEED, Oracle, bits_of, exact_values

ORACLE = Oracle(exact_values(FIELDS["f8E5M2"]), FIELDS["f8E5M2"][4])
CAST = f"{{rounding = 5 : i32, seed = {np.int64(np.uint64(SEED))} : i64}}"
CONV = "strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>"
TARGETS = ("cpu:host", "cpu:x86-64-v2") if platform.machine() == "x86_64" else ("cpu:host",)

# name: (shapes of the inputs, the op, the type of its result)
SOURCES = {
    "elementwise": (["1003x7"], "graph.unary neg %a : (tensor<1003x7xf32>) -> tensor<1003x7xf32>", "1003x7xf32"),
    "scalar": ([""], "graph.unary neg %a : (tensor<f32>) -> tensor<f32>", "f32"),
    "broadcast": (["5x1x7", "3x1"], "graph.binary add %a, %b : (tensor<5x1x7xf32>, tensor<3x1xf32>) -> tensor<5x3x7xf32>", "5x3x7xf32"),
    "product": (["37x29", "29x53"], "graph.matmul %a, %b : (tensor<37x29xf32>, tensor<29x53xf32>) -> tensor<37x53xf32>", "37x53xf32"),
    "batch": (["3x5x29", "3x29x18"], "graph.matmul %a, %b : (tensor<3x5x29xf32>, tensor<3x29x18xf32>) -> tensor<3x5x18xf32>", "3x5x18xf32"),
    "row": (["1x300", "300x33"], "graph.matmul %a, %b : (tensor<1x300xf32>, tensor<300x33xf32>) -> tensor<1x33xf32>", "1x33xf32"),
    "convolution": (["2x6x9x11", "20x6x3x3"], f"graph.conv %a, %b {{{CONV}}} : (tensor<2x6x9x11xf32>, tensor<20x6x3x3xf32>) -> tensor<2x20x9x11xf32>", "2x20x9x11xf32"),
    "depthwise": (["2x24x9x11", "24x1x3x3"], f"graph.conv %a, %b {{{CONV}, group = 24 : i64}} : (tensor<2x24x9x11xf32>, tensor<24x1x3x3xf32>) -> tensor<2x24x9x11xf32>", "2x24x9x11xf32"),
    "rows": (["33x19x5"], "graph.reduce sum %a {axes = array<i64: 1>} : (tensor<33x19x5xf32>) -> tensor<33x5xf32>", "33x5xf32"),
    "softmax": (["33x19"], "graph.softmax %a {axis = 1 : i64} : (tensor<33x19xf32>) -> tensor<33x19xf32>", "33x19xf32"),
}


def compile_graph(tenon, tmp_path, text, target="cpu:host"):
    source, artifact = tmp_path / "m.mlir", tmp_path / "m.tenon"
    source.write_text(text)
    done = tenon("compile", "-q", f"--target={target}", "--start-from=graph", source, "-o", artifact)
    assert done.returncode == 0, done.stderr
    return api.load(artifact)


def cast_of(value, kind, name="%c"):
    shape = kind.rpartition("x")[0] + "x" * ("x" in kind)
    return f"  {name} = graph.cast {value} {CAST} : (tensor<{kind}>) -> tensor<{shape}f8E5M2>\n", f"tensor<{shape}f8E5M2>"


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", SOURCES)
def test_bits_are_those_of_the_place(tenon, tmp_path, name, target):
    shapes, op, kind = SOURCES[name]
    types = [f"tensor<{shape}{'x' if shape else ''}f32>" for shape in shapes]
    arguments = ", ".join(f"%{'ab'[i]}: {t}" for i, t in enumerate(types))
    cast, result = cast_of("%y", kind)
    artifact = compile_graph(tenon, tmp_path, f"func.func @main({arguments}) -> (tensor<{kind}>, {result}) {{\n"
                             f"  %y = {op}\n{cast}  return %y, %c : tensor<{kind}>, {result}\n}}\n", target)
    rng = np.random.default_rng(3)
    feeds = {info.name: rng.standard_normal([int(d) for d in shape.split("x") if d]).astype(np.float32)
             for info, shape in zip(artifact.inputs, shapes)}
    for threads in (1, 3):
        real, codes = artifact.session(threads).run(feeds).values()
        expected = ORACLE.encode(real, "stochastic", saturate=True, seed=SEED)
        assert np.array_equal(bits_of(codes).ravel(), expected)
    if real.size > 1:  # or nothing was drawn
        assert not np.array_equal(expected, ORACLE.encode(real))


def to_odd_float(x):
    nearest = x.astype(np.float32)
    bits = nearest.view(np.uint32) - (abs(nearest.astype(np.float64)) > abs(x))
    return np.where(nearest == x, nearest, (bits | 1).astype(np.uint32).view(np.float32))


@pytest.mark.parametrize("kind, values", [
    ("f64", np.random.default_rng(4).standard_normal(999)),
    ("f16", np.random.default_rng(4).standard_normal(999).astype(np.float16)),
    ("i32", np.random.default_rng(4).integers(-50000, 50000, 999).astype(np.int32)),
])
def test_other_sources(tenon, tmp_path, kind, values):
    cast, result = cast_of("%x", f"999x{kind}")
    artifact = compile_graph(tenon, tmp_path, f"func.func @main(%x: tensor<999x{kind}>) -> {result} {{\n{cast}  return %c : {result}\n}}\n")
    codes, = artifact.session().run({artifact.inputs[0].name: values}).values()
    expected = ORACLE.encode(to_odd_float(values.astype(np.float64)), "stochastic", saturate=True, seed=SEED)
    assert np.array_equal(bits_of(codes).ravel(), expected)


@pytest.mark.parametrize("kind", ["f32", "f64"])
def test_the_reference_draws_alike(tenon, tmp_path, kind):
    """A constant is cast by the reference evaluator when the model is compiled."""
    values = np.random.default_rng(5).standard_normal(500).astype(kind.replace("f", "<f").replace("32", "4").replace("64", "8"))
    cast, result = cast_of("%x", f"500x{kind}")
    literal = f'dense<"0x{values.tobytes().hex().upper()}"> : tensor<500x{kind}>'
    folded = compile_graph(tenon, tmp_path, f"func.func @main(%z: tensor<1xf32>) -> (tensor<1xf32>, {result}) {{\n"
                           f"  %x = graph.constant {literal}\n{cast}  return %z, %c : tensor<1xf32>, {result}\n}}\n")
    _, constant = folded.session().run({folded.inputs[0].name: np.zeros(1, np.float32)}).values()
    compiled = compile_graph(tenon, tmp_path, f"func.func @main(%x: tensor<500x{kind}>) -> {result} {{\n{cast}  return %c : {result}\n}}\n")
    codes, = compiled.session().run({compiled.inputs[0].name: values}).values()
    assert np.array_equal(bits_of(codes), bits_of(constant))


def test_a_format_declared_stochastic(tenon, tmp_path):
    """Without a seed a format's own stochastic rounding draws from 0, also in arithmetic on it."""
    kind = '!num.format<"{name: random, kind: float, exponent: 5, mantissa: 2, bias: 15, infinity: true, nan: ieee, rounding: stochastic}">'
    artifact = compile_graph(tenon, tmp_path, f"func.func @main(%x: tensor<999xf32>) -> tensor<999x{kind}> {{\n"
                             f"  %c = graph.cast %x : (tensor<999xf32>) -> tensor<999x{kind}>\n  return %c : tensor<999x{kind}>\n}}\n")
    values = np.random.default_rng(6).standard_normal(999).astype(np.float32)
    codes, = artifact.session().run({artifact.inputs[0].name: values}).values()
    assert np.array_equal(bits_of(codes), ORACLE.encode(values, "stochastic", saturate=True, seed=0))
