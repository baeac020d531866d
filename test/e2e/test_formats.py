# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tenon formats`, `tenon convert` and pass plugins: what they print, write and refuse."""

import json
import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from convert_memory import MATRIX_BYTES, peak_of_conversion, save_products

OK, USER_ERROR = 0, 1


def save(path, opset=21, wide=64):
    """Two products and a relu; `fc2` reads its weight transposed."""
    rng = np.random.default_rng(0)
    weights = [numpy_helper.from_array((rng.standard_normal(shape) * 0.1).astype(np.float32), name)
               for name, shape in (("w1", (wide, 96)), ("w2", (32, 96)))]
    nodes = [helper.make_node("MatMul", ["x", "w1"], ["a"], "fc1"), helper.make_node("Relu", ["a"], ["b"], "relu"),
             helper.make_node("Transpose", ["w2"], ["w2t"], "turn", perm=[1, 0]),
             helper.make_node("MatMul", ["b", "w2t"], ["y"], "fc2")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["m", wide])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["m", 32])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), path)
    return path


@pytest.fixture
def model(tmp_path):
    return save(tmp_path / "model.onnx")


def refused(done, *texts):
    assert done.returncode == USER_ERROR, f"{done.returncode}: {done.stderr}"
    for text in texts:
        assert text in done.stderr, done.stderr


def test_formats_lists_and_describes(tenon):
    names = {f["name"] for f in json.loads(tenon("formats", "--json").stdout)}
    assert {"f8E4M3FN", "f8E4M3", "cFP8E4M3", "NF4", "MXFP4", "NVFP4", "i4", "bf16", "tf32"} <= names
    # An alias is not another format of a similar name.
    described = json.loads(tenon("formats", "E4M3", "--json", "--table").stdout)
    assert described["name"] == "f8E4M3FN" and described["largest"] == 448 and len(described["values"]) == 256
    assert described["values"][0x7f] == "nan" and described["onnx"]["code"] == TensorProto.FLOAT8E4M3FN
    assert json.loads(tenon("formats", "cFP8E4M3", "--bias=11", "--json").stdout)["largest"] == 30
    text = tenon("formats", "f4E2M1FN", "--table").stdout
    assert "0x7   0111  6\n" in text and "0xf   1111  -6\n" in text


def test_formats_refuses(tenon, tmp_path):
    refused(tenon("formats", "f9"), "[TN4102]", "f8E4M3FN")
    refused(tenon("formats", "--table"), "--table")
    refused(tenon("formats", "cFP8E4M3", "--bias=500"), "[TN4101]", "bias -64 to 127")
    refused(tenon("formats", "f32", "--table"), "more than 16 bits")
    refused(tenon("formats", "f16", "--bias=3"), "--bias")
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: bad\nkind: float\nexponent: 4\nmantissa: 3\nbias: 7\ninfinity: true\n")
    refused(tenon("formats", "--format-file", bad), "[TN4101]", "bad.yaml", "rule F4")
    bad.write_text("name: f8E4M3FN\nkind: float\nexponent: 4\nmantissa: 3\nbias: 8\n")
    refused(tenon("formats", "--format-file", bad), "[TN4103]", "f8E4M3FN")
    bad.write_text("name: bad\nkind: float\nexponent: 4\nmantissa: 3\nbias: 7\nnans: ieee\n")
    refused(tenon("formats", "--format-file", bad), "[TN4101]", "bad.yaml:6:", "unknown key 'nans'")
    refused(tenon("formats", "--format-file", tmp_path / "none.yaml"), "[TN4104]")


def test_convert_reports_by_layer(tenon, model, tmp_path):
    report = tmp_path / "report.json"
    done = tenon("convert", model, "--weights=i4:block32", "--layers", "fc2=none", "--report", report, "-o", tmp_path / "out.tenon")
    assert done.returncode == OK, done.stderr
    layers = {layer["node"]: layer for layer in json.loads(report.read_text())["layers"]}
    assert layers["fc1"]["recipe"] == "i4:block32" and 15 < layers["fc1"]["sqnr_db"] < 30
    assert layers["fc1"]["bytes"] == 64 * 96 // 2 + 2 * 96 * 4
    assert layers["fc2"]["kept"] == "--layers fc2=none" and layers["fc2"]["weight"] == "w2"
    explained = tenon("explain", tmp_path / "out.tenon").stdout
    assert "[TN4030] weights w1 are kept as i4:block32" in explained


