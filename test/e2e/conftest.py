# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The driver as a fixture: `tenon(arguments...)` returns the finished process."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="session")
def tenon():
    program = Path(os.environ.get("TENON_BUILD_DIR", ROOT / "build")) / "bin" / "tenon"

    def call(*arguments, **options):
        command = [str(program), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, **options)

    call.program = str(program)
    return call
