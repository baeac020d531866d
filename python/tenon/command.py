# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The `tenon` command that this package brings: where it is, and calls of it."""

import os
import subprocess

from .errors import TenonError, from_command


def find() -> str:
    """The command's path. Raises TenonError if the package was installed without it."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin", "tenon")
    if not os.access(path, os.X_OK):
        raise TenonError("TN8082", f"[TN8082] there is no command at {path}; install the package anew")
    return path


def call(arguments, accepted=(0,)):
    """Runs the command without a terminal; returns its standard output and the text
    of its standard error. Another exit status than the accepted ones is raised."""
    done = subprocess.run(
        [find(), *map(os.fsencode, arguments)], stdin=subprocess.DEVNULL, capture_output=True, check=False,
    )
    text = done.stderr.decode(errors="replace")
    if done.returncode not in accepted:
        raise from_command(text, done.returncode)
    return done.stdout.decode(errors="replace"), text
