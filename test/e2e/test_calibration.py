# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tenon convert --calibration`: what it chooses, writes, reports and refuses."""

import json
import subprocess
import sys
import warnings
import zipfile

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from test_formats import OK, refused, save

FIXED = {"cFP8E4M3": ["f8E4M3", "f8E4M3FN", "f8E4M3FNUZ", "f8E4M3B11FNUZ"], "cFP8E5M2": ["f8E5M2", "f8E5M2FNUZ"], "cFP8E3M4": ["f8E3M4"]}


def samples(folder, count=3, rows=4, scale=3.0, compressed=False, **more):
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(7)
    arrays = [(rng.standard_normal((rows, 64)) * scale).astype(np.float32) for _ in range(count)]
    for i, x in enumerate(arrays):
        (np.savez_compressed if compressed else np.savez)(folder / f"{i}.npz", x=x, **more)
    return arrays


def activations_of(model, arrays):
    """What enters fc1 and fc2, by NumPy."""
    w1 = numpy_helper.to_array(onnx.load(model).graph.initializer[0])
    return {"fc1": np.concatenate(arrays), "fc2": np.concatenate([np.maximum(x @ w1, 0) for x in arrays])}


@pytest.fixture
def model(tmp_path):
    return save(tmp_path / "model.onnx")


def convert(tenon, model, recipe, data, *more):
    report = model.parent / "report.json"
    done = tenon("convert", model, "--weights=i8", f"--activations={recipe}", "--calibration", data, "--report", report, "-q", *more)
    assert done.returncode == OK, done.stderr
    return {layer["node"]: layer for layer in json.loads(report.read_text())["layers"] if "activation" in layer}, done


def run(tenon, artifact, x):
    folder = artifact.parent
    np.save(folder / "in.npy", x)
    done = tenon("run", artifact, "--input", f"x=@{folder / 'in.npy'}", "--output", f"y=@{folder / 'out.npy'}")
    assert done.returncode == OK, done.stderr
    return np.load(folder / "out.npy")


def test_the_report_says_what_numpy_finds(tenon, model, tmp_path):
    values = activations_of(model, samples(tmp_path / "data"))
    layers, _ = convert(tenon, model, "i8", tmp_path / "data")
    assert layers["fc1"]["activation"] == "x" and layers["fc2"]["activation"] == "output of relu"
    for node, x in values.items():
        layer, scale = layers[node], np.float32(abs(x).max()) / np.float32(127)
        assert np.allclose(layer["scale_range"], scale, rtol=1e-5) and layer["values"] == x.size and layer["saturated"] == 0
        y = np.clip(np.rint(x / scale), -128, 127) * scale
        assert np.isclose(layer["mean_square_error"], np.square(x - y, dtype=np.float64).mean(), rtol=1e-3)
        assert np.isclose(layer["underflowed"], ((y == 0) & (x != 0)).mean(), atol=1e-3)
        assert np.isclose(layer["cosine"], (x * y).sum() / np.linalg.norm(x) / np.linalg.norm(y), rtol=1e-5)
    layers, _ = convert(tenon, model, "f8E4M3FN", tmp_path / "data")
    x = values["fc1"]
    error = np.square(x.astype(ml_dtypes.float8_e4m3fn).astype(np.float64) - x).mean()
    assert np.isclose(layers["fc1"]["mean_square_error"], error, rtol=1e-12) and "scale_range" not in layers["fc1"]


@pytest.mark.parametrize("scale", [1e-3, 3.0, 800.0])
def test_the_chosen_bias_is_no_worse_than_any_fixed_format(tenon, model, tmp_path, scale):
    samples(tmp_path / "data", scale=scale)
    family, _ = convert(tenon, model, "cFP8", tmp_path / "data")
    for open_format, fixed in FIXED.items():
        chosen, _ = convert(tenon, model, open_format, tmp_path / "data")
        assert chosen["fc1"]["format"].startswith(open_format + "_b")
        for name in fixed:
            other, _ = convert(tenon, model, name, tmp_path / "data")
            for node in ("fc1", "fc2"):
                assert family[node]["mean_square_error"] <= chosen[node]["mean_square_error"] <= other[node]["mean_square_error"], (node, name)
        for bias in (chosen["fc1"]["format"].split("_b")[1].replace("m", "-"), 7):
            given, _ = convert(tenon, model, f"{open_format}:bias={bias}", tmp_path / "data")
            assert chosen["fc1"]["mean_square_error"] <= given["fc1"]["mean_square_error"]


