#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every model of ../shared/models, divided between two devices.

The second device is this machine's processor with memory of its own, or the toy device
(test/lib/ToyTarget). A chip file makes the host so slow that all which the device takes goes
there; then random parts of that are pinned back to the host, so that values cross between
the devices in both directions, many times. Outputs are those of the undivided model within
the tolerance of ../shared/README.md: a division keeps kernels from being fused. Bit for bit
where all of it goes to a device of the host's kind. All of it runs between guard pages
over poisoned memory once, on the host and in the memory of the devices, where random divisions
have red zones behind each buffer, too, and once with the queues side by side.

Models with open dimensions are divided a second time, with their dimensions open, between
this machine's processor and itself with memory of its own, and run at several sizes, among
them none and primes. Bit for bit the outputs are those of the undivided model where all of
it is in one region, and sizes that it refuses are refused with the same code.
"""

import random
import re
import sys
from pathlib import Path

import numpy as np

import dynamic_shapes
import harness
from harness import SHARED, Driver, GuardedSession, Results, claimed, excerpt, made_once, parser, read_expected, use_package
from run_models import tolerances

HERE = Path(__file__).resolve().parent
HOST = "cpu:slow"
DIVISIONS = 2  # random ones of each model
# What a change may break shows in these; --sweep has all models.
FEW = ("byte-bilstm", "gtcrn-stream-simple", "kws-dscnn-qdq", "mnist-8", "resnet8-cifar-qdq", "silero-vad",
       "superres-10", "tiny-random-llama-fp16")


def slow_chip(driver):
    """The file of a chip that makes the code of this machine's, and pretends to need an age for it."""

    def make(folder):
        status, text = driver("targets", "cpu:host", "--emit")
        assert status == 0, text
        text = re.sub(r"^name: .*$", "name: slow", text, flags=re.MULTILINE)
        text = re.sub(r"kernel_ns: \d+", "kernel_ns: 1000000000", text)
        (folder / "slow.yaml").write_text(text)

    return made_once(f"slow {driver.program}", make) / "slow.yaml"


def devices(driver, target=None):
    """{device: flags that a compilation needs for it}, of one target or of all."""
    library = driver.program.parent.parent / "lib" / "ToyTarget.so"
    found = {"cpu:host": [], "toy": [f"--load-target-plugin={library}"]}
    return {device: flags for device, flags in found.items() if target in (None, device.partition(":")[0])}


def recorded_inputs(folder):
    """{input: array} of a model's first data set."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(folder / "model.onnx", load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    names = [i.name for i in graph.input if i.name not in weights]
    data = sorted(folder.glob("test_data_set_*"))[0]
    return {name: numpy_helper.to_array(onnx.load_tensor(data / f"input_{i}.pb")) for i, name in enumerate(names)}


def sizes_of(folder, feeds):
    """Flags that fix a model's open dimensions to those of its recorded inputs."""
    import onnx

    flags = []
    for value in onnx.load(folder / "model.onnx", load_external_data=False).graph.input:
        for axis, dim in enumerate(value.type.tensor_type.shape.dim):
            if value.name in feeds and not dim.HasField("dim_value"):
                flags.append(f"--sizes={value.name}:{axis}={feeds[value.name].shape[axis]}")
    return flags


def pin(nodes):
    """The flag that keeps nodes on the host."""
    return [f"--pin=({'|'.join(map(re.escape, nodes))})={HOST}"] if nodes else []


def compare(folder, artifact, feeds, expected, guarded, exactly=False):
    """What is wrong with a run, or None."""
    import tenon

    atol, rtol = (0, 0) if exactly else map(float, tolerances(folder.name))
    loaded = tenon.load(artifact)
    results = (GuardedSession(loaded) if guarded else loaded.session(2)).run(feeds)
    for name, theirs in expected.items():
        mine = results[name]
        if not np.allclose(mine.astype(np.float64), theirs.astype(np.float64), rtol=rtol, atol=atol, equal_nan=True):
            return f"{name} is off by up to {np.abs(mine.astype(np.float64) - theirs.astype(np.float64)).max():.3g}"
    return None


