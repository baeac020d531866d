# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The generic strategies of lib/Codegen where nothing of the CPU is: on test/lib/ScalarTarget
they have one lane, buffers in a memory space of their own, and a unit an invocation. What they
compute is compared with the reference evaluator and ONNX Runtime. Here some cases of each
operator; `operator_tests.py --target=scalar` runs all."""

import pytest
from harness import build_under_test, use_package
from operator_tests import batches, plugin_target, run_batch
from operators import all_cases

BUILD = build_under_test()


def chosen():
    """Of each operator, with each number of operands up to six, the first case of a float type
    and the first of another; of what the CPU refuses none, since other code may take it."""
    seen, cases = set(), []
    for case in all_cases():
        kind = (case.domain, case.op, case.outputs[0] in ("f32", "f16", "bf16"), min(6, len(case.inputs)))
        if kind not in seen and not case.refused and case.outputs[0] != "f64":
            seen.add(kind)
            cases.append(case)
    return cases


BATCHES = list(batches(chosen()))


@pytest.mark.parametrize("cases", BATCHES, ids=[f"{batch[0].op}..{batch[-1].op}" for batch in BATCHES])
def test_operators(cases):
    assert not use_package(BUILD)
    problems, strategies = run_batch(cases, plugin_target("scalar", BUILD))
    assert not {name: problem for name, problem in problems.items() if problem}
    assert strategies
