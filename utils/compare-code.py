#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the code that two builds of Tenon make for the same models.

For a change that must not change code: every model is compiled by both builds for
targets that do not depend on this machine. Where code image and weights have the
same bytes, nothing more is asked. Else the assembly is compared function by
function, a function being its instructions and the constants they read, with the
numbers of local labels left out, as they count the functions before it:

    same code        every function is the same; weights' order or the image is not
    other code       functions that differ, or that one build alone has

    utils/compare-code.py ../before/build build
    utils/compare-code.py ../before/build build --models ~/models --targets cpu:aarch64

Exit status 1 if a kernel's code differs anywhere (with --images: if any byte of code or
weights does), or if one build compiles what the other refuses.
"""

import argparse
import hashlib
import re
import struct
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGETS = ("cpu:x86-64-v3", "cpu:x86-64-v4", "cpu:aarch64", "cpu:riscv64")
FUNCTION = re.compile(r"^\s*\.type\s+(\w+),\s*[@%]function")
FUNCTION_END = re.compile(r"^\.Lfunc_end(\d+):")
LOCAL_LABEL = re.compile(r"\.L(BB|CPI|JTI|tmp|func_begin|func_end|pcrel_hi)(\d+)(_?)")
CONSTANT = re.compile(r"^\.L(?:CPI|JTI)(\d+)_\d+:")


def sections(artifact):
    """Code images and weights of an artifact: what lies between its header and its manifest."""
    data = artifact.read_bytes()
    (manifest,) = struct.unpack_from("<Q", data, 16)
    return data[32:manifest]


def functions_of(assembly):
    """{symbol: hash of the instructions and constants}. Constants stand before the function
    that reads them, and carry its number."""
    found, constants, current, lines = {}, {}, None, []
    block = None  # the function number of the constants that are being read
    for line in assembly.splitlines():
        if match := FUNCTION.match(line):
            current, lines, block = match[1], [], None
            continue
        if match := CONSTANT.match(line):
            block = match[1]
        if current is None:
            if block is not None:
                constants.setdefault(block, []).append(line)
            continue
        if match := FUNCTION_END.match(line):
            found[current] = (match[1], lines)
            current = None
            continue
        lines.append(line)
    hashes = {}
    for symbol, (number, lines) in found.items():
        text = (LOCAL_LABEL.sub(r".L\1\3", line).strip() for line in [*lines, *constants.get(number, [])])
        hashes[symbol] = hashlib.sha256("\n".join(t for t in text if t).encode()).hexdigest()
    return hashes


def compiled(build, model, target, folder):
    """(sections, "") or (None, why not)."""
    artifact = folder / "model.tenon"
    done = subprocess.run([build / "bin/tenon", "compile", "-q", model, "-o", artifact, f"--target={target}"],
                          capture_output=True, text=True, check=False)
    return (sections(artifact), "") if done.returncode == 0 else (None, done.stderr.strip().splitlines()[-1])


def assembled(build, model, target):
    done = subprocess.run([build / "bin/tenon", "compile", model, "--stop-after=codegen", f"--target={target}"],
                          capture_output=True, text=True, check=True)
    return functions_of(done.stdout)


def compare(builds, images, job):
    """(text, whether it is a difference that counts)."""
    model, target = job
    name = f"{model.parent.name if model.name == 'model.onnx' else model.stem} {target}"
    with tempfile.TemporaryDirectory() as folder:
        (before, why), (after, why_not) = (compiled(build, model, target, Path(folder)) for build in builds)
    if before is None or after is None:
        return (f"{name}: refused by both", False) if before is after else (f"{name}: refused by one: {why or why_not}", True)
    if before == after:
        return f"{name}: identical", False
    old, new = (assembled(build, model, target) for build in builds)
    different = sorted(s for s in old.keys() | new.keys() if old.get(s) != new.get(s))
    kernels = [s for s in different if not s.startswith("tenon_")]
    if not different:
        return f"{name}: same code, another image", images
    return f"{name}: other code: {' '.join(different)}", images or bool(kernels)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("builds", nargs=2, metavar="BUILD", type=lambda path: Path(path).resolve())
    parser.add_argument("--models", type=Path, nargs="+", default=[ROOT.parent / "shared/models"],
                        help="ONNX files, or folders to look through for them")
    parser.add_argument("--targets", nargs="+", default=TARGETS)
    parser.add_argument("--images", action="store_true", help="every byte of code and weights counts")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    models = sorted(found for path in arguments.models for found in ([path] if path.is_file() else path.rglob("*.onnx")))
    jobs = [(model, target) for model in models for target in arguments.targets]
    if not jobs:
        parser.error(f"no model in {', '.join(map(str, arguments.models))}")
    count = same = 0
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for text, differs in pool.map(partial(compare, arguments.builds, arguments.images), jobs):
            print(text, flush=True)
            count += differs
            same += text.endswith("identical")
    print(f"{len(jobs)} compilations compared: {same} identical, {count} that count as different")
    return count > 0


if __name__ == "__main__":
    sys.exit(main())
