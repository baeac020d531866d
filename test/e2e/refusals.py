#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which operators a device beside the host takes, and by which codes it refuses the others.

A case of every operator (operators/) is compiled for the host and the device. What the
device says of the operator's node is compared with a list, which a target keeps beside its
tests (for the toy device test/lib/ToyTarget/refusals.txt), a line an operator:

    MatMul: takes
    Softmax: TN4225          by this code (docs/Errors/codegen.md); several where it
                             becomes several ops
    Identity: nothing        nothing is computed, only views and copies
    Range: not said          it runs on the host, and no record has a reason

    refusals.py --target toy            names what differs
    refusals.py --target toy --write    makes the list anew
"""

import argparse
import collections
import sys
from pathlib import Path

from harness import build_under_test, use_package

ROOT = Path(__file__).resolve().parent.parent.parent
LISTS = {"toy": ROOT / "test" / "lib" / "ToyTarget" / "refusals.txt"}
SIZE = 6  # of open dimensions, where a case says none
MOST_TRIES = 8
REFUSALS = {f"TN{number}" for number in range(4221, 4227)}


def title(case):
    return f"{case.domain}::{case.op}" if case.domain else case.op


def verdict(case, target, plugin):
    """What the device says of a case's nodes."""
    import tenon
    from operators.case import build

    model, _ = build([case])
    names = {dim.dim_param for i in model.graph.input for dim in i.type.tensor_type.shape.dim if dim.dim_param}
    sizes = {name: (case.sizes or ({},))[0].get(name, SIZE) for name in names}
    with tenon.compile(model.SerializeToString(), ["cpu:host", target], target_plugins=[plugin], sizes=sizes) as artifact:
        ledger = tenon.Ledger.of_json(artifact.ledger)
    codes = {note.code for note in ledger.notes}
    if refusals := codes & REFUSALS:
        return " ".join(sorted(refusals))
    # TN4220: the device would take it, and the host is faster.
    if "TN4220" in codes or any(kernel.device == target for kernel in ledger.kernels):
        return "takes"
    # A model that returns its input, or a constant, copies it.
    return "not said" if any(not kernel.kernel.startswith("copy") for kernel in ledger.kernels) else "nothing"


def found(target):
    """{operator: verdict}, of the first case of each operator that is no refused one."""
    from operators import all_cases

    use_package(build_under_test())
    plugin = build_under_test() / "lib" / f"{target.title()}Target.so"
    verdicts, tries = {}, collections.Counter()
    for case in all_cases():
        name = title(case)
        # The first case of which something is computed.
        if not case.refused and verdicts.get(name, "nothing") == "nothing" and tries[name] < MOST_TRIES:
            verdicts[name] = verdict(case, target, plugin)
            tries[name] += 1
    return dict(sorted(verdicts.items()))


def listed(target):
    lines = LISTS[target].read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))


def differences(target):
    """A line for each operator whose verdict is not the listed one."""
    expected, actual = listed(target), found(target)
    return [f"{name}: {actual.get(name, 'no such operator')}, the list has {expected.get(name, 'no line')}"
            for name in sorted({*expected, *actual}) if expected.get(name) != actual.get(name)]


def main():
    flags = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    flags.add_argument("--target", choices=sorted(LISTS), required=True)
    flags.add_argument("--write", action="store_true", help="writes the list")
    arguments = flags.parse_args()
    if arguments.write:
        text = "".join(f"{name}: {verdict}\n" for name, verdict in found(arguments.target).items())
        LISTS[arguments.target].write_text(
            f"# What the {arguments.target} device takes, and by which codes it refuses operators:\n"
            f"# written by test/e2e/refusals.py --target {arguments.target} --write.\n" + text)
        return 0
    wrong = differences(arguments.target)
    print("\n".join(wrong) or "as listed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
