#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small models that failed somewhere once, with inputs and right outputs.

../shared/cases holds one folder a case, CASES.tsv what is expected of each:
`values` (the recorded outputs come back, with one and with two threads),
`values (compile in under N s)` (of processor time), or `error@run`: the model
compiles, and the session's run fails with a TN70xx code whose text names the
node. No other end counts, and a crash is one failed case.

Cases that do not work yet are in cases-expected-failures.txt with the reason:
they are still tried, and one that passes fails the suite until its line is
removed.
"""

import re
import resource
import sys
import time
from pathlib import Path

import numpy as np

from harness import SHARED, Results, isolated, parser, read_expected, use_package

HERE = Path(__file__).resolve().parent
# Relative and absolute. Integers and booleans are exact.
TOLERANCES = {"float64": (1e-9, 1e-9), "float32": (1e-3, 1e-4), "float16": (1e-2, 1e-2), "bfloat16": (2e-2, 2e-2)}
# What a wrong call raises says nothing about the model.
WRONG_CALLS = {"TN7001", "TN7007", "TN7009"}
# Where the sign of a zero is what the case is about.
SIGNED_ZEROS = {"mod28-float"}


def rows(table):
    """(case, expect, area) of CASES.tsv."""
    lines = table.read_text().splitlines()
    columns = lines[0].split("\t")
    for line in lines[1:]:
        row = dict(zip(columns, line.split("\t")))
        yield row["case"], row["expect"], row["area"]


def difference(mine, theirs, signed):
    """What is wrong with `mine`, or ""."""
    if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
        return f"{mine.dtype}{list(mine.shape)}, expected {theirs.dtype}{list(theirs.shape)}"
    if theirs.dtype.kind in "iub" or theirs.dtype.kind in "SUO":
        wrong = mine != theirs
    else:
        rtol, atol = TOLERANCES[theirs.dtype.name]
        wide = np.float64
        wrong = ~np.isclose(mine.astype(wide), theirs.astype(wide), rtol=rtol, atol=atol, equal_nan=True)
        if signed:
            wrong |= (theirs == 0) & (np.signbit(mine) != np.signbit(theirs))
    if not wrong.any():
        return ""
    at = tuple(int(i[0]) for i in np.nonzero(np.atleast_1d(wrong)))
    return (f"{wrong.sum()} of {wrong.size} elements, at {list(at)} {np.atleast_1d(mine)[at]}, "
            f"expected {np.atleast_1d(theirs)[at]}")


def read_set(model, folder):
    """({input: array}, [(output, array)]) of a recorded set."""
    import onnx
    from onnx import numpy_helper

    def read(kind, number):
        return numpy_helper.to_array(onnx.load_tensor(folder / f"{kind}_{number}.pb"))

    feeds = {i.name: read("input", n) for n, i in enumerate(model.graph.input) if (folder / f"input_{n}.pb").exists()}
    wanted = [(o.name, read("output", n)) for n, o in enumerate(model.graph.output)
              if (folder / f"output_{n}.pb").exists()]
    return feeds, wanted


def names_of_nodes(model):
    """How a message may name the model's nodes: by name, else by what they compute."""
    for node in model.graph.node:
        yield from [node.name] if node.name else [node.op_type, *node.output]


def check_error(session, feeds, model):
    """What is wrong with the error of a run that must fail, or ""."""
    import tenon

    try:
        results = session.run(feeds)
    except tenon.TenonError as error:
        if not re.fullmatch(r"TN70\d\d", error.code) or error.code in WRONG_CALLS:
            return f"fails with {error.code}, expected a check's TN70xx: {error}"
        if not any(name in str(error) for name in names_of_nodes(model)):
            return f"the error names no node: {error}"
        return ""
    return f"runs, expected an error; gives {[(n, v.dtype.name, v.shape) for n, v in results.items()]}"


def check(folder, expect):
    """What is wrong, or ""."""
    import onnx
    import tenon

    model = onnx.load(folder / "model.onnx")
    limit = re.search(r"under (\d+) s", expect)
    start = time.process_time()
    if limit:  # no use in waiting longer: SIGXCPU ends this case
        most = int(start + int(limit.group(1))) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (most, resource.RLIM_INFINITY))
    try:
        artifact = tenon.compile(folder / "model.onnx")
    except tenon.TenonError as error:
        return f"compile: {str(error)[:400]}"
    seconds = time.process_time() - start
    if limit and seconds > int(limit.group(1)):
        return f"compiles in {seconds:.1f} s of processor time, expected under {limit.group(1)}"
    for threads in (1, 2):
        session = artifact.session(threads=threads)
        for data in sorted(folder.glob("test_data_set_*")):
            feeds, wanted = read_set(model, data)
            if expect == "error@run":
                if problem := check_error(session, feeds, model):
                    return f"{data.name}, {threads} thread(s): {problem}"
                continue
            if not wanted:
                return f"{data.name} has no outputs"
            try:
                results = session.run(feeds)
            except tenon.TenonError as error:
                return f"{data.name}, {threads} thread(s): run: {str(error)[:400]}"
            for name, value in wanted:
                if problem := difference(results[name], value, folder.name in SIGNED_ZEROS):
                    return f"{data.name}, {threads} thread(s): {name}: {problem}"
    return ""


def main():
    flags = parser(__doc__, timeout=120)
    flags.add_argument("--table", help="write case, outcome and detail as TSV here")
    flags.add_argument("cases", nargs="*", help="only these")
    arguments = flags.parse_args()
    results = Results(read_expected(HERE / "cases-expected-failures.txt"))
    folder = SHARED / "cases"
    if not (folder / "CASES.tsv").is_file():
        results.skip("cases", "no ../shared")
        return results.finish(arguments.json)
    if problem := use_package(arguments.build):
        results.record("cases", False, problem)
        return results.finish(arguments.json)
    found, table = set(), []
    for case, expect, area in rows(folder / "CASES.tsv"):
        found.add(case)
        if arguments.cases and case not in arguments.cases:
            continue
        answer, crash = isolated(lambda: check(folder / case, expect), arguments.timeout)
        problem = crash if answer is None else answer
        table.append(f"{case}\t{'FAIL' if problem else 'pass'}\t{area}\t{' '.join((problem or '').split())[:300]}")
        results.record(case, not problem, f"    {problem}")
    for case in sorted({*results.expected, *arguments.cases} - found):
        results.record(case, False, "    is no case of ../shared/cases/CASES.tsv")
    if arguments.table:
        Path(arguments.table).write_text("\n".join(table) + "\n")
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
