#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Speed of matrix products with narrow constant weights, on one thread, in one run.

One row (decoding of text): a model of many products with weights of their own,
together larger than the caches, so that each run reads every byte from memory.
Reported is the time of a product, the compressed bytes (codes and scales) that
pass in it per second, and their share of the read bandwidth, which is that of the
fastest of several loops over the same mapped artifact that do nothing but load
and combine vectors. Peer: ONNX Runtime's MatMulNBits at its default
accuracy, and at accuracy_level 4 (8-bit integer arithmetic on a quantized x).

Many rows (--rows 128): the same product with the weights in float32, in Tenon.

    bench/quantized_matmul.py
    bench/quantized_matmul.py --formats int4 --shapes 4096x4096 --rows 1
"""

import argparse
import ctypes
import itertools
import mmap
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper

from engines import ENGINES
from run import ROOT, machine, versions

BLOCK = 32
TRIES = 3  # of everyone in a round
READ = r"""
#include <stddef.h>
#include <stdint.h>
typedef uint64_t lanes __attribute__((vector_size(64)));
uint64_t read_all(const lanes *data, size_t count) {
  lanes sums[4] = {{0}};
  for (size_t i = 0, each = count / STREAMS; i + 4 / STREAMS <= each; i += 4 / STREAMS)
    for (size_t part = 0; part < 4; ++part) {
      const lanes *at = data + part % STREAMS * each + i + part / STREAMS;
      __builtin_prefetch((const char *)at + AHEAD);
      sums[part] |= *at;
    }
  lanes all = sums[0] | sums[1] | sums[2] | sums[3];
  return all[0] | all[1] | all[2] | all[3] | all[4] | all[5] | all[6] | all[7];
}
"""


class Reader:
    """Reads a file's mapping as fast as this machine can: the best of one, two and four streams with
    a few fetch distances."""

    def __init__(self, scratch):
        (scratch / "read.c").write_text(READ)
        self.loops = []
        for streams, ahead in itertools.product((1, 2, 4), (0, 1024, 4096)):
            library = scratch / f"read{streams}-{ahead}.so"
            subprocess.run(["cc", "-O3", "-march=native", "-shared", "-fPIC", f"-DAHEAD={ahead}", f"-DSTREAMS={streams}",
                            scratch / "read.c", "-o", library], check=True)
            loop = ctypes.CDLL(str(library)).read_all
            loop.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
            self.loops.append(loop)

    @contextmanager
    def over(self, path):
        """Calls that read the file's mapping once, the three that are fastest, and the bytes that each reads."""
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as data:
            view = np.frombuffer(data, np.uint8)
            address, count = view.ctypes.data, view.size // 64
            del view
            passes = [lambda loop=loop: loop(address, count) for loop in self.loops]
            times = alternate(dict(enumerate(passes)), 3)
            yield [passes[number] for number in sorted(times, key=lambda number: min(times[number]))[:3]], count * 64


FLOATS = {"f4E2M1": (4, TensorProto.FLOAT4E2M1), "f8E4M3FN": (8, TensorProto.FLOAT8E4M3FN), "f8E4M3FNUZ": (8, TensorProto.FLOAT8E4M3FNUZ),
          "f8E5M2": (8, TensorProto.FLOAT8E5M2), "f8E5M2FNUZ": (8, TensorProto.FLOAT8E5M2FNUZ)}  # bits of a code, type


def bits_of(weights):
    return FLOATS[weights][0] if weights in FLOATS else int(weights.removeprefix("int").removeprefix("float"))


