#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs Tenon's test suites and adds up their counts.

Suites: architecture (utils/check-architecture.py), lit (test/), unit (the
gtest programs build/bin/tenon-*-tests), python (pytest over python/tests),
driver (pytest over test/e2e), and the scripts of test/e2e. A suite that cannot
run at all counts as one failure, never as silence. The last line is `N passed,
N failed, N skipped`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class Counts:
    """Tests passed, failed and skipped, and the names of the failed ones."""

    def __init__(self, passed=0, failed=0, skipped=0, failures=()):
        self.passed, self.failed, self.skipped = passed, failed, skipped
        self.failures = list(failures)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


class Runner:
    def __init__(self, arguments):
        self.build = (ROOT / arguments.build).resolve()
        self.jobs = arguments.jobs
        self.timeout = arguments.timeout
        self.environment = dict(os.environ, TENON_BUILD_DIR=str(self.build))
        if arguments.sanitize:
            # Everything Tenon allocates is checked; what MLIR and Python keep until
            # the process ends is theirs. Containers and LLVM's arenas mark their unused
            # parts, which only holds where both sides of a library are instrumented.
            options = "detect_leaks=0:detect_container_overflow=0:allow_user_poisoning=0"
            # What cannot be allocated is an error of Tenon's own, not the sanitizer's.
            options += ":allocator_may_return_null=1"
            self.environment.setdefault("ASAN_OPTIONS", options)
            self.environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        self.sanitize = arguments.sanitize
        # ThreadSanitizer ends a process that starts threads after a fork, which the pool's tests do.
        self.environment.setdefault("TSAN_OPTIONS", "die_after_fork=0")

    def call(self, command):
        """Runs a command with its output shown; returns its exit status."""
        try:
            return subprocess.run(
                [str(part) for part in command], cwd=ROOT, env=self.environment, timeout=self.timeout
            ).returncode
        except subprocess.TimeoutExpired:
            print(f"stopped after {self.timeout} s: {' '.join(map(str, command))}")
            return 124

    def reported(self, command, report, read, name):
        """Runs a command that writes a report file and counts what that says.

        A status that the report does not explain is a failure of its own.
        """
        status = self.call(command)
        try:
            counts = read(report)
        except (OSError, ValueError, KeyError, ElementTree.ParseError) as error:
            return Counts(failed=1, failures=[f"{name}: no report, exit status {status} ({error})"])
        if status != 0 and counts.failed == 0:
            counts.add(Counts(failed=1, failures=[f"{name}: exit status {status}"]))
        return counts

    def architecture(self, scratch):
        report = scratch / "architecture.json"
        command = [sys.executable, ROOT / "utils/check-architecture.py", "--json", report]
        return self.reported(command, report, read_own_json, "architecture")

    def lit(self, scratch):
        report = scratch / "lit.json"
        command = [sys.executable, "-c", "from lit.main import main; main()", "-v", "-j", self.jobs]
        command += ["--output", report, "--param", f"tenon_build={self.build}", ROOT / "test"]
        return self.reported(command, report, read_lit, "lit")

    def unit(self, scratch):
        total = Counts()
        for program in sorted((self.build / "bin").glob("tenon-*-tests")):
            report = scratch / f"{program.name}.json"
            command = [program, "--gtest_brief=1", f"--gtest_output=json:{report}"]
            total.add(self.reported(command, report, read_gtest, program.name))
        return total

    def python(self, scratch):
        report = scratch / "python.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs"]
        command += [f"--junitxml={report}", ROOT / "python/tests"]
        return self.reported(command, report, read_junit, "python")

    def driver(self, scratch):
        report = scratch / "driver.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs"]
        command += [f"--junitxml={report}", ROOT / "test/e2e"]
        return self.reported(command, report, read_junit, "driver")

    def script(self, name, scratch):
        report = scratch / f"{name}.json"
        command = [sys.executable, ROOT / "test/e2e" / SCRIPTS[name], "--build", self.build, "--json", report]
        return self.reported(command, report, read_own_json, name)


def read_own_json(path):
    """Our own scripts write {"passed": [names], "failed": [...], "skipped": [...]}."""
    data = json.loads(Path(path).read_text())
    return Counts(len(data["passed"]), len(data["failed"]), len(data["skipped"]), data["failed"])


def read_lit(path):
    counts = Counts()
    for test in json.loads(Path(path).read_text())["tests"]:
        if test["code"] in ("PASS", "XFAIL", "FLAKYPASS"):
            counts.passed += 1
        elif test["code"] in ("UNSUPPORTED", "SKIPPED", "EXCLUDED"):
            counts.skipped += 1
        else:
            counts.failed += 1
            counts.failures.append(test["name"])
    return counts


def read_gtest(path):
    counts = Counts()
    for suite in json.loads(Path(path).read_text())["testsuites"]:
        for test in suite["testsuite"]:
            if test.get("failures"):
                counts.failed += 1
                counts.failures.append(f"{suite['name']}.{test['name']}")
            elif test["status"] != "RUN" or test.get("result") == "SKIPPED":
                counts.skipped += 1
            else:
                counts.passed += 1
    return counts


def read_junit(path):
    counts = Counts()
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
            counts.failures.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is not None:
            counts.skipped += 1
        else:
            counts.passed += 1
    return counts


# Suites that are one script of test/e2e each.
SCRIPTS = {
    "robustness": "robustness.py",
    "stages": "stages.py",
    "models": "run_models.py",
    "targets": "targets.py",
    "fullsize": "fullsize.py",
    "dynamic": "dynamic_shapes.py",
    "operators": "operator_tests.py",
    "accuracy": "function_accuracy.py",
    "formats": "number_formats.py",
    "formats-accuracy": "format_accuracy.py",
    "nodes": "node_tests.py",
    "cases": "cases.py",
}
SUITES = ("architecture", "lit", "unit", "python", "driver", *SCRIPTS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the build folder to test")
    parser.add_argument("--suite", action="append", choices=SUITES, help="only this suite (repeatable)")
    parser.add_argument("--jobs", default=os.cpu_count(), help="parallel lit tests")
    parser.add_argument("--timeout", type=int, default=1800, help="seconds for one suite")
    parser.add_argument("--sanitize", action="store_true", help="the build has sanitizers")
    arguments = parser.parse_args()

    runner = Runner(arguments)
    suites = arguments.suite or list(SUITES)
    if arguments.sanitize and not arguments.suite:
        # Python would have to preload the sanitizer, so what runs inside it is left
        # out; the compiler and the runtime are covered through the tools. Full-size
        # models take long under it, and find nothing that others do not.
        left_out = ("python", "dynamic", "operators", "accuracy", "formats", "formats-accuracy", "nodes", "cases", "targets", "fullsize")
        suites = [suite for suite in suites if suite not in left_out]
    total, lines = Counts(), []
    with tempfile.TemporaryDirectory() as scratch:
        for suite in suites:
            print(f"=== {suite}", flush=True)
            start = time.monotonic()
            run = partial(runner.script, suite) if suite in SCRIPTS else getattr(runner, suite)
            counts = run(Path(scratch))
            lines.append(f"{suite:16} {counts}  ({time.monotonic() - start:.0f} s)")
            total.add(counts)
    print()
    for failure in total.failures:
        print(f"FAILED {failure}")
    print("\n".join(lines))
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
