# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tenon verify`: what it must find, and that it does not change what it watches.

Wrong kernels are made by editing the plan between two stages, wrong weights by
flipping bits of an artifact: the driver has no hook for either.
"""

import json
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from driver_models import OK, USER_ERROR


@pytest.fixture(scope="module")
def convolutions(tmp_path_factory):
    """Three convolutions with activations, and a branch on an input."""
    rng = np.random.default_rng(3)
    nodes, weights, last = [], [], "x"
    for i, activation in enumerate(["Relu", "Sigmoid", "Tanh"]):
        weights.append(numpy_helper.from_array(rng.standard_normal((8, 3 if i == 0 else 8, 3, 3), np.float32), f"w{i}"))
        nodes.append(helper.make_node("Conv", [last, f"w{i}"], [f"c{i}"], f"conv{i}", pads=[1, 1, 1, 1]))
        nodes.append(helper.make_node(activation, [f"c{i}"], [f"a{i}"], f"act{i}"))
        last = f"a{i}"

    def branch(operator, name):
        out = helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)
        return helper.make_graph([helper.make_node(operator, [last], [f"{name}_y"], name)], name, [], [out])

    nodes.append(
        helper.make_node("If", ["flag"], ["y"], "choose", then_branch=branch("Neg", "neg"), else_branch=branch("Exp", "exp"))
    )
    graph = helper.make_graph(
        nodes, "convolutions",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3, 9, 7]),
            helper.make_tensor_value_info("flag", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 8, 9, 7])], weights,
    )
    path = tmp_path_factory.mktemp("verify") / "convolutions.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def report_of(tenon, model, *flags, status):
    done = tenon("verify", model, "--json", *flags)
    assert done.returncode == status, done.stderr + done.stdout
    return json.loads(done.stdout)


def test_agrees_and_counts(tenon, convolutions):
    report = report_of(tenon, convolutions, "--dim", "batch=3", "--input", "flag=bool=1", "--threads", "2", status=0)
    assert report["ok"] and report["first_wrong"] is None
    by_node = {node: kernel for kernel in report["kernels"] for node in kernel["nodes"]}
    assert by_node["Conv conv1"] is by_node["Sigmoid act1"], "the test wants a fused kernel"
    assert by_node["Conv conv1"]["values"] == 3 * 8 * 9 * 7
    # Of the two branches one ran; the other is not compared and not silently counted.
    assert by_node["Neg neg"]["compared"] and not by_node["Exp exp"]["compared"]
    assert not any("skipped" in kernel for kernel in report["kernels"])


def test_no_alarm_where_onnx_leaves_the_result_open(tenon, tmp_path):
    """Division by zero, casts beyond the type, NaN: kernels and reference have one answer."""
    (tmp_path / "open.onnxtxt").write_text("""<ir_version: 8, opset_import: ["" : 18]>
open (int32[40] a, int32[40] b, float[40] x)
  => (int32[40] quotient, int32[40] rest, int32[40] remainder, int32[40] by_zero, int32[40] of_zero, int8[40] narrow, int32[40] whole,
      uint32[40] natural, uint64[40] wide, uint8[40] code, float[20] most, int64[20] places)
