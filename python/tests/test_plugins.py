# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Targets and drivers from outside the tree, with the toy device (test/lib/ToyTarget)."""

import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import BUILD

import tenon

PLUGIN, DRIVER = BUILD / "lib/ToyTarget.so", BUILD / "lib/ToyDriver.so"


@pytest.fixture(scope="module")
def mlp():
    import onnx.parser

    return onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        mlp (float[3, 2] x) => (float[3, 2] y)
        <float[2, 2] w = {1.0, -1.0, 2.0, 0.5}, float[2] b = {0.5, -2.0}>
        {
          m = MatMul(x, w)
          a = Add(m, b)
          y = Relu(a)
        }
    """)


PROGRAM = """
import sys, numpy as np, tenon
plugin, driver = sys.argv[1:]
tenon.load_driver(driver)
artifact = tenon.compile(sys.stdin.buffer.read(), ["cpu:host", "toy"], target_plugins=[plugin], pins=[".*=toy"])
assert {kernel.device for kernel in tenon.explain(artifact).kernels} == {"toy"}
print(artifact.session().run({"x": np.arange(6, dtype=np.float32).reshape(3, 2)})["y"].tolist())
try:
    tenon.load_driver(driver)
except tenon.InputError as error:
    print(error)
"""


def test_a_model_on_a_device_from_outside(mlp):
    """In a process of its own: a driver stays, and with it the artifacts that can be loaded."""
    x = np.arange(6, dtype=np.float32).reshape(3, 2)
    expected = np.maximum(x @ np.array([[1, -1], [2, 0.5]], np.float32) + np.array([0.5, -2], np.float32), 0)
    done = subprocess.run([sys.executable, "-c", PROGRAM, PLUGIN, DRIVER], input=mlp.SerializeToString(), capture_output=True,
                          check=False, env={**os.environ, "PYTHONPATH": str(BUILD / "python")})
    assert done.returncode == 0, done.stderr
    found, again = done.stdout.decode().splitlines()
    assert found == str(expected.tolist())
    assert again == f"[TN8052] {DRIVER}: there is a driver 'toy' already"


def test_commands_take_plugins(mlp, tmp_path):
    report = tenon.verify(mlp, target="cpu:host", target_plugins=[PLUGIN], drivers=[DRIVER])
    assert report.ok
    tenon.convert(mlp, tmp_path / "out.tenon", weights="f8E4M3FN", target_plugins=[PLUGIN])


def test_files_that_are_no_plugins(mlp, tmp_path):
    none = tmp_path / "none.so"
    for call in (tenon.compile, tenon.verify):
        with pytest.raises(tenon.TenonError, match="TN8051"):
            call(mlp, target_plugins=[none])
    with pytest.raises(tenon.TenonError, match="TN8051.*no function tenonTargetPlugin"):
        tenon.compile(mlp, target_plugins=[DRIVER])
    with pytest.raises(tenon.InputError, match="TN8052.*cannot be loaded"):
        tenon.load_driver(none)
    with pytest.raises(tenon.InputError, match="TN8052.*no function tenon_driver_plugin"):
        tenon.load_driver(BUILD / "lib/libtenon-rt.so")