def test_percentile_mse_and_zero_points(tenon, model, tmp_path):
    arrays = samples(tmp_path / "data")
    arrays[1][2, 3] = 500  # one outlier
    np.savez(tmp_path / "data" / "1.npz", x=arrays[1])
    most, _ = convert(tenon, model, "i8", tmp_path / "data")
    cut, _ = convert(tenon, model, "i8:percentile=99", tmp_path / "data")
    best, _ = convert(tenon, model, "i8:mse", tmp_path / "data")
    assert 0 < cut["fc1"]["saturated"] < 0.011 and most["fc1"]["saturated"] == 0
    assert cut["fc1"]["scale_range"][0] < most["fc1"]["scale_range"][0] / 10
    assert best["fc1"]["mean_square_error"] <= most["fc1"]["mean_square_error"]
    unsigned, _ = convert(tenon, model, "ui8", tmp_path / "data")
    assert unsigned["fc2"]["zero_point"] == 0 and unsigned["fc1"]["zero_point"] > 0
    assert np.isclose(unsigned["fc2"]["scale_range"][0], most["fc2"]["scale_range"][0] * 127 / 255, rtol=1e-6)
    assert unsigned["fc2"]["sqnr_db"] > most["fc2"]["sqnr_db"] + 5  # a Relu leaves no negative half


@pytest.mark.parametrize("recipe", ["i8", "ui8", "ui8:percentile=99.9", "i4:mse", "f8E4M3FN", "f8E4M3FN:tensor", "f8E5M2", "bf16"])
def test_the_written_model_is_standard_onnx(tenon, model, tmp_path, recipe):
    onnxruntime = pytest.importorskip("onnxruntime")
    plain = onnxruntime.SessionOptions()
    plain.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    x = samples(tmp_path / "data", scale=1.0)[0]
    out, artifact = tmp_path / "out.onnx", tmp_path / "out.tenon"
    for path in (out, artifact):
        convert(tenon, model, recipe, tmp_path / "data", "-o", path)
    onnx.checker.check_model(out, full_check=True)
    (theirs,) = onnxruntime.InferenceSession(str(out), plain).run(None, {"x": x})
    (exact,) = onnxruntime.InferenceSession(str(model), plain).run(None, {"x": x})
    ours = run(tenon, artifact, x)
    # A value next to the middle of two codes may fall to either side.
    assert abs(ours - theirs).mean() < 0.02 * abs(exact - theirs).mean()
    assert tenon("compile", out, "-q", "-o", tmp_path / "again.tenon").returncode == OK
    assert abs(run(tenon, tmp_path / "again.tenon", x) - theirs).mean() < 0.02 * abs(exact - theirs).mean()


def test_scales_are_constants_of_the_artifact(tenon, model, tmp_path):
    x = samples(tmp_path / "data", scale=1.0)[0]
    convert(tenon, model, "i8", tmp_path / "data", "-o", tmp_path / "out.tenon")
    explained = tenon("explain", tmp_path / "out.tenon").stdout
    assert "[TN4031] input 0 is rounded to i8" in explained
    # Data of another size saturates: the run chooses nothing.
    assert abs(run(tenon, tmp_path / "out.tenon", 100 * x)).max() < 20 * abs(run(tenon, tmp_path / "out.tenon", x)).max()


def test_kinds_of_sample_folders_agree(tenon, model, tmp_path):
    arrays = samples(tmp_path / "data", count=11, scale=1.0)
    samples(tmp_path / "packed", count=11, scale=1.0, compressed=True)
    for i, x in enumerate(arrays):
        folder = tmp_path / "sets" / f"test_data_set_{i}"
        folder.mkdir(parents=True)
        (folder / "input_0.pb").write_bytes(numpy_helper.from_array(x, "x" if i % 2 else "").SerializeToString())
    for name in ("data", "packed", "sets"):
        convert(tenon, model, "cFP8E4M3", tmp_path / name, "-o", tmp_path / f"{name}.tenon")
    first = (tmp_path / "data.tenon").read_bytes()
    assert first == (tmp_path / "packed.tenon").read_bytes() == (tmp_path / "sets.tenon").read_bytes()
    one, _ = convert(tenon, model, "i8", tmp_path / "data" / "4.npz")
    assert one["fc1"]["values"] == 4 * 64
    one, _ = convert(tenon, model, "i8", tmp_path / "sets" / "test_data_set_4")
    assert one["fc1"]["values"] == 4 * 64


