#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What two builds' Gathers cost beside each other, e.g. without and with the check
of indices, over tables of few and many rows and columns.

Each build's driver compiles the model; the artifacts are run in one process on one
thread, call by call in turns, and their CPU time is compared: the ratio is the
median over rounds of the second build's time over the first's. Tables hold up to
4 GB: those above --memory megabytes are left to the operating system's page of zeros.

    bench/gather_checks.py OLD_BUILD NEW_BUILD
    bench/gather_checks.py OLD_BUILD NEW_BUILD --rows 1000 --columns 1,16 --dtype int64
"""

import argparse
import math
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from run import machine

COPIED = 1 << 19  # elements of a call's result, so that the work is not the call's
MOST = 1 << 17    # indices of a call


def model(rows, columns, count, dtype, axis):
    """y = Gather(x, i): rows of columns elements, or (axis 1) elements of rows."""
    shape = [rows, columns] if axis == 0 else [columns, rows]
    result = [count, columns] if axis == 0 else [columns, count]
    node = helper.make_node("Gather", ["x", "i"], ["y"], "gather", axis=axis)
    infos = [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape), helper.make_tensor_value_info("i", dtype, [count])]
    graph = helper.make_graph([node], "m", infos, [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), shape


def ratio(sessions, feeds, rounds):
    def call(session):
        begin = time.thread_time_ns()
        session.run(feeds, outputs=outputs)
        return time.thread_time_ns() - begin

    outputs = {"y": sessions[0].run(feeds)["y"]}
    for session in sessions:
        call(session)
    times = []
    for i in range(rounds):
        order = (0, 1) if i % 2 == 0 else (1, 0)
        taken = {which: min(call(sessions[which]) for _ in range(3)) for which in order}
        times.append((taken[0], taken[1]))
    return statistics.median(new / old for old, new in times), statistics.median(old for old, _ in times) / 1e3


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs=2, metavar="BUILD", type=Path)
    numbers = lambda text: [int(number) for number in text.split(",")]  # noqa: E731
    parser.add_argument("--rows", type=numbers, default=[1000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--columns", type=numbers, default=[1, 4, 16, 64, 256, 1024])
    parser.add_argument("--dtype", choices=["int32", "int64"], default="int64")
    parser.add_argument("--axis", type=int, choices=[0, 1], default=0)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--memory", type=int, default=1024, help="most megabytes of a table with values")
    parser.add_argument("--target", default="cpu:host")
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.builds[1].resolve() / "python"))
    import tenon

    print(f"{machine()}; {arguments.target}, axis {arguments.axis}, {arguments.dtype} indices, 1 thread, CPU time")
    dtype = getattr(TensorProto, arguments.dtype.upper())
    rng = np.random.default_rng(0)
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        for rows in arguments.rows:
            for columns in arguments.columns:
                count = max(256, min(MOST, COPIED // columns))
                built, shape = model(rows, columns, count, dtype, arguments.axis)
                path = Path(folder) / "m.onnx"
                onnx.save(built, path)
                artifacts = [Path(folder) / f"{i}.tenon" for i in range(2)]
                for build, artifact in zip(arguments.builds, artifacts):
                    subprocess.run([build / "bin" / "tenon", "compile", path, f"--target={arguments.target}", "-q", "-o", artifact], check=True)
                sessions = [tenon.load(str(artifact)).session(threads=1) for artifact in artifacts]
                x = np.zeros(shape, np.float32)
                if x.nbytes <= arguments.memory << 20:
                    x[:] = 1
                feeds = {"x": x, "i": rng.integers(0, rows, count).astype(arguments.dtype)}
                found, microseconds = ratio(sessions, feeds, arguments.rounds)
                ratios.append(found)
                print(f"{rows:>8} rows of {columns:>4}, {count:>6} indices: {microseconds:9.1f} us before, ratio {found:.3f}", flush=True)
    mean = math.exp(statistics.fmean(math.log(r) for r in ratios))
    print(f"geometric mean {mean:.3f}, worst {max(ratios):.3f}, of {len(ratios)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
