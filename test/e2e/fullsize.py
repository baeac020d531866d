#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Full-size models: their values, and the limits that compilations keep.

The models are built by ../shared/tools/bigmodels.py, with ONNX Runtime's outputs,
in .cache/fullsize (or $TENON_FULLSIZE) unless they are there. Each is compiled for
cpu:host and cpu:x86-64-v3 and reproduces the outputs with 1 and 2 threads; its
kernels agree with the reference evaluator, and at three sizes of its open
dimensions its outputs with ONNX Runtime's. Its compilation, and that of every float model of ../shared/models, keeps to the limits
of processor time and memory, and its artifact to that of load time; the last table
shows by how much.
"""

import argparse
import ctypes
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dynamic_shapes
from harness import ROOT, SHARED, Driver, Results, excerpt, read_expected

HERE = Path(__file__).resolve().parent
MODELS = ("mobilenetv2", "yolov8n", "resnet50", "minilm", "vit-b16", "bert-base", "gpt2")
IMAGES = [[(batch, 3, 224, 224)] for batch in (1, 2, 3)]
TOKENS = [[size] * 3 for size in ((1, 1), (2, 37), (3, 64))]
GPT2 = dynamic_shapes.decoder(24, lambda batch, past: (batch, 12, past, 64))
SIZES = {  # of the inputs, where dimensions are open
    "mobilenetv2": IMAGES,
    "resnet50": IMAGES,
    "vit-b16": IMAGES,
    "minilm": TOKENS,
    "bert-base": TOKENS,
    "gpt2": [GPT2(*size) for size in ((1, 1, 17), (1, 32, 0), (2, 5, 11))],
}
TARGETS = ("cpu:host", "cpu:x86-64-v3")
SECONDS = {"collection": 30, "fullsize": 120}  # of processor time for one compilation
MEGABYTES, WEIGHTS = 500, 2  # peak memory: WEIGHTS times the weights, and MEGABYTES more
LOAD_SECONDS = 0.005
MISMATCH = 4  # the driver's exit status where values differ
KIB, MIB = 1024, 1024 * 1024


def measured(driver, model, artifact, target):
    """Compiles; returns (exit status, output, processor seconds, peak bytes)."""
    command = [str(driver.program), "compile", "-q", str(model), "-o", str(artifact), f"--target={target}"]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for
        output.seek(0)
        text = output.read().decode(errors="replace")
    return process.returncode, text, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * KIB


def load_seconds(library, artifact):
    """The shortest of several loads: files in memory, so without reading them."""
    runtime = ctypes.CDLL(str(library))
    runtime.tenon_model_load.restype = ctypes.c_void_p
    runtime.tenon_model_load.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
    runtime.tenon_model_free.argtypes = [ctypes.c_void_p]
    best = float("inf")
    for _ in range(10):
        model = ctypes.c_void_p()
        start = time.perf_counter()
        failed = runtime.tenon_model_load(str(artifact).encode(), None, ctypes.byref(model))
        best = min(best, time.perf_counter() - start)
        if failed:
            return None
        runtime.tenon_model_free(model)
    return best


class Suite:
    def __init__(self, driver, build, results, scratch):
        self.driver, self.results, self.scratch = driver, results, scratch
        self.library = Path(build) / "lib/libtenon-rt.so"
        self.rows = []

    def compiled(self, name, model, target, kind):
        """Compiles within the limits, and records that; returns the artifact or None."""
        artifact = self.scratch / "model.tenon"
        status, text, seconds, peak = measured(self.driver, model, artifact, target)
        if status != 0:
            self.results.record(f"{name} limits", False, f"    compile: exit status {status}\n{excerpt(text)}")
            return None
        if self.driver.sanitized:  # its time and memory are the sanitizer's
            return artifact
        weights = sum(p.stat().st_size for p in model.parent.glob("model.*"))
        load = load_seconds(self.library, artifact)
        limits = SECONDS[kind], WEIGHTS * weights + MEGABYTES * MIB
        self.rows.append((name, seconds, limits[0], peak / MIB, limits[1] / MIB, (load or 0) * 1e6))
        problems = []
        if seconds > limits[0]:
            problems.append(f"    {seconds:.1f} s of processor time, at most {limits[0]} s are allowed")
        if peak > limits[1]:
            problems.append(f"    {peak / MIB:.0f} MiB at the peak, at most {limits[1] / MIB:.0f} MiB are allowed")
        if load is None or load > LOAD_SECONDS:
            problems.append(f"    loading takes {load} s, at most {LOAD_SECONDS} s are allowed")
        self.results.record(f"{name} limits", not problems, "\n".join(problems))
        return artifact

    def differs(self, artifact, folder, data, threads):
        """What is wrong with the outputs, or None. `verify` judges those beyond the
        tolerance by what rounding costs the model, which takes evaluations of it."""
        flags = ["--test-data", data, "--threads", threads]
        status, text = self.driver("run", artifact, *flags)
        if status == MISMATCH:
            status, text = self.driver("verify", folder / "model.onnx", "--artifact", artifact, *flags)
        return None if status == 0 else f"    {data.name} with {threads} thread(s): exit status {status}\n{excerpt(text)}"

    def values(self, name, artifact, folder):
        sets = sorted(folder.glob("test_data_set_*"))
        problems = (self.differs(artifact, folder, data, threads) for data in sets for threads in (1, 2))
        problem = next(filter(None, problems), None)
        self.results.record(f"{name} values", problem is None, problem or "")

    def kernels(self, name, folder):
        status, text = self.driver("verify", folder / "model.onnx", "--test-data", folder / "test_data_set_0")
        self.results.record(f"{name} verify", status == 0, f"    exit status {status}\n{excerpt(text)}")

    def table(self):
        print("\n| compilation | processor time, s | limit | peak, MiB | limit | load, us |\n|---|---|---|---|---|---|")
        for name, seconds, most, peak, most_memory, load in self.rows:
            print(f"| {name} | {seconds:.2f} | {most} | {peak:.0f} | {most_memory:.0f} | {load:.0f} |")
        print()


def built(name, folder):
    """Builds a model with ONNX Runtime's outputs unless it is there; None or what went wrong."""
    if list((folder / name).glob("test_data_set_0/output_*.pb")):
        return None
    command = [sys.executable, SHARED / "tools/bigmodels.py", "--out", folder, "--expect", name]
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return None if done.returncode == 0 else done.stdout.decode(errors="replace")[-400:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--json", help="write the names of passed, failed and skipped cases here")
    parser.add_argument("--models", default=os.environ.get("TENON_FULLSIZE", ROOT / ".cache/fullsize"), type=Path)
    parser.add_argument("--timeout", type=int, default=600, help="seconds for one run")
    parser.add_argument("names", nargs="*", help="only these")
    arguments = parser.parse_args()

    results = Results(read_expected(HERE / "fullsize-expected-failures.txt"), verbose=False)
    driver = Driver(arguments.build, arguments.timeout)
    if not SHARED.is_dir():
        results.skip("fullsize", "no ../shared")
        return results.finish(arguments.json)
    if not driver.exists():
        results.record("fullsize", False, f"    {driver.program} is not built")
        return results.finish(arguments.json)

    python = (Path(arguments.build) / "python").is_dir() and not driver.sanitized
    if python:
        sys.path.insert(0, str(Path(arguments.build).resolve() / "python"))
    with tempfile.TemporaryDirectory() as name:
        suite = Suite(driver, arguments.build, results, Path(name))
        for folder in sorted(p.parent for p in (SHARED / "models").glob("*/model.onnx")):
            if not folder.name.endswith("-qdq") and (not arguments.names or folder.name in arguments.names):
                suite.compiled(folder.name, folder / "model.onnx", "cpu:host", "collection")
        for name in MODELS:
            if arguments.names and name not in arguments.names:
                continue
            problem = built(name, arguments.models)
            if problem:
                results.skip(name, f"cannot be built here: {problem}")
                continue
            for target in TARGETS:
                artifact = suite.compiled(f"{name} {target}", arguments.models / name / "model.onnx", target, "fullsize")
                if artifact:
                    suite.values(f"{name} {target}", artifact, arguments.models / name)
            suite.kernels(name, arguments.models / name)
            if name not in SIZES:
                continue
            if python:
                results.record(f"{name} sizes", *dynamic_shapes.isolated(arguments.models / name, SIZES[name]))
            else:
                results.skip(f"{name} sizes", "the Python package is not built")
        suite.table()
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