def codes_of(weights, rng, count):
    """Bytes of random codes of one of FLOATS, all of them finite numbers."""
    codes = rng.integers(0, 256, count * bits_of(weights) // 8, np.uint8)
    if bits_of(weights) == 8:
        codes[codes & 0x78 == 0x78] &= 0xBF  # the highest exponents
        codes[codes == 0x80] = 0
    return codes.tobytes()


def model_of(weights, k, n, rows, count, level=0):
    """`count` products of one x with weights of their own, of type float32, int2 to int8 or one of FLOATS."""
    rng, bits = np.random.default_rng(0), bits_of(weights)
    nodes, initializers, outputs = [], [], []
    for i in range(count):
        if weights == "float32":
            arrays = {"w": rng.random((k, n), np.float32)}
            nodes.append(helper.make_node("MatMul", ["x", f"w{i}"], [f"y{i}"], f"product{i}"))
        elif weights in FLOATS:
            arrays = {"s": rng.random((k // BLOCK, n), np.float32) * np.float32(0.01)}
            initializers.append(helper.make_tensor(f"w{i}", FLOATS[weights][1], [k, n], codes_of(weights, rng, k * n), raw=True))
            nodes.append(helper.make_node("DequantizeLinear", [f"w{i}", f"s{i}"], [f"d{i}"], axis=0, block_size=BLOCK))
            nodes.append(helper.make_node("MatMul", ["x", f"d{i}"], [f"y{i}"], f"product{i}"))
        else:
            arrays = {"w": rng.integers(0, 256, (n, k // BLOCK, BLOCK * bits // 8), np.uint8),
                      "s": rng.random((n, k // BLOCK), np.float32) * np.float32(0.01)}
            attributes = {"K": k, "N": n, "bits": bits, "block_size": BLOCK} | ({"accuracy_level": level} if level else {})
            nodes.append(helper.make_node("MatMulNBits", ["x", f"w{i}", f"s{i}"], [f"y{i}"], f"product{i}",
                                          domain="com.microsoft", **attributes))
        for name, array in arrays.items():
            kind = helper.np_dtype_to_tensor_dtype(array.dtype)
            initializers.append(helper.make_tensor(f"{name}{i}", kind, array.shape, array.tobytes(), raw=True))
        outputs.append(helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, [rows, n]))
    graph = helper.make_graph(nodes, "products", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [rows, k])], outputs,
                              initializers)
    opset, ir_version = (23, 11) if weights in FLOATS else (17, 9)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)],
                             ir_version=ir_version)


def engine(name, model, inputs, scratch):
    """The engine's call, or why there is none."""
    path = scratch / "model.onnx"
    onnx.save(model, path)
    try:
        call = ENGINES[name](path, inputs, 1, scratch)
        return call, [np.array(value) for value in call()]
    except Exception as error:
        return None, str(error).splitlines()[0]


def timed(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def alternate(calls, rounds):
    """{name: seconds of each round}, the engines taking turns."""
    times = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            times[name].append(timed(call))
    return times


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def one_row(weights, k, n, arguments, reader):
    size = n * k * bits_of(weights) // 8 + n * (k // BLOCK) * 4
    count = max(2, -(-arguments.megabytes * 1_000_000 // size))
    inputs = {"x": np.random.default_rng(1).standard_normal((1, k)).astype(np.float32)}
    calls, results = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for name, level in (("tenon", 0), ("onnxruntime", 0), ("level 4", 4)):
            kind = "tenon" if name == "tenon" else "onnxruntime"
            call, results[name] = engine(kind, model_of(weights, k, n, 1, count, level), inputs, scratch)
            if call:
                calls[name] = call
        with reader.over(scratch / "model.tenon") as (passes, read_bytes):
            turns = {**{f"read {number}": read for number, read in enumerate(passes)}, **calls}
            rounds = [{name: [timed(call) for _ in range(TRIES)] for name, call in turns.items()} for _ in range(arguments.rounds)]
    # A round's time is the fastest of successive tries, for everyone: other processes share the memory,
    # and the first try still finds the caches and page tables of whoever ran before.
    times = {name: [min(tries[name]) for tries in rounds] for name in rounds[0]}
    rates = [size * count / seconds for seconds in times["tenon"]]
    reads = [min(seconds) for seconds in zip(*(times[f"read {number}"] for number in range(len(passes))))]
    shares = [rate * seconds / read_bytes for rate, seconds in zip(rates, reads)]
    cell = {name: f"{1e3 * statistics.median(t) / count:.3f}" for name, t in times.items()}
    speed, worst = "-", "-"
    if "onnxruntime" in times:
        speed = spread([theirs / mine for theirs, mine in zip(times["onnxruntime"], times["tenon"])])
        worst = max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(results["tenon"], results["onnxruntime"]))
        worst = f"{worst:.0e}"
    cells = [f"{weights}, block {BLOCK}", f"{k} x {n}", f"{count} x {size / 1e6:.1f}", cell["tenon"],
             f"{statistics.median(rates) / 1e9:.2f}", spread(shares), cell.get("onnxruntime", "fails"),
             cell.get("level 4", "fails"), speed, worst]
    return "| " + " | ".join(cells) + " |"


def many_rows(weights, k, n, rows, arguments):
    inputs = {"x": np.random.default_rng(1).standard_normal((rows, k)).astype(np.float32)}
    calls = {}
    with tempfile.TemporaryDirectory() as narrow, tempfile.TemporaryDirectory() as wide:
        calls["narrow"], _ = engine("tenon", model_of(weights, k, n, rows, 1), inputs, Path(narrow))
        calls["float32"], _ = engine("tenon", model_of("float32", k, n, rows, 1), inputs, Path(wide))
        times = alternate(calls, arguments.rounds)
    speed = spread([theirs / mine for theirs, mine in zip(times["float32"], times["narrow"])])
    cells = [f"{weights}, block {BLOCK}", f"{rows} x {k} x {n}"]
    cells += [f"{1e3 * statistics.median(times[name]):.2f}" for name in ("narrow", "float32")]
    return "| " + " | ".join([*cells, speed]) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--formats", nargs="+", default=["int8", "int4", "int3"], help=f"int2 to int8, {', '.join(FLOATS)}")
    parser.add_argument("--shapes", nargs="+", default=["4096x4096", "4096x14336"], help="K x N")
    parser.add_argument("--rows", nargs="+", type=int, default=[1, 128])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=int, default=600, help="least weights of a model of one row")
    arguments = parser.parse_args()
    sys.path.insert(0, str((ROOT / arguments.build).resolve() / "python"))
    shapes = [tuple(map(int, shape.split("x"))) for shape in arguments.shapes]

    print(f"Command: `bench/quantized_matmul.py {' '.join(sys.argv[1:])}`  ")
    print(f"Machine: {machine()}  \n{versions(['onnxruntime'])}  \n1 thread, {arguments.rounds} rounds, each the fastest of "
          f"{TRIES} tries; medians, with the smallest and largest of a round in parentheses; speed = ONNX Runtime / Tenon at "
          "its default accuracy")
    if 1 in arguments.rows:
        print("\n| weights | K x N | products x MB | ms | GB/s | of bandwidth | ORT ms | ORT level 4 ms | speed | difference |")
        print("|---" * 10 + "|")
        with tempfile.TemporaryDirectory() as folder:
            reader = Reader(Path(folder))
            for weights in arguments.formats:
                for k, n in shapes:
                    print(one_row(weights, k, n, arguments, reader), flush=True)
    for rows in arguments.rows:
        if rows > 1:
            print("\n| weights | M x K x N | ms | float32 ms | speed against float32 |\n|---|---|---|---|---|")
            for weights in arguments.formats:
                for k, n in shapes:
                    print(many_rows(weights, k, n, rows, arguments), flush=True)


if __name__ == "__main__":
    main()