<int32 zero = {0}, float scale = {0.1}, uint8 middle = {128}, int64[1] k = {20}>
{
  quotient = Div(a, b)
  rest = Mod(a, b)
  remainder = Mod<fmod = 1>(a, b)
  by_zero = Div(a, zero)
  of_zero = Mod(zero, b)
  narrow = Cast<to = 3>(x)
  whole = Cast<to = 6>(x)
  natural = Cast<to = 12>(x)
  wide = Cast<to = 13>(x)
  code = QuantizeLinear(x, scale, middle)
  most, places = TopK(x, k)
}
""")
    info = np.iinfo(np.int32)
    dividends, divisors = [0, 1, -7, info.min, info.max], [0, 1, -1, 3, -4, info.min, info.max, 0]
    np.save(tmp_path / "a.npy", np.repeat(dividends, len(divisors)).astype(np.int32))
    np.save(tmp_path / "b.npy", np.tile(divisors, len(dividends)).astype(np.int32))
    np.save(tmp_path / "x.npy", np.resize([np.nan, 1e30, -1e30, np.inf, -np.inf, -1.5, 300.7, 3e9, 1e19, -3e9], 40).astype(np.float32))
    inputs = [flag for name in "abx" for flag in ("--input", f"{name}=@{tmp_path / name}.npy")]
    assert report_of(tenon, tmp_path / "open.onnxtxt", *inputs, status=0)["ok"]


def test_watching_changes_nothing(tenon, convolutions, tmp_path):
    assert tenon("compile", convolutions, "-q", "-o", tmp_path / "compiled.tenon").returncode == 0
    assert tenon("verify", convolutions, "-o", tmp_path / "verified.tenon").returncode == 0
    assert (tmp_path / "compiled.tenon").read_bytes() == (tmp_path / "verified.tenon").read_bytes()


def test_finds_the_wrong_kernel_alone(tenon, convolutions, tmp_path):
    plan = tenon("compile", convolutions, "--stop-after=place").stdout
    (tmp_path / "plan.mlir").write_text(plan.replace("graph.unary sigmoid", "graph.unary softsign", 1))
    wrong = tmp_path / "wrong.tenon"
    assert tenon("compile", tmp_path / "plan.mlir", "--start-from=codegen", "-q", "-o", wrong).returncode == 0
    report = report_of(tenon, convolutions, "--artifact", wrong, status=4)
    culprits = [kernel for kernel in report["kernels"] if not kernel["ok"]]
    assert [kernel["nodes"] for kernel in culprits] == [["Conv conv1", "Sigmoid act1"]]
    assert report["first_wrong"] == report["worst"] == culprits[0]["kernel"]
    assert not report["outputs"][0]["ok"]
    text = tenon("verify", convolutions, "--artifact", wrong).stdout
    assert re.search(r"^first +\S+ \(Conv conv1, Sigmoid act1\)\n +output 0: \S+ instead of \S+ at \[", text, re.M), text


def test_finds_a_flipped_weight(tenon, convolutions, tmp_path):
    artifact = tmp_path / "flipped.tenon"
    assert tenon("compile", convolutions, "-q", "-o", artifact).returncode == 0
    contents = bytearray(artifact.read_bytes())
    at = contents.index(np.float32(onnx_weight(convolutions, "w2")[5, 0, 0, 0]).tobytes())
    contents[at + 3] ^= 0x40  # the exponent: a large change of one weight
    artifact.chmod(0o644)
    artifact.write_bytes(contents)
    report = report_of(tenon, convolutions, "--artifact", artifact, status=4)
    assert [kernel["nodes"] for kernel in report["kernels"] if not kernel["ok"]] == [["Conv conv2", "Tanh act2"]]


def onnx_weight(model, name):
    return next(numpy_helper.to_array(w) for w in onnx.load(model).graph.initializer if w.name == name)


def test_refuses_a_foreign_artifact(tenon, convolutions, tmp_path):
    model = onnx.load(convolutions)
    del model.graph.node[-1]
    model.graph.output[0].name = "a2"
    onnx.save(model, tmp_path / "other.onnx")
    assert tenon("compile", tmp_path / "other.onnx", "-q", "-o", tmp_path / "other.tenon").returncode == 0
    done = tenon("verify", convolutions, "--artifact", tmp_path / "other.tenon")
    assert done.returncode == 1 and "[TN8015]" in done.stderr


@pytest.mark.parametrize("says_whose", [True, False])  # edited IR may not
@pytest.mark.parametrize("dims", [[40_000_000], ["n"], ["n", "m"], [2, 2]])
def test_kernels_of_the_same_names_have_other_buffers(tenon, tmp_path, dims, says_whose):
    """The reference does not read as much as the model says from memory of another one's size."""
    paths = {name: tmp_path / f"{name}.onnx" for name in ("small", "other")}
    for path, shape in zip(paths.values(), ([4], dims)):
        ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in "xy"]
        graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"], "relu")], "g", ends[:1], ends[1:])
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)
    plan = tenon("compile", paths["small"], "--stop-after=place").stdout
    (tmp_path / "m.mlir").write_text(plan if says_whose else re.sub('onnx.hash = ".*?", ', "", plan))
    assert tenon("compile", tmp_path / "m.mlir", "--start-from=codegen", "-q", "-o", tmp_path / "m.tenon").returncode == OK
    done = tenon("verify", paths["other"], "--artifact", tmp_path / "m.tenon")
    assert done.returncode == USER_ERROR and "[TN8015]" in done.stderr, done.stderr
    assert tenon("verify", paths["small"], "--artifact", tmp_path / "m.tenon").returncode == OK


@pytest.fixture(scope="module")
def cancelling(tmp_path_factory):
    """Two long sums that are each other's negative but for a millionth, and their sum."""
    rng = np.random.default_rng(5)
    half = rng.standard_normal((64, 2048), np.float32) * 100
    x = np.concatenate([half, half[:, ::-1]], axis=1)
    weight = rng.standard_normal(4096).astype(np.float32)
    opposite = -weight[::-1] * (1 + 1e-6 * rng.standard_normal(4096)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["sums"], "sums"),
            helper.make_node("ReduceSum", ["sums", "axis"], ["y"], "cancel", keepdims=0),
        ],
        "cancelling",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [64])],
        [numpy_helper.from_array(np.stack([weight, opposite], axis=1), "w"), numpy_helper.from_array(np.array([1]), "axis")],
    )
    folder = tmp_path_factory.mktemp("cancelling")
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")
    np.save(folder / "x.npy", x)
    return folder / "model.onnx", f"x=@{folder / 'x.npy'}"


def test_rounding_that_cancellation_shows_is_judged_as_such(tenon, cancelling):
    model, given = cancelling
    output = report_of(tenon, model, "--input", given, status=0)["outputs"][0]
    assert output["wrong"] > 0 and output["excess"] > 1, "the test wants an output beyond the tolerance"
    assert output["ok"] and output["judged_by"] == "rounding"
    assert 1 < output["f64"]["found"] <= output["f64"]["allowed"] == 2 * output["f64"]["f32"]
    text = tenon("verify", model, "--input", given).stdout
    assert re.search(r"^rounding +y: .* of the tolerance\n +from the f64 evaluation it is at ", text, re.M), text


def test_finds_a_flipped_weight_where_values_cancel(tenon, cancelling, tmp_path):
    model, given = cancelling
    artifact = tmp_path / "flipped.tenon"
    assert tenon("compile", model, "-q", "-o", artifact).returncode == 0
    contents = bytearray(artifact.read_bytes())
    at = contents.index(onnx_weight(model, "w")[9, 0].tobytes())
    contents[at + 2] ^= 0x40  # half of a weight among 4096
    artifact.chmod(0o644)
    artifact.write_bytes(contents)
    report = report_of(tenon, model, "--artifact", artifact, "--input", given, status=4)
    output = report["outputs"][0]
    assert output["judged_by"] == "rounding" and not output["ok"]
    assert output["f64"]["found"] > output["f64"]["allowed"] > 1
    assert "WRONG      y" in tenon("verify", model, "--artifact", artifact, "--input", given).stdout