def test_convert_writes_what_onnx_runtime_computes_alike(tenon, model, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    plain = onnxruntime.SessionOptions()  # optimized, it rounds the activations to 8 bits
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    x = np.random.default_rng(1).standard_normal((3, 64)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    for recipe in ("i8", "ui4:channel", "i4:block32", "f8E4M3FN", "f8E5M2:tensor", "bf16"):
        out, artifact = tmp_path / "out.onnx", tmp_path / "out.tenon"
        for path in (out, artifact):
            done = tenon("convert", model, f"--weights={recipe}", "-q", "-o", path)
            assert done.returncode == OK, done.stderr
        onnx.checker.check_model(onnx.load(out))
        (theirs,) = onnxruntime.InferenceSession(str(out), plain).run(None, {"x": x})
        assert tenon("run", artifact, "--input", f"x=@{tmp_path / 'x.npy'}", "--output", f"y=@{tmp_path / 'y.npy'}").returncode == OK
        ours = np.load(tmp_path / "y.npy")
        assert abs(ours - theirs).max() < 1e-5 * abs(theirs).max(), recipe


def save_convolutions(path, opset=21):
    """An embedding, a convolution and a depthwise one, as files of IR version 3 have them: initializers are inputs, too."""
    rng = np.random.default_rng(2)
    weights = [numpy_helper.from_array((rng.standard_normal(shape) * 0.1).astype(np.float32), name)
               for name, shape in (("table", (10, 96)), ("f", (8, 6, 3, 3)), ("d", (8, 1, 3, 3)))]
    weights.append(numpy_helper.from_array(np.array([1, 6, 16, -1]), "size"))
    nodes = [helper.make_node("Gather", ["table", "i"], ["rows"], "lookup"),
             helper.make_node("Reshape", ["rows", "size"], ["image"], "shape"),
             helper.make_node("Conv", ["image", "f"], ["a"], "conv", pads=[1, 1, 1, 1]),
             helper.make_node("Conv", ["a", "d"], ["y"], "depthwise", group=8, pads=[1, 1, 1, 1])]
    inputs = [helper.make_tensor_value_info("i", TensorProto.INT64, [6])]
    if opset < 13:
        inputs += [helper.make_tensor_value_info(w.name, w.data_type, list(w.dims)) for w in weights]
    graph = helper.make_graph(nodes, "g", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8, 16, 6])], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=3 if opset < 13 else 10), path)
    return path


def outputs_of(tenon, path, feed, scratch):
    """What ONNX Runtime and Tenon compute from an ONNX file."""
    onnxruntime = pytest.importorskip("onnxruntime")
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    onnx.checker.check_model(onnx.load(path))
    session = onnxruntime.InferenceSession(str(path), plain)
    assert {i.name for i in session.get_inputs()} == set(feed)
    (theirs,) = session.run(None, feed)
    np.save(scratch / "i.npy", feed["i"])
    assert tenon("compile", "-q", path, "-o", scratch / "own.tenon").returncode == OK
    assert tenon("run", scratch / "own.tenon", "--input", f"i=@{scratch / 'i.npy'}", "--output", f"y=@{scratch / 'y.npy'}").returncode == OK
    return theirs, np.load(scratch / "y.npy")


