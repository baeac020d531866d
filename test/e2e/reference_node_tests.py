#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the reference evaluator over ONNX's node tests and counts the outcomes.

    reference_node_tests.py [--tool build/bin/tenon-reference] [--data DIR] [--filter RE] [--report FILE]

An outcome is `ok`, `different` (wrong values), the code of the first error
(import, conversion or evaluation), `unreadable` (a test vector that is no
tensor: sequences, optionals, strings) or `crash`. Without --data the suite is
unpacked from ../shared/suites; where that is missing, the test is skipped.
"""

import argparse
import collections
import concurrent.futures
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUITE = ROOT.parent / "shared/suites/onnx-node-tests.tar.xz"


def run(tool, test, extra):
    sets = sorted(test.glob("test_data_set_*"))
    command = [tool, str(test / "model.onnx"), *extra]
    for folder in sets:
        command += ["--test-data", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return "timeout", ""
    text = (done.stdout + done.stderr).replace(str(test) + "/", "")
    if done.returncode == 0:
        return "ok", ""
    if done.returncode < 0 or done.returncode > 1:
        return "crash", text
    if "different " in done.stdout:
        return "different", done.stdout
    code = re.search(r"\[(TN\d+)\]", text)
    return (code.group(1) if code else "unreadable"), text


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", default=str(ROOT / "build/bin/tenon-reference"))
    parser.add_argument("--data", type=Path, help="folder with one folder per test")
    parser.add_argument("--filter", default="")
    parser.add_argument("--report", type=Path, help="write test, outcome and message, tab-separated")
    parser.add_argument("--evaluate-constants", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minimum", type=int, default=0, help="fail with fewer passes")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        data = options.data
        if data is None:
            if not SUITE.exists():
                print("skipped: no ../shared")
                return 0
            with tarfile.open(SUITE) as archive:
                archive.extractall(scratch, filter="data")
            data = Path(scratch) / "onnx-backend-data/node"
        tests = sorted(p.parent for p in data.glob("*/model.onnx") if re.search(options.filter, p.parent.name))
        extra = ["--evaluate-constants"] if options.evaluate_constants else []
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            outcomes = list(pool.map(lambda test: run(options.tool, test, extra), tests))
    if options.report:
        rows = (f"{t.name}\t{o}\t{' '.join(m.split())[:400]}\n" for t, (o, m) in zip(tests, outcomes))
        options.report.write_text("".join(rows), encoding="utf-8")
    counts = collections.Counter(outcome for outcome, _ in outcomes)
    for outcome, count in counts.most_common():
        print(f"{count:6d} {outcome}")
    return 0 if counts["ok"] >= options.minimum and not counts["crash"] else 1


if __name__ == "__main__":
    sys.exit(main())
