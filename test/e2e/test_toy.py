# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A device from outside the tree: models divided between the host and the toy device
(test/lib/ToyTarget), whose target and driver are plugins."""

import json

import numpy as np
import pytest
import refusals
from driver_models import OK, UNSUPPORTED, USER_ERROR, refused, save, value
from harness import GuardedSession, build_under_test, isolated, use_package
import onnx
from onnx import TensorProto, helper, numpy_helper

LIBRARIES = build_under_test() / "lib"
PLUGIN, DRIVER = f"--load-target-plugin={LIBRARIES}/ToyTarget.so", f"--load-driver={LIBRARIES}/ToyDriver.so"
TWO = [PLUGIN, "--target=cpu:host", "--target=toy"]


def layers(path, sizes=(33, 70, 10), between=None):
    """Two layers, and a node between them if it is given."""
    rng = np.random.default_rng(3)
    nodes, weights, last = [], [], "x"
    for i, (k, n) in enumerate(zip(sizes, sizes[1:])):
        for name, shape in ((f"w{i}", (k, n)), (f"b{i}", (n,))):
            weights.append(numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32) / 8, name))
        nodes += [
            helper.make_node("MatMul", [last, f"w{i}"], [f"m{i}"], f"product{i}"),
            helper.make_node("Add", [f"m{i}", f"b{i}"], [f"a{i}"], f"sum{i}"),
            helper.make_node("Relu", [f"a{i}"], [f"r{i}"], f"relu{i}"),
        ]
        last = f"r{i}"
        if between and i == 0:
            nodes.append(helper.make_node(between, [last], ["between"], "between"))
            last = "between"
    return save(path, nodes, [value("x", [5, sizes[0]])], [value(last, [5, sizes[-1]])], weights)


def outputs_of(tenon, artifact, *flags):
    """A run on random inputs, as an array."""
    done = tenon("run", artifact, "--random-seed=5", "--json", *flags)
    assert done.returncode == OK, done.stderr
    (output,) = json.loads(done.stdout)["outputs"]
    assert output["all_values"]
    return np.array(output["values"], np.float32)


def guarded_output(artifact, model, driver="ToyDriver"):
    """A run between guard pages on ones; in a process of its own, which a fault may end and where
    a driver may have another one's name. (output, what went wrong)"""

    def run():
        assert use_package(build_under_test()) is None
        import tenon as package

        package.load_driver(LIBRARIES / f"{driver}.so")
        (x,) = onnx.load(model).graph.input
        shape = [dim.dim_value for dim in x.type.tensor_type.shape.dim]
        (output,) = GuardedSession(package.load(artifact)).run({"x": np.ones(shape, np.float32)}).values()
        return output

    return isolated(run, 60)


@pytest.fixture
def compiled(tenon, tmp_path):
    def compile(model, name, *flags):
        path = tmp_path / f"{name}.tenon"
        done = tenon("compile", model, "-o", path, "-q", "--keep-plan", *flags)
        assert done.returncode == OK, done.stderr
        return path

    return compile


def test_two_layers(tenon, tmp_path, compiled):
    model = layers(tmp_path / "model.onnx")
    alone, there = compiled(model, "alone"), compiled(model, "there", *TWO, "--pin=.*=toy")
    expected, found = outputs_of(tenon, alone), outputs_of(tenon, there, DRIVER)
    assert np.any(expected) and np.allclose(found, expected, rtol=0, atol=1e-6)
    kernels = json.loads(tenon("explain", there, "--json").stdout)["kernels"]
    assert {kernel["device"] for kernel in kernels} == {"toy"}
    assert {node for kernel in kernels for node in kernel["nodes"]} >= {f"{kind}{i}" for kind in ("product", "sum", "relu") for i in (0, 1)}
    benched = tenon("bench", there, DRIVER, "--warmup=0", "--duration=0.05", "--json")
    assert benched.returncode == OK, benched.stderr
    # A model is compiled first.
    done = tenon("run", model, *TWO, "--pin=.*=toy", DRIVER, "--random-seed=5", "-q")
    assert done.returncode == OK, done.stderr