@pytest.mark.parametrize("recipe", ["i4:block32", "MXFP8E4M3", "NVFP4"])
def test_blocks_of_convolutions_run_along_channels_or_the_window_of_one(tenon, tmp_path, recipe):
    model, report, artifact = save_convolutions(tmp_path / "model.onnx"), tmp_path / "report.json", tmp_path / "out.tenon"
    done = tenon("convert", model, f"--weights={recipe}", "--report", report, "-o", artifact)
    assert done.returncode == OK, done.stderr
    layers = {layer["node"]: layer for layer in json.loads(report.read_text())["layers"]}
    size, bits, scale_bits = {"i4:block32": (32, 4, 32), "MXFP8E4M3": (32, 8, 8), "NVFP4": (16, 4, 8)}[recipe]
    for name, values, blocks in (("conv", 54, 9), ("depthwise", 9, 1)):  # of a result: values, and scales
        assert layers[name]["bytes"] == (8 * values * bits + 8 * blocks * scale_bits + 7) // 8
    # Six channels for each tap, and nine values are all that a depthwise result sums.
    assert layers["conv"]["note"].startswith(f"blocks of 6 instead of {size}")
    assert layers["depthwise"]["note"].startswith(f"blocks of 9 instead of {size}")
    assert "(blocks of 9 instead of" in done.stdout
    feed = {"i": np.arange(6)}
    if recipe == "i4:block32":  # which ONNX Runtime has
        exported = tmp_path / "out.onnx"
        done = tenon("convert", model, f"--weights={recipe}", "-q", "-o", exported)
        assert done.returncode == OK, done.stderr
        theirs, ours = outputs_of(tenon, exported, feed, tmp_path)
        assert abs(ours - theirs).max() < 1e-5 * abs(theirs).max()
    else:
        np.save(tmp_path / "i.npy", feed["i"])
        ours = None
    assert tenon("run", artifact, "--input", f"i=@{tmp_path / 'i.npy'}", "--output", f"y=@{tmp_path / 'z.npy'}").returncode == OK
    direct = np.load(tmp_path / "z.npy")
    if ours is not None:
        assert abs(ours - direct).max() < 1e-6 * abs(direct).max()
    else:  # close to the model's own values, as its few bits allow
        assert tenon("compile", "-q", model, "-o", tmp_path / "plain.tenon").returncode == OK
        assert tenon("run", tmp_path / "plain.tenon", "--input", f"i=@{tmp_path / 'i.npy'}", "--output", f"y=@{tmp_path / 'y.npy'}").returncode == OK
        plain = np.load(tmp_path / "y.npy")
        assert 0 < np.linalg.norm(direct - plain) < 0.25 * np.linalg.norm(plain)


def test_report_lists_what_is_kept(tenon, tmp_path):
    report = tmp_path / "report.json"
    model = save_convolutions(tmp_path / "model.onnx")
    done = tenon("convert", model, "--weights=i8", "--report", report, "-o", tmp_path / "out.tenon")
    assert done.returncode == OK, done.stderr
    layers = {layer["node"]: layer for layer in json.loads(report.read_text())["layers"]}
    assert set(layers) == {"lookup", "conv", "depthwise"}  # not the shape
    assert layers["lookup"]["kept"] == "a table that is looked up, not multiplied"
    assert layers["lookup"]["bytes_before"] == 10 * 96 * 4 and layers["lookup"]["weight"] == "table"
    assert "table (a table that is looked up, not multiplied)" in done.stdout


@pytest.mark.parametrize("recipe, needed", [("i8:tensor", 10), ("ui8:tensor", 10), ("i8", 13), ("f8E4M3FN:tensor", 19), ("i4:channel", 21), ("i8:block16", 21), ("i2:tensor", 25), ("bf16", 13)])
def test_opset_that_a_format_needs(tenon, tmp_path, recipe, needed):
    """The model's opset is enough if its operators have the types and attributes; else it is named."""
    out = tmp_path / "out.onnx"
    for opset in {10, 12, 13, 19, 21, 25} | {needed}:
        model = save_convolutions(tmp_path / "model.onnx", opset)
        done = tenon("convert", model, f"--weights={recipe}", "-q", "-o", out)
        if opset < needed:
            refused(done, "[TN1003]", f"needs opset {needed}, the model has {opset}")
            continue
        assert done.returncode == OK, done.stderr
        converted = onnx.load(out)
        assert converted.opset_import[0].version == opset and [i.name for i in converted.graph.input if i.name in "fd"] == []
        onnx.checker.check_model(converted)
        if recipe in ("i8:tensor", "ui8:tensor", "i8") and opset == needed:
            feed = {"i": np.arange(6)}
            if opset < 13:  # the rest of the initializers may be fed, and need not be
                del converted.graph.input[1:]
                onnx.save(converted, out)
            theirs, ours = outputs_of(tenon, out, feed, tmp_path)
            assert abs(ours - theirs).max() < 1e-5 * abs(theirs).max()


