# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One program through the compiler, between guard pages, and judged."""

import dataclasses
import functools
from pathlib import Path

import numpy as np

from .judge import Finding, judge_value
from .oracles import Peer

ALLOWED = Path(__file__).resolve().parent.parent / "fuzz-allowed-refusals.txt"


@functools.cache
def allowed_refusals():
    """{code and operator: reason} of what the compiler may refuse although oracles have values."""
    from harness import read_expected

    return read_expected(ALLOWED)


def is_allowed(code, text):
    """Whether a list entry, `CODE Operator`, covers a refusal of a node of that operator."""
    return any(entry.split(" ")[0] == code and f"({entry.split(' ')[1]}, opset" in text for entry in allowed_refusals())


def sessions(artifact, threads):
    return [artifact.session(threads, guard="end"), artifact.session(threads, guard="begin")]


def differs(one, other):
    """Whether bytes differ between two runs: such an output was not written, or
    depends on memory that was not."""
    return [name for name in one if one[name].tobytes() != other[name].tobytes()]


def judge_output(program, binding, name, mine):
    """A Finding, or None. The slower oracle speaks where the first one disagrees, on the
    part of the program that the output needs."""
    if judge_value(program, binding, name, mine) is None:
        return None
    part = dataclasses.replace(program, outputs=[name]).pruned()
    peer = Peer(part)
    theirs = peer.run(part.feeds(binding)) if all(node.peer for node in part.nodes) else None
    return judge_value(part, binding, name, mine, None if theirs is None else np.asarray(theirs[0]))


def check(program, red_zones=False, threads=1, stage=lambda text: None):
    """(outcome, Finding or None). Outcomes: agree, refused, refused by both, finding."""
    import tenon

    stage("compile")
    peer = None
    try:
        artifact = tenon.compile(program.model(), red_zones=red_zones)
    except tenon.TenonError as error:
        code = error.code or ""
        if is_allowed(code, str(error)):
            return f"refused {code}", None
        stage("refused; ONNX Runtime")
        peer = Peer(program)
        if code and any(peer.finds_fault(program.feeds(b)) for b in range(len(program.bindings))):
            return f"refused by both {code}", None
        return "finding", Finding("refused", str(error)[:400], code)
    stage("run")
    end, begin = sessions(artifact, threads)
    outcome = "agree"
    for binding in range(len(program.bindings)):
        feeds = {name: array for name, array in program.feeds(binding).items()}
        stage(f"run at {program.bindings[binding]}")
        try:
            mine = end.run(feeds)
            again = begin.run(feeds)
        except tenon.TenonError as error:
            if error.code == "TN7020":
                return "finding", Finding("memory", str(error)[:400], error.code, binding)
            peer = peer or Peer(program)
            if peer.finds_fault(feeds):
                outcome = f"refused by both {error.code}"
                continue
            return "finding", Finding("error", str(error)[:400], error.code, binding)
        if unwritten := differs(mine, again):
            return "finding", Finding("unwritten", f"{', '.join(unwritten)}: other bytes over other memory", "", binding,
                                      unwritten[0])
        for name in program.outputs:
            if finding := judge_output(program, binding, name, mine[name]):
                return "finding", finding
    return outcome, None


__all__ = ["Finding", "check"]
