#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs Tenon's test suites side by side and adds up their counts.

Suites: architecture (utils/check-architecture.py), lit (test/), unit (the
gtest programs build/bin/tenon-*-tests), python (pytest over python/tests),
driver (pytest over test/e2e), and the scripts of test/e2e. One process more runs
at a time than there are processors, for some tests wait; those of the longest
suites start first. The processes of one suite divide its cases among themselves
(test/e2e/harness.py).
What a suite prints appears when it is done. A suite that cannot run at all
counts as one failure, never as silence. The last line is `N passed, N failed,
N skipped`.

With --green, which `make test` gives when it has built, a suite that belongs to
one target alone (test/targets.toml) is skipped, and its checks counted as skipped,
while .cache/green says that it passed wholly with these files (utils/green.py). It
runs in any case with --all, and where --suite or --target asks for it.
"""

import argparse
import collections
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

import green

ROOT = Path(__file__).resolve().parent.parent
TABLE = green.read_table()


class Counts:
    """Tests passed, failed and skipped, the names of the failed ones, how many of a
    suite have to pass, by the name of that check, and how long tests took, by name."""

    def __init__(self, passed=0, failed=0, skipped=0, failures=(), floors=(), seconds=()):
        self.passed, self.failed, self.skipped = passed, failed, skipped
        self.failures, self.floors, self.seconds = list(failures), dict(floors), dict(seconds)

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.floors |= other.floors
        self.seconds |= other.seconds

    def check_floors(self):
        """To be called when all processes of a suite have been added."""
        reached = {name: self.passed >= floor for name, floor in self.floors.items()}
        for name, passes in reached.items():
            self.add(Counts(passed=1) if passes else Counts(failed=1, failures=[name]))
        self.floors = {}

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def read_own_json(path):
    """Our own scripts write {"passed": [names], "failed": [...], "skipped": [...]}, and
    where several processes share a suite, {"floors": {name: how many have to pass}}."""
    data = json.loads(Path(path).read_text())
    return Counts(len(data["passed"]), len(data["failed"]), len(data["skipped"]), data["failed"],
                  data.get("floors", ()), data.get("seconds", ()))


def read_lit(path):
    counts = Counts()
    for test in json.loads(Path(path).read_text())["tests"]:
        counts.seconds[test["name"]] = test["elapsed"] or 0
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
            counts.seconds[f"{suite['name']}.{test['name']}"] = float(test["time"].rstrip("s"))
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
        processor = case.find("properties/property[@name='processor']")
        seconds = case.get("time") if processor is None else processor.get("value")
        counts.seconds[f"{case.get('classname')}.{case.get('name')}"] = float(seconds)
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
            counts.failures.append(f"{case.get('classname')}.{case.get('name')}")
        elif case.find("skipped") is not None:
            counts.skipped += 1
        else:
            counts.passed += 1
    return counts


@dataclass(frozen=True)
class Suite:
    """`commands` gives what one process of a suite runs: (name, command, report) each."""

    commands: Callable  # of the runner and the process
    read: Callable  # the counts of a report
    seconds: int  # of one processor, roughly: what takes longest starts first
    sweeps: int = 0  # seconds more with --all, where without it only a part runs
    shared: bool = False  # whether several processes may divide the cases
    # Whether it runs under sanitizers, which Python would have to preload: the compiler
    # and the runtime are covered through the tools.
    sanitized: bool = True
    by_target: bool = False  # whether it has tests of single targets, which --target picks out


def architecture(runner, process):
    report = process.scratch / "architecture.json"
    yield "architecture", [sys.executable, ROOT / "utils/check-architecture.py", "--json", report], report


def lit(runner, process):
    report = process.scratch / "lit.json"
    command = [sys.executable, "-c", "from lit.main import main; main()", "-v", "-j", 1, "--output", report]
    # Parts of one order: that of lit itself follows how long tests took the last time.
    command += ["--order", "lexical", "--skip-test-time-recording", "--num-shards", process.count, "--run-shard", process.number + 1]
    tests = lit_tests_of(runner.target) if runner.target else [ROOT / "test"]
    yield "lit", [*command, "--param", f"tenon_build={runner.build}", *tests], report


def lit_tests_of(target):
    """What lit runs of one target: its folders, and elsewhere what requires its feature."""
    folders = [ROOT / folder for folder in TABLE["targets"][target]["lit"]]
    requires = re.compile(rf"REQUIRES:.*\btarget-{target}\b")
    files = (path for path in (ROOT / "test").rglob("*") if path.suffix in (".mlir", ".test", ".onnxtxt"))
    return folders + sorted(path for path in files if not {*path.parents} & {*folders} and requires.search(path.read_text()))


def unit(runner, process):
    programs = [path.name for path in (runner.build / "bin").glob("tenon-*-tests")]
    if runner.target:
        programs = TABLE["targets"][runner.target].get("unit", [])
    for name in sorted(programs):
        report = process.scratch / f"{name}.json"
        yield name, [runner.build / "bin" / name, "--gtest_brief=1", f"--gtest_output=json:{report}"], report


def tests_in(folder, seconds, sweeps=0, **options):
    """A suite of pytest, of all in a folder that is no other suite's."""

    def commands(runner, process):
        report = process.scratch / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs", f"--junitxml={report}"]
        others = [test for suite in TABLE["suites"].values() for test in suite["tests"] if test.startswith(f"{folder}/test_")]
        command += [f"--ignore={ROOT / test}" for test in others]
        yield folder, [*command, *["--sample"] * (sweeps > 0 and not runner.all), ROOT / folder], report

    return Suite(commands, read_junit, seconds, sweeps, **options)