def test_convolutions_recurrences_and_shared_inputs(tenon, tmp_path):
    rng = np.random.default_rng(0)
    weights = {"k": (4, 3, 3, 3), "g": (4 * 36, 10), "wx": (1, 20, 10), "wr": (1, 20, 5), "q": (10, 6), "p": (10, 6)}
    nodes = [helper.make_node("Conv", ["x", "k"], ["c"], "conv"), helper.make_node("Flatten", ["c"], ["f"], "flat"),
             helper.make_node("Gemm", ["f", "g"], ["h"], "gemm"), helper.make_node("Unsqueeze", ["h", "axis"], ["s"], "step"),
             helper.make_node("LSTM", ["s", "wx", "wr"], ["l"], "lstm", hidden_size=5),
             helper.make_node("MatMul", ["h", "q"], ["hq"], "left"), helper.make_node("MatMul", ["h", "p"], ["hp"], "right"),
             helper.make_node("Add", ["hq", "hp"], ["sum"], "add")]
    constants = [numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), name) for name, shape in weights.items()]
    constants.append(numpy_helper.from_array(np.array([0], np.int64), "axis"))
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8])],
                              [helper.make_tensor_value_info("l", TensorProto.FLOAT, [1, 1, 1, 5]), helper.make_tensor_value_info("sum", TensorProto.FLOAT, [1, 6])], constants)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)
    np.savez(tmp_path / "x.npz", x=rng.standard_normal((1, 3, 8, 8)).astype(np.float32))
    layers, _ = convert(tenon, path, "i8", tmp_path / "x.npz", "-o", tmp_path / "out.onnx")
    assert set(layers) == {"conv", "gemm", "lstm", "left", "right"}
    assert layers["left"]["scale_range"] == layers["right"]["scale_range"] == layers["lstm"]["scale_range"]
    converted = onnx.load(tmp_path / "out.onnx").graph
    # h is rounded once for its two products.
    assert sum(node.op_type == "QuantizeLinear" for node in converted.node) == 4
    onnx.checker.check_model(tmp_path / "out.onnx", full_check=True)


def branches(path, shape):
    value = helper.make_tensor_value_info
    bodies = []
    for name, op in (("then", "Relu"), ("else", "Tanh")):
        nodes = [helper.make_node(op, ["x"], [f"{name}_a"], f"{name}_{op}"), helper.make_node("MatMul", [f"{name}_a", f"{name}_w"], [f"{name}_y"], f"{name}_fc")]
        bodies.append(helper.make_graph(nodes, name, [], [value(f"{name}_y", TensorProto.FLOAT, [shape, 8])]))
    rng = np.random.default_rng(0)
    constants = [numpy_helper.from_array(rng.standard_normal((16, 8)).astype(np.float32), f"{name}_w") for name in ("then", "else")]
    graph = helper.make_graph([helper.make_node("If", ["c"], ["y"], "if", then_branch=bodies[0], else_branch=bodies[1])], "g",
                              [value("c", TensorProto.BOOL, []), value("x", TensorProto.FLOAT, [shape, 16])], [value("y", TensorProto.FLOAT, [shape, 8])], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), path)


def test_branches_count_when_they_are_taken(tenon, tmp_path):
    branches(tmp_path / "if.onnx", 3)
    rng = np.random.default_rng(1)
    (tmp_path / "data").mkdir()
    for i in range(3):
        np.savez(tmp_path / "data" / f"{i}.npz", c=np.array(True), x=rng.standard_normal((3, 16)).astype(np.float32) - 2)
    layers, done = convert(tenon, tmp_path / "if.onnx", "i8", tmp_path / "data", "-o", tmp_path / "out.onnx")
    assert layers["then_fc"]["values"] == 3 * 48 and layers["else_fc"]["kept"] == "none of 3 samples computes it"
    assert "warning: [TN4111] output of else_Tanh, the input of else_fc, stays float" in done.stderr
    onnx.checker.check_model(tmp_path / "out.onnx", full_check=True)
    np.savez(tmp_path / "data" / "3.npz", c=np.array(False), x=rng.standard_normal((3, 16)).astype(np.float32))
    layers, done = convert(tenon, tmp_path / "if.onnx", "i8", tmp_path / "data")
    # Zeros of the branch that was not taken are no values.
    assert layers["then_fc"]["values"] == 3 * 48 and layers["else_fc"]["values"] == 48 and "TN4111" not in done.stderr
    branches(tmp_path / "open.onnx", "n")
    layers, done = convert(tenon, tmp_path / "open.onnx", "i8", tmp_path / "data")
    assert "its shape is not fixed" in layers["then_fc"]["kept"] and "TN4111" in done.stderr


