# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Artifacts that earlier versions have written still load, run and tell of themselves."""

import platform
from pathlib import Path

import numpy as np
import pytest

from harness import build_under_test, use_package

FOLDER = Path(__file__).resolve().parent / "artifacts"
assert use_package(build_under_test()) is None


def test_of_the_first_runtime_with_derived_sizes():
    import tenon

    if platform.machine() != "x86_64":
        pytest.skip("the artifact's code is for x86-64; this machine is " + platform.machine())
    path = FOLDER / "f062a12-x86-64-v3.tenon"
    assert path.stat().st_size <= 40 << 10
    try:
        artifact = tenon.load(path)
    except tenon.UnsupportedCpuError as error:
        pytest.skip(f"this processor has no AVX2: {error}")
    w = np.arange(32, dtype=np.float32).reshape(8, 4) / 8 - 2
    b = np.array([1, -2, 0.5, 0], np.float32)
    session = artifact.session()
    for batch in (1, 5, 0):
        x = np.linspace(-1, 1, batch * 8, dtype=np.float32).reshape(batch, 8)
        results = session.run({"x": x})
        y = np.maximum(x @ w + b, 0)
        np.testing.assert_allclose(results["y"], y, atol=1e-5)
        e = np.exp(y - y.max(axis=1, keepdims=True, initial=0))
        np.testing.assert_allclose(results["z"], e / e.sum(axis=1, keepdims=True), atol=1e-5)
    assert [node.became for node in tenon.explain(path).nodes] == ["kernel"] * 4
