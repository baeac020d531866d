# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs, artifacts, flags and files that must be refused.

`checks` compiles one small model and returns (name, check) pairs; a check
returns (ok, detail), with ok None where the machine cannot ask the question.
"""

import json
import os
import platform
import resource
import shutil
import signal
import struct
import subprocess
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from bad_models import F32, I64, model_of, save, value
from harness import excerpt

HEADER = 32  # bytes, docs/Runtime/artifact.md


def two_inputs():
    """y = a + b * w over [batch, 4]; k is an index input of its own."""
    weight = numpy_helper.from_array(np.ones((4, 4), np.float32), "w")
    nodes = [
        helper.make_node("MatMul", ["b", "w"], ["p"], "product"),
        helper.make_node("Add", ["a", "p"], ["q"], "sum"),
        helper.make_node("Gather", ["q", "k"], ["y"], "pick", axis=1),
    ]
    inputs = [value("a", ["batch", 4]), value("b", ["batch", 4]), value("k", [2], I64)]
    return model_of(nodes, inputs, [value("y", ["batch", 2])], [weight])


def enormous():
    """Legal, but its result has 4 TiB."""
    nodes = [helper.make_node("Expand", ["x", "s"], ["y"], "grow")]
    shape = numpy_helper.from_array(np.array([2**20, 2**20], np.int64), "s")
    return model_of(nodes, [value("x", [1])], [value("y", None)], [shape])


def one_node(op, inputs, **attributes):
    return model_of([helper.make_node(op, [i.name for i in inputs], ["y"], op, **attributes)], inputs, [value("y", None)])


def product_of_nothing():
    """Buffers between the nodes of n * m elements, whatever k is."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["p"], "product"),
        helper.make_node("Softmax", ["p"], ["q"], "softmax"),
        helper.make_node("ReduceMax", ["q"], ["y"], "reduce", keepdims=0),
    ]
    return model_of(nodes, [value("x", ["n", "k"]), value("w", ["k", "m"])], [value("y", [])])


def open_dimensions():
    nodes = [helper.make_node("Add", ["u", "v"], ["y"], "sum")]
    return model_of(nodes, [value("u", ["n", "m"]), value("v", [1, "m"])], [value("y", None)])


