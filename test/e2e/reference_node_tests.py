#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the reference evaluator over ONNX's node tests and counts the outcomes.

    reference_node_tests.py [--tool build/bin/tenon-reference] [--data DIR] [--filter RE] [--report FILE]

An outcome is `ok`, `ok with constant inputs` (after small inputs of rank 0 and
1, axes for instance, were made constants), `different` (wrong values), the code of the first error
(import, conversion or evaluation), `unreadable` (a test vector that is no
tensor: sequences, optionals, strings) or `crash`. Any `different` or `crash` is a
failure, and so are fewer passes than --minimum. Without --data the suite is unpacked
from ../shared/suites; where that is missing, the test is skipped.
"""

import argparse
import collections
import concurrent.futures
import re
import subprocess
import sys
from pathlib import Path

from harness import ROOT, node_tests


def classify(lines):
    text = "\n".join(lines)
    if "passed" in lines:
        return "ok"
    if "failed" not in lines:
        return "crash"
    if any(line.startswith("different ") for line in lines):
        return "different"
    code = re.search(r"\[(TN\d+)\]", text)
    return code.group(1) if code else "unreadable"


def run(tool, tests, extra):
    """Outcomes of the tests in one process, restarted behind a test that ended it."""
    outcomes = []
    while tests:
        command = [tool, *extra, *(str(test) for test in tests)]
        try:
            output = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False).stdout
        except subprocess.TimeoutExpired as late:
            output = (late.stdout or b"").decode()
        blocks = re.split(r"^test .*$", output, flags=re.MULTILINE)[1:] or [""]
        for test, block in zip(tests, blocks):
            lines = block.strip().splitlines()
            outcomes.append((test.name, classify(lines), block.replace(str(test) + "/", "")))
        tests = tests[len(blocks):]
    return outcomes


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
    data = options.data or node_tests()
    if data is None:
        print("skipped: no ../shared")
        return 0
    tests = sorted(p.parent for p in data.glob("*/model.onnx") if re.search(options.filter, p.parent.name))
    extra = ["--evaluate-constants"] if options.evaluate_constants else []
    share = -(-len(tests) // options.jobs) or 1
    shares = [tests[i : i + share] for i in range(0, len(tests), share)]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        outcomes = sum(pool.map(lambda part: run(options.tool, part, extra), shares), [])
    # Compiled code needs axes and sizes as constants, where these tests feed them.
    again = [data / name for name, outcome, _ in outcomes if outcome.startswith("TN2")]
    frozen = {name: ("ok with constant inputs" if outcome == "ok" else outcome, text)
              for name, outcome, text in run(options.tool, again, [*extra, "--freeze-inputs"])}
    outcomes = [(name, *frozen.get(name, (outcome, text))) for name, outcome, text in outcomes]
    if options.report:
        rows = (f"{name}\t{outcome}\t{' '.join(text.split())[:400]}\n" for name, outcome, text in outcomes)
        options.report.write_text("".join(rows), encoding="utf-8")
    counts = collections.Counter(outcome for _, outcome, _ in outcomes)
    for outcome, count in counts.most_common():
        print(f"{count:6d} {outcome}")
    wrong = [(name, outcome, text) for name, outcome, text in outcomes if outcome in ("different", "crash")]
    for name, outcome, text in wrong:
        print(f"{outcome}: {name}: {' '.join(text.split())[:400]}")
    return 0 if counts["ok"] + counts["ok with constant inputs"] >= options.minimum and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
