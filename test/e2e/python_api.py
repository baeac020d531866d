# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes `import tenon` find the package of the build under test.

A sanitized build has none, for Python would have to preload the sanitizer: what
imports this module is skipped there, and nowhere else."""

import pytest

from harness import build_under_test, is_sanitized, use_package

if is_sanitized(build_under_test()):
    pytest.skip("a sanitized build has no Python package", allow_module_level=True)
if wrong := use_package(build_under_test()):
    raise ImportError(wrong.strip())
