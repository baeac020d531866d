#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Full-size models: their values, and the limits that compilations keep.

The models are built by ../shared/tools/bigmodels.py, with ONNX Runtime's outputs,
in .cache/fullsize (or $TENON_FULLSIZE) unless they are there: one of them, with --sweep
all. Each is compiled for cpu:host and cpu:x86-64-v3 and reproduces the outputs with 1 and 2 threads; its
kernels agree with the reference evaluator, and at three sizes of its open
dimensions its outputs with ONNX Runtime's. Its compilation, and that of every model of ../shared/models, keeps to the limits
of processor time and memory, and its artifact to that of load time; the last table
shows by how much.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dynamic_shapes
from harness import ROOT, SHARED, Driver, Results, claimed, excerpt, parser, read_expected

HERE = Path(__file__).resolve().parent
MODELS = ("llama-1b-int4", "gpt2", "bert-base", "vit-b16", "minilm", "resnet50", "yolov8n", "mobilenetv2")  # the longest first
SAMPLE = ("mobilenetv2",)
# Recorded data sets where the default of one is not enough: ONNX Runtime itself
# rounds this model's activations to 8 bits, so that it cannot be asked for sizes.
SETS = {"llama-1b-int4": 3}
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
MIB = 1024 * 1024


def load_seconds(library, artifact):
    """The shortest of several loads, of a processor's time: files in memory, so without reading them."""
    runtime = ctypes.CDLL(str(library))
    runtime.tenon_model_load.restype = ctypes.c_void_p
    runtime.tenon_model_load.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)]
    runtime.tenon_model_free.argtypes = [ctypes.c_void_p]
    best = float("inf")
    for _ in range(10):
        model = ctypes.c_void_p()
        start = time.thread_time()
        failed = runtime.tenon_model_load(str(artifact).encode(), None, ctypes.byref(model))
        best = min(best, time.thread_time() - start)
        if failed:
            return None
        runtime.tenon_model_free(model)
    return best


class Suite:
    def __init__(self, driver, build, results, scratch):
        self.driver, self.results, self.scratch = driver, results, scratch
        self.library = Path(build) / "lib/libtenon-rt.so"
        self.rows = []

    def keeps_limits(self, name, model, done, kind):
        """Records whether a Compilation keeps to the limits; returns whether it worked."""
        if done.status != 0:
            self.results.record(f"{name} limits", False, f"    compile: exit status {done.status}\n{excerpt(done.text)}")
            return False
        if self.driver.sanitized:  # its time and memory are the sanitizer's
            return True
        weights = sum(p.stat().st_size for p in model.parent.glob("model.*"))
        load = load_seconds(self.library, done.artifact)
        limits = SECONDS[kind], WEIGHTS * weights + MEGABYTES * MIB
        self.rows.append((name, done.seconds, limits[0], done.peak / MIB, limits[1] / MIB, (load or 0) * 1e6))
        problems = []
        if done.seconds > limits[0]:
            problems.append(f"    {done.seconds:.1f} s of processor time, at most {limits[0]} s are allowed")
        if done.peak > limits[1]:
            problems.append(f"    {done.peak / MIB:.0f} MiB at the peak, at most {limits[1] / MIB:.0f} MiB are allowed")
        if load is None or load > LOAD_SECONDS:
            problems.append(f"    loading takes {load} s, at most {LOAD_SECONDS} s are allowed")
        self.results.record(f"{name} limits", not problems, "\n".join(problems))
        return True

    def collection(self, folder):
        model = folder / "model.onnx"
        self.keeps_limits(folder.name, model, self.driver.compiled(model, "cpu:host"), "collection")

    def fullsize(self, name, folder, python):
        model = folder / "model.onnx"
        artifacts = {}
        for target in TARGETS:
            # Too large to be kept for the whole run.
            artifact = self.scratch / f"{name}-{target.replace(':', '-')}.tenon"
            done = self.driver.measured("compile", "-q", model, "-o", artifact, f"--target={target}")
            done.artifact = artifact
            if self.keeps_limits(f"{name} {target}", model, done, "fullsize"):
                artifacts[target] = artifact
                self.values(f"{name} {target}", artifact, folder)
        host = artifacts.get("cpu:host")
        self.kernels(name, host, folder)
        if name in SIZES and python:
            worked = dynamic_shapes.isolated(folder, SIZES[name], host, guarded=False) if host else (False, "    does not compile")
            self.results.record(f"{name} sizes", *worked)
        elif name in SIZES:
            self.results.skip(f"{name} sizes", "the Python package is not built")
        for artifact in artifacts.values():
            artifact.unlink()

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

    def kernels(self, name, artifact, folder):
        compiled = ["--artifact", artifact] if artifact else []
        status, text = self.driver("verify", folder / "model.onnx", *compiled, "--test-data", folder / "test_data_set_0")
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
    command = [sys.executable, SHARED / "tools/bigmodels.py", "--out", folder, "--expect", "--sets", SETS.get(name, 1), name]
    done = subprocess.run([*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return None if done.returncode == 0 else done.stdout.decode(errors="replace")[-400:]


def main():
    flags = parser(__doc__, timeout=600, sweep="all full-size models, not one of them")
    flags.add_argument("--models", default=os.environ.get("TENON_FULLSIZE", ROOT / ".cache/fullsize"), type=Path)
    flags.add_argument("names", nargs="*", help="only these")
    arguments = flags.parse_args()

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
        for name in arguments.names or (MODELS if arguments.sweep else SAMPLE):
            if name not in MODELS or not claimed(name):
                continue
            if problem := built(name, arguments.models):
                results.skip(name, f"cannot be built here: {problem}")
            else:
                suite.fullsize(name, arguments.models / name, python)
        for folder in sorted(p.parent for p in (SHARED / "models").glob("*/model.onnx")):
            if (not arguments.names or folder.name in arguments.names) and claimed(folder.name):
                suite.collection(folder)
        suite.table()
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
