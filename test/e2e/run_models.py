#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles every float model of ../shared/models and runs its recorded vectors.

One test a model: `tenon compile` for the host, then `tenon run --test-data` of
each of its sets with one and with two threads, then `tenon verify` of the same
artifact, every kernel against the reference evaluator, on its first set. Models that do not work yet are
in expected-failures.txt with the reason: they are still tried, and one that
passes fails the suite until its line is removed.
"""

import json
import sys
from pathlib import Path

from harness import SHARED, Driver, Results, claimed, excerpt, parser, read_expected

HERE = Path(__file__).resolve().parent


def tolerances(model):
    """What ../shared/README.md states: absolute, relative."""
    return ("1e-2", "1e-2") if "fp16" in model else ("1e-4", "1e-3")


def check(driver, folder, target, verify=True):
    """Returns (worked, what went wrong). The evaluator that verifies is slow."""
    compilation = driver.compiled(folder / "model.onnx", target)
    if compilation.status != 0:
        return False, f"    compile: exit status {compilation.status}\n{excerpt(compilation.text)}"
    artifact = compilation.artifact
    atol, rtol = tolerances(folder.name)
    for data in sorted(folder.glob("test_data_set_*")):
        for threads in (1, 2):
            status, output = driver(
                "run", artifact, "--test-data", data, "--threads", threads, "--atol", atol, "--rtol", rtol
            )
            if status != 0:
                where = f"{data.name} with {threads} thread(s)"
                return False, f"    run {where}: exit status {status}\n{excerpt(output)}"
    if not verify:
        return True, ""
    first = sorted(folder.glob("test_data_set_*"))[0]
    status, output = driver(
        "verify", folder / "model.onnx", "--artifact", artifact, "--test-data", first, "--threads", 2, "--json"
    )
    if status != 0:
        return False, f"    verify: exit status {status}\n{excerpt(output)}"
    skipped = [kernel["kernel"] for kernel in json.loads(output[output.index("{"):])["kernels"] if "skipped" in kernel]
    if skipped:
        return False, f"    verify: could not compare {' '.join(skipped)}"
    return True, ""


def main():
    flags = parser(__doc__, timeout=120)
    flags.add_argument("--target", default="cpu:host")
    flags.add_argument("models", nargs="*", help="only these")
    arguments = flags.parse_args()

    expected = read_expected(HERE / "expected-failures.txt")
    results = Results(expected)
    driver = Driver(arguments.build, arguments.timeout)
    folder = SHARED / "models"
    if not folder.is_dir():
        results.skip("models", "no ../shared")
        return results.finish(arguments.json)
    if not driver.exists():
        results.record("models", False, f"    {driver.program} is not built")
        return results.finish(arguments.json)

    for model in sorted(p.parent for p in folder.glob("*/model.onnx")):
        if arguments.models and model.name not in arguments.models or not claimed(model.name):
            continue
        if model.name.endswith("-qdq"):
            results.skip(model.name, "quantized models are not supported yet")
            continue
        results.record(model.name, *check(driver, model, arguments.target))
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
