#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Predicted against measured times of placements.

Each model is compiled for this machine's processor and once more the same as a device with
memory of its own, by several plans: all on the host, greedy, the one that is chosen, and
random ones (runs of nodes in the model's order on the device, by --plan-in). Of a model's
plans one run each is timed in turn, so that what else the machine does meets all of them,
and a plan's time is the least of its runs. What is asked is the order: of all pairs of a
model's plans whose measured times differ by over 15 %, how many are predicted in that order.

The chip's numbers are a file of `tenon bench --fit-target`; without --chip it is made first,
from the same models.
"""

import argparse
import itertools
import json
import random
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "test" / "e2e"))
from devices import recorded_inputs, sizes_of  # noqa: E402
from harness import SHARED, use_package  # noqa: E402

MODELS = ("resnet8-cifar-fp32", "mnist-8", "superres-10", "vww-mbv1-fp32", "ultraface-rfb320", "yolox-nano", "fastestdet-coco",
          "ppocr-cls", "cct2-cifar-op20", "deeplabv3-mnv2", "byte-bilstm", "resnet8-cifar-qdq")
FAR_APART = 1.15


def arguments():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--build", type=Path, default=ROOT / "build")
    parse.add_argument("--chip", type=Path, help="declaration with fitted numbers (default: fitted first)")
    parse.add_argument("--models", nargs="+", default=MODELS)
    parse.add_argument("--random-plans", type=int, default=5)
    parse.add_argument("--seconds", type=float, default=4, help="that a model's plans run for in all")
    parse.add_argument("--link", default="2000,40000", help="MB/s and nanoseconds of the device's link")
    parse.add_argument("--region-ns", type=int, default=15000, help="what submitting a region and waiting for it costs")
    parse.add_argument("--seed", type=int, default=1)
    return parse.parse_args()


def run(program, *flags):
    done = subprocess.run([program, *map(str, flags)], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, flags))}\n{done.stderr}")
    return done.stdout


class Pair:
    """The host, and the same processor as a device."""

    def __init__(self, args, folder):
        self.program, self.folder = args.build / "bin" / "tenon", folder
        chip = args.chip.read_text()
        self.host = re.search(r"^name: *(.*)$", chip, re.MULTILINE)[1]
        speed, latency = args.link.split(",")
        remote = re.sub(r"^name: .*$", "name: remote", chip, flags=re.MULTILINE)
        remote = re.sub(r"region_ns: \d+", f"region_ns: {args.region_ns}", remote)
        remote += f"links: [{{from: host, to: dram, mb_per_s: {speed}, latency_ns: {latency}}}]\n"
        (folder / "remote.yaml").write_text(remote)
        slow = re.sub(r"^name: .*$", "name: slow", chip, flags=re.MULTILINE)
        (folder / "slow.yaml").write_text(re.sub(r"kernel_ns: \d+", "kernel_ns: 1000000000", slow))
        self.files = [f"--target-file={args.chip}", f"--target-file={folder / 'remote.yaml'}"]

    def compile(self, model, name, *flags, host=None):
        """(artifact, predicted seconds, placement as text)"""
        artifact, plan = self.folder / f"{name}.tenon", self.folder / f"{name}-plan.yaml"
        files = [*self.files, f"--target-file={self.folder / 'slow.yaml'}"] if host else self.files
        summary = json.loads(run(self.program, "compile", model, "-o", artifact, "--json", f"--plan-out={plan}", *files,
                                 f"--target=cpu:{host or self.host}", "--target=cpu:remote", *flags))
        return artifact, summary["predictions"][0]["seconds"] if summary["predictions"] else None, plan


def kernels_of(pair, artifact, movable):
    """Groups of movable nodes that are computed together, in the model's order; one op may be of several nodes."""
    groups = {}
    for node in json.loads(run(pair.program, "explain", artifact, "--json"))["nodes"]:
        if node["node"] in movable and node["kernels"]:
            groups.setdefault(node["kernels"][-1], []).append(node["node"])
    return list(groups.values())


def random_plan(kernels, host, chance):
    """Some runs of the kernels on the device, the rest on the host."""
    placed = {node: host for kernel in kernels for node in kernel}
    for _ in range(chance.randint(1, 3)):
        first = chance.randrange(len(kernels))
        for kernel in kernels[first:first + chance.randint(1, max(1, len(kernels) // 2))]:
            placed.update(dict.fromkeys(kernel, "cpu:remote"))
    return placed


def plan_text(placed):
    return "nodes:\n" + "".join(f"  {json.dumps(node)}: {json.dumps(device)}\n" for node, device in placed.items())


def nodes_of(plan):
    """{node: device}, in the model's order."""
    return {json.loads(node): json.loads(device)
            for node, device in re.findall(r'^ +("(?:[^"\\]|\\.)*"): *("(?:[^"\\]|\\.)*")', plan.read_text(), re.MULTILINE)}


def plans_of(pair, model, sizes, count, chance):
    """{name: (artifact, predicted seconds)}"""
    compiled = {"chosen": pair.compile(model, "chosen", *sizes)}
    artifact, _, greedy = pair.compile(model, "slow", *sizes, host="slow")
    placed = {node: "cpu:remote" if device == "cpu:remote" else f"cpu:{pair.host}" for node, device in nodes_of(greedy).items()}
    movable = [node for node, device in placed.items() if device == "cpu:remote"]
    kernels = kernels_of(pair, artifact, movable)
    wanted = {"greedy": {}, "host": dict.fromkeys(movable, f"cpu:{pair.host}")}
    for i in range(count):
        wanted[f"random {i}"] = random_plan(kernels, f"cpu:{pair.host}", chance)
    for name, changes in wanted.items():
        file = pair.folder / "wanted.yaml"
        file.write_text(plan_text({**placed, **changes}))
        compiled[name] = pair.compile(model, name.replace(" ", "-"), *sizes, f"--plan-in={file}")
    return {name: (artifact, seconds) for name, (artifact, seconds, _) in compiled.items() if seconds is not None}


def measured(plans, feeds, seconds):
    """{name: least seconds of a run}"""
    import tenon

    sessions = {name: tenon.load(artifact).session(threads=1) for name, (artifact, _) in plans.items()}
    least = dict.fromkeys(sessions, float("inf"))
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        for name, session in sessions.items():
            before = time.perf_counter()
            session.run(feeds)
            least[name] = min(least[name], time.perf_counter() - before)
    return least


def main():
    args = arguments()
    use_package(args.build)
    folders = [SHARED / "models" / name for name in args.models]
    right = pairs = predicted_right = predicted_pairs = 0
    with tempfile.TemporaryDirectory() as temporary:
        if not args.chip:
            args.chip = Path(temporary) / "fitted.yaml"
            print(run(args.build / "bin" / "tenon", "bench", f"--fit-target={args.chip}", "-q", "--duration=1",
                      *(folder / "model.onnx" for folder in folders)), end="")
        chance = random.Random(args.seed)
        print("| model | plan | predicted ms | measured ms |\n|---|---|---|---|")
        for folder in folders:
            pair = Pair(args, Path(temporary))
            feeds = recorded_inputs(folder)
            plans = plans_of(pair, folder / "model.onnx", sizes_of(folder, feeds), args.random_plans, chance)
            least = measured(plans, feeds, args.seconds)
            for name, (_, seconds) in plans.items():
                print(f"| {folder.name} | {name} | {1e3 * seconds:.3f} | {1e3 * least[name]:.3f} |", flush=True)
            for a, b in itertools.combinations(plans, 2):
                predicted, found = plans[a][1] / plans[b][1], least[a] / least[b]
                agrees = (predicted > 1) == (found > 1)
                if max(found, 1 / found) > FAR_APART:
                    pairs += 1
                    right += agrees
                if max(predicted, 1 / predicted) > FAR_APART:
                    predicted_pairs += 1
                    predicted_right += agrees
    print(f"\nof pairs measured over 15 % apart, {right} of {pairs} ({100 * right / max(1, pairs):.0f} %) are predicted in that order; "
          f"of pairs predicted over 15 % apart, {predicted_right} of {predicted_pairs} "
          f"({100 * predicted_right / max(1, predicted_pairs):.0f} %) are measured in that order")


if __name__ == "__main__":
    main()
