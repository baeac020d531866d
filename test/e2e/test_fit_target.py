# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""`tenon bench --fit-target`: a chip's numbers from kernels that run here, and what it refuses."""

import json

import numpy as np
import pytest
from driver_models import OK, USER_ERROR, refused, save, value
from onnx import helper, numpy_helper


def products(path, sizes, rows):
    """A chain of products of open batch."""
    rng = np.random.default_rng(0)
    weights = [numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32), f"w{i}")
               for i, shape in enumerate(zip(sizes, sizes[1:]))]
    names = ["x", *(f"y{i}" for i in range(len(weights)))]
    nodes = []
    for i in range(len(weights)):
        nodes += [helper.make_node("MatMul", [names[i], f"w{i}"], [f"m{i}"]),
                  helper.make_node("Softmax", [f"m{i}"], [names[i + 1]], axis=-1)]
    return save(path, nodes, [value("x", [rows, sizes[0]])], [value(names[-1], [rows, sizes[-1]])], weights)


def test_numbers_are_fitted_to_models(tenon, tmp_path):
    models = [products(tmp_path / "a.onnx", (256, 512, 384), 64), products(tmp_path / "b.onnx", (512, 128, 640), "batch")]
    chip = tmp_path / "this machine.yaml"
    done = tenon("bench", f"--fit-target={chip}", "-q", "--duration=0.3", "--json", "--sizes=batch=96", *models[1:])
    assert done.returncode == OK, done.stderr
    done = tenon("bench", f"--fit-target={chip}", "-q", "--duration=0.3", "--nominal=batch=100", "--json", *models[1:])
    assert done.returncode == OK, done.stderr
    done = tenon("bench", f"--fit-target={chip}", "-q", "--duration=0.3", "--json", *models[:1])
    assert done.returncode == OK, done.stderr
    told = json.loads(done.stdout)
    assert told["models"] == 1 and told["kernels"] == 4 and 1 <= told["kernels_above_20_us"] <= 4
    assert told["median_error"] < 0.3  # as many numbers as kernels
    shown = tenon("targets", "this-machine", f"--target-file={chip}").stdout
    assert "rate       contraction: f32 " in shown and "1 x core" in shown
    # What is predicted with the file is about what is measured.
    artifact = tmp_path / "a.tenon"
    assert tenon("compile", models[0], "-o", artifact, "-q", f"--target-file={chip}").returncode == OK
    predicted = sum(kernel["seconds"] for kernel in json.loads(tenon("explain", artifact, "--json").stdout)["kernels"])
    least = json.loads(tenon("bench", artifact, "--duration=0.5", "--json").stdout)["min_ms"] * 1e-3
    assert least / 3 < predicted < 3 * least


def test_without_models(tenon, tmp_path):
    done = tenon("bench", f"--fit-target={tmp_path / 'f.yaml'}", "-q", "--duration=0.02")
    assert done.returncode == OK, done.stderr
    assert "of 14 models" in done.stdout and "each half of the models" in done.stdout
    text = (tmp_path / "f.yaml").read_text()
    for kind in ("contraction", "depthwise", "elementwise", "function", "reduction", "window", "movement"):
        assert f"  {kind}: {{f32: " in text, text


@pytest.mark.parametrize("flags, code", [
    (["--profile"], "[TN8012]"), (["--iterations=3"], "[TN8012]"), (["--input=x=1"], "[TN8012]"),
    (["--load-driver=no.so"], "[TN8012]"),
])
def test_flags_without_an_effect(tenon, tmp_path, flags, code):
    refused(tenon("bench", f"--fit-target={tmp_path / 'f.yaml'}", *flags), USER_ERROR, code, "--fit-target")


def test_what_cannot_be_fitted(tenon, tmp_path):
    small, chip = products(tmp_path / "small.onnx", (4, 3), 2), tmp_path / "f.yaml"
    refused(tenon("bench", f"--fit-target={chip}", "-q", "--duration=0.01", small), USER_ERROR, "[TN8058]", "20 us")
    refused(tenon("bench", f"--fit-target={chip}", tmp_path / "absent.onnx"), USER_ERROR, "[TN8002]", "absent.onnx")
    refused(tenon("bench", f"--fit-target={small}", small), USER_ERROR, "[TN8030]")
    refused(tenon("bench", f"--fit-target={chip}", "--target=cpu:none", small), USER_ERROR, "[TN8010]")
    refused(tenon("bench", small, small), USER_ERROR, "[TN8013]")
    assert not chip.exists()
