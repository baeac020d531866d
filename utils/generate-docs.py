#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the reference of dialects, interfaces and passes from their TableGen
records, and the table of operators from the compiler itself.

One Markdown page a .td file, one of operators, and an index. Nothing of it is
committed: what is described lives in include/tenon/**/*.td and in the tables that
`tenon ops` reads.
"""

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INCLUDE = ROOT / "include"

# By the same naming convention that cmake/TenonMLIR.cmake generates code by.
GENERATORS = [
    ("Passes.td", "-gen-pass-doc"),
    ("Ops.td", "-gen-op-doc"),
    ("Types.td", "-gen-typedef-doc"),
    ("Attrs.td", "-gen-attrdef-doc"),
    ("Enums.td", "-gen-enum-doc"),
    ("Interfaces.td", "-gen-op-interface-docs"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", default="build/docs")
    parser.add_argument("--llvm", default="/usr/lib/llvm-22", help="LLVM's installation prefix")
    parser.add_argument("--tenon", default="build/bin/tenon", help="the driver to ask for its operators")
    arguments = parser.parse_args()
    output = Path(arguments.output)
    output.mkdir(parents=True, exist_ok=True)

    index, failed = [], 0
    for td in sorted(INCLUDE.rglob("*.td")):
        relative = td.relative_to(INCLUDE / "tenon")
        generator = next((g for suffix, g in GENERATORS if td.name.endswith(suffix)), None)
        if generator is None:
            continue
        command = [f"{arguments.llvm}/bin/mlir-tblgen", generator, str(td)]
        command += ["-I", str(INCLUDE), "-I", f"{arguments.llvm}/include"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            failed += 1
            print(f"{relative}: {done.stderr.strip().splitlines()[0] if done.stderr else 'failed'}", file=sys.stderr)
            continue
        page = output / f"{str(relative.with_suffix('')).replace('/', '-')}.md"
        page.write_text(f"# {relative.with_suffix('')}\n\n{done.stdout}")
        index.append(f"- [{relative.with_suffix('')}]({page.name})")
    done = subprocess.run([arguments.tenon, "ops", "--markdown"], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        (output / "operators.md").write_text(done.stdout)
        index.append("- [ONNX operators and the kernels that take them](operators.md)")
    else:
        failed += 1
        print(f"{arguments.tenon} ops: {done.stderr.strip()}", file=sys.stderr)
    (output / "index.md").write_text("# Reference, generated from the sources\n\n" + "\n".join(index) + "\n")
    print(f"{len(index)} pages in {output}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
