#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the reference of dialects, interfaces and passes from their TableGen
records, and the tables of operators and number formats from the compiler itself.

One Markdown page a .td file, one of operators, one of number formats with a plot
of the values that each can represent, and an index. Nothing of it is
committed: what is described lives in include/tenon/**/*.td and in the tables that
`tenon ops` reads.
"""

import argparse
import json
import math
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


def plot_values(formats, path):
    """One row a format: its positive values on a logarithmic axis."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "tenon"  # equal formats, equal bytes
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(11, 0.28 * len(formats) + 1))
    for row, described in enumerate(reversed(formats)):
        values = sorted({v for v in described["values"] if not isinstance(v, str) and v > 0})
        axes.plot(values, [row] * len(values), "|", markersize=9)
    axes.set_yticks(range(len(formats)), [f["name"] for f in reversed(formats)])
    axes.set_xscale("log", base=2)
    axes.set_xlabel("positive values")
    axes.grid(axis="x", alpha=0.3)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def write_formats(tenon, output):
    """Table, plots and declarations of all shipped formats. Raises CalledProcessError."""

    def ask(*arguments):
        done = subprocess.run([tenon, "formats", "--json", *arguments], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    formats = ask()
    lines = ["# Number formats", "", "Written from `tenon formats --json`; each is a file of `formats/`.", "",
             "| format | kind | bits | largest | smallest positive | epsilon | MLIR | ONNX | aliases | |",
             "|---|---|---|---|---|---|---|---|---|---|"]
    for f in formats:
        number = [f"{f[key]:.6g}" if key in f else "" for key in ("largest", "smallest_positive", "epsilon")]
        aliases = ", ".join(f"{name} ({who})" for who, name in sorted(f["aliases"].items()))
        lines.append(f"| {f['name']} | {f['kind']} | {f.get('width', '')} | {' | '.join(number)} | {f.get('mlir', '')} | "
                     f"{f.get('onnx', {}).get('name', '')} | {aliases} | {f['summary']} |")
    drawn = [f["name"] for f in formats if f["kind"] in ("float", "codebook") and "largest" in f and f["width"] <= 8]
    scales = [name for name in drawn if math.log2(next(f for f in formats if f["name"] == name)["largest"]) > 40]
    for title, names in (("values", [n for n in drawn if n not in scales]), ("scales", scales)):
        if names:
            plot_values([ask(name, "--table") for name in names], output / f"formats-{title}.svg")
            lines += ["", f"## Representable {title}", "", f"![{title}](formats-{title}.svg)"]
    lines += ["", "## Declarations", "", "```yaml", *(f["declaration"] for f in formats), "```"]
    (output / "number-formats.md").write_text("\n".join(lines) + "\n")


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
    try:
        write_formats(arguments.tenon, output)
        index.append("- [Number formats](number-formats.md)")
    except subprocess.CalledProcessError as error:
        failed += 1
        print(f"{' '.join(map(str, error.cmd))}: {error.stderr.strip()}", file=sys.stderr)
    (output / "index.md").write_text("# Reference, generated from the sources\n\n" + "\n".join(index) + "\n")
    print(f"{len(index)} pages in {output}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