def test_calibration_needs_activations_and_the_other_way_round(tenon, model, tmp_path):
    samples(tmp_path / "data")
    refused(tenon("convert", model, "--weights=i8", "--calibration", tmp_path / "data"), "[TN8012]", "--calibration", "without --activations")
    refused(tenon("convert", model, "--weights=i8", "--activations=cFP8E4M3"), "[TN4105]", "--calibration", "bias=N")
    refused(tenon("convert", model, "--weights=i8", "--activations=cFP8"), "[TN4105]", "--calibration")
    refused(tenon("convert", model, "--weights=i8", "--activations=i8", "-o", tmp_path / "out.onnx"), "[TN4108]", "--calibration")
    for recipe in ("i4:block32", "MXFP4"):
        refused(tenon("convert", model, "--weights=i8", f"--activations={recipe}", "--calibration", tmp_path / "data"), "[TN4105]")
    done = tenon("convert", model, "--layers=.*=none", "--activations=i8", "--calibration", tmp_path / "data")
    assert done.returncode == OK and "no layer is converted" in done.stderr


def test_bad_samples_are_refused(tenon, model, tmp_path):
    data = tmp_path / "data"
    good = samples(data)[0]

    def fails(path, *texts):
        done = tenon("convert", model, "--weights=i8", "--activations=i8", "--calibration", path, "-o", tmp_path / "out.tenon")
        refused(done, *texts)
        assert not (tmp_path / "out.tenon").exists()

    def bad(*texts, **arrays):
        np.savez(data / "1.npz", **arrays)
        fails(data, "1.npz", *texts)

    fails(tmp_path / "nowhere", "[TN8002]", "nowhere")
    (tmp_path / "empty").mkdir()
    fails(tmp_path / "empty", "[TN8023]", "empty", "input_0.pb")
    fails(model, "[TN8023]", "model.onnx")
    bad("[TN8024]", "input 'x' wants mx64xf32", "'y'", y=good)
    bad("[TN8024]", "input 'x' wants mx64xf32, found 4x63xf32", x=good[:, :63])
    bad("[TN8024]", "input 'x' wants mx64xf32, found 256xf32", x=good.ravel())
    bad("[TN8024]", "input 'x' wants mx64xf32, found 4x64xf64", x=good.astype(np.float64))
    for value in (np.nan, np.inf):
        damaged = good.copy()
        damaged[1, 2] = value
        bad("[TN8024]", "value 66 of input 'x' is NaN or infinite", x=damaged)
    bad("[TN4110]", "output of relu, the input of fc2, is infinite", x=np.full_like(good, 3e38))
    bad("[TN8024]", "'x'", x=np.array(["a", "b"]))
    with zipfile.ZipFile(data / "1.npz", "w") as archive, warnings.catch_warnings(action="ignore"):
        for _ in range(2):
            with archive.open("x.npy", "w", force_zip64=True) as file:
                np.save(file, good)
    fails(data, "[TN8024]", "1.npz: two arrays for input 'x'")
    whole = (data / "0.npz").read_bytes()
    for damaged in (whole[:100], whole[:-30], b"", whole[:200] + b"\xff" + whole[201:]):
        (data / "1.npz").write_bytes(damaged)
        fails(data, "[TN8024]", "1.npz")
    (data / "1.npz").unlink()
    (data / "set").mkdir()
    (data / "set" / "input_0.pb").write_bytes(numpy_helper.from_array(good, "x").SerializeToString())
    fails(data, "[TN8023]", "both")
    (data / "set" / "input_0.pb").write_bytes(b"\x01\x02")
    fails(data / "set", "[TN8024]", "input_0.pb", "input 'x' wants mx64xf32")


def test_a_sample_may_hold_more_than_the_inputs(tenon, model, tmp_path):
    samples(tmp_path / "data", label=np.array([3]))
    _, done = convert(tenon, model, "i8", tmp_path / "data")
    assert done.stderr.count("'label' is no input of the model") == 1


def test_calibration_memory_does_not_grow_with_the_samples(tenon, model, tmp_path):
    if tenon.sanitized:
        pytest.skip("AddressSanitizer keeps freed memory")
    peaks = []
    for count in (2, 40):
        data = tmp_path / str(count)
        samples(data, count=count, rows=4000)
        command = [tenon.program, "convert", model, "--weights=i8", "--activations=i8", "--calibration", data, "-q"]
        # A peak counts what the parent had when it forked: a small process starts the converter.
        measure = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
        done = subprocess.run([sys.executable, "-c", measure, *map(str, command)], capture_output=True, text=True, check=True)
        peaks.append(int(done.stdout.splitlines()[-1]))
    assert peaks[1] < peaks[0] + 8_000  # kB; 38 samples more are 39 MB of inputs alone
