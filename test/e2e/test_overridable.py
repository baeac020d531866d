# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Initializers that are also inputs: optional inputs with a default, constants that
a run refuses by name, and the flag that makes inputs of them; on the command line,
in folders of test data, in Python and in C."""

import ctypes
import json
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness import build_under_test, is_sanitized

OK, USER_ERROR, MISMATCH = 0, 1, 4
FLAG = "--overridable=weight"


def save(path, ir_version=8):
    """y = (x weight) * factor + the sum of shift, which has an open size."""
    both = {"weight": np.array([[1, 2], [3, 4]], np.float32), "factor": np.array(2, np.float32), "shift": np.array([1], np.float32)}
    shapes = {"x": ["batch", 2], "weight": [2, 2], "factor": [], "shift": ["n"]}
    nodes = [helper.make_node("MatMul", ["x", "weight"], ["p"]), helper.make_node("Mul", ["p", "factor"], ["s"]),
             helper.make_node("ReduceSum", ["shift"], ["t"], keepdims=0), helper.make_node("Add", ["s", "t"], ["y"])]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in shapes.items()],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(v, n) for n, v in both.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=ir_version), path)
    return path


X = np.array([[1, 1], [2, -1], [0, 3]], np.float32)


def expected(weight=((1, 2), (3, 4)), factor=2, shift=1):
    return (X @ np.array(weight, np.float32)) * np.float32(factor) + np.float32(np.sum(shift))


def write(folder, kind, tensors):
    folder.mkdir(exist_ok=True)
    for i, (name, array) in enumerate(tensors):
        (folder / f"{kind}_{i}.pb").write_bytes(numpy_helper.from_array(np.asarray(array, np.float32), name).SerializeToString())
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save(tmp_path_factory.mktemp("overridable") / "model.onnx")


@pytest.fixture(scope="module")
def artifacts(tenon, model):
    """Compiled without the flag and with it."""
    made = {}
    for name, flags in (("plain", []), ("named", [FLAG])):
        made[name] = model.with_name(f"{name}.tenon")
        done = tenon("compile", "-q", model, "-o", made[name], *flags)
        assert done.returncode == OK, done.stderr
    return made


def run(tenon, artifact, folder, *flags):
    y = folder / "y.npy"
    x = folder / "x.npy"
    np.save(x, X)
    done = tenon("run", artifact, "--input", f"x=@{x}", "--output", f"y=@{y}", *flags)
    assert done.returncode == OK, done.stderr
    return np.load(y)


def test_what_is_not_given_has_its_default(tenon, artifacts, tmp_path):
    np.testing.assert_array_equal(run(tenon, artifacts["plain"], tmp_path), expected())


def test_what_is_given_replaces_the_default(tenon, artifacts, tmp_path):
    np.testing.assert_array_equal(run(tenon, artifacts["plain"], tmp_path, "--input", "factor=f32=-3"), expected(factor=-3))


def test_a_default_of_an_open_size_can_be_replaced_by_another_size(tenon, artifacts, tmp_path):
    y = run(tenon, artifacts["plain"], tmp_path, "--input", "shift=2xf32=5 7")
    np.testing.assert_array_equal(y, expected(shift=[5, 7]))


def test_a_weight_at_run_time_names_the_flag(tenon, artifacts, tmp_path):
    np.save(tmp_path / "x.npy", X)
    done = tenon("run", artifacts["plain"], "--input", f"x=@{tmp_path / 'x.npy'}", "--input", "weight=2x2xf32=0")
    assert done.returncode == USER_ERROR
    assert "[TN8025]" in done.stderr and FLAG in done.stderr, done.stderr


def test_an_unknown_name_lists_the_inputs(tenon, artifacts):
    done = tenon("run", artifacts["plain"], "--input", "wait=f32=0")
    assert done.returncode == USER_ERROR and "[TN8006]" in done.stderr
    assert "it has 'x', 'factor' (optional), 'shift' (optional)" in done.stderr, done.stderr


def test_the_flag_makes_an_input_of_a_weight(tenon, artifacts, tmp_path):
    np.testing.assert_array_equal(run(tenon, artifacts["named"], tmp_path), expected())
    y = run(tenon, artifacts["named"], tmp_path, "--input", "weight=2x2xf32=0 1 1 0")
    np.testing.assert_array_equal(y, expected(weight=((0, 1), (1, 0))))


def test_inspect_says_which_inputs_are_optional(tenon, artifacts):
    described = json.loads(tenon("inspect", "--json", artifacts["plain"]).stdout)
    assert {i["name"]: i["optional"] for i in described["inputs"]} == {"x": False, "factor": True, "shift": True}
    assert described["fixed_inputs"] == ["weight"]
    assert json.loads(tenon("inspect", "--json", artifacts["named"]).stdout)["fixed_inputs"] == []
    text = tenon("inspect", artifacts["plain"]).stdout
    assert "factor: f32[], optional" in text and "1 of the model's inputs" in text, text


def test_verify_and_bench_use_defaults(tenon, model, artifacts):
    for artifact in artifacts.values():
        done = tenon("verify", model, "--artifact", artifact)
        assert done.returncode == OK, done.stdout + done.stderr
    assert tenon("bench", artifacts["plain"], "--warmup=0", "--duration=0").returncode == OK


def test_ir_version_3_lists_all_initializers_and_means_nothing_by_it(tenon, tmp_path):
    model = save(tmp_path / "old.onnx", ir_version=3)
    for flags, fixed in (([], 3), (["--overridable=factor|shift"], 1)):
        assert tenon("compile", "-q", model, "-o", tmp_path / "old.tenon", *flags).returncode == OK
        assert len(json.loads(tenon("inspect", "--json", tmp_path / "old.tenon").stdout)["fixed_inputs"]) == fixed


@pytest.mark.parametrize("flag, text", [("--overridable=(", "[TN1080]"), ("--overridable=weigh", "[TN1080]")])
def test_a_bad_expression_is_refused(tenon, model, tmp_path, flag, text):
    done = tenon("compile", "-q", model, "-o", tmp_path / "m.tenon", flag)
    assert done.returncode == USER_ERROR and text in done.stderr, done.stderr
    assert not (tmp_path / "m.tenon").exists()


# Folders of test data.


def test_a_folder_may_leave_out_what_has_a_default(tenon, artifacts, tmp_path):
    write(tmp_path / "some", "input", [("x", X)])
    write(tmp_path / "some", "output", [("y", expected())])
    done = tenon("run", artifacts["plain"], "--test-data", tmp_path / "some")
    assert done.returncode == OK, done.stdout + done.stderr
    write(tmp_path / "more", "input", [("x", X), ("shift", [3, 4])])
    write(tmp_path / "more", "output", [("y", expected(shift=[3, 4]))])
    done = tenon("run", artifacts["plain"], "--test-data", tmp_path / "more")
    assert done.returncode == OK, done.stdout + done.stderr


@pytest.mark.parametrize("command", ["run", "verify"])
@pytest.mark.parametrize(
    "more, text",
    [
        ([("weight", np.zeros((2, 2)))], FLAG),
        ([("factor", 1), ("shift", [1]), ("what", 1)], "[TN8026]"),
        ([("", 1), ("", [1]), ("", 1)], "[TN8026]"),
        ([("factor", 1), ("factor", 1)], "[TN8026]"),
    ],
)
def test_a_folder_with_more_inputs_than_the_model_is_refused(tenon, model, artifacts, tmp_path, command, more, text):
    folder = write(tmp_path / "data", "input", [("x", X), *more])
    write(folder, "output", [("y", expected())])
    what = [artifacts["plain"]] if command == "run" else [model, "--artifact", artifacts["plain"]]
    done = tenon(command, *what, "--test-data", folder)
    assert done.returncode == USER_ERROR and text in done.stderr, done.stdout + done.stderr


def test_a_folder_without_outputs_runs_and_prints(tenon, model, artifacts, tmp_path):
    folder = write(tmp_path / "data", "input", [("x", X)])
    done = tenon("run", artifacts["plain"], "--test-data", folder)
    assert done.returncode == OK and "y: 3x2xf32 = 9 13 -1 1 19 25" in done.stdout, done.stdout + done.stderr
    done = tenon("verify", model, "--test-data", folder)
    assert done.returncode == OK, done.stdout + done.stderr
    write(folder, "output", [("y", expected() + 1)])
    assert tenon("run", artifacts["plain"], "--test-data", folder).returncode == MISMATCH


def test_a_folder_that_is_not_there_is_refused(tenon, artifacts, tmp_path):
    done = tenon("run", artifacts["plain"], "--test-data", tmp_path / "nowhere")
    assert done.returncode == USER_ERROR and "[TN8004]" in done.stderr


# Python and C.

needs_package = pytest.mark.skipif(is_sanitized(build_under_test()) or not (build_under_test() / "python").is_dir(),
                                   reason="the Python package is not built")


@pytest.fixture(scope="module")
def package():
    sys.path.insert(0, str(build_under_test().resolve() / "python"))
    import tenon as package

    return package


@needs_package
def test_python(package, model):
    artifact = package.compile(model)
    assert {i.name: i.optional for i in artifact.inputs} == {"x": False, "factor": True, "shift": True}
    assert artifact.fixed_inputs == ["weight"]
    session = artifact.session()
    np.testing.assert_array_equal(session.run({"x": X})["y"], expected())
    np.testing.assert_array_equal(session.run({"x": X, "factor": np.array(5, np.float32)})["y"], expected(factor=5))
    np.testing.assert_array_equal(session.run({"x": X})["y"], expected())  # the default again
    with pytest.raises(package.InputError, match="overridable='weight'"):
        session.run({"x": X, "weight": np.eye(2, dtype=np.float32)})
    with pytest.raises(package.InputError, match="no input 'x' given"):
        session.run({})
    named = package.compile(model, overridable="weight")
    np.testing.assert_array_equal(named.session().run({"x": X, "weight": np.eye(2, dtype=np.float32)})["y"],
                                  expected(weight=np.eye(2)))


class TensorInfo(ctypes.Structure):
    """The struct as programs had it before inputs could be optional, and as they have it now."""

    _fields_ = [("size", ctypes.c_size_t), ("name", ctypes.c_char_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("dims", ctypes.c_void_p), ("dim_names", ctypes.c_void_p), ("is_optional", ctypes.c_int32)]


@pytest.mark.skipif(is_sanitized(build_under_test()), reason="a sanitizer's own library must be loaded first")
def test_c_structs_of_older_programs_are_not_written_beyond_their_end(artifacts):
    runtime = ctypes.CDLL(str(build_under_test() / "lib" / "libtenon-rt.so"))
    model, info = ctypes.c_void_p(), TensorInfo()
    runtime.tenon_model_load.restype = runtime.tenon_model_input.restype = ctypes.c_void_p
    assert not runtime.tenon_model_load(str(artifacts["plain"]).encode(), None, ctypes.byref(model))
    for size, found in ((ctypes.sizeof(TensorInfo), 1), (TensorInfo.is_optional.offset, 77)):
        info.size, info.is_optional = size, 77
        assert not runtime.tenon_model_input(model, 1, ctypes.byref(info))
        assert info.name == b"factor" and info.is_optional == found
    runtime.tenon_model_free(model)
