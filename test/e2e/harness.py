# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the end-to-end tests share: finding the tools and the shared data,
calling the driver, expected failures, and the result file of the runner."""

import json
import os
import resource
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("TENON_SHARED", ROOT.parent / "shared"))

# A compiler that runs away must not take the machine with it.
MEMORY_LIMIT = 16_000_000 * 1024


class Driver:
    """The `tenon` command of one build folder."""

    def __init__(self, build, timeout):
        self.program = Path(build) / "bin" / "tenon"
        self.timeout = timeout
        self.sanitized = "asan" in Path(build).name

    def exists(self):
        return os.access(self.program, os.X_OK)

    def __call__(self, *arguments):
        """Returns (exit status, last lines of the output)."""

        def limit():
            # AddressSanitizer reserves terabytes of address space.
            if not self.sanitized:
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY_LIMIT, MEMORY_LIMIT))

        command = [str(self.program), *map(str, arguments)]
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=self.timeout,
                preexec_fn=limit, check=False,
            )
        except subprocess.TimeoutExpired:
            return 124, f"no answer after {self.timeout} s"
        return done.returncode, done.stdout.decode(errors="replace").strip()


def excerpt(text, count=4):
    """The lines of a tool's output that say most: its errors, else its end."""
    lines = [line for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line or "[TN" in line]
    chosen = errors[:count] or lines[-count:]
    return "\n".join("      " + line[:240] for line in chosen)


def read_expected(path):
    """Lines `name: reason`; a name without a reason is an error of the file."""
    expected = {}
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        line = line.split("#", 1)[0].strip()
        if not line:
            continue
        name, colon, reason = line.partition(": ")
        if not colon or not reason.strip():
            raise SystemExit(f"{path}:{number}: expected 'name: reason'")
        expected[name.strip()] = reason.strip()
    return expected


class Results:
    """Counts outcomes against the expected failures and prints them as they come."""

    def __init__(self, expected, verbose=True):
        self.expected, self.verbose = expected, verbose
        self.passed, self.failed, self.skipped = [], [], []

    def record(self, name, ok, detail=""):
        reason = self.expected.get(name)
        if ok and reason is not None:
            self.failed.append(name)
            print(f"UNEXPECTED PASS {name}: remove it from the expected failures", flush=True)
        elif ok:
            self.passed.append(name)
            if self.verbose:
                print(f"pass {name}", flush=True)
        elif reason is not None:
            self.skipped.append(name)
            print(f"skip {name}: known not to work: {reason}", flush=True)
        else:
            self.failed.append(name)
            print(f"FAIL {name}", flush=True)
            if detail:
                print(detail, flush=True)

    def skip(self, name, reason):
        self.skipped.append(name)
        print(f"skip {name}: {reason}", flush=True)

    def finish(self, json_path=None):
        if json_path:
            data = {"passed": self.passed, "failed": self.failed, "skipped": self.skipped}
            Path(json_path).write_text(json.dumps(data))
        print(f"{len(self.passed)} passed, {len(self.failed)} failed, {len(self.skipped)} skipped")
        return 1 if self.failed else 0
