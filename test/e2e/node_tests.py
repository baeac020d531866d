#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""ONNX's own backend node tests, compiled and run through the Python package.

../shared/suites/onnx-node-tests.tar.xz holds ONNX's recorded models, inputs and
outputs. A model that the compiler refuses with a coded error is skipped and
counted by its code; one that gives other values, or ends the process, fails
unless node-expected-failures.txt names it with a reason. node-floor.txt holds
how many must pass at least, so that an operator cannot get lost as "refused".

Many tests feed what models hold as constants: axes, sizes, scales. A model that
is refused is tried again with its small inputs as constants.

A process runs as many tests as it survives: a crash is one failed test.
"""

import collections
import re
import sys
from functools import partial
from pathlib import Path

from harness import Results, claimed, isolated_each, node_tests, parser, read_expected, use_package

HERE = Path(__file__).resolve().parent
# onnx.backend.test.runner's: relative, absolute.
TOLERANCE = (1e-3, 1e-7)
MOST_CONSTANT = 16
TOGETHER = 25  # tests of one process
# float16 and bfloat16 hold 11 and 8 bits.
COARSE = {"float16": (1e-2, 1e-3), "bfloat16": (2.0**-6, 1e-3)}


def read_value(path, kind):
    """A tensor of a test set; sequences, optionals and maps are not tensors."""
    import onnx
    from onnx import numpy_helper

    if not kind.HasField("tensor_type"):
        raise TypeError("input or output is no tensor")
    return numpy_helper.to_array(onnx.load_tensor(path))


def with_constants(model, given):
    """The model with its inputs of at most one dimension and 16 elements as initializers."""
    import onnx

    frozen = onnx.ModelProto()
    frozen.CopyFrom(model)
    small = [i for i in frozen.graph.input
             if i.name in given and given[i.name].ndim <= 1 and given[i.name].size <= MOST_CONSTANT]
    for info in small:
        frozen.graph.input.remove(info)
        frozen.graph.initializer.append(onnx.numpy_helper.from_array(given[info.name], info.name))
    return frozen if small else None


def compile_model(folder, model, given):
    """An artifact, or raises the error of the model as it is."""
    import tenon

    try:
        return tenon.compile(folder / "model.onnx")
    except tenon.TenonError:
        frozen = with_constants(model, given) if given is not None else None
        if frozen is None:
            raise
        try:
            return tenon.compile(frozen)
        except tenon.TenonError:
            pass
        raise


def run_one(folder):
    """Returns (outcome, detail); outcome is pass, refused, wrong or no-tensor."""
    import numpy as np
    import onnx
    import tenon

    model = onnx.load(folder / "model.onnx")
    sets = []
    for data in sorted(folder.glob("test_data_set_*")):
        try:
            given = [(i.name, read_value(data / f"input_{n}.pb", i.type)) for n, i in enumerate(model.graph.input)
                     if (data / f"input_{n}.pb").exists()]
            wanted = [(o.name, read_value(data / f"output_{n}.pb", o.type))
                      for n, o in enumerate(model.graph.output)]
        except (TypeError, ValueError) as error:
            return "no-tensor", str(error)
        sets.append((dict(given), wanted))
    try:
        artifact = compile_model(folder, model, sets[0][0] if len(sets) == 1 else None)
    except tenon.CompileError as error:
        if not error.code:
            return "wrong", f"refused without a code: {error}"
        return "refused", f"{error.code}: {error}"
    except tenon.DTypeError as error:  # an element type that artifacts do not have yet
        return "refused", f"{error.code}: {error}"
    session = artifact.session()
    names = {info.name for info in artifact.inputs}
    for given, wanted in sets:
        try:
            results = session.run({name: value for name, value in given.items() if name in names})
        except tenon.TenonError as error:
            return "wrong", f"run: {error}"
        for name, value in wanted:
            result = results[name]
            if result.shape != value.shape or result.dtype != value.dtype:
                return "wrong", f"{name}: {result.dtype}{result.shape}, expected {value.dtype}{value.shape}"
            rtol, atol = COARSE.get(value.dtype.name, TOLERANCE)
            if value.dtype.kind not in "fiub":
                result, value = result.astype(np.float32), value.astype(np.float32)
            if value.dtype.kind in "iub":
                rtol = atol = 0
            if not np.allclose(result, value, rtol=rtol, atol=atol, equal_nan=True):
                off = np.abs(result.astype(np.float64) - value.astype(np.float64))
                return "wrong", f"{name}: off by up to {np.nanmax(off):.3g} (values up to {np.nanmax(np.abs(value)):.3g})"
    return "pass", ""


def main():
    flags = parser(__doc__, timeout=60)
    flags.add_argument("--filter", default="", help="only tests whose name matches this expression")
    flags.add_argument("--table", help="write test, outcome and detail as TSV here")
    arguments = flags.parse_args()

    results = Results(read_expected(HERE / "node-expected-failures.txt"), verbose=False)
    folder = node_tests()
    if folder is None:
        results.skip("nodes", "no ../shared")
        return results.finish(arguments.json)
    if problem := use_package(arguments.build):
        results.record("nodes", False, problem)
        return results.finish(arguments.json)

    refused, table = collections.Counter(), []
    tests = [p.parent for p in sorted(folder.glob("*/model.onnx")) if re.search(arguments.filter, p.parent.name)]
    for part in (tests[start : start + TOGETHER] for start in range(0, len(tests), TOGETHER)):
        if not claimed(part[0].name):
            continue
        answers = isolated_each([partial(run_one, test) for test in part], arguments.timeout, quiet=True)
        for name, (answer, problem) in zip((test.name for test in part), answers):
            outcome, detail = answer or ("wrong", problem)
            table.append(f"{name}\t{outcome}\t{detail.splitlines()[0] if detail else ''}")
            if outcome == "refused":
                refused[detail.split(":", 1)[0]] += 1
                results.skipped.append(name)
            elif outcome == "no-tensor":
                refused["no tensor"] += 1
                results.skipped.append(name)
            else:
                results.record(name, outcome == "pass", f"    {detail[:400]}")
    for code, count in refused.most_common():
        print(f"skipped {count}: refused with {code}")
    if arguments.table:
        Path(arguments.table).write_text("\n".join(table) + "\n")
    if not arguments.filter:
        results.at_least("nodes.floor", int((HERE / "node-floor.txt").read_text().split()[0]))
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
