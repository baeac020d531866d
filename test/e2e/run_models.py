#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles every model of ../shared/models and runs its recorded vectors.

One test a model: `tenon compile` for the host, then `tenon run --test-data` of
each of its sets with one and with two threads, then `tenon verify` of the same
artifact, every kernel against the reference evaluator, on its first set. Models that do not work yet are
in expected-failures.txt with the reason: they are still tried, and one that
passes fails the suite until its line is removed.
"""

import json
import sys
from pathlib import Path

import onnx

from harness import SHARED, Driver, Results, claimed, excerpt, parser, read_expected

HERE = Path(__file__).resolve().parent
MISMATCH = 4  # the driver's exit status where values differ
# Quantized models whose outputs are multiples of a step: the step, and how many of
# them the recorded outputs are from the plain reading of the model.
STEPS = {"mobilenetv2-imagenet-qdq": (0.15309934, 2)}


def tolerances(model):
    """What ../shared/README.md states: absolute, relative."""
    if model in STEPS:
        step, count = STEPS[model]
        return (f"{step * (count + 0.01):.6f}", "0")
    return ("1e-2", "1e-2") if "fp16" in model else ("1e-4", "1e-3")


def check(driver, folder, target, verify=True):
    """Returns (worked, what went wrong). The evaluator that verifies is slow."""
    compilation = driver.compiled(folder / "model.onnx", target)
    if compilation.status != 0:
        return False, f"    compile: exit status {compilation.status}\n{excerpt(compilation.text)}"
    if "TN5013" in compilation.text:
        return False, f"    compile: more stack than models keep to\n{excerpt(compilation.text)}"
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
    flags = ["--test-data", first]
    if folder.name in STEPS:  # its outputs have been compared in steps
        flags = [f"--input={tensor.name}=@{path}" for path in sorted(first.glob("input_*.pb")) for tensor in [onnx.load_tensor(path)]]
    status, output = driver(
        "verify", folder / "model.onnx", "--artifact", artifact, *flags, "--threads", 2, "--json"
    )
    if status not in (0, MISMATCH):
        return False, f"    verify: exit status {status}\n{excerpt(output)}"
    report = json.loads(output[output.index("{"):])
    skipped = [kernel["kernel"] for kernel in report["kernels"] if "skipped" in kernel]
    if skipped:
        return False, f"    verify: could not compare {' '.join(skipped)}"
    wrong = [entry for entry in report["kernels"] + report["outputs"] if not entry["ok"] and not is_tie(folder.name, entry)]
    return not wrong, f"    verify: {json.dumps(wrong)[:600]}"


def is_tie(model, kernel):
    """Whether a kernel differs in nothing but a few codes one step off, as sums in
    float32 and in double round to different sides of a tie."""
    return (model in STEPS and any("QuantizeLinear" in node for node in kernel.get("nodes", ()))
            and "overwritten" not in kernel and kernel["largest_absolute"] == 1 and kernel["wrong"] <= 0.005 * kernel["values"])


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
        results.record(model.name, *check(driver, model, arguments.target))
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