def check(driver, folder, device):
    """Returns (worked, what went wrong); None where the device takes nothing of the model."""
    import tenon

    feeds = recorded_inputs(folder)
    sizes = sizes_of(folder, feeds)
    slow = f"--target-file={slow_chip(driver)}"
    two = [f"--target={device}", slow, *devices(driver)[device], *sizes]
    alone = driver.compiled(folder / "model.onnx", HOST, slow, *sizes)
    all_there = driver.compiled(folder / "model.onnx", HOST, *two)
    for done in (alone, all_there):
        if done.status != 0:
            return False, f"    compile: exit status {done.status}\n{excerpt(done.text)}"
    expected = tenon.load(alone.artifact).session(1).run(feeds)
    moved = sorted({node for kernel in tenon.explain(all_there.artifact).kernels
                    if kernel.device == device for node in kernel.nodes})
    if not moved:
        return None
    rng = random.Random(folder.name)
    divisions = [all_there]
    for _ in range(DIVISIONS):
        kept = [node for node in moved if rng.random() < 0.3]
        divisions.append(driver.compiled(folder / "model.onnx", HOST, *two, "--red-zones", *pin(kept)))
    for number, done in enumerate(divisions):
        if done.status != 0:
            return False, f"    division {number}: exit status {done.status}\n{excerpt(done.text)}"
        for guarded in (True, False):
            # One region of a device of the host's kind has the very kernels of the undivided model.
            exactly = device == "cpu:host" and number == 0
            if problem := compare(folder, done.artifact, feeds, expected, guarded, exactly):
                return False, f"    division {number}{', guarded' * guarded}: {problem}"
    return True, ""