class Runs:
    GOOD = ("--input=a=2x4xf32=1", "--input=b=2x4xf32=1", "--input=k=2xi64=0 1")

    def __init__(self, driver, scratch, judge):
        self.driver, self.judge = driver, judge
        self.folder = scratch / "runs"
        self.folder.mkdir()
        self.artifact = self.compiled(two_inputs(), "good")
        self.bytes = self.artifact.read_bytes()
        self.count = 0

    def compiled(self, model, name, *flags):
        path = save(model, self.folder, f"{name}.onnx")
        artifact = self.folder / f"{name}.tenon"
        status, text = self.driver("compile", "-q", path, "-o", artifact, *flags)
        if status != 0:
            raise RuntimeError(f"{name} does not compile: {text}")
        return artifact

    def fresh(self, suffix):
        self.count += 1
        return self.folder / f"case{self.count}{suffix}"

    def refused(self, arguments, code, places, status=1):
        found, text = self.driver(*arguments)
        problem = self.judge(found, text, status, code, places)
        return problem is None, f"    {problem}\n{excerpt(text)}"

    # Inputs

    def input_case(self, code, places, *flags, status=1, artifact=None):
        return lambda: self.refused(["run", artifact or self.artifact, *flags], code, places, status)

    def with_file(self, name, data, code, places):
        """Input `a` from a file of these bytes."""
        path = self.folder / name
        path.write_bytes(data)
        return self.input_case(code, places, f"--input=a=@{path}", *self.GOOD[1:])

    def npy(self, array, order="C"):
        path = self.fresh(".npy")
        np.save(path, np.asarray(array, order=order))
        return path.read_bytes()

    def inputs(self):
        good = self.GOOD
        array = self.npy(np.ones((2, 4), np.float32))
        big = self.compiled(enormous(), "enormous")
        dims = self.compiled(open_dimensions(), "open")
        yield "no inputs", self.input_case("8007", ("a",))
        yield "one input missing", self.input_case("8007", ("k",), *good[:2])
        yield "unknown input", self.input_case("8006", ("zz",), "--input=zz=1xf32=1", *good)
        yield "another element type", self.input_case("7007", ("a",), "--input=a=2x4xi32=1", *good[1:])
        yield "another rank", self.input_case("7006", ("a",), "--input=a=8xf32=1", *good[1:])
        yield "another size", self.input_case("7006", ("a",), "--input=a=2x5xf32=1", *good[1:])
        yield "dimensions that contradict", self.input_case("7006", ("b", "batch"), good[0], "--input=b=3x4xf32=1", good[2])
        yield "dimension too large to allocate", self.input_case(
            "(7006|7008|8006)", ("a",), "--input=a=1000000000000x4xf32=1", *good[1:])
        yield "dimensions that overflow", self.input_case(
            "(7006|7008|8006)", ("u",), "--input=u=4611686018427387904x4xf32=1", "--input=v=1x4xf32=1", artifact=dims)
        yield "negative dimension", self.input_case("8006", ("-1",), "--input=a=-1x4xf32=1", *good[1:])
        yield "too few values", self.input_case("8006", ("3 values",), "--input=a=2x4xf32=1 2 3", *good[1:])
        yield "values that are none", self.input_case("8006", ("one",), "--input=a=2x4xf32=one", *good[1:])
        yield "no values", self.input_case("8006", ("a",), "--input=a=2x4xf32", *good[1:])
        yield "unknown element type", self.input_case("8006", ("q7",), "--input=a=2x4xq7=1", *good[1:])
        yield "flag without a name", self.input_case("8006", ("--input",), "--input=nonsense", *good)
        yield "result too large to allocate", self.input_case("7008", ("bytes",), "--input=x=1xf32=1", artifact=big, status=3)
        yield "absent file", self.input_case("8006", ("absent.npy",), "--input=a=@/nowhere/absent.npy", *good[1:])
        yield "directory for a file", self.input_case("8006", (str(self.folder),), f"--input=a=@{self.folder}", *good[1:])
        yield "file that is no .npy", self.with_file("text.npy", b"hello, this is text\n", "8006", ("text.npy",))
        yield "empty .npy", self.with_file("empty.npy", b"", "8006", ("empty.npy",))
        yield "empty .pb", self.with_file("empty.pb", b"", "8006", ("empty.pb",))
        yield "damaged .pb", self.with_file("bad.pb", b"\xff" * 40, "8006", ("bad.pb",))
        yield "Fortran order", self.with_file("fortran.npy", self.npy(np.ones((2, 4), np.float32), "F"), "8006", ("fortran.npy",))
        yield "complex .npy", self.with_file("complex.npy", self.npy(np.ones((2, 4), np.complex64)), "8006", ("complex.npy",))
        yield "big-endian .npy", self.with_file("big.npy", self.npy(np.ones((2, 4), ">f4")), "8006", ("big.npy",))
        yield ".npy longer than its shape", self.with_file("long.npy", array + b"1234", "8006", ("long.npy",))
        for cut in (6, 9, 11, 40, len(array) - 3):
            yield f".npy cut at {cut}", self.with_file(f"cut{cut}.npy", array[:cut], "8006", (f"cut{cut}.npy",))
        yield ".npy whose sizes overflow", self.with_file(
            "over.npy", array.replace(b"(2, 4), ", b"(4294967296, 4294967296), ")[: len(array)], "8006", ("over.npy",))
        yield "unknown output", self.input_case("8\\d\\d\\d", ("zz",), *good, f"--output=zz=@{self.fresh('.npy')}")
        yield "unknown expected output", self.input_case("8\\d\\d\\d", ("zz",), *good, f"--expected-output=zz=@{self.fresh('.npy')}")
        yield "absent expected output", self.input_case("8004", ("absent.npy",), *good, "--expected-output=y=@/nowhere/absent.npy")
        yield "output into no folder", self.input_case("8008", ("y.npy",), *good, "--output=y=@/nowhere/y.npy")
        yield "output to a full disk", self.input_case("8008", ("/dev/full",), *good, "--output=y=@/dev/full")
        yield "empty test data", self.input_case("8004", ("input_0.pb",), f"--test-data={self.folder}")
        yield "standard output to a full disk", self.full_output
        yield "negative threads", self.input_case("7001", ("threads",), *good, "--threads=-2")
        yield "index out of range", self.out_of_range
        huge = self.compiled(product_of_nothing(), "product")
        yield "buffers beyond 64 bits", self.input_case(
            "7006", ("2^63 bytes",), "--input=x=2147483648x0xf32=1", "--input=w=0x2147483648xf32=1", artifact=huge)
        yield from self.empty_data()

    def full_output(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [str(self.driver.program), "run", str(self.artifact), *self.GOOD], stdout=full, stderr=subprocess.PIPE, check=False
            )
        text = done.stderr.decode(errors="replace")
        problem = self.judge(done.returncode, text, 3, "8021", ("standard output",))
        return problem is None, f"    {problem}\n{excerpt(text)}"

    def empty_data(self):
        """Operators that look into data which has no elements."""
        wide, indices, updates = value("x", ["n", 1000]), value("i", ["m", 1000], I64), value("u", ["m", 1000])
        data, picks = "--input=x=0x1000xf32=1", "--input=i=200x1000xi64=0"
        whole = one_node("ReduceMean", [value("x", ["n"], TensorProto.INT32)], keepdims=0)
        for name, model, flags in (
            ("scatter_elements", one_node("ScatterElements", [wide, indices, updates]), (data, picks, "--input=u=200x1000xf32=1")),
            ("gather_elements", one_node("GatherElements", [wide, indices]), (data, picks)),
            ("gather_nd", one_node("GatherND", [wide, value("i", ["m", 1], I64)]), (data, "--input=i=200x1xi64=0")),
            ("gather", one_node("Gather", [wide, value("i", ["m"], I64)]), (data, "--input=i=200xi64=0")),
            ("mean", whole, ("--input=x=0xi32=1",)),
        ):
            artifact = self.compiled(model, name)
            yield f"{name} of no elements", lambda a=artifact, f=flags: self.survives(a, f)

    def survives(self, artifact, flags):
        status, text = self.driver("run", artifact, *flags)
        return status in (0, 1), f"    exit status {status}\n{excerpt(text)}"

    def out_of_range(self):
        """Defined behaviour for data that a model cannot mean: no crash, no wild read."""
        return self.survives(self.artifact, (*self.GOOD[:2], "--input=k=2xi64=99 -99"))

    # Artifacts

    def load_refused(self, data, code, name=None, status=1):
        def check():
            path = self.fresh(".tenon")
            path.write_bytes(data)
            result = self.refused(["inspect", "--check", path], code, (path.name,), status)
            path.unlink()
            return result

        return check

    def sections(self):
        """(name, first, last) of header, code, weights and manifest."""
        offset = struct.unpack_from("<Q", self.bytes, 16)[0]
        code = self.bytes.index(b"\x7fELF")
        code_bytes = json.loads(self.driver("inspect", "--json", self.artifact)[1])["code_bytes"]
        weights = self.bytes.rindex(np.ones(4, np.float32).tobytes(), 0, offset)
        return [("header", 0, HEADER), ("code", code, code + code_bytes), ("weights", weights - 32, weights), ("manifest", offset, len(self.bytes))]

    def flips(self, first, last):
        """Every region is flipped in many places; each must be noticed before use."""

        def check():
            rng = np.random.RandomState(first)
            for at in sorted(set(rng.randint(first, last, 24))):
                data = bytearray(self.bytes)
                data[at] ^= 1 << rng.randint(8)
                ok, detail = self.load_refused(bytes(data), "70(03|04)")()
                if not ok:
                    return False, f"    byte {at}:\n{detail}"
            return True, ""

        return check

    def cuts(self):
        for cut in [1, 7, 8, 31, 32, 100] + [len(self.bytes) * i // 24 for i in range(1, 24)] + [len(self.bytes) - 1]:
            ok, detail = self.load_refused(self.bytes[:cut], "7003")()
            if not ok:
                return False, f"    cut at {cut}:\n{detail}"
        return True, ""

    def other_processor(self):
        target = "cpu:x86-64-v2" if platform.machine() == "aarch64" else "cpu:aarch64"
        artifact = self.compiled(two_inputs(), "other", f"--target={target}")
        return self.refused(["run", artifact, *self.GOOD], "7005", ("other.tenon", target), 2)

    def artifacts(self):
        for name, first, last in self.sections():
            yield f"{name} with flipped bits", self.flips(first, last)
        yield "truncated", self.cuts
        yield "empty", self.load_refused(b"", "7003")
        yield "not one at all", self.load_refused(b"#!/bin/sh\nexit 0\n" * 100, "7003")
        for version in (0, 2, 2**32 - 1):
            data = self.bytes[:8] + struct.pack("<I", version) + self.bytes[12:]
            yield f"format version {version}", self.load_refused(data, "7004")
        for offset in (4, 2**63, 2**64 - 8, len(self.bytes)):
            data = self.bytes[:16] + struct.pack("<Q", offset) + self.bytes[24:]
            yield f"manifest at {offset}", self.load_refused(data, "7003")
        yield "an ONNX model", self.load_refused((self.folder / "good.onnx").read_bytes(), "7003")
        yield "absent", lambda: self.refused(["run", "/nowhere/absent.tenon"], "7002", ("absent.tenon",))
        yield "a directory", lambda: self.refused(["inspect", self.folder], "7002", (str(self.folder),))
        yield "for another processor", self.other_processor

    # Files and flags of the compiler

    def compile_refused(self, flags, code, places, status=1, limit=None, environment=None):
        """Compiles a good model where it cannot work; the output folder stays empty."""

        def check():
            folder = self.fresh("-out")
            folder.mkdir()
            arguments = [str(flag).replace("FOLDER", str(folder)) for flag in flags]
            command = [self.driver.program, "compile", self.folder / "good.onnx", *arguments]
            done = subprocess.run(
                [str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                preexec_fn=limit, env=dict(os.environ, **(environment or {})), timeout=self.driver.timeout,
            )
            text = done.stdout.decode(errors="replace")
            problem = self.judge(done.returncode, text, status, code, places)
            left = [p for p in os.listdir(folder) if p != "taken"]
            if problem is None and left:
                problem = f"left behind: {', '.join(left)}"
            return problem is None, f"    {problem}\n{excerpt(text)}"

        return check

    def keeps_old_output(self):
        """A compilation that fails leaves the artifact of an earlier one alone."""
        path = self.fresh(".tenon")
        path.write_bytes(self.bytes)
        bad = self.folder / "no-model.onnx"
        bad.write_bytes(b"no model")
        status, text = self.driver("compile", bad, "-o", path)
        return status == 1 and path.read_bytes() == self.bytes, excerpt(text)

    def pipe(self):
        path = self.fresh(".pipe")
        os.mkfifo(path)
        ok, detail = self.refused(["compile", self.folder / "good.onnx", "-o", path], "6001", (path.name,))
        return ok and path.is_fifo(), detail

    def unreadable(self):
        path = self.fresh(".onnx")
        shutil.copy(self.folder / "good.onnx", path)
        path.chmod(0)
        if os.access(path, os.R_OK):
            return None, "root reads every file"
        return self.refused(["compile", path, "-o", self.fresh(".tenon")], "1001", (path.name,))

    def files(self):
        def small_files():
            # What a full disk does, without filling one: writing beyond the limit fails.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

        yield "model that may not be read", self.unreadable
        yield "output into no folder", self.compile_refused(["-o", "/nowhere/x.tenon"], "6001", ("/nowhere/x.tenon",))
        yield "output is a directory", self.compile_refused(["-o", "FOLDER"], "6001", ("-out",))
        yield "output is a pipe", self.pipe
        yield "disk full", self.compile_refused(["-o", "FOLDER/x.tenon"], "(6002|502\\d)", (), 3, limit=small_files)
        yield "no temporary folder", self.compile_refused(
            ["-o", "FOLDER/x.tenon"], "5020", ("TMPDIR",), environment={"TMPDIR": "/nowhere"})
        yield "dump into no folder", self.compile_refused(
            ["-o", "FOLDER/x.tenon", "--dump-to=/dev/null/x"], "8020", ("/dev/null/x",))
        yield "earlier output is kept", self.keeps_old_output
        output = ["-o", "FOLDER/x.tenon"]
        yield "unknown device", self.compile_refused([*output, "--target=abacus"], "8010", ("abacus",))
        yield "unknown architecture", self.compile_refused([*output, "--target=cpu:z80"], "8010", ("z80",))
        yield "no architecture", self.compile_refused([*output, "--target="], "8042", ("--target",))
        yield "feature without a sign", self.compile_refused([*output, "--target=cpu:x86-64-v3,avx512f"], "8010", ("avx512f",))
        yield "unknown feature", self.compile_refused([*output, "--target=cpu:x86-64-v3,+warp"], "8010", ("warp",))
        yield "unknown stage to stop after", self.compile_refused([*output, "--stop-after=lunch"], "8001", ("lunch",))
        yield "unknown stage to start from", self.compile_refused([*output, "--start-from=lunch"], "8001", ("lunch",))
        yield "a model where IR is expected", self.compile_refused([*output, "--start-from=graph"], "8011", ("good.onnx",))
        yield "stages in the wrong order", self.compile_refused(
            ["--start-from=place", "--stop-after=graph"], "8001", ("--stop-after",))


    def flags(self):
        output = ["-o", "FOLDER/x.tenon"]
        for flag in ("--nosuch", "-hint", "-hello", "--x86-asm-syntax=intel", "-print-after-all", "--outputs=x", "-", "--no-json"):
            yield f"unknown flag {flag}", self.compile_refused([*output, flag], "8\\d\\d\\d", (flag,))
        for flag in ("--fp16", "-O3", "-t=3", "--warmUp=3", "--shapes=x:1", "--EmitLib"):
            yield f"flag of another tool {flag}", self.compile_refused([*output, flag], "8043", (flag,))
        yield "output without a value", self.compile_refused(["-o"], "8042", ("-o",))
        yield "switch with a wrong value", self.compile_refused([*output, "--keep-plan=maybe"], "8042", ("--keep-plan",))
        yield "the same flag by two names", self.compile_refused([*output, "--saveEngine=FOLDER/y.tenon"], "8012", ("--saveEngine",))
        for size in ("batch", "batch=", "batch=x", "batch=-1", "=1", "batch=1;k=2", "a:x=1", "a:7=1", "zz:0=1", "batch=9223372036854775808", "batch=1,"):
            yield f"size {size}", self.compile_refused([*output, f"--sizes={size}"], "804[24]", ("--sizes",))
        yield "sizes that contradict", self.compile_refused([*output, "--sizes=batch=1,a:0=2"], "8045", ("batch=1", "a:0=2"))
        for shape in ("a", "a:", "a:x", "a:1x", "a:1xx4", "a:1x4x4", "zz:1x4", "a:1x-4", "a:1x5"):
            for flag in ("--minShapes", "--optShapes", "--maxShapes"):
                yield f"{flag} {shape}", self.compile_refused([*output, f"{flag}={shape}"], "8044", (flag,))
        yield "a size beyond memory", self.compile_refused([*output, "--sizes=batch=4611686018427387904"], "2062", ("a",))

    def names(self):
        """Without -o, in a folder where the artifact's name is taken."""
        for name, content in (("text", b"hello"), ("cut artifact", self.bytes[:400]), ("damaged artifact", self.bytes[:-100] + bytes(100))):
            folder = self.fresh("-taken")
            folder.mkdir()
            (folder / "good.tenon").write_bytes(content)
            yield f"taken by a {name}", lambda folder=folder: self.taken(folder)

    def taken(self, folder):
        before = (folder / "good.tenon").read_bytes()
        done = subprocess.run(
            [os.path.abspath(self.driver.program), "compile", str(self.folder.absolute() / "good.onnx")], cwd=folder, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, check=False, timeout=self.driver.timeout,
        )
        text = done.stdout.decode(errors="replace")
        problem = self.judge(done.returncode, text, 1, "8046", ("good.tenon",))
        kept = (folder / "good.tenon").read_bytes() == before
        return problem is None and kept, f"    {problem}, kept: {kept}\n{excerpt(text)}"


def checks(driver, scratch, judge):
    runs = Runs(driver, scratch, judge)
    for group in ("inputs", "artifacts", "files", "flags", "names"):
        for name, check in getattr(runs, group)():
            yield f"{group}: {name}", check
