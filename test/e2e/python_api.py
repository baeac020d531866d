# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes `import tenon` find the package of the build under test.

A sanitized build has none, for Python would have to preload the sanitizer: what
imports this module is skipped there, and nowhere else."""

import os
import sys
from pathlib import Path

import pytest

BUILD = Path(os.environ.get("TENON_BUILD_DIR", Path(__file__).resolve().parent.parent.parent / "build"))

if "asan" in BUILD.name:
    pytest.skip("a sanitized build has no Python package", allow_module_level=True)
sys.path.insert(0, str(BUILD / "python"))
