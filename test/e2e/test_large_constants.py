# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Constants above 64 MiB: what is computed from them while compiling, and what is
said of the rest."""

import json

import ml_dtypes
import numpy as np
import pytest
from driver_models import OK, save, value
from onnx import TensorProto, helper, numpy_helper

N = 4200  # squared, 67 MiB of float32


def outcome(tenon, folder, nodes, initializers, x=None):
    """The ledger of a model compiled for the host, the result for `x`, and the artifact's size."""
    inputs = [] if x is None else [value("x", list(x.shape))]
    path = save(folder / "m.onnx", nodes, inputs, [value("y", None)], initializers)
    artifact = folder / "m.tenon"
    done = tenon("compile", path, "-o", artifact)
    assert done.returncode == OK, done.stderr
    explained = tenon("explain", artifact, "--json")
    assert explained.returncode == OK, explained.stderr
    given = []
    if x is not None:
        np.save(folder / "x.npy", x)
        given = ["--input", f"x=@{folder / 'x.npy'}"]
    run = tenon("run", artifact, *given, "--output", f"y=@{folder / 'y.npy'}")
    assert run.returncode == OK, run.stderr
    return json.loads(explained.stdout), np.load(folder / "y.npy"), artifact.stat().st_size, done.stdout


@pytest.mark.parametrize("narrow", [np.float16, ml_dtypes.bfloat16])
def test_a_product_widens_its_weights(tenon, tmp_path, narrow):
    """A head of 16-bit floats behind a Cast, just above the limit: one kernel, the
    weights as they were."""
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((N, N), np.float32).astype(narrow)
    raw = helper.make_tensor("w", helper.np_dtype_to_tensor_dtype(np.dtype(narrow)), weights.shape, weights.tobytes(), raw=True)
    x = rng.standard_normal((3, N), np.float32)
    nodes = [helper.make_node("Cast", ["w"], ["wide"], to=TensorProto.FLOAT), helper.make_node("MatMul", ["x", "wide"], ["y"], "head")]
    ledger, y, size, _ = outcome(tenon, tmp_path, nodes, [raw], x)
    assert len(ledger["kernels"]) == 1 and not ledger["notes"]
    assert size < 1.05 * weights.nbytes or "as f32" in ledger["kernels"][0]["schedule"]  # of a target that widens slowly
    np.testing.assert_allclose(y, x @ weights.astype(np.float32), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(("target", "rows", "panels"), [
    ("cpu:x86-64-v3", 1, "f16"), ("cpu:x86-64-v3", "M", "f16"), ("cpu:x86-64-v3", 64, "f32"), ("cpu:x86-64-v3,l2=64", 64, "f16"),
    ("cpu:x86-64-v2", 1, "f32"), ("cpu:aarch64", 1, "f16"), ("cpu:aarch64,l2=64", 64, "f32"),
])
def test_where_weights_stay_narrow(tenon, tmp_path, target, rows, panels):
    """By shape and target: 2 MiB of float32, or half of it."""
    weights = numpy_helper.from_array(np.ones((512, 1024), np.float16), "w")
    nodes = [helper.make_node("Cast", ["w"], ["wide"], to=TensorProto.FLOAT), helper.make_node("MatMul", ["x", "wide"], ["y"])]
    path = save(tmp_path / "m.onnx", nodes, [value("x", [rows, 512])], [value("y", [rows, 1024])], [weights])
    done = tenon("compile", path, "-o", tmp_path / "m.tenon", f"--target={target}")
    assert done.returncode == OK, done.stderr
    (kernel,) = json.loads(tenon("explain", tmp_path / "m.tenon", "--json").stdout)["kernels"]
    assert f"packed at compile time as {panels}" in kernel["schedule"]


def test_elementwise_ops_on_large_weights_are_evaluated(tenon, tmp_path):
    """Codes that a model scales by itself."""
    rng = np.random.default_rng(0)
    codes, scales = rng.integers(-128, 128, (N, N), np.int8), rng.uniform(0.001, 0.01, N).astype(np.float32)
    x = rng.standard_normal((2, N), np.float32)
    nodes = [
        helper.make_node("Cast", ["codes"], ["c"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["c", "scales"], ["s"]),
        helper.make_node("Softsign", ["s"], ["w"]),  # is not exactly rounded: the reference, in tiles
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    ledger, y, _, _ = outcome(tenon, tmp_path, nodes, [numpy_helper.from_array(codes, "codes"), numpy_helper.from_array(scales, "scales")], x)
    assert len(ledger["kernels"]) == 1 and not ledger["notes"]
    weights = codes * scales
    np.testing.assert_allclose(y, x @ (weights / (1 + abs(weights))), rtol=1e-3, atol=1e-3)


def test_what_each_run_computes_is_noted(tenon, tmp_path):
    column = np.linspace(-1, 1, N, dtype=np.float32)[:, None]
    nodes = [helper.make_node("MatMul", ["a", "b"], ["y"], "outer")]
    initializers = [numpy_helper.from_array(column, "a"), numpy_helper.from_array(np.ascontiguousarray(column.T), "b")]
    ledger, y, _, summary = outcome(tenon, tmp_path, nodes, initializers)
    (note,) = ledger["notes"]
    assert note["code"] == "TN4014" and note["nodes"] == ["outer"]
    assert "[TN4014]" in summary and "outer is computed in each run" in summary and "68 MiB" in summary
    np.testing.assert_array_equal(y, column @ column.T)
