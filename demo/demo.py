#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The demo: a trained model from a Python package, compiled and put to work.

The file-type classifier inside Google's `magika` package is compiled for this
machine; then files of this repository, and a few made on the spot, are
classified by Tenon and by ONNX Runtime from the same bytes.
"""

import argparse
import gzip
import importlib.util
import io
import json
import os
import struct
import subprocess
import sys
import tarfile
import time
import zlib
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent


def features(data, config):
    """The model's input: bytes from the beginning and the end, as magika reads them."""
    block, begin, end = config["block_size"], config["beg_size"], config["end_size"]
    pad = config["padding_token"]
    head, tail = data[:block].lstrip(), data[-block:].rstrip()
    first = list(head[:begin])
    last = list(tail[-end:])
    return first + [pad] * (begin - len(first)) + [pad] * (end - len(last)) + last


def png():
    """A 32x32 picture, the smallest way to have one."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = b"".join(b"\0" + bytes((x * y) % 256 for x in range(32)) for y in range(32))
    header = struct.pack(">IIBBBBB", 32, 32, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def archive(names):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name in names:
            body = (ROOT / name).read_bytes()
            info = tarfile.TarInfo(name)
            info.size = len(body)
            tar.addfile(info, io.BytesIO(body))
    return out.getvalue()


def samples(build):
    """(name, bytes, the labels that are right)."""
    texts = [
        ("demo/demo.py", {"python"}), ("README.md", {"markdown"}), ("Makefile", {"makefile"}),
        ("utils/setup.sh", {"shell"}), ("runtime/src/session.cpp", {"cpp"}),
        ("CMakePresets.json", {"json"}), ("pyproject.toml", {"toml"}), ("CMakeLists.txt", {"cmake"}),
    ]
    found = [(name, (ROOT / name).read_bytes(), right) for name, right in texts if (ROOT / name).exists()]
    library = build / "lib" / "libtenon-rt.so"
    if library.exists():
        found.append((library.name, library.read_bytes(), {"elf", "so"}))
    found.append(("made: picture", png(), {"png"}))
    found.append(("made: tar of two files", archive(["README.md", "Makefile"]), {"tar"}))
    found.append(("made: gzip", gzip.compress((ROOT / "LICENSE").read_bytes(), mtime=0), {"gzip"}))
    table = "city,year,visitors,revenue\n" + "".join(
        f"{c},{y},{1000 + 37 * y % 911},{(y * 13) % 77}.50\n" for y in range(2001, 2020) for c in ("Bern", "Oslo", "Lima")
    )
    found.append(("made: table", table.encode(), {"csv"}))
    return found


def medians_ms(calls, seconds=2.0):
    """Medians of calls that take turns, so that other load on the machine hits all alike."""
    times = [[] for _ in calls]
    deadline = time.perf_counter() + seconds
    while len(times[0]) < 10 or time.perf_counter() < deadline:
        for call, taken in zip(calls, times):
            start = time.perf_counter()
            call()
            taken.append(time.perf_counter() - start)
    return [float(np.median(taken)) * 1e3 for taken in times]


def show(title, command, limit=None):
    """Runs a command at the root and prints it as one would type it there."""
    command = [os.path.relpath(part, ROOT) if isinstance(part, Path) else part for part in command]
    print(f"\n$ {' '.join(command)}", flush=True)
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    lines = done.stdout.splitlines()
    for line in lines[:limit]:
        print(line)
    if limit and len(lines) > limit:
        print(f"... {len(lines) - limit} more lines: run the command to see them")
    if done.returncode != 0:
        raise SystemExit(f"{title} failed with exit status {done.returncode}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    arguments = parser.parse_args()
    build = (ROOT / arguments.build).resolve()
    sys.path.insert(0, str(build / "python"))
    import onnxruntime
    import tenon

    package = Path(importlib.util.find_spec("magika").origin).parent
    folder = sorted((package / "models").iterdir())[-1]
    config = json.loads((folder / "config.min.json").read_text())
    labels = config["target_labels_space"]
    print(f"The model: {folder.name} of the Python package magika, {(folder / 'model.onnx').stat().st_size / 1e6:.1f} MB")

    output = build / "demo" / "magika.tenon"
    output.parent.mkdir(parents=True, exist_ok=True)
    driver = build / "bin" / "tenon"
    show("compiling", [driver, "compile", folder / "model.onnx", "-o", output, "--target=cpu:host"])
    show("explain", [driver, "explain", output], limit=16)

    session = tenon.load(output).session(threads=1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    peer = onnxruntime.InferenceSession(
        str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"]
    )
    name = peer.get_inputs()[0].name

    files = samples(build)
    batch = np.array([features(data, config) for _, data, _ in files], np.int32)
    (ours,) = session.run({name: batch}).values()
    (theirs,) = peer.run(None, {name: batch})
    print(f"\n{'file':26} {'Tenon says':>14} {'score':>7}   {'ONNX Runtime':>14} {'score':>7}")
    right = agree = 0
    for (file, _, wanted), a, b in zip(files, ours, theirs):
        mine, peers = labels[int(a.argmax())], labels[int(b.argmax())]
        right += mine in wanted
        agree += mine == peers
        print(f"{file:26} {mine:>14} {a.max():7.4f}   {peers:>14} {b.max():7.4f}{'' if mine in wanted else '   <- wrong'}")
    print(f"{right} of {len(files)} right, {agree} of {len(files)} as ONNX Runtime; "
          f"largest difference of a score: {np.abs(ours - theirs).max():.1e}")

    one = np.ascontiguousarray(batch[:1])
    load = os.getloadavg()[0]
    print(f"\nSpeed, one thread, median ms (files a second); load of the machine {load:.1f} on {os.cpu_count()} processors:")
    for title, array in (("one file", one), (f"{len(files)} files at once", batch)):
        feed = {name: array}
        mine, theirs_ms = medians_ms([lambda: session.run(feed), lambda: peer.run(None, feed)])
        count = len(array)
        print(f"  {title:18} Tenon {mine:8.2f} ({count / mine * 1e3:7.0f}/s)   "
              f"ONNX Runtime {theirs_ms:8.2f} ({count / theirs_ms * 1e3:7.0f}/s)   {theirs_ms / mine:.2f}x")
    if agree != len(files):
        raise SystemExit("Tenon and ONNX Runtime disagree")


if __name__ == "__main__":
    main()
