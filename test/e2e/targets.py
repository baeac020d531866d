#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every architecture that `tenon targets` lists, on real models.

x86-64 levels: every float model of ../shared/models is compiled for the level and
reproduces its recorded outputs with 1 and 2 threads. AArch64 and RISC-V: a choice
of models is cross-compiled; the code is for that machine, imports nothing, has
its vector multiply-adds, and reproduces recorded outputs under qemu.
"""

import argparse
import os
import platform
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cross
from harness import SHARED, Driver, Results, excerpt, read_expected
from run_models import check, tolerances

HERE = Path(__file__).resolve().parent
LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")
# Convolutions, depthwise ones, products and recurrence, attention, float16, If:
# emulation is slow, so small ones.
EMULATED = (
    "byte-bilstm", "cct2-cifar-op20", "dtln-1", "mnist-8", "nnsplit-en", "resnet8-cifar-fp32", "silero-vad",
    "tiny-random-gpt2-ort", "tiny-random-llama-fp16", "vww-mbv1-fp32",
)


def levels_here():
    """The x86-64 levels whose code this machine runs."""
    if platform.machine() != "x86_64":
        return ()
    flags = set(re.search(r"^flags\s*:(.*)$", Path("/proc/cpuinfo").read_text(), re.M).group(1).split())
    return tuple(
        level
        for level, needed in zip(LEVELS, ({"sse4_2"}, {"avx2", "fma"}, {"avx512bw", "avx512vl"}))
        if needed <= flags
    )


def check_emulated(driver, emulated, architecture, folder, scratch):
    """Compiles, inspects and runs one model; returns (worked, what went wrong)."""
    artifact = scratch / f"{folder.name}-{architecture}.tenon"
    status, output = driver("compile", folder / "model.onnx", "-o", artifact, f"--target=cpu:{architecture}")
    if status != 0:
        return False, f"    compile: exit status {status}\n{excerpt(output)}"
    machine, undefined, code = cross.inspect(artifact, scratch)
    wanted, instruction, _ = cross.ARCHITECTURES[architecture]
    if machine != wanted or undefined:
        return False, f"    the image is for {machine}, expected {wanted}, and imports: {' '.join(undefined) or 'nothing'}"
    if not re.search(instruction, code):
        return False, f"    no instruction {instruction} in the code"
    atol, rtol = map(float, tolerances(folder.name))
    for data in sorted(folder.glob("test_data_set_*")) if emulated else ():
        for threads in (1, 2):
            problem = emulated.differs(artifact, data, threads, atol, rtol)
            if problem:
                return False, f"    {data.name} with {threads} thread(s): {problem}"
    return True, ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--json", help="write the names of passed, failed and skipped cases here")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--timeout", type=int, default=300, help="seconds for one compilation or run")
    parser.add_argument("--target", action="append", help="only this architecture (repeatable)")
    parser.add_argument("models", nargs="*", help="only these")
    arguments = parser.parse_args()

    expected = read_expected(HERE / "targets-expected-failures.txt")
    results = Results(expected, verbose=False)
    driver = Driver(arguments.build, arguments.timeout)
    if not (SHARED / "models").is_dir():
        results.skip("targets", "no ../shared")
        return results.finish(arguments.json)
    if not driver.exists():
        results.record("targets", False, f"    {driver.program} is not built")
        return results.finish(arguments.json)

    models = [p.parent for p in sorted((SHARED / "models").glob("*/model.onnx")) if not p.parent.name.endswith("-qdq")]
    models = [m for m in models if not arguments.models or m.name in arguments.models]
    targets = arguments.target or [*LEVELS, *cross.ARCHITECTURES]
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(arguments.jobs) as pool:
        scratch, waiting = Path(name), []
        for level in (l for l in LEVELS if l in targets):
            if level not in levels_here():
                results.skip(level, "this machine lacks its instructions")
                continue
            for model in models:
                artifact = scratch / f"{model.name}-{level}.tenon"
                waiting.append((f"{level} {model.name}", pool.submit(check, driver, model, artifact, f"cpu:{level}")))
        for architecture in (a for a in cross.ARCHITECTURES if a in targets):
            lacking = cross.missing(architecture)
            emulated = None
            if lacking:
                results.skip(f"{architecture} execution", lacking)
            else:
                emulated = cross.Emulated(Path(arguments.build).resolve(), architecture, scratch, arguments.timeout)
            for model in (m for m in models if m.name in EMULATED):
                work = pool.submit(check_emulated, driver, emulated, architecture, model, scratch)
                waiting.append((f"{architecture} {model.name}", work))
        for case, future in waiting:
            ok, detail = future.result()
            results.record(case, ok, detail)
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
