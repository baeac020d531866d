# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The package under test is the one in the build folder."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("TENON_BUILD_DIR", ROOT / "build"))
SHARED = Path(os.environ.get("TENON_SHARED", ROOT.parent / "shared"))
sys.path.insert(0, str(BUILD / "python"))


@pytest.fixture(scope="session")
def shared():
    if not SHARED.is_dir():
        pytest.skip("no ../shared")
    return SHARED


@pytest.fixture(scope="session")
def scale_model():
    """y = Relu(x * w), with a named dimension and a static one."""
    import onnx.parser

    return onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        scale (float[batch, 4] x) => (float[batch, 4] y)
        <float[4] w = {1.0, -1.0, 2.0, 0.5}>
        {
          m = Mul(x, w)
          y = Relu(m)
        }
    """)


@pytest.fixture(scope="session")
def scale(scale_model):
    import tenon

    return tenon.compile(scale_model)