def open_sizes(folder):
    """Sizes for a model with open dimensions: those of dynamic_shapes.py, and others that it may refuse."""
    import onnx

    sizes = list(dynamic_shapes.SIZES[folder.name])
    if not isinstance(sizes[0], list):
        decoder = dynamic_shapes.GPT2 if "gpt2" in folder.name else dynamic_shapes.LLAMA
        return [*sizes, decoder(7, 11, 13), decoder(1, 1, 1)]
    graph = onnx.load(folder / "model.onnx", load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    names = [[dim.dim_param for dim in value.type.tensor_type.shape.dim] for value in graph.input if value.name not in weights]
    first = next((name for dims in names for name in dims if name), None)
    for number in (0, 1, 7) if first else ():
        size = [tuple(number if name == first else size for name, size in zip(dims, shape))
                for dims, shape in zip(names, sizes[0])]
        if size not in sizes:
            sizes.append(size)
    return sizes


def outcomes(artifact, inputs, guarded):
    """For each of several inputs, a model's outputs or the code of the error."""
    import tenon

    loaded = tenon.load(artifact)
    session = GuardedSession(loaded) if guarded else loaded.session(2)
    found = []
    for feeds in inputs:
        try:
            found.append({name: value.copy() for name, value in session.run(feeds).items()})
        except tenon.TenonError as error:
            found.append(str(error).split("]")[0])
    return found


def difference(theirs, mine, tolerance):
    """What is wrong with outputs beside expected ones, or with one error beside another; or None."""
    if isinstance(theirs, str) or isinstance(mine, str):
        return None if theirs == mine else f"{mine}, expected {theirs}"
    for name, expected in theirs.items():
        if mine[name].shape != expected.shape:
            return f"{name} has shape {mine[name].shape}, expected {expected.shape}"
        if tolerance is None:
            if mine[name].tobytes() != expected.tobytes():
                return f"{name} has other bits"
        elif not np.allclose(mine[name].astype(np.float64), expected.astype(np.float64), rtol=tolerance[1],
                             atol=tolerance[0], equal_nan=True):
            return f"{name} is off by up to {np.abs(mine[name].astype(np.float64) - expected.astype(np.float64)).max():.3g}"
    return None


def check_open(driver, folder):
    """Returns (worked, what went wrong) of a model whose dimensions stay open."""
    import tenon

    slow = f"--target-file={slow_chip(driver)}"
    alone = driver.compiled(folder / "model.onnx", HOST, slow)
    there = driver.compiled(folder / "model.onnx", HOST, "--target=cpu:host", slow)
    for done in (alone, there):
        if done.status != 0:
            return False, f"    compile: exit status {done.status}\n{excerpt(done.text)}"
    kernels = tenon.explain(there.artifact).kernels
    moved = sorted({node for kernel in kernels if kernel.device == "cpu:host" for node in kernel.nodes})
    if not moved:
        return False, "    the second processor takes nothing of it"
    recorded = recorded_inputs(folder)
    rng = np.random.default_rng(0)
    inputs = [dynamic_shapes.make_inputs(list(recorded), list(recorded.values()), size, rng)
              for size in open_sizes(folder)]
    expected = outcomes(alone.artifact, inputs, False)
    choose = random.Random(folder.name)
    divisions = [there]
    for _ in range(DIVISIONS):
        kept = [node for node in moved if choose.random() < 0.3]
        divisions.append(driver.compiled(folder / "model.onnx", HOST, "--target=cpu:host", slow, "--red-zones", *pin(kept)))
    is_whole = len({kernel.kernel.split(".")[0] for kernel in kernels}) == 1
    for number, done in enumerate(divisions):
        if done.status != 0:
            return False, f"    division {number}: exit status {done.status}\n{excerpt(done.text)}"
        tolerance = None if number == 0 and is_whole else tuple(map(float, tolerances(folder.name)))
        for guarded in (True, False) if number > 0 else (False,):
            for feeds, theirs, mine in zip(inputs, expected, outcomes(done.artifact, inputs, guarded)):
                if problem := difference(theirs, mine, tolerance):
                    shapes = ", ".join(str(value.shape) for value in list(feeds.values())[:2])
                    return False, f"    division {number}{', guarded' * guarded} at {shapes}: {problem}"
    return True, ""


def main():
    flags = parser(__doc__, timeout=300, sweep="all models")
    flags.add_argument("--target", choices=("cpu", "toy"), help="only devices of this target")
    flags.add_argument("models", nargs="*", help="only these")
    arguments = flags.parse_args()
    results = Results(read_expected(HERE / "devices-expected-failures.txt"))
    if not (SHARED / "models").is_dir():
        results.skip("devices", "no ../shared")
        return results.finish(arguments.json)
    if problem := use_package(arguments.build):
        results.record("devices", False, problem)
        return results.finish(arguments.json)
    driver = Driver(arguments.build, arguments.timeout)
    import tenon

    tenon.load_driver(Path(arguments.build).resolve() / "lib" / "ToyDriver.so")
    for folder in sorted(path.parent for path in (SHARED / "models").glob("*/model.onnx")):
        wanted = folder.name in arguments.models if arguments.models else arguments.sweep or folder.name in FEW
        for device in devices(driver, arguments.target):
            name = f"devices.{device}.{folder.name}"
            if not wanted or not claimed(name):
                continue
            answer, problem = harness.isolated(lambda: check(driver, folder, device), arguments.timeout)
            if answer is None and not problem:
                results.skip(name, "the device takes nothing of it")
            else:
                results.record(name, *(answer or (False, f"    {problem}")))
        name = f"devices.open.{folder.name}"
        if wanted and folder.name in dynamic_shapes.SIZES and claimed(name):
            answer, problem = harness.isolated(lambda: check_open(driver, folder), arguments.timeout)
            results.record(name, *(answer or (False, f"    {problem}")))
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
