#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Memory that `tenon convert` needs beside the weights it maps.

A model of 4096 x 4096 products in a row, float32 in an external file of 64 MiB each,
is converted; printed are the largest anonymous memory (RssAnon: what the process
allocated; mapped files do not count) and the time.

    test/e2e/convert_memory.py                              2 GiB
    test/e2e/convert_memory.py --matrices 4 --weights i4
"""

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

SIZE = 4096
MATRIX_BYTES = SIZE * SIZE * 4


def save_products(folder, count):
    """Writes the model of `count` products; returns its path."""
    block = np.random.default_rng(0).standard_normal((SIZE, SIZE), dtype=np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", [f"v{i}", f"w{i}"], [f"v{i + 1}"], f"fc{i}") for i in range(count)], "g",
        [helper.make_tensor_value_info("v0", TensorProto.FLOAT, [1, SIZE])],
        [helper.make_tensor_value_info(f"v{count}", TensorProto.FLOAT, [1, SIZE])])
    with open(folder / "weights.bin", "wb") as data:
        for i in range(count):
            tensor = graph.initializer.add(name=f"w{i}", data_type=TensorProto.FLOAT, data_location=TensorProto.EXTERNAL)
            tensor.dims.extend([SIZE, SIZE])
            for key, text in (("location", "weights.bin"), ("offset", data.tell()), ("length", block.nbytes)):
                tensor.external_data.add(key=key, value=str(text))
            (block * (i + 1)).tofile(data)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    onnx.save(model, folder / "model.onnx")
    return folder / "model.onnx"


def peak_of_conversion(program, model, weights, out):
    """Converts; returns the exit status and the largest RssAnon in KiB, looked up every 5 ms."""
    process = subprocess.Popen([program, "convert", model, f"--weights={weights}", "-q", "-o", out])
    peak = 0
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                peak = max([peak] + [int(line.split()[1]) for line in status if line.startswith("RssAnon")])
        except (OSError, IndexError):
            pass
        time.sleep(0.005)
    return process.returncode, peak


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--matrices", type=int, default=32)
    parser.add_argument("--weights", nargs="+", default=["i8", "i4", "cFP8E4M3"])
    arguments = parser.parse_args()
    program = Path(arguments.build) / "bin" / "tenon"
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        model = save_products(Path(folder), arguments.matrices)
        for weights in arguments.weights:
            start = time.perf_counter()
            status, peak = peak_of_conversion(program, model, weights, Path(folder) / "out.tenon")
            failed |= status != 0
            print(f"{weights}: {arguments.matrices * MATRIX_BYTES / 2**20:.0f} MiB of weights, {peak / 1024:.0f} MiB beside them at the peak, "
                  f"{time.perf_counter() - start:.0f} s, exit status {status}", flush=True)
    raise SystemExit(failed)


if __name__ == "__main__":
    main()