def test_the_host_computes_what_the_device_refuses(tenon, tmp_path, compiled):
    model = layers(tmp_path / "model.onnx", between="Softmax")
    alone = compiled(model, "alone")
    there = compiled(model, "there", *TWO, "--pin=(product|sum|relu).*=toy")
    assert np.allclose(outputs_of(tenon, there, DRIVER), outputs_of(tenon, alone), rtol=0, atol=1e-6)
    ledger = json.loads(tenon("explain", there, "--json").stdout)
    assert {kernel["device"] for kernel in ledger["kernels"] if "between" in kernel["nodes"]} == {"host"}
    assert {kernel["device"] for kernel in ledger["kernels"] if "product1" in kernel["nodes"]} == {"toy"}
    shown = tenon("explain", there, "--nodes").stdout
    assert "TN4225" in shown and "not on toy: the device has instructions for the operator: found softmax" in shown
    refused(tenon("compile", model, *TWO, "--pin=between=toy", "-o", tmp_path / "no.tenon"), USER_ERROR, "[TN8048]", "[TN4225]")


def test_unpinned_the_faster_device_gets_it(tenon, tmp_path, compiled):
    """Small layers cost more to copy than to compute; the ledger says so."""
    there = compiled(layers(tmp_path / "model.onnx"), "there", *TWO)
    ledger = json.loads(tenon("explain", there, "--json").stdout)
    assert "toy" not in {kernel["device"] for kernel in ledger["kernels"]}
    assert "TN4220" in tenon("explain", there, "--nodes").stdout


def test_a_device_that_wants_its_memory_aligned(tenon, tmp_path, compiled):
    """Places of its arena are at multiples of what the chip says, in the plan and when it runs."""
    model, chip = layers(tmp_path / "model.onnx", between="Softmax"), tmp_path / "wide.yaml"
    text = tenon("targets", "toy", "--emit", PLUGIN).stdout
    chip.write_text(text.replace("name: small", "name: wide").replace("alignment: 64", "alignment: 4096"))
    flags = [PLUGIN, "--target=cpu:host", "--target=toy:wide", f"--target-file={chip}", "--pin=(product|sum|relu).*=toy:wide"]
    there = compiled(model, "there", *flags)
    assert np.allclose(outputs_of(tenon, there, DRIVER), outputs_of(tenon, compiled(model, "alone")), rtol=0, atol=1e-6)
    memory = json.loads(tenon("explain", there, "--json").stdout)["memory"]
    offsets = [buffer["offset"] for space in memory if space["space"] != "host" for buffer in space["buffers"]]
    assert len(set(offsets)) > 1 and all(offset % 4096 == 0 for offset in offsets), memory
    # A memory that has no room for an operator's operands is not asked to hold them.
    chip.write_text(text.replace("name: small", "name: wide").replace("name: dram, bytes: 0", "name: dram, bytes: 1000"))
    refused(tenon("compile", model, *flags, "-o", tmp_path / "no.tenon"), USER_ERROR, "[TN8048]", "[TN4228]", "allowed is 1000 in 'dram'")


def test_without_a_driver(tenon, tmp_path, compiled):
    there = compiled(layers(tmp_path / "model.onnx"), "there", *TWO, "--pin=.*=toy")
    done = tenon("run", there, "--random-seed=5")
    assert done.returncode in (USER_ERROR, UNSUPPORTED) and "[TN7012]" in done.stderr and "'toy'" in done.stderr


@pytest.mark.parametrize("device", ["toy", "cpu"])
def test_copies_take_as_long_as_the_link_says(tenon, tmp_path, compiled, device):
    """One copy in, one out: the least time of a run is at least twice the link's latency and the time of the bytes."""
    model, chip = layers(tmp_path / "model.onnx", (33, 50, 10)), tmp_path / "remote.yaml"
    name = "small" if device == "toy" else "x86-64-v2"
    text = tenon("targets", f"{device}:{name}", "--emit", *([PLUGIN] if device == "toy" else [])).stdout
    text = "".join(line + "\n" for line in text.splitlines() if not line.startswith(("name:", "links:", "  - {from: host")))
    flags = [PLUGIN, "--target=cpu:host", f"--target={device}:remote", f"--target-file={chip}", "--pin=.*=" + f"{device}:remote"]
    least = {}
    for latency in (0, 30_000_000):
        chip.write_text(f"name: remote\n{text}links: [{{from: host, to: dram, mb_per_s: 1, latency_ns: {latency}}}]\n")
        there = compiled(model, f"there{latency}", *flags)
        done = tenon("bench", there, DRIVER, "--warmup=0", "--duration=0", "--iterations=5", "--json")
        assert done.returncode == OK, done.stderr
        least[latency] = json.loads(done.stdout)["min_ms"]
    sent = 4e-3 * 5 * (33 + 10)  # at a byte in a microsecond
    assert least[0] >= sent and least[30_000_000] >= 60 + sent
    assert least[0] < 30  # what waits is the link


