#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every operator that the compiler knows, executed and compared with the reference.

The cases are in operators/. Many nodes make one model, which is compiled once
and run at many sizes of its symbols: 0, 1, primes, and the vector and register
tiles of its own kernels, one less and one more. Compiled code is compared with
the reference evaluator, and with ONNX Runtime where that runs the node. It runs
between guard pages over poisoned memory, with red zones behind the arena's buffers.

An operator of the conversion's table without a case fails the suite.

With --target=scalar the same cases run on test/lib/ScalarTarget, a machine without
vectors that has the generic strategies of lib/Codegen alone.
"""

import collections
import re
import sys
from pathlib import Path

import numpy as np

from harness import GuardedSession, Results, claimed, isolated, parser, peer_session, read_expected, use_package
from operators import all_cases
from operators.case import DTYPES, build

HERE = Path(__file__).resolve().parent
BATCH = 40
# Beside the tiles of the kernels.
SIZES = (1, 2, 3, 7, 13)
CODES = {code: np.dtype(numpy) for code, numpy in DTYPES.values() if numpy is not None}


def bindings(symbols, kernels):
    """Sizes for the symbols: each size for each symbol, together with others."""
    found = set(SIZES)
    for _, strategy, _ in kernels:
        for bits in re.findall(r"(\d+)-bit", strategy):
            found |= {int(bits) // 32 + d for d in (-1, 0, 1)}
        for a, b in re.findall(r"(\d+)x(\d+)", strategy):
            found |= {int(n) + d for n in (a, b) for d in (-1, 0, 1) if 1 < int(n) <= 64}
    sizes = sorted(s for s in found if s > 0)
    symbols = sorted(symbols)
    if not symbols:
        return [{}]
    shifted = [{s: sizes[(i + 5 * j) % len(sizes)] for j, s in enumerate(symbols)} for i in range(len(sizes))]
    zero = [{s: 0 if s == which else 5 for s in symbols} for which in symbols]
    return shifted + zero


def feed(names, sizes, rng):
    return {name: tensor.sample(sizes, rng) for own, _ in names for name, tensor in own}


def evaluate(reference, model, feeds):
    """{output name: array} by the reference evaluator."""
    codes = {i.name: i.type.tensor_type.elem_type for i in model.graph.input}
    values = [(codes[i.name], list(feeds[i.name].shape), feeds[i.name].tobytes()) for i in model.graph.input]
    results = reference.run(values)
    return {o.name: np.frombuffer(data, CODES[code]).reshape(shape)
            for o, (code, shape, data) in zip(model.graph.output, results)}


def difference(case, dtype, mine, theirs):
    """What is wrong with `mine`, or ""."""
    if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
        return f"{mine.dtype}{list(mine.shape)}, expected {theirs.dtype}{list(theirs.shape)}"
    if mine.size == 0:
        return ""
    mine, theirs = np.atleast_1d(mine), np.atleast_1d(theirs)
    if mine.dtype.kind in "iub":
        wrong = mine != theirs if not case.steps else abs(mine.astype(int) - theirs.astype(int)) > case.steps
    else:
        rtol, atol = case.tolerance(dtype)
        mine, theirs = mine.astype(np.float64), theirs.astype(np.float64)
        with np.errstate(invalid="ignore"):
            wrong = ~np.isclose(mine, theirs, rtol=rtol, atol=atol, equal_nan=True)
    if not wrong.any():
        return ""
    at = tuple(int(i[0]) for i in np.nonzero(wrong))
    return f"{wrong.sum()} of {wrong.size} elements, at {list(at)} {mine[at]}, expected {theirs[at]}"


class Peer:
    """ONNX Runtime on one case, for as long as it does not refuse it."""

    def __init__(self, case):
        self.session, self.on_empty = None, case.peer_empty
        if not case.peer:
            return
        model, self.names = build([case])
        try:
            self.session = peer_session(model.SerializeToString(), optimize=False)
        except Exception:
            pass  # a type or operator that it does not have

    def run(self, own, feeds):
        if not self.session:
            return None
        mine = {name: feeds[theirs] for (name, _), (theirs, _) in zip(self.names[0][0], own)}
        if not self.on_empty and any(value.size == 0 for value in mine.values()):
            return None
        try:
            return self.session.run(None, mine)
        except Exception:
            return None  # sizes that it refuses, e.g. zero


def compare(cases, kernels_seen, target):
    """Runs a batch; returns {case name: what is wrong, or ""}."""
    import tenon
    from tenon import _compiler

    model, names = build(cases)
    data = model.SerializeToString()
    artifact = tenon.compile(data, red_zones=True, **target)
    for _, strategy, _ in artifact.kernels:
        kernels_seen.add(strategy.split(" ")[0])
    session = GuardedSession(artifact)
    reference = _compiler.Reference(data)
    peers = [Peer(case) for case in cases]
    problems = {case.name: "" for case in cases}
    rng = np.random.default_rng(0)
    symbols = {s for case in cases for s in case.symbols}
    rounds = list(cases[0].sizes) if cases[0].only_sizes else bindings(symbols, artifact.kernels) + list(cases[0].sizes)
    for sizes in rounds:
        feeds = feed(names, sizes, rng)
        expected = evaluate(reference, model, feeds)
        results = session.run(feeds)
        for case, (own, outputs), peer in zip(cases, names, peers):
            if problems[case.name]:
                continue
            theirs = peer.run(own, feeds)
            for i, (output, dtype) in enumerate(outputs):
                wrong = difference(case, dtype, results[output], expected[output])
                if wrong:
                    problems[case.name] = f"at {sizes}: output {i}: {wrong}"
                    break
                if theirs is not None and i < case.peer_outputs:
                    wrong = difference(case, dtype, results[output], np.asarray(theirs[i]))
                    if wrong:
                        problems[case.name] = f"at {sizes}: output {i}: ONNX Runtime has other values: {wrong}"
                        break
    return problems


def check_refusal(case, target):
    """A case that must be refused with a code."""
    import tenon

    model, _ = build([case])
    try:
        tenon.compile(model.SerializeToString(), **target)
    except tenon.TenonError as error:
        return "" if error.code == case.refused else f"refused with {error.code}, expected {case.refused}: {error}"
    return f"is not refused, expected {case.refused}"


def run_batch(cases, target={}):
    """Returns ({case name: problem}, strategies); one process a batch, so that a crash
    is found by running its cases alone. `target` has what tenon.compile is told of it."""

    def work():
        if cases[0].refused:
            return {case.name: check_refusal(case, target) for case in cases}, set()
        seen = set()
        return compare(cases, seen, target), seen

    answer, problem = isolated(work, 120)
    if answer:
        return answer
    if len(cases) == 1:
        return {cases[0].name: problem}, set()
    # Halves find the case at fault in few compilations.
    found, seen = {}, set()
    for part in (cases[: len(cases) // 2], cases[len(cases) // 2 :]):
        answer, more = run_batch(part, target)
        found |= answer
        seen |= more
    return found, seen


def batches(cases):
    groups = collections.defaultdict(list)
    for case in cases:
        groups[(case.opset, str(case.sizes), case.only_sizes, bool(case.refused))].append(case)
    for group in groups.values():
        yield from (group[start : start + BATCH] for start in range(0, len(group), BATCH))


def plugin_target(name, build):
    """What tenon.compile is told to compile for a target of test/lib."""
    return {"target": name, "target_plugins": [str(Path(build).resolve() / f"lib/{name.title()}Target.so")]}


def main():
    flags = parser(__doc__)
    flags.add_argument("--filter", default="", help="only cases whose name matches this expression")
    flags.add_argument("--target", choices=("", "scalar"), default="", help="of test/lib; by default this machine")
    arguments = flags.parse_args()
    target = plugin_target(arguments.target, arguments.build) if arguments.target else {}
    results = Results(read_expected(HERE / "operator-expected-failures.txt"), verbose=False)
    if problem := use_package(arguments.build):
        results.record("operators", False, problem)
        return results.finish(arguments.json)
    import onnxruntime  # noqa: F401  (loaded once, before the processes fork)
    from tenon import _compiler

    cases = [case for case in all_cases() if re.search(arguments.filter, case.name)]
    names = [case.name for case in cases]
    for name, count in collections.Counter(names).items():
        if count > 1 and claimed(f"twice {name}"):
            results.record(name, False, f"    {count} cases have this name")
    seen = set()
    for batch in batches(cases):
        if not claimed(batch[0].name):
            continue
        answer, strategies = run_batch(batch, target)
        seen |= strategies
        for name, problem in answer.items():
            results.record(name, not problem, f"    {problem}")
    if not arguments.filter:
        covered = {(case.domain, case.op) for case in cases if not case.refused}
        for domain, op in _compiler.operators():
            name = f"{domain}::{op}" if domain else op
            if claimed(f"covered.{name}"):
                results.record(f"covered.{name}", (domain, op) in covered, "    has a handler and no case in operators/")
        print("strategies executed: " + ", ".join(sorted(seen)))
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