def script(name, seconds, sweeps=0, flags=(), **options):
    """A suite that is a script of test/e2e."""

    def commands(runner, process):
        report = process.scratch / "report.json"
        command = [sys.executable, ROOT / "test/e2e" / name, "--build", runner.build, "--json", report, *flags]
        yield name, command + ["--sweep"] * (sweeps > 0 and runner.all), report

    return Suite(commands, read_own_json, seconds, sweeps, **options)


SUITES = {
    "architecture": Suite(architecture, read_own_json, 1),
    "lit": Suite(lit, read_lit, 100, shared=True, by_target=True),  # 45, of which one process may have most: early
    "unit": Suite(unit, read_gtest, 35, shared=True, by_target=True),
    "python": tests_in("python/tests", 10, sanitized=False),
    "driver": tests_in("test/e2e", 350, shared=True, sweeps=200),
    "robustness": script("robustness.py", 20, shared=True),
    "stages": script("stages.py", 35, shared=True),
    "models": script("run_models.py", 65, shared=True),
    "targets": script("targets.py", 190, shared=True, sweeps=80, sanitized=False),
    # Full-size models take long under a sanitizer, and find nothing that others do not.
    "fullsize": script("fullsize.py", 10, shared=True, sweeps=300, sanitized=False),
    "dynamic": script("dynamic_shapes.py", 35, shared=True, sanitized=False),
    "devices-cpu": script("devices.py", 25, shared=True, sweeps=80, flags=["--target=cpu"], sanitized=False),
    "devices-toy": script("devices.py", 20, shared=True, sweeps=70, flags=["--target=toy"], sanitized=False),
    "toy": tests_in("test/e2e/test_toy.py", 6),
    "operators": script("operator_tests.py", 100, shared=True, sanitized=False),
    "accuracy": script("function_accuracy.py", 3, shared=True, sanitized=False),
    "formats": script("number_formats.py", 55, shared=True, sweeps=40, sanitized=False),
    "formats-accuracy": script("format_accuracy.py", 30, shared=True, sweeps=25, sanitized=False),
    "nodes": script("node_tests.py", 85, shared=True, sanitized=False),
    "cases": script("cases.py", 5, sanitized=False),
    "fuzz": script("fuzz.py", 100, sweeps=500, sanitized=False),
    "shipping": script("shipping.py", 50, sweeps=120, sanitized=False),
}


