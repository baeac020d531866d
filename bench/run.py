#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Speed of Tenon, ONNX Runtime and OpenVINO on the same models, in one run.

All three through their Python API with inputs made in advance, the same number
of threads, float32 (OpenVINO is told so; its default may be bfloat16). The
engines take turns in every round, so that a busy neighbour hits all of them;
the machine's load is read before each round. Reported: the median over the
rounds' medians, and as speed the ratio (faster peer / Tenon) of these with
the smallest and the largest ratio that any one round gave.

    bench/run.py                          the float models of ../shared/models
    bench/run.py mnist-8 dtln-1           only these
    bench/run.py --big DIR                models that ../shared/tools/bigmodels.py built into DIR
    bench/run.py --big DIR --make NAME... builds them first
Writes a Markdown table to stdout, and to --output. The exit status is 1 if Tenon
does not run a model, or its outputs are not ONNX Runtime's.
"""

import argparse
import importlib
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from engines import ENGINES

ROOT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("TENON_SHARED", ROOT.parent / "shared"))
# Outputs further apart than this are wrong, also for float16.
MOST_DIFFERENT = 1e-2
FULL_SIZE = ["resnet50", "mobilenetv2", "yolov8n", "vit-b16", "bert-base", "minilm", "gpt2", "llama-1b-int4"]


def read_inputs(model, folder):
    """The first test set as {input name: array}; initializers among the inputs are left out."""
    import onnx
    from onnx import numpy_helper

    proto = onnx.load(model, load_external_data=False)
    initializers = {i.name for i in proto.graph.initializer}
    names = [i.name for i in proto.graph.input if i.name not in initializers]
    # Copied: OpenVINO shares only memory that it could write.
    tensors = [onnx.load_tensor(folder / f"input_{n}.pb") for n in range(len(names))]
    return {name: np.array(numpy_helper.to_array(tensor)) for name, tensor in zip(names, tensors)}


def median_of(call, seconds, least):
    times, deadline = [], time.perf_counter() + seconds
    while len(times) < least or time.perf_counter() < deadline:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(model, folder, arguments):
    """{engine: [median of each round in ms]}, {engine: why it did not run}, the largest
    difference of outputs, the load before each round."""
    inputs = read_inputs(model, folder)
    calls, failed, outputs = {}, {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for name in arguments.engines:
            try:
                calls[name] = ENGINES[name](model, inputs, arguments.threads, Path(scratch))
                outputs[name] = calls[name]()
            except Exception as error:  # an engine that fails is a row of the table
                failed[name] = f"{type(error).__name__}: {str(error).splitlines()[0][:100] if str(error) else ''}"
                calls.pop(name, None)
        rounds, loads = {name: [] for name in calls}, []
        for number in range(arguments.rounds):
            loads.append(os.getloadavg()[0])
            order = list(calls)
            order = order[number % max(len(order), 1):] + order[: number % max(len(order), 1)]
            for name in order:
                calls[name]()
                rounds[name].append(1e3 * median_of(calls[name], arguments.seconds, 3))
    return rounds, failed, agreement(outputs), loads


def agreement(outputs):
    """Largest difference between Tenon's outputs and ONNX Runtime's, relative to their
    size; infinite where one of them has another shape, or a NaN that the other has not."""
    if "tenon" not in outputs or "onnxruntime" not in outputs:
        return None
    worst = 0.0
    for mine, theirs in zip(outputs["tenon"], outputs["onnxruntime"], strict=True):
        mine, theirs = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
        if mine.shape != theirs.shape or not np.array_equal(np.isfinite(mine), np.isfinite(theirs)):
            return float("inf")
        finite = np.isfinite(theirs)
        if finite.any():
            off = np.abs(mine[finite] - theirs[finite]).max()
            worst = max(worst, float(off / max(1.0, np.abs(theirs[finite]).max())))
    return worst


def row(name, rounds, failed, worst, engines):
    """One line of the table and the ratio, if there is one."""
    cells, medians = [name], {}
    for engine in engines:
        if engine in rounds and rounds[engine]:
            medians[engine] = statistics.median(rounds[engine])
            cells.append(f"{medians[engine]:.3g}")
        else:
            cells.append("fails")
    peers = [e for e in engines if e != "tenon" and e in medians]
    ratio = None
    if "tenon" in medians and peers:
        best = min(peers, key=medians.get)
        ratio = medians[best] / medians["tenon"]
        each = [theirs / mine for theirs, mine in zip(rounds[best], rounds["tenon"])]
        cells += [f"{ratio:.2f}", f"{min(each):.2f} to {max(each):.2f}"]
    else:
        cells += ["-", "-"]
    cells.append("-" if worst is None else f"{worst:.0e}")
    return "| " + " | ".join(cells) + " |", ratio


def machine():
    model = "unknown CPU"
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {os.cpu_count()} processors, {platform.system()} {platform.release()}"


def versions(engines):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True)
    texts = [f"Tenon {commit.stdout.strip()}"]
    for name, title in (("onnxruntime", "ONNX Runtime"), ("openvino", "OpenVINO")):
        if name in engines:
            texts.append(f"{title} {importlib.import_module(name).__version__}")
    return ", ".join(texts)


def find_models(arguments):
    if arguments.big:
        big = Path(arguments.big)
        names = arguments.models or FULL_SIZE
        if arguments.make:
            tool = SHARED / "tools" / "bigmodels.py"
            absent = [n for n in names if not (big / n / "model.onnx").exists()]
            if absent:
                subprocess.run([sys.executable, tool, "--out", big, *absent], check=True)
        return existing({name: big / name for name in names}, names)
    if arguments.make:
        raise SystemExit("--make builds full-size models: give their folder with --big")
    folder = SHARED / "models"
    if not folder.is_dir():
        raise SystemExit("skipped: no ../shared")
    found = {p.parent.name: p.parent for p in sorted(folder.glob("*/model.onnx")) if not p.parent.name.endswith("-qdq")}
    return existing(found, arguments.models or found)


def existing(folders, names):
    """The folders of these models; all that are not there are named."""
    absent = [name for name in names if name not in folders or not (folders[name] / "model.onnx").exists()]
    if absent:
        raise SystemExit(f"no such models: {', '.join(absent)}; there are {', '.join(folders)}")
    return [folders[name] for name in names]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--build", default="build")
    parser.add_argument("--big", help="folder of full-size models")
    parser.add_argument("--make", action="store_true", help="build absent full-size models first")
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="time of one engine in one round")
    parser.add_argument("--output", help="also write the table to this file")
    arguments = parser.parse_args()
    sys.path.insert(0, str((ROOT / arguments.build).resolve() / "python"))

    out = [
        f"Command: `bench/run.py {' '.join(sys.argv[1:])}`  ",
        f"Machine: {machine()}  ",
        f"{versions(arguments.engines)}  ",
        f"{arguments.threads} thread(s), {arguments.rounds} alternated rounds of {arguments.seconds} s; median ms; "
        "speed = faster peer / Tenon, with the smallest and largest of a round; "
        "difference = largest from ONNX Runtime, relative to the output's size",
        "",
        "| model | " + " | ".join(arguments.engines) + " | speed | of rounds | difference |",
        "|---" * (len(arguments.engines) + 4) + "|",
    ]
    models = find_models(arguments)
    print("\n".join(out), flush=True)
    ratios, loads, notes, broken = {}, [], [], []
    for folder in models:
        data = sorted(folder.glob("test_data_set_*"))[0]
        rounds, failed, worst, load = measure(folder / "model.onnx", data, arguments)
        loads += load
        line, ratio = row(folder.name, rounds, failed, worst, arguments.engines)
        if "tenon" in failed or (worst is not None and worst > MOST_DIFFERENT):
            broken.append(folder.name)
        notes += [f"- {folder.name}, {engine}: {why}" for engine, why in failed.items()]
        out.append(line)
        print(line, flush=True)
        if ratio:
            ratios[folder.name] = ratio
    end = [""]
    if ratios:
        mean = statistics.geometric_mean(ratios.values())
        slowest = min(ratios, key=ratios.get)
        end.append(f"Geometric mean of speed over {len(ratios)} models: **{mean:.2f}**; "
                   f"lowest {ratios[slowest]:.2f} ({slowest}).  ")
    if loads:
        end.append(f"Load average before the rounds: {min(loads):.1f} to {max(loads):.1f}.")
    if broken:
        end += ["", f"Tenon fails or has other values: {', '.join(broken)}."]
    if notes:
        end += ["", "Did not run:", *notes]
    print("\n".join(end))
    if arguments.output:
        Path(arguments.output).write_text("\n".join(out + end) + "\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
