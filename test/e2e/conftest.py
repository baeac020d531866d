# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The driver as a fixture: `tenon(arguments...)` returns the finished process."""

import subprocess

import pytest

from harness import build_under_test, is_sanitized


@pytest.fixture(scope="session")
def tenon():
    build = build_under_test()
    program = build / "bin" / "tenon"

    def call(*arguments, **options):
        command = [str(program), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)

    call.program = str(program)
    call.sanitized = is_sanitized(build)
    return call
