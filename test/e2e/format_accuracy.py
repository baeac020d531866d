#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What number formats cost models, as `tenon convert` reports and runs them.

errors    of every weight of the models in ../shared/models: a format that
          chooses its bias is never worse than one of the same fields that
          cannot, and the errors are those that other arithmetic finds;
          quantized models have their formats already, and keep them
          (of every third model, with --sweep of all)
accuracy  of two labelled tasks per format, above a floor
onnx      a converted .onnx file in ONNX Runtime gives what the artifact gives
          (of every second format, with --sweep of all)
flags     that make no sense are refused with their code

bench/accuracy.py measures more tasks in more formats.
"""

import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper, version_converter

from harness import ROOT, SHARED, Driver, Results, claimed, excerpt, parser

sys.path.append(str(ROOT / "bench"))
import tasks  # noqa: E402

# What chooses its bias, and the formats that its values include.
FIXED = {
    "cFP8E4M3": ["f8E4M3", "f8E4M3FN", "f8E4M3FNUZ", "f8E4M3B11FNUZ"],
    "cFP8E5M2": ["f8E5M2", "f8E5M2FNUZ"],
    "cFP8E3M4": ["f8E3M4"],
}
ML_DTYPES = {"f8E4M3": "float8_e4m3", "f8E4M3FN": "float8_e4m3fn", "f8E4M3FNUZ": "float8_e4m3fnuz",
             "f8E4M3B11FNUZ": "float8_e4m3b11fnuz", "f8E5M2": "float8_e5m2", "f8E5M2FNUZ": "float8_e5m2fnuz", "f8E3M4": "float8_e3m4"}

# Right answers of 1000 digits and 500 images; a few answers below what was measured.
FLOORS = {
    "mnist-8": {"float32": 985, "bf16": 985, "f16": 985, "f8E4M3FN": 980, "f8E5M2": 980, "cFP8E4M3": 980, "cFP8E5M2": 980,
                "cFP8E3M4": 983, "cFP8": 983, "i8": 984, "i4:block32": 980, "i3:block32": 978, "NF4": 980, "MXFP4": 978},
    "resnet8-cifar-fp32": {"float32": 437, "bf16": 435, "f16": 437, "f8E4M3FN": 330, "f8E5M2": 415, "cFP8E4M3": 435,
                           "cFP8E5M2": 415, "cFP8E3M4": 433, "cFP8": 433, "i8": 433, "i4:block32": 345, "i3:block32": 245, "MXFP8E4M3": 427, "MXFP4": 340, "NVFP4": 320, "NF4": 350},
}

# What ONNX has element types for, by scale: none, of the tensor, of a channel, of a block.
ONNX_FORMATS = ["bf16", "f16", "f8E4M3FN", "f8E4M3FNUZ", "f8E5M2", "f8E5M2FNUZ", "f8E4M3FN:tensor", "f8E4M3FN:channel",
                "i8", "i8:tensor", "i8:block32", "ui8", "i4:block32", "ui4:channel"]


def convert(driver, model, recipe, folder, *more):
    """The converted layers of the report, by (node, operand)."""
    report = Path(folder) / "report.json"
    status, output = driver("convert", "-q", model, f"--weights={recipe}", "--report", report, *more)
    if status != 0:
        raise RuntimeError(f"{recipe}: exit status {status}\n{excerpt(output)}")
    return {(layer["node"], layer["input"]): layer for layer in json.loads(report.read_text())["layers"] if "kept" not in layer}


def check_errors(driver, model):
    chosen = {"cFP8": sum(FIXED.values(), []), **FIXED}
    with tempfile.TemporaryDirectory() as folder:
        reports = {name: convert(driver, model, name, folder) for name in (*chosen, *chosen["cFP8"])}
    problems = []
    for name, fixed in chosen.items():
        for key, layer in reports[name].items():
            for other in fixed:
                mine, theirs = layer["mean_square_error"], reports[other][key]["mean_square_error"]
                if not mine <= theirs:
                    problems.append(f"    {key}: {mine} as {layer['format']}, {theirs} as {other}")
    if model.parent.name.endswith("-qdq"):
        return "    weights were converted whose format the model has decided" if any(reports.values()) else ""
    return "\n".join(problems[:4]) if reports["cFP8"] else "    the report names no weights"


def initializers(model):
    return {i.name: numpy_helper.to_array(i).astype(np.float32).ravel() for i in onnx.load(model).graph.initializer}


def check_arithmetic(driver, model, name, theirs):
    """The reported errors against those of ml_dtypes."""
    import ml_dtypes

    values, kind = initializers(model), np.dtype(getattr(ml_dtypes, theirs))
    largest = np.float32(ml_dtypes.finfo(kind).max)
    with tempfile.TemporaryDirectory() as folder:
        layers = convert(driver, model, name, folder)
    for key, layer in layers.items():
        x = values[layer["weight"]]
        error = np.square(np.clip(x, -largest, largest).astype(kind).astype(np.float64) - x).mean()
        if not np.isclose(layer["mean_square_error"], error, rtol=1e-12, atol=0):
            return f"    {key}: {layer['mean_square_error']}, ml_dtypes has {error}"
    return "" if layers else "    the report names no weights"


def check_bias(driver, model, name):
    """The chosen bias against all that are near."""
    from tenon import formats

    values, fmt = initializers(model), formats.get(name)
    with tempfile.TemporaryDirectory() as folder:
        layers = convert(driver, model, name, folder)
    for key, layer in layers.items():
        x = values[layer["weight"]]
        least, bias = min((np.square(bound.decode(bound.encode(x)) - x).mean(), bias)
                          for bias in range(-8, 33) for bound in [fmt.with_bias(bias)])
        if not np.isclose(layer["mean_square_error"], least, rtol=1e-12, atol=0):
            return f"    {key}: {layer['format']} has {layer['mean_square_error']}, bias {bias} has {least}"
    return "" if layers else "    the report names no weights"


def check_accuracy(driver, task, recipe, floor):
    import tenon

    with tempfile.TemporaryDirectory() as folder:
        artifact = Path(folder) / "model.tenon"
        if recipe == "float32":
            status, output = driver("compile", "-q", task.model, "-o", artifact)
        else:
            status, output = driver("convert", "-q", task.model, f"--weights={recipe}", "-o", artifact)
        if status != 0:
            return f"    exit status {status}\n{excerpt(output)}"
        right = int(task.score(task.run(tenon.load(artifact).session(threads=1)), None).sum())
    print(f"  {task.name} {recipe}: {right} of {len(task.feeds)}")
    return "" if right >= floor else f"    {right} of {len(task.feeds)} right, expected at least {floor}"


def check_onnx(driver, model, recipe, feed):
    import onnxruntime
    import tenon

    # Optimised, it computes products of narrow weights in integers.
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL

    def run(path):
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]).run(None, feed)[0]

    with tempfile.TemporaryDirectory() as folder:
        artifact, converted = Path(folder) / "model.tenon", Path(folder) / "model.onnx"
        for output in (artifact, converted):
            convert(driver, model, recipe, folder, "-o", output)
        onnx.checker.check_model(converted, full_check=True)
        theirs = run(converted)
        mine = next(iter(tenon.load(artifact).session(threads=1).run(feed).values()))
    off, size = abs(mine - theirs).max(), abs(theirs).max()
    if off > 1e-4 * size:
        return f"    differs by {off}, the largest value is {size}"
    return "" if (theirs != run(model)).any() else "    the converted model gives what the float32 model gives"


FLAGS = {
    "unknown format": (["--weights=f8E9M9"], "TN4102"),
    "unknown option": (["--weights=i8:row"], "TN4105"),
    "block without a size": (["--weights=i4:block"], "TN4105"),
    "integers without a scale": (["--weights=i8:none"], "TN4105"),
    "bias of a fixed format": (["--weights=f8E4M3FN:bias=7"], "TN4105"),
    "bias out of range": (["--weights=cFP8E4M3:bias=1000"], "TN4105"),
    "scale beside a chosen bias": (["--weights=cFP8E4M3:channel"], "TN4105"),
    "option of a family": (["--weights=cFP8:tensor"], "TN4105"),
    "percentile": (["--weights=i8:percentile=120"], "TN4105"),
    "pattern without a format": (["--layers=Times212"], "TN4105"),
    "no regular expression": (["--layers=(=i8"], "TN4105"),
    "pattern of no layer": (["--weights=i8", "--layers=nothing.*=i4"], "TN4107"),
    "activations with an open bias": (["--weights=i8", "--activations=cFP8E4M3"], "TN4105"),
    "activations in blocks": (["--weights=i8", "--activations=i4:block32"], "TN4105"),
    "nothing asked for": ([], "TN8001"),
    "output of another kind": (["--weights=i8", "-o", "model.pb"], "TN8001"),
    "no ONNX type": (["--weights=cFP8", "-o", "{folder}/model.onnx"], "TN4108"),
    "activations in ONNX": (["--weights=i8", "--activations=i8", "-o", "{folder}/model.onnx"], "TN4108"),
    "calibration of nothing": (["--weights=i8", "--calibration={folder}"], "TN8012"),
    "calibration without samples": (["--weights=i8", "--activations=i8", "--calibration={folder}"], "TN8023"),
    "missing declaration": (["--weights=i8", "--format-file={folder}/none.yaml"], "TN4104"),
    "report into nowhere": (["--weights=i8", "--report={folder}/none/report.json"], "TN8021"),
    "target without an artifact": (["--weights=i8", "--target=cpu:host"], "TN8012"),
}


def check_flags(driver, model, arguments, code):
    with tempfile.TemporaryDirectory() as folder:
        status, output = driver("convert", model, *[a.format(folder=folder) for a in arguments])
        left = [path.name for path in Path(folder).iterdir()]
    if status not in (1, 3) or f"[{code}" not in output:
        return f"    exit status {status}, expected a refusal with {code}\n{excerpt(output)}"
    return f"    left {left} behind" if left else ""


def main():
    arguments = parser(__doc__, timeout=120, sweep="all models and formats").parse_args()
    results = Results({})
    driver = Driver(arguments.build, arguments.timeout)
    folder = SHARED / "models"
    if not folder.is_dir():
        results.skip("formats-accuracy", "no ../shared")
        return results.finish(arguments.json)
    if not driver.exists():
        results.record("formats-accuracy", False, f"    {driver.program} is not built")
        return results.finish(arguments.json)
    sys.path.insert(0, str(Path(arguments.build).resolve() / "python"))

    def record(name, check):
        name = f"formats-accuracy.{name}"
        if not claimed(name):
            return
        try:
            problem = check()
        except Exception as error:  # a tool that fails is a failed test
            problem = f"    {type(error).__name__}: {error}"
        results.record(name, not problem, problem)

    for model in sorted(folder.glob("*/model.onnx"))[:: 1 if arguments.sweep else 3]:
        record(f"errors {model.parent.name}", lambda: check_errors(driver, model))
    small = folder / "mnist-8" / "model.onnx"
    for name, (flags, code) in FLAGS.items():
        record(f"flags {name}", lambda: check_flags(driver, small, flags, code))
    for name, theirs in ML_DTYPES.items():
        record(f"arithmetic {name}", lambda: check_arithmetic(driver, small, name, theirs))
    for name in FIXED:
        record(f"bias {name}", lambda: check_bias(driver, small, name))
    for task in (tasks.mnist(1000), tasks.cifar()):
        for recipe, floor in FLOORS[task.name].items():
            record(f"accuracy {task.name} {recipe}", lambda: check_accuracy(driver, task, recipe, floor))
    feed = {"input": tasks.cifar(1).feeds[0]["input_1"] / 255}
    with tempfile.TemporaryDirectory() as scratch:
        # Blocks and 4-bit integers came to ONNX with opset 21, one above the model's.
        model = Path(scratch) / "model.onnx"
        onnx.save(version_converter.convert_version(onnx.load(folder / "cct2-cifar-op20" / "model.onnx"), 21), model)
        for recipe in ONNX_FORMATS[:: 1 if arguments.sweep else 2]:
            record(f"onnx {recipe}", lambda: check_onnx(driver, model, recipe, feed))
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