@dataclass
class Process:
    """One of the `count` processes of a suite."""

    suite: str
    number: int
    count: int
    scratch: Path
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0  # of a processor
    start: float = 0
    end: float = 0


def kill_group(leader):
    with contextlib.suppress(ProcessLookupError):  # it has just ended
        os.killpg(leader, signal.SIGKILL)


class Runner:
    def __init__(self, arguments, scratch):
        self.build = (ROOT / arguments.build).resolve()
        self.jobs, self.timeout, self.all, self.scratch = arguments.jobs, arguments.timeout, arguments.all, scratch
        self.target = arguments.target
        self.environment = dict(os.environ, TENON_BUILD_DIR=str(self.build), TENON_TEST_RUN=str(scratch))
        # NumPy's threads would wait for each other beside as many processes as there are processors.
        self.environment.setdefault("OPENBLAS_NUM_THREADS", "1")
        if arguments.sanitize:
            # Everything Tenon allocates is checked; what MLIR and Python keep until
            # the process ends is theirs. Containers and LLVM's arenas mark their unused
            # parts, which only holds where both sides of a library are instrumented.
            options = "detect_leaks=0:detect_container_overflow=0:allow_user_poisoning=0"
            # What cannot be allocated is an error of Tenon's own, not the sanitizer's.
            options += ":allocator_may_return_null=1"
            self.environment.setdefault("ASAN_OPTIONS", options)
            self.environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1")
        # ThreadSanitizer ends a process that starts threads after a fork, which the pool's tests do.
        self.environment.setdefault("TSAN_OPTIONS", "die_after_fork=0")
        self.running, self.lock, self.stopped = set(), threading.Lock(), False

    def seconds(self, name):
        return SUITES[name].seconds + SUITES[name].sweeps * self.all

    def processes(self, name):
        """The processes of a suite: no more than have something to do."""
        count = min(self.jobs, max(1, self.seconds(name) // 10)) if SUITES[name].shared else 1
        return [Process(name, number, count, self.scratch / name / f"process{number}") for number in range(count)]

    def call(self, process, command, output):
        """Runs a command; returns its exit status, and adds up what it and its children took of the processors."""
        environment = dict(self.environment)
        if process.count > 1:
            environment["TENON_TEST_CASES"] = str(process.scratch.parent)
            environment |= {"GTEST_TOTAL_SHARDS": str(process.count), "GTEST_SHARD_INDEX": str(process.number)}
        with self.lock:
            if self.stopped:
                return 130
            # In a group of its own, so that it can be stopped with all that it started.
            child = subprocess.Popen(
                [str(part) for part in command], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            )
            self.running.add(child.pid)
        late = threading.Timer(self.timeout, kill_group, (child.pid,))
        late.start()
        _, status, usage = os.wait4(child.pid, 0)
        with self.lock:
            self.running.discard(child.pid)
        if not late.is_alive():
            output.write(f"stopped after {self.timeout} s: {' '.join(map(str, command))}\n".encode())
        late.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
        process.seconds += usage.ru_utime + usage.ru_stime
        return child.returncode

    def stop(self):
        with self.lock:
            self.stopped = True
            for pid in self.running:
                kill_group(pid)

    def run(self, process):
        """Runs one process of a suite and counts what its reports say.

        A status that a report does not explain is a failure of its own.
        """
        process.scratch.mkdir(parents=True)
        process.start, suite = time.monotonic(), SUITES[process.suite]
        with open(process.scratch / "output", "wb") as output:
            for name, command, report in suite.commands(self, process):
                status = self.call(process, command, output)
                try:
                    counts = suite.read(report)
                except (OSError, ValueError, KeyError, ElementTree.ParseError) as error:
                    process.counts.add(Counts(failed=1, failures=[f"{name}: no report, exit status {status} ({error})"]))
                    continue
                if status != 0 and counts.failed == 0:
                    counts.add(Counts(failed=1, failures=[f"{name}: exit status {status}"]))
                process.counts.add(counts)
        process.end = time.monotonic()
        return process


def show(name, processes):
    """Prints what a suite's processes printed; returns its counts and its line of the summary."""
    counts = Counts()
    print(f"=== {name}")
    for process in processes:
        text = (process.scratch / "output").read_text(errors="replace")
        print(text, end="" if text.endswith("\n") or not text else "\n")
        counts.add(process.counts)
    counts.check_floors()
    took = max(process.end for process in processes) - min(process.start for process in processes)
    processor = sum(process.seconds for process in processes)
    line = f"{name:16} {counts}  ({processor:.0f} s of a processor within {took:.0f} s)"
    print(line, flush=True)
    return counts, line


def chosen_suites(arguments):
    """The names of the suites that are asked for, and whether those that are green need not run."""
    names = [name for name in SUITES if name in (arguments.suite or SUITES)]
    if arguments.target:
        own = {name for name, suite in TABLE["suites"].items() if suite["target"] == arguments.target}
        names = [name for name in names if name in own or SUITES[name].by_target]
    if not arguments.suite and arguments.sanitize:
        names = [name for name in names if SUITES[name].sanitized]
    return names, not (arguments.all or arguments.suite or arguments.target)


def skipped_as_green(notes, names, may_skip):
    """{suite: its counts and its line of the summary} of those that need not run. All of a target are looked at, for what
    is noted of them when they have run."""
    checks = {name: notes.checks_of_unchanged(name) for name in names if name in TABLE["suites"]}
    found = {name: Counts(skipped=count) for name, count in checks.items() if may_skip and count is not None}
    return {name: (counts, f"{name:16} {counts}  (skipped: {green.REASON})") for name, counts in found.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="the build folder to test")
    parser.add_argument("--suite", action="append", choices=SUITES, help="only this suite (repeatable)")
    parser.add_argument("--target", choices=TABLE["targets"], help="only suites and tests of this target")
    parser.add_argument("--all", action="store_true", help="the slow sweeps as well: what precedes a release")
    parser.add_argument("--green", action="store_true",
                        help="the build is up to date: leave out suites of targets that .cache/green has, and note those that pass")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processors to keep busy")
    parser.add_argument("--timeout", type=int, default=3000, help="seconds for one process of a suite")
    parser.add_argument("--slowest", type=int, default=0, metavar="N", help="print the N tests that took longest")
    parser.add_argument("--sanitize", action="store_true", help="the build has sanitizers")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what runs, too

    names, may_skip = chosen_suites(arguments)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        runner = Runner(arguments, Path(scratch))
        notes = green.Green(runner.build) if arguments.green else None
        done = skipped_as_green(notes, names, may_skip) if notes else {}
        left = [name for name in names if name not in done]
        suites = {name: runner.processes(name) for name in sorted(left, key=runner.seconds, reverse=True)}
        pool = ThreadPoolExecutor(arguments.jobs + 1)
        try:
            waiting = collections.Counter({name: len(processes) for name, processes in suites.items()})
            running = [pool.submit(runner.run, process) for processes in suites.values() for process in processes]
            for future in as_completed(running):
                name = future.result().suite
                waiting[name] -= 1
                if not waiting[name]:
                    done[name] = show(name, suites[name])
                    if notes and name in TABLE["suites"]:
                        notes.passed(name, done[name][0])
        finally:
            runner.stop()
            pool.shutdown(cancel_futures=True)
    total = Counts()
    for name in names:
        total.add(done[name][0])
    print()
    for failure in total.failures:
        print(f"FAILED {failure}")
    for name, seconds in sorted(total.seconds.items(), key=lambda item: -item[1])[: arguments.slowest]:
        print(f"{seconds:8.1f} s  {name}")
    print("\n".join(done[name][1] for name in names))
    print(f"{time.monotonic() - start:.0f} s on {arguments.jobs} processors")
    print(total, flush=True)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
