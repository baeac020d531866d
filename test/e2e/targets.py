#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every architecture that `tenon targets` lists, on real models.

x86-64 levels: every model of ../shared/models is compiled for the level and
reproduces its recorded outputs with 1 and 2 threads; for x86-64-v3 it is verified
kernel by kernel too. AArch64 and RISC-V: models (a few, with --sweep more) are
cross-compiled; the code is for that machine, imports nothing, has its vector
multiply-adds, and reproduces recorded outputs under qemu; so do products whose
weights stay in number formats, with the host's results as the record. For each
of them, code for elementwise operators of every float type needs no library.
"""

import os
import platform
import re
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

import cross
from operators.elementwise import NO_DOUBLE
from harness import SHARED, Driver, Results, claimed, excerpt, parser, read_expected
from run_models import check, tolerances

HERE = Path(__file__).resolve().parent
LEVELS = ("x86-64-v2", "x86-64-v3", "x86-64-v4")
# Convolutions, depthwise ones, products and recurrence, attention, float16, QDQ, If:
# emulation is slow, so small ones.
EMULATED = (
    "byte-bilstm", "cct2-cifar-op20", "dtln-1", "kws-dscnn-qdq", "mnist-8", "nnsplit-en", "resnet8-cifar-fp32",
    "resnet8-cifar-qdq", "silero-vad", "tiny-random-gpt2-ort", "tiny-random-llama-fp16", "vww-mbv1-fp32",
)
EMULATED_SAMPLE = ("resnet8-cifar-fp32", "silero-vad")

# Operators that a C library would be asked for.
ELEMENTWISE = (
    "Exp", "Log", "Sqrt", "Sin", "Cos", "Tan", "Asin", "Acos", "Atan", "Sinh", "Cosh", "Tanh", "Asinh", "Acosh", "Atanh",
    "Erf", "Sigmoid", "Softplus", "Elu", "Gelu", "Round", "Floor", "Ceil", "Reciprocal", "Sign", "Pow", "Mod",
)
WITHOUT_DOUBLE = NO_DOUBLE & {*ELEMENTWISE}
FLOATS = {"f32": TensorProto.FLOAT, "f16": TensorProto.FLOAT16, "bf16": TensorProto.BFLOAT16, "f64": TensorProto.DOUBLE}


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
    done = driver.compiled(folder / "model.onnx", f"cpu:{architecture}")
    if done.status != 0:
        return False, f"    compile: exit status {done.status}\n{excerpt(done.text)}"
    machine, undefined, code = cross.inspect(done.artifact, scratch)
    wanted, instruction, _ = cross.ARCHITECTURES[architecture]
    if machine != wanted or undefined:
        return False, f"    the image is for {machine}, expected {wanted}, and imports: {' '.join(undefined) or 'nothing'}"
    if not re.search(instruction, code):
        return False, f"    no instruction {instruction} in the code"
    atol, rtol = map(float, tolerances(folder.name))
    for data in sorted(folder.glob("test_data_set_*")) if emulated else ():
        for threads in (1, 2):
            problem = emulated.differs(done.artifact, data, threads, atol, rtol)
            if problem:
                return False, f"    {data.name} with {threads} thread(s): {problem}"
    return True, ""


# A table, integers with zero points, blocks of integers and of floats, an open bias.
NARROW = ("NF4", "ui8", "i4:block32", "MXFP8E4M3", "cFP8E4M3", "cFP8E5M2", "MXFP6E2M3", "i3")
NARROW_SAMPLE = ("i4:block32", "cFP8E4M3")


def check_narrow(driver, emulated, architecture, recipe, scratch):
    """One product of weights in a number format, for one row (a schedule of its own) and for 13."""
    rng = np.random.default_rng(2)
    weights = numpy_helper.from_array((rng.standard_normal((530, 515)) / 23).astype(np.float32), "w")
    for rows in (1, 13):
        name = f"{recipe.replace(':', '-')}-{architecture}-{rows}"
        ends = [helper.make_tensor_value_info(end, TensorProto.FLOAT, [rows, size]) for end, size in (("x", 530), ("y", 515))]
        graph = helper.make_graph([helper.make_node("MatMul", ["x", "w"], ["y"], "product")], "g", ends[:1], ends[1:], [weights])
        path, x = scratch / f"{name}.onnx", rng.standard_normal((rows, 530)).astype(np.float32)
        path.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10).SerializeToString())
        np.save(path.with_suffix(".x.npy"), x)
        artifacts = {target: scratch / f"{name}-{target}.tenon" for target in ("host", architecture)}
        for target, artifact in artifacts.items():
            status, output = driver("convert", "-q", path, f"--weights={recipe}", f"--target=cpu:{target}", "-o", artifact)
            if status != 0:
                return False, f"    convert for {target}: exit status {status}\n{excerpt(output)}"
        status, output = driver("explain", "--nodes", artifacts[architecture])
        if not re.search(r"gemm-quantized \(.*weights ", output):
            return False, f"    the weights did not stay narrow\n{excerpt(output)}"
        status, output = driver("run", artifacts["host"], "--input", f"x=@{path.with_suffix('.x.npy')}", "--output", f"y=@{path.with_suffix('.y.npy')}")
        if status != 0:
            return False, f"    run on the host: exit status {status}\n{excerpt(output)}"
        expected = np.load(path.with_suffix(".y.npy"))
        for threads in (1, 2):
            outputs, error = emulated.run(artifacts[architecture], [x], threads)
            if error:
                return False, f"    {rows} row(s), {threads} thread(s): {error}"
            if not np.allclose(outputs[0], expected, rtol=1e-5, atol=1e-5):
                return False, f"    {rows} row(s), {threads} thread(s): differs by {abs(outputs[0] - expected).max():.3g}"
    return True, ""


def elementwise_model(dtype, left_out):
    """All elementwise operators of a float type, each an output of its own."""
    nodes, outputs = [], []
    for op in ELEMENTWISE:
        if op in left_out:
            continue
        inputs = ["x", "x"] if op in ("Pow", "Mod") else ["x"]
        attributes = {"fmod": 1} if op == "Mod" else {}
        nodes.append(helper.make_node(op, inputs, [f"y_{op}"], op, **attributes))
        outputs.append(helper.make_tensor_value_info(f"y_{op}", dtype, None))
    for to in FLOATS.values():
        nodes.append(helper.make_node("Cast", ["x"], [f"cast_{to}"], f"Cast{to}", to=to))
        outputs.append(helper.make_tensor_value_info(f"cast_{to}", to, None))
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", dtype, ["n", 7])], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)])
    model.ir_version = 10
    return model


def check_self_contained(driver, target, name, scratch):
    """Compiles what has kernels; an image that would need a library does not link."""
    left_out, path = set(), scratch / f"elementwise-{name}-{target}.onnx"
    for _ in range(len(ELEMENTWISE)):  # of many refusals the first are named
        path.write_bytes(elementwise_model(FLOATS[name], left_out).SerializeToString())
        artifact = path.with_suffix(".tenon")
        status, output = driver("compile", "-q", path, "-o", artifact, f"--target=cpu:{target}")
        refused = {op for op in ELEMENTWISE for line in output.splitlines() if re.search(rf"\b{op}\b", line)}
        if status != 2 or not refused - left_out:
            break
        left_out |= refused  # has no kernel for this type; that is said, and is not asked here
    if status != 0:
        return False, f"    without {sorted(left_out)}: exit status {status}\n{excerpt(output)}"
    if left_out != (WITHOUT_DOUBLE if name == "f64" else set()):
        return False, f"    has no kernel for {sorted(left_out)}"
    undefined = cross.inspect(artifact, scratch)[1]
    return not undefined, f"    the image imports {' '.join(undefined)}"


def main():
    flags = parser(__doc__, timeout=300, sweep="more models and number formats under qemu")
    flags.add_argument("--target", action="append", help="only this architecture (repeatable)")
    flags.add_argument("models", nargs="*", help="only these")
    arguments = flags.parse_args()

    targets, sweep = arguments.target or [*LEVELS, *cross.ARCHITECTURES], arguments.sweep or arguments.models
    # What does not work on the host works on no target either.
    known = read_expected(HERE / "expected-failures.txt")
    expected = {f"{target} {model}": reason for target in targets for model, reason in known.items()}
    expected |= read_expected(HERE / "targets-expected-failures.txt")
    results = Results(expected, verbose=False)
    driver = Driver(arguments.build, arguments.timeout)
    if not (SHARED / "models").is_dir():
        results.skip("targets", "no ../shared")
        return results.finish(arguments.json)
    if not driver.exists():
        results.record("targets", False, f"    {driver.program} is not built")
        return results.finish(arguments.json)

    models = [p.parent for p in sorted((SHARED / "models").glob("*/model.onnx"))]
    models = [m for m in models if not arguments.models or m.name in arguments.models]
    with tempfile.TemporaryDirectory() as name:
        scratch, cases = Path(name), []
        for level in (l for l in LEVELS if l in targets):
            if level not in levels_here():
                if claimed(level):
                    results.skip(level, "this machine lacks its instructions")
                continue
            cases += [(f"{level} {m.name}", partial(check, driver, m, f"cpu:{level}", verify=level == "x86-64-v3")) for m in models]
        for architecture in (a for a in cross.ARCHITECTURES if a in targets):
            emulated = None
            if lacking := cross.missing(architecture):
                if claimed(f"{architecture} execution"):
                    results.skip(f"{architecture} execution", lacking)
            else:
                emulated = cross.Emulated(Path(arguments.build).resolve(), architecture, scratch, arguments.timeout)
            for model in (m for m in models if m.name in (EMULATED if sweep else EMULATED_SAMPLE)):
                cases.append((f"{architecture} {model.name}", partial(check_emulated, driver, emulated, architecture, model, scratch)))
            recipes = NARROW if sweep else NARROW_SAMPLE
            for recipe in recipes if emulated and not arguments.models else ():
                cases.append((f"{architecture} product of {recipe}", partial(check_narrow, driver, emulated, architecture, recipe, scratch)))
        for target in targets if not arguments.models else ():
            for name in FLOATS:
                cases.append((f"{target} elementwise {name}", partial(check_self_contained, driver, target, name, scratch)))
        for case, work in cases:
            if not claimed(case):
                continue
            try:
                results.record(case, *work())
            except cross.EmulatorError as error:
                results.skip(case, str(error))
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
