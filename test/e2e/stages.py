#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Stages can be stopped at and resumed from, and compilations repeated.

A model that is stopped after any stage and resumed from the text gives the bytes
of a straight compilation. So does a second compilation of a copy in another folder,
by another path, in another environment, on another number of processors.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import onnx

from harness import SHARED, Driver, Results, claimed, excerpt, parser

STAGES = ("import", "graph", "numerics", "place")
# Static shapes, named dimensions, branches, weights that are Constant nodes.
RESUMED = ("mnist-8", "resnet8-cifar-fp32", "resnet8-cifar-qdq", "byte-bilstm", "silero-vad")
# The same and float16, com.microsoft, external data, many kernels.
REPEATED = ("kws-dscnn-qdq", "mnist-8", "mobilenetv2-imagenet-qdq", "silero-vad", "squeezenet11-fp16", "tiny-random-gpt2-ort", "tiny-random-llama-fp16", "yolox-nano")


class Suite:
    def __init__(self, driver, scratch):
        self.driver, self.scratch = driver, scratch

    def straight(self, model, target="cpu:host"):
        """The bytes of a compilation without a stop, and what went wrong."""
        done = self.driver.compiled(model, target)
        return (done.artifact.read_bytes(), "") if done.status == 0 else (None, excerpt(done.text))

    def resumed(self, name, stage):
        """Stops after `stage`, resumes from what was printed."""
        folder = self.scratch / f"{name}-{stage}"
        folder.mkdir()
        wanted, problem = self.straight(SHARED / "models" / name / "model.onnx")
        if wanted is None:
            return False, problem
        # The artifact records the file's name, so the text goes by the model's.
        text = folder / "model.onnx"
        with open(text, "wb") as output:
            command = [str(self.driver.program), "compile", str(SHARED / "models" / name / "model.onnx"), f"--stop-after={stage}"]
            done = subprocess.run(command, stdout=output, stderr=subprocess.PIPE, timeout=self.driver.timeout, check=False)
        if done.returncode != 0:
            return False, excerpt(done.stderr.decode(errors="replace"))
        following = [*STAGES, "codegen"][STAGES.index(stage) + 1]
        status, output = self.driver("compile", "-q", text, f"--start-from={following}", "-o", folder / "resumed.tenon")
        if status != 0:
            return False, excerpt(output)
        same = (folder / "resumed.tenon").read_bytes() == wanted
        shutil.rmtree(folder)
        return same, f"    resuming from {following} gives other bytes than a straight compilation"

    def edited(self):
        """What is edited between two stages is what runs: a sum becomes a product."""
        folder = self.scratch / "edited"
        folder.mkdir()
        model = SHARED / "models/mnist-8/model.onnx"
        status, text = self.driver("compile", model, "--stop-after=graph")
        (folder / "edited.mlir").write_text(text.replace("graph.binary add", "graph.binary mul"))
        if status != 0 or "graph.binary add" not in text:
            return False, "    there is no sum to edit"
        status, output = self.driver("compile", "-q", folder / "edited.mlir", "--start-from=numerics", "-o", folder / "e.tenon")
        if status != 0:
            return False, excerpt(output)
        status, output = self.driver("run", folder / "e.tenon", "--test-data", model.parent / "test_data_set_0")
        return status == 4, f"    exit status {status}, expected 4 (other values)\n{excerpt(output)}"

    def edited_constant(self):
        """The same with a constant index: the kernel does not trust what held for the old one."""
        folder = self.scratch / "edited-constant"
        folder.mkdir()
        x, y = (onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [n]) for name, n in (("x", 8), ("y", 3)))
        index = onnx.helper.make_tensor("i", onnx.TensorProto.INT64, [3], [0, 7, 3])
        graph = onnx.helper.make_graph([onnx.helper.make_node("Gather", ["x", "i"], ["y"])], "g", [x], [y], [index])
        onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), folder / "g.onnx")
        status, text = self.driver("compile", folder / "g.onnx", "--stop-after=place")
        (folder / "edited.mlir").write_text(text.replace("dense<[0, 7, 3]>", "dense<[0, 1000000000, 3]>"))
        if status != 0 or "dense<[0, 7, 3]>" not in text:
            return False, f"    there is no index to edit in\n{excerpt(text)}"
        status, output = self.driver("compile", "-q", folder / "edited.mlir", "--start-from=codegen", "-o", folder / "e.tenon")
        if status != 0:
            return False, excerpt(output)
        status, output = self.driver("run", folder / "e.tenon", "--random-seed=0")
        return status == 1 and "[TN7013]" in output, f"    exit status {status}, expected 1 and TN7013\n{excerpt(output)}"

    def dumped(self):
        """--dump-to writes every stage, and changes nothing."""
        folder = self.scratch / "dumped"
        folder.mkdir()
        model = SHARED / "models/mnist-8/model.onnx"
        wanted, problem = self.straight(model)
        status, output = self.driver("compile", "-q", model, "-o", folder / "d.tenon", "--dump-to", folder / "stages")
        if wanted is None or status != 0:
            return False, problem or excerpt(output)
        names = sorted(p.name for p in (folder / "stages").iterdir() if p.stat().st_size)
        expected = [f"{i}-{stage}.mlir" for i, stage in enumerate([*STAGES, "codegen"])]
        if names != expected or (folder / "d.tenon").read_bytes() != wanted:
            return False, f"    dumped {names}, expected {expected} and an unchanged artifact"
        # Dumps are for reading: the weights are not in them, and that is said.
        for dump, stage in (("0-import", "graph"), ("1-graph", "numerics"), ("2-numerics", "place"), ("3-place", "codegen")):
            path = folder / f"stages/{dump}.mlir"
            status, output = self.driver("compile", path, f"--start-from={stage}", "-o", folder / "r.tenon")
            if status != 1 or "[TN4011]" not in output or "--stop-after" not in path.read_text().split("\n")[0]:
                return False, f"    {dump}: exit status {status}, expected 1 and TN4011\n{excerpt(output)}"
        return True, ""

    def misplaced(self):
        """A stage refuses what an earlier one should have done."""
        folder = self.scratch / "misplaced"
        folder.mkdir()
        status, text = self.driver("compile", SHARED / "models/mnist-8/model.onnx", "--stop-after=graph")
        (folder / "graph.mlir").write_text(text)
        status, output = self.driver("compile", folder / "graph.mlir", "--start-from=codegen", "-o", folder / "m.tenon")
        return status == 1 and "[TN4001]" in output, f"    exit status {status}\n{excerpt(output)}"

    def repeated(self, name):
        """Compiles again with everything different that must not matter."""
        source, place = SHARED / "models" / name, self.scratch / name / "much" / "deeper"
        wanted, problem = self.straight(source / "model.onnx", "cpu:x86-64-v3")
        if wanted is None:
            return False, problem
        shutil.copytree(source, place, ignore=shutil.ignore_patterns("test_data_set_*"))
        command = [str(self.driver.program), "compile", "-q", "model.onnx", "-o", str(place / "a.tenon"), "--target=cpu:x86-64-v3"]
        environment = dict(os.environ, LANG="tr_TR.UTF-8", LC_ALL="C.UTF-8", TZ="Asia/Kathmandu", HOME="/nowhere", COLUMNS="40")
        environment["TMPDIR"] = str(place)
        if shutil.which("setarch"):
            command = ["setarch", "-R", *command]
        if shutil.which("taskset"):
            command = ["taskset", "-c", str(min(os.sched_getaffinity(0))), *command]
        done = subprocess.run(
            command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=self.driver.timeout, check=False,
        )
        if done.returncode != 0:
            return False, excerpt(done.stdout.decode(errors="replace"))
        found = (place / "a.tenon").read_bytes()
        shutil.rmtree(place)
        different = next((i for i, (a, b) in enumerate(zip(found, wanted)) if a != b), None)
        return found == wanted, f"    {len(wanted)} and {len(found)} bytes, the first difference at {different}"


def main():
    flags = parser(__doc__, timeout=300)
    arguments = flags.parse_args()

    results = Results({}, verbose=False)
    driver = Driver(Path(arguments.build).resolve(), arguments.timeout)
    if not (SHARED / "models").is_dir():
        results.skip("stages", "no ../shared")
        return results.finish(arguments.json)
    if not driver.exists():
        results.record("stages", False, f"    {driver.program} is not built")
        return results.finish(arguments.json)

    with tempfile.TemporaryDirectory() as name:
        suite = Suite(driver, Path(name))
        cases = [(f"resume {m} after {s}", partial(suite.resumed, m, s)) for m in RESUMED for s in STAGES]
        cases += [(f"repeat {m}", partial(suite.repeated, m)) for m in REPEATED]
        cases += [(check.__name__, check) for check in (suite.edited, suite.edited_constant, suite.dumped, suite.misplaced)]
        for case, check in cases:
            if claimed(case):
                results.record(case, *check())
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
