#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bad input from end to end: models, runs, artifacts, files.

Each case runs a tool on something damaged or contradictory and asks for what
the user is promised: an error with a code, that names the place; the documented
exit status; no crash, and no file left behind. The tables are in bad_models.py
and bad_runs.py.
"""

import os
import re
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import bad_models
import bad_runs
from harness import Driver, Results, claimed, excerpt, parser

# (A sanitizer also warns of what it could not allocate, which is no crash.)
CRASH = re.compile(r"(ERROR|SUMMARY): \w*Sanitizer|runtime error:|PLEASE submit|Stack dump|terminate called|Assertion|LLVM ERROR")
CODE = re.compile(r"\[TN(\d{4})\]")


def judge(status, output, expected_status, code, places):
    """What is wrong with the way in which a tool refused something, or None."""
    if CRASH.search(output):
        return "the tool crashed"
    if status != expected_status:
        return f"exit status {status}, expected {expected_status}"
    errors = [line for line in output.splitlines() if "error:" in line]
    if not errors:
        return "no error is reported"
    uncoded = [line for line in errors if not CODE.search(line)]
    if uncoded:
        return f"an error without a code: {uncoded[0]}"
    if not any(re.fullmatch(code, found) for found in CODE.findall(output)):
        return f"no error TN{code}"
    for place in places:
        if not any(place in line for line in errors):
            return f"no error names '{place}'"
    return None


def refused_model(driver, case, scratch):
    """Compiles a bad model; returns (ok, detail)."""
    folder = scratch / re.sub(r"\W+", "-", case.name) / "model"
    folder.mkdir(parents=True)
    model = case.make(folder)
    output = folder.parent / "output"
    output.mkdir()
    status, text = driver("compile", model, "-o", output / "bad.tenon", *case.flags)
    problem = judge(status, text, case.status, case.code, case.places)
    if problem is None and os.listdir(output):
        problem = f"left behind: {', '.join(os.listdir(output))}"
    shutil.rmtree(folder.parent)
    return problem is None, f"    {problem}\n{excerpt(text)}"


def main():
    flags = parser(__doc__, timeout=60)
    flags.add_argument("--filter", default="", help="only cases whose name contains this")
    arguments = flags.parse_args()

    results = Results({}, verbose=False)
    driver = Driver(arguments.build, arguments.timeout)
    if not driver.exists():
        results.record("robustness", False, f"    {driver.program} is not built")
        return results.finish(arguments.json)

    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        cases = [(f"model: {case.name}", partial(refused_model, driver, case, scratch)) for case in bad_models.ALL]
        cases += bad_runs.checks(driver, scratch, judge)
        for case, check in cases:
            if arguments.filter in case and claimed(case):
                ok, detail = check()
                if ok is None:
                    results.skip(case, detail)
                else:
                    results.record(case, ok, detail)
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
