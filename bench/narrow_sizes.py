#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""From which size on products are faster with weights that stay narrow than with
float32 weights: what graph::narrowWeights and `min-narrow-bytes` rest on.

Both products are compiled from graph IR behind the stage that would decide, and
take turns on one thread. "alone": one product, called again and again, whose weights
the caches keep; "among others": a model of many such products, together --megabytes
of float32 weights, as in a step of decoding. The ratio is the time with float32
weights over the time with narrow ones; above 1, narrow is faster.

    bench/narrow_sizes.py
    bench/narrow_sizes.py --formats i4:32 --sizes 512x512 --rows 1
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from quantized_matmul import alternate
from run import ROOT, machine, versions

FORMATS = ("i8", "i4:32", "f8E4M3FN", "NF4:64")


def type_of(name):
    """How IR writes a format's type."""
    from tenon import formats

    fmt = formats.get(name)
    return name if name[0] == "i" else fmt.mlir or f'!num.format<"{fmt.declaration}">', fmt.width


def graph_of(recipe, k, n, rows, count):
    """`count` products of one x; float32 weights where there is no recipe. Codes differ, so that none is shared."""
    rng = np.random.default_rng(0)
    lines, blobs, results = [], [], []
    for i in range(count):
        if recipe is None:
            lines.append(f"  %w{i} = graph.constant dense<{0.5 + i / 1024}> : tensor<{k}x{n}xf32>")
        else:
            name, _, block = recipe.partition(":")
            kind, width = type_of(name)
            codes = rng.integers(0, 1 << width, (k, n), np.uint8)
            if kind == "i4":
                codes = (codes ^ 8) - np.uint8(8)  # sign-extended
            blobs.append(f'      w{i}: "0x40000000{codes.tobytes().hex()}"')
            scales = f"{-(-k // int(block))}x{n}" if block else f"{n}"
            attributes = f"axis = 0 : i64, block_size = {block} : i64" if block else "axis = 1 : i64"
            lines += [f"  %c{i} = graph.constant dense_resource<w{i}> : tensor<{k}x{n}x{kind}>",
                      f"  %s{i} = graph.constant dense<{0.01 + i / 65536}> : tensor<{scales}xf32>",
                      f"  %w{i} = graph.dequantize %c{i}, %s{i} {{{attributes}}} : (tensor<{k}x{n}x{kind}>, tensor<{scales}xf32>) -> tensor<{k}x{n}xf32>"]
        lines.append(f"  %y{i} = graph.matmul %x, %w{i} : (tensor<{rows}x{k}xf32>, tensor<{k}x{n}xf32>) -> tensor<{rows}x{n}xf32>")
        results.append(f"%y{i}")
    types = ", ".join([f"tensor<{rows}x{n}xf32>"] * count)
    text = [f"func.func @main(%x: tensor<{rows}x{k}xf32>) -> ({types}) {{", *lines, f"  return {', '.join(results)} : {types}", "}"]
    if blobs:
        text += ["{-#", "  dialect_resources: {", "    builtin: {", ",\n".join(blobs), "    }", "  }", "#-}"]
    return "\n".join(text)


def call_of(build, recipe, k, n, rows, count, folder):
    import tenon

    source, artifact = folder / "m.mlir", folder / f"{'narrow' if recipe else 'float32'}.tenon"
    source.write_text(graph_of(recipe, k, n, rows, count))
    subprocess.run([build / "bin" / "tenon", "compile", "-q", "--start-from=place", source, "-o", artifact], check=True)
    loaded = tenon.load(artifact)
    strategies = {strategy.split(" ")[0] for _, strategy, _ in loaded.kernels}
    assert (strategies == {"gemm-quantized"}) == bool(recipe), strategies
    session = loaded.session(1)
    feed = {loaded.inputs[0].name: np.random.default_rng(1).standard_normal((rows, k)).astype(np.float32)}
    return lambda: session.run(feed)


def ratio(build, recipe, k, n, rows, count, arguments):
    with tempfile.TemporaryDirectory() as name:
        calls = {kind: call_of(build, recipe if kind else None, k, n, rows, count, Path(name)) for kind in ("", "narrow")}
        # Several calls a turn, so that a turn is long against the clock and the other's traces.
        once = max(min(times) for times in alternate(calls, 3).values())
        repeats = max(1, int(arguments.turn / 1000 / once))
        turns = {kind: (lambda call=call: [call() for _ in range(repeats)]) for kind, call in calls.items()}
        times = alternate(turns, arguments.rounds)
    # The fastest turns: others on the machine only ever make one slower.
    wide, narrow = (min(times[kind]) for kind in ("", "narrow"))
    typical = statistics.median(times[""]) / statistics.median(times["narrow"])
    return f"{wide / narrow:.2f} ({typical:.2f})", narrow / repeats / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--formats", nargs="+", default=FORMATS, help="FORMAT, scales by column, or FORMAT:BLOCK")
    parser.add_argument("--sizes", nargs="+", default=[f"{size}x{size}" for size in (256, 512, 1024, 2048, 4096)], help="K x N")
    parser.add_argument("--rows", nargs="+", type=int, default=[1, 16, 128])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--turn", type=float, default=5, help="milliseconds of a turn, at least")
    parser.add_argument("--megabytes", type=int, default=128, help="float32 weights of a model of many products")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    sys.path.insert(0, str(build / "python"))
    print(f"Command: `bench/narrow_sizes.py {' '.join(sys.argv[1:])}`  ")
    print(f"Machine: {machine()}  \n{versions([])}  \n1 thread, {arguments.rounds} turns of {arguments.turn:g} ms or one call; "
          "time with float32 weights / time with narrow ones, of the fastest turns (of the median ones)\n")
    print("| weights | M x K x N | alone | us | among others | us |\n|---|---|---|---|---|---|")
    for recipe in arguments.formats:
        for rows in arguments.rows:
            for size in arguments.sizes:
                k, n = map(int, size.split("x"))
                many = max(2, -(-arguments.megabytes * 1_000_000 // (4 * k * n)))
                cells = [cell for count in (1, many) for cell in ratio(build, recipe, k, n, rows, count, arguments)]
                print(f"| {recipe} | {rows} x {size} | {cells[0]} | {1e6 * cells[1]:.1f} | {cells[2]} | {1e6 * cells[3]:.1f} |", flush=True)


if __name__ == "__main__":
    main()