def test_random_shapes(tenon, tmp_path, compiled):
    rng = np.random.default_rng(11)
    for round in range(6):
        model = layers(tmp_path / f"{round}.onnx", tuple(int(n) for n in rng.integers(1, 71, 4)))
        alone, there = compiled(model, f"alone{round}"), compiled(model, f"there{round}", *TWO, "--pin=.*=toy")
        assert np.allclose(outputs_of(tenon, there, DRIVER), outputs_of(tenon, alone), rtol=0, atol=1e-6)
        expected, problem = guarded_output(alone, model)
        assert not problem
        for flags in ((), ("--red-zones",)):
            mine, problem = guarded_output(compiled(model, f"there{round}", *TWO, "--pin=.*=toy", *flags), model)
            assert not problem and np.allclose(mine, expected, rtol=0, atol=1e-6)


def test_a_device_that_leaves_its_buffers_is_found(tenon, tmp_path, compiled):
    """Its stores write a byte too much: into a red zone, or, behind the last buffer, into a page without access."""
    model = layers(tmp_path / "model.onnx", (33, 16))  # an output of 5 x 16 floats ends where a page may
    flags = (*TWO, "--pin=.*=toy")
    output, problem = guarded_output(compiled(model, "zones", *flags, "--red-zones"), model, "OverrunningToyDriver")
    assert output is None and "[TN7020]" in problem and "region 'toy_0' wrote 0 bytes behind the end" in problem
    assert "the region's output 0" in problem
    found = [guarded_output(compiled(model, "pages", *flags), model, "OverrunningToyDriver")[1]]
    assert "memory error in region 'toy_0': 0 bytes behind the end of the memory of device 'toy'" in found[0]
    done = tenon("run", compiled(model, "zones", *flags, "--red-zones"), f"--load-driver={LIBRARIES}/OverrunningToyDriver.so",
                 "--random-seed=1")
    assert done.returncode != OK and "[TN7020]" in done.stderr


def test_verify(tenon, tmp_path, compiled):
    """The host's kernels are compared, and the outputs; of the device's kernels it is said that they are not."""
    model = layers(tmp_path / "model.onnx", between="Softmax")
    there = compiled(model, "there", *TWO, "--pin=(product|sum|relu).*=toy")
    for flags in ([*TWO, "--pin=(product|sum|relu).*=toy", "-q"], [PLUGIN, "--artifact", there]):
        done = tenon("verify", model, *flags, DRIVER, "--json")
        assert done.returncode == OK, done.stderr + done.stdout
        report = json.loads(done.stdout)
        assert {"device shows nobody" in kernel.get("skipped", "") for kernel in report["kernels"] if "toy" in kernel["kernel"]} == {True}
        assert [kernel["runs"] for kernel in report["kernels"] if "toy" not in kernel["kernel"]] == [1]
    refused(tenon("verify", model, "--artifact", there, DRIVER), USER_ERROR, "[TN8010]", "--load-target-plugin")


def test_a_plugin_is_not_written_over(tenon, tmp_path):
    model = layers(tmp_path / "model.onnx")
    plugin = tmp_path / "plugin.so"
    plugin.write_bytes((LIBRARIES / "ToyTarget.so").read_bytes())
    refused(tenon("compile", model, f"--load-target-plugin={plugin}", "-o", plugin), USER_ERROR, "[TN8030]")


def test_widened_integers_stay_on_the_host(tenon, tmp_path, compiled):
    """MatMulInteger is a product of i32, which the array has not; the reason is told."""
    node = helper.make_node("MatMulInteger", ["a", "b"], ["y"], "int")
    model = save(tmp_path / "int.onnx", [node], [value("a", [4, 4], TensorProto.INT8), value("b", [4, 4], TensorProto.INT8)],
                 [value("y", [4, 4], TensorProto.INT32)])
    there = compiled(model, "there", *TWO)
    assert "TN422" in tenon("explain", there, "--nodes").stdout


def test_what_is_refused_of_each_operator():
    """The list is written by refusals.py; an operator that runs on the host has a reason."""
    assert not refusals.differences("toy")
    assert "not said" not in refusals.listed("toy").values()
