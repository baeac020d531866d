#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Parses and verifies the examples in the descriptions of ops, so that they cannot rot.

An example is a ```mlir block in the text of an op in include/tenon/Dialect/**/*Ops.td.
It becomes the body of a function, whose arguments are the values that the example uses
and does not define, in a module that has the device "toy". An example that holds `...` is
skipped.

    utils/op-examples.py                            every example
    utils/op-examples.py --tenon-opt PATH           the same, by another build
"""

import argparse
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OP = re.compile(
    r'^def\s+\w+\s*:\s*\w+<\s*(?:\w+_Dialect,\s*)?"(?P<op>[\w.]+)"(?P<text>.*?)(?=^def |\Z)', re.MULTILINE | re.DOTALL
)
BLOCK = re.compile(r"^ *```mlir\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
# The values on the left of an op: %y = ..., %y, %h = ..., %r:2 = ...
DEFINED = re.compile(r"^\s*((?:%\w+(?::\d+)?\s*,?\s*)+)=", re.MULTILINE)
MISMATCH = re.compile(r"use of value '(%\w+)' expects different type than prior uses: '(.*)' vs 'none'")


def examples(td):
    """(dialect.op, text of a block) of all ops in a file."""
    dialect = td.parent.parent.name.lower()
    for match in OP.finditer(td.read_text()):
        for text in BLOCK.findall(match["text"]):
            yield f"{dialect}.{match['op']}", text


def problem(tenon_opt, text):
    """What tenon-opt reports about an example, or None.

    Only the parser of an op knows which type in the text belongs to which operand. So each
    argument starts as a `none`, and takes the type that the parser says it expects instead.
    """
    code = re.sub(r"//.*", "", text)
    defined = set(re.findall(r"%\w+", " ".join(DEFINED.findall(code))))
    types = {name: "none" for name in re.findall(r"%\w+", code) if name not in defined}
    while True:
        arguments = ", ".join(f"{name}: {types[name]}" for name in types)
        function = f"func.func @example({arguments}) {{\n{text}return\n}}\n"
        module = f'module attributes {{plan.devices = [#plan.device<"toy", "toy:small">]}} {{\n{function}}}\n'
        done = subprocess.run([tenon_opt, "-"], input=module, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return None
        mismatch = MISMATCH.search(done.stderr)
        if not mismatch or types.get(mismatch[1]) != "none":
            error = re.search(r"error: (.*)", done.stderr)
            return error[1] if error else f"tenon-opt failed: {done.stderr.strip()}"
        types[mismatch[1]] = mismatch[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenon-opt", type=Path, default=ROOT / "build/bin/tenon-opt", help="the tool that parses")
    arguments = parser.parse_args()
    if not arguments.tenon_opt.is_file():
        parser.error(f"there is no {arguments.tenon_opt}")
    found = [
        (td.relative_to(ROOT), op, text)
        for td in sorted((ROOT / "include" / "tenon" / "Dialect").rglob("*Ops.td"))
        for op, text in examples(td)
    ]
    whole = [example for example in found if "..." not in example[2]]
    with ThreadPoolExecutor() as pool:
        results = list(pool.map(partial(problem, arguments.tenon_opt), [text for _, _, text in whole]))
    problems = [f"{path}: {op}: {result}" for (path, op, _), result in zip(whole, results) if result]
    for line in problems:
        print(line, file=sys.stderr)
    print(f"{len(found) - len(whole)} abbreviated examples skipped")
    print(f"{len(whole)} examples, {len(problems)} problems")
    return 1 if problems or not whole else 0


if __name__ == "__main__":
    sys.exit(main())