def test_convert_is_deterministic(tenon, model, tmp_path):
    for recipe in ("cFP8", "NVFP4"):
        outputs = []
        for i in range(2):
            assert tenon("convert", model, f"--weights={recipe}", "-q", "-o", tmp_path / f"{i}.tenon").returncode == OK
            outputs.append((tmp_path / f"{i}.tenon").read_bytes())
        assert outputs[0] == outputs[1]


def test_convert_refuses(tenon, model, tmp_path):
    out = tmp_path / "out.onnx"
    refused(tenon("convert", model), "--weights")
    refused(tenon("convert", model, "--weights=i4", "-o", tmp_path / "out.txt"), "[TN8001]", ".tenon or .onnx")
    refused(tenon("convert", model, "--weights=i9"), "[TN4102]", "i9")
    refused(tenon("convert", model, "--weights=i4:blok32"), "[TN4105]", "blok32")
    refused(tenon("convert", model, "--weights=i4:none"), "[TN4105]", "need a scale")
    refused(tenon("convert", model, "--layers", "fc3=i4"), "[TN4107]", "fc3")
    refused(tenon("convert", model, "--layers", "fc(=i4"), "[TN4105]", "fc(")
    refused(tenon("convert", model, "--weights=NF4", "-o", out), "[TN4108]", "NF4", "write a .tenon")
    refused(tenon("convert", model, "--weights=i4", "--activations=i8", "-o", out), "[TN4108]")
    old = save(tmp_path / "old.onnx", opset=13)
    refused(tenon("convert", old, "--weights=i4", "-o", out), "[TN1003]", "needs opset 21, the model has 13")
    damaged = onnx.load(model)
    values = numpy_helper.to_array(damaged.graph.initializer[0]).copy()
    values[3, 5] = np.nan
    damaged.graph.initializer[0].CopyFrom(numpy_helper.from_array(values, "w1"))
    onnx.save(damaged, tmp_path / "nan.onnx")
    refused(tenon("convert", tmp_path / "nan.onnx", "--weights=f8E4M3FN", "-o", out), "[TN4106]", "w1", "fc1")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.onnx", "nan.onnx", "old.onnx"]


def test_added_passes_run_at_the_end_of_their_stage(tenon, model):
    """A pass that only prints shows what it was given."""
    marks = {"import": "onnx.node", "graph": "graph.matmul", "numerics": "graph.matmul", "place": "plan.kernel"}
    for stage, op in marks.items():
        done = tenon("compile", model, f"--add-pass={stage}=print-ir{{label={stage}}}", "--stop-after=place")
        assert done.returncode == OK and op in done.stderr, done.stderr[-2000:]


def test_added_passes_and_plugins_are_refused_clearly(tenon, model, tmp_path):
    refused(tenon("compile", model, "--load-pass-plugin", model), "[TN8022]")
    refused(tenon("compile", model, "--add-pass=codegen=canonicalize"), "[TN8001]")
    for stage in ("import", "graph", "numerics", "place"):
        refused(tenon("compile", model, f"--add-pass={stage}=no-such-pass"), "[TN8001]", "no-such-pass")
    assert tenon("compile", model, "--add-pass=graph=canonicalize", "-q", "-o", tmp_path / "out.tenon").returncode == OK


def test_converting_needs_little_memory_beyond_the_mapped_weights(tenon, tmp_path):
    """256 MiB of weights in an external file: less than 5/8 of that is allocated beside them."""
    count = 4
    status, peak = peak_of_conversion(tenon.program, save_products(tmp_path, count), "i8", tmp_path / "out.tenon")
    assert status == OK
    if "asan" not in os.path.basename(os.path.dirname(os.path.dirname(tenon.program))):
        assert 30_000 < peak < count * MATRIX_BYTES * 5 // 8 // 1024
