# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Running artifacts of another architecture: the runtime and a small runner,
built by clang for it, under qemu's user-mode emulation."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from harness import ROOT, cached_compilers, made_once

HERE = Path(__file__).resolve().parent

# Architecture: ELF machine, instruction that must be in the code, qemu's CPU.
ARCHITECTURES = {
    "aarch64": ("EM_AARCH64", r"\bfmla\s+v\d+\.4s", "max"),
    "riscv64": ("EM_RISCV", r"\bvfmacc\.v[vf]\b", "rv64,v=true,vlen=128,elen=64,vext_spec=v1.0"),
}


def tool(name):
    """A tool of the LLVM that Tenon is built with."""
    for path in (f"/usr/lib/llvm-22/bin/{name}", shutil.which(f"{name}-22"), shutil.which(name)):
        if path and os.access(path, os.X_OK):
            return path
    return None


def missing(architecture):
    """What this machine lacks to run the architecture's code, or None."""
    if not shutil.which(f"qemu-{architecture}"):
        return f"no qemu-{architecture}"
    if not Path(f"/usr/{architecture}-linux-gnu/include/stdio.h").exists():
        return f"no C library for {architecture}"
    return None


def build_runner(build, architecture, folder):
    """The runtime and Inputs/runner.c as one program in the folder."""
    runtime = ROOT / "runtime"
    common = [tool("clang++"), f"--target={architecture}-linux-gnu", "-O1", "-fPIC", f"-I{runtime}/include"]
    # The runtime uses the C++ headers alone, and no C++ library: this machine's serve.
    headers = sorted(Path("/usr/include/c++").iterdir())[-1]
    cxx = ["-std=c++20", "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-nostdinc++", "-isystem", headers]
    cxx += ["-isystem", Path("/usr/include/x86_64-linux-gnu/c++") / headers.name, "-idirafter", "/usr/include"]
    cxx += [f"-I{runtime}/src", f"-I{runtime}/drivers", f"-I{build}/schema", '-DTENON_VERSION_TEXT="test"']
    objects, cache = [], [shutil.which("ccache")] if shutil.which("ccache") else []
    for source in sorted([*runtime.glob("src/*.cpp"), *runtime.glob("drivers/**/*.cpp")]):
        objects.append(folder / f"{architecture}-{source.stem}-{len(objects)}.o")
        subprocess.run([*map(str, [*cache, *common, *cxx, "-c", source, "-o", objects[-1]])], check=True, cwd=ROOT, env=cached_compilers(ROOT))
    program = folder / f"runner-{architecture}"
    command = [tool("clang"), *common[1:], "-fuse-ld=lld", HERE / "Inputs/runner.c", *objects, "-o", program, "-lpthread"]
    subprocess.run([*map(str, command)], check=True)


def read_proto(path):
    tensor = onnx.TensorProto()
    tensor.ParseFromString(Path(path).read_bytes())
    return tensor


def read_tensor(path):
    return numpy_helper.to_array(read_proto(path))


class EmulatorError(Exception):
    """The emulator stopped at an assertion of its own: nothing is known of the code."""


class Emulated:
    """Runs artifacts of one architecture."""

    def __init__(self, build, architecture, folder, timeout):
        self.folder, self.timeout = folder, timeout
        cpu = ARCHITECTURES[architecture][2]
        self.command = [f"qemu-{architecture}", "-L", f"/usr/{architecture}-linux-gnu", "-cpu", cpu]
        runner = made_once(f"runner for {architecture} {build}", lambda place: build_runner(build, architecture, place))
        self.command.append(str(runner / f"runner-{architecture}"))

    def run(self, artifact, inputs, threads):
        """Returns (outputs, error text)."""
        arguments = []
        for i, array in enumerate(inputs):
            path = self.folder / f"{artifact.stem}.in{i}"
            np.ascontiguousarray(array).tofile(path)
            arguments.append(f"{path}={'x'.join(map(str, array.shape))}")
        prefix = self.folder / f"{artifact.stem}.out"
        done = subprocess.run(
            [*self.command, str(artifact), str(threads), str(prefix), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=self.timeout, check=False,
        )
        if done.returncode != 0:
            text = done.stderr.decode(errors="replace").strip()
            if re.search(r"qemu-\w+: .*Assertion .* failed", text):
                raise EmulatorError(text.splitlines()[-1])
            return None, f"exit status {done.returncode}: {text}"
        outputs = []
        for i, line in enumerate(done.stdout.decode().splitlines()):
            dtype, *shape = map(int, line.split())
            data = np.fromfile(f"{prefix}.{i}", onnx.helper.tensor_dtype_to_np_dtype(dtype))
            outputs.append(data.reshape(shape))
        return outputs, None

    def differs(self, artifact, data, threads, atol, rtol):
        """Runs a test_data_set folder; what is wrong, or None."""
        inputs = [read_tensor(p) for p in numbered(data, "input")]
        outputs, error = self.run(artifact, inputs, threads)
        if error:
            return error
        for i, path in enumerate(numbered(data, "output")):
            expected = read_tensor(path)
            if outputs[i].shape != expected.shape:
                return f"output {i} has shape {outputs[i].shape}, expected {expected.shape}"
            actual, wanted = outputs[i].astype(np.float64), expected.astype(np.float64)
            outside = ~np.isclose(actual, wanted, rtol=rtol, atol=atol, equal_nan=True)
            if outside.any():
                return f"output {i}: {outside.sum()} of {outside.size} elements differ, by {np.nanmax(abs(actual - wanted)):.3g}"
        return None


def numbered(folder, kind):
    return sorted(Path(folder).glob(f"{kind}_*.pb"), key=lambda p: int(p.stem.split("_")[1]))


def image_of(artifact, folder):
    """The ELF image inside an artifact, as a file of its own."""
    data = artifact.read_bytes()
    path = folder / f"{artifact.stem}.elf"
    path.write_bytes(data[data.index(b"\x7fELF") :])
    return path


def inspect(artifact, folder):
    """(machine, undefined symbols, disassembly) of an artifact's code."""
    image = image_of(artifact, folder)
    call = lambda *command: subprocess.run(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode(errors="replace")
    header = call(tool("llvm-readobj"), "--file-headers", image)
    machine = next(line.split()[1] for line in header.splitlines() if "Machine:" in line)
    undefined = call(tool("llvm-nm"), "--dynamic", "--undefined-only", "--quiet", image).split()
    return machine, undefined, call(tool("llvm-objdump"), "--disassemble", "--mattr=+all", "--no-show-raw-insn", image)
