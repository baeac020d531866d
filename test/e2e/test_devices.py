# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line of compilations for several devices: what is accepted, told, refused."""

import json
import re

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fork_server import Program
from harness import GuardedSession, build_under_test, use_package

assert use_package(build_under_test()) is None
TWO = ("--target=cpu:host", "--target=cpu:host")
# Code of this device is for known sizes.
TOY = ("--target=cpu:host", "--target=toy", f"--load-target-plugin={build_under_test() / 'lib' / 'ToyTarget.so'}")
PROGRAM = Program(build_under_test() / "bin" / "tenon", build_under_test())


def tenon(*arguments, status=0):
    done = PROGRAM.run(arguments, timeout=120)
    text = done.stdout.decode() + done.stderr.decode()
    assert done.returncode == status, text
    return text


@pytest.fixture
def model(tmp_path):
    """y = relu(x w) w2 + 1, with a branch beside it; x is [batch, 16]."""
    rng = np.random.default_rng(0)
    weights = [numpy_helper.from_array(rng.standard_normal((16, 16)).astype(np.float32), name) for name in ("w", "w2")]
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], "first"),
        helper.make_node("Relu", ["a"], ["b"], "relu"),
        helper.make_node("MatMul", ["b", "w2"], ["c"], "second"),
        helper.make_node("Exp", ["x"], ["d"], "beside"),
        helper.make_node("Add", ["c", "d"], ["y"], "sum"),
    ]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 16])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 16])], weights)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def devices_of(artifact):
    """{ONNX node: device}"""
    ledger = json.loads(tenon("explain", artifact, "--json"))
    return {node: kernel["device"] for kernel in ledger["kernels"] for node in kernel["nodes"]}


def test_pins_are_followed_and_told(model, tmp_path):
    artifact = tmp_path / "m.tenon"
    text = tenon("compile", model, "-o", artifact, *TWO, "--sizes=batch=4", "--pin=second|beside=cpu:host#2",
                 "--pin=first|relu=cpu:host")
    assert "beside it  cpu:" in text and "kernels on cpu:host#2" in text and "greedy" in text
    assert {node: device for node, device in devices_of(artifact).items() if node != "sum"} == {
        "first": "host", "relu": "host", "second": "cpu:host#2", "beside": "cpu:host#2"}
    text = tenon("explain", artifact, "--nodes")
    assert "cpu:host#2" in text and "--pin=first|relu=cpu:host asks for it" in text
    assert "all agree" in tenon("verify", model, *TWO, "--sizes=batch=4", "--pin=second|beside=cpu:host#2")


@pytest.mark.parametrize("sizes, dims", [(("--sizes=batch=4",), ()), ((), ("--dim=batch=3",))])
def test_verify_follows_an_artifact(model, tmp_path, sizes, dims):
    artifact = tmp_path / "m.tenon"
    tenon("compile", "-q", model, "-o", artifact, *TWO, *sizes, "--pin=second|beside=cpu:host#2", "--pin=first|relu=cpu:host")
    assert "all agree" in tenon("verify", model, "--artifact", artifact, *dims)
    text = tenon("verify", model, "--artifact", artifact, *dims, "--json")
    kernels = {kernel["kernel"] for kernel in json.loads(text)["kernels"]}
    assert kernels == {kernel["kernel"] for kernel in json.loads(tenon("explain", artifact, "--json"))["kernels"]}


def test_verify_follows_a_plan_file(model, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text('nodes:\n  "beside": "cpu:host#2"\n  "first": "cpu:host#2"\n')
    assert "all agree" in tenon("verify", model, *TWO, "--sizes=batch=4", f"--plan-in={plan}")


def test_verify_says_why_it_cannot_follow_an_artifact(model, tmp_path):
    artifact, chip, other = tmp_path / "m.tenon", tmp_path / "remote.yaml", tmp_path / "other.onnx"
    flags = ("--sizes=batch=4", "--pin=second=cpu:remote")
    chip.write_text(re.sub(r"^name: .*$", "name: remote", tenon("targets", "cpu:host", "--emit"), flags=re.MULTILINE))
    tenon("compile", "-q", model, "-o", artifact, "--target=cpu:host", "--target=cpu:remote", f"--target-file={chip}", *flags)
    text = tenon("verify", model, "--artifact", artifact, status=1)
    assert "[TN8010] the artifact is for cpu:remote" in text and "--target-file" in text
    assert "all agree" in tenon("verify", model, "--artifact", artifact, f"--target-file={chip}")
    changed = onnx.load(model)
    changed.doc_string = "changed"
    onnx.save(changed, other)
    assert "[TN8015]" in tenon("verify", other, "--artifact", artifact, f"--target-file={chip}", status=1)
    # The plan of the model with another name for a kernel, as another version may give it.
    plan = PROGRAM.run(["compile", model, *TWO, "--sizes=batch=4", "--pin=second=cpu:host#2", "--stop-after=place"]).stdout.decode()
    (tmp_path / "plan.mlir").write_text(plan.replace('"cpu_0.matmul_0"', '"cpu_0.product_0"'))
    tenon("compile", "-q", tmp_path / "plan.mlir", "-o", artifact, "--start-from=codegen", *TWO)
    text = tenon("verify", model, "--artifact", artifact, status=1)
    assert "[TN8059]" in text and "product_0" in text
    tenon("compile", "-q", model, "-o", artifact, "--target=cpu:host")
    assert "[TN8012]" in tenon("verify", model, "--artifact", artifact, f"--target-file={chip}", status=1)


def test_verify_follows_nodes_that_no_kernel_computes(tmp_path):
    """A view has a device, too: with its input's or its reader's the regions are others."""
    nodes = [helper.make_node("Exp", ["x"], ["a"], "exp"), helper.make_node("Flatten", ["a"], ["b"], "view"),
             helper.make_node("Neg", ["b"], ["y"], "neg")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 4])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [2, 12])])
    path, artifact = tmp_path / "model.onnx", tmp_path / "m.tenon"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    for device in ("host", "host#2"):
        tenon("compile", "-q", path, "-o", artifact, *TWO, "--pin=exp=cpu:host", "--pin=neg=cpu:host#2", f"--pin=view=cpu:{device}")
        nodes = {node["node"]: node for node in json.loads(tenon("explain", artifact, "--json"))["nodes"]}
        assert not nodes["view"]["kernels"] and nodes["view"]["device"] == ("host" if device == "host" else "cpu:host#2")
        assert "all agree" in tenon("verify", path, "--artifact", artifact)


def test_verify_follows_an_artifact_with_branches(tmp_path):
    """All that is not in a branch is on the device: no rule for the host may match nothing."""

    def branch(operator, name):
        return helper.make_graph([helper.make_node(operator, ["a"], [f"{name}_y"], name)], name, [],
                                 [helper.make_tensor_value_info(f"{name}_y", TensorProto.FLOAT, None)])

    nodes = [helper.make_node("Exp", ["x"], ["a"], "exp"),
             helper.make_node("If", ["flag"], ["y"], "choose", then_branch=branch("Neg", "neg"), else_branch=branch("Abs", "abs"))]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [5]),
                                           helper.make_tensor_value_info("flag", TensorProto.BOOL, [])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, [5])])
    path, artifact = tmp_path / "model.onnx", tmp_path / "m.tenon"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    tenon("compile", "-q", path, "-o", artifact, *TWO, "--pin=exp=cpu:host#2")
    assert devices_of(artifact)["exp"] == "cpu:host#2"
    assert "all agree" in tenon("verify", path, "--artifact", artifact)


def test_red_zones_in_regions(model, tmp_path):
    artifact = tmp_path / "m.tenon"
    tenon("compile", "-q", model, "-o", artifact, *TWO, "--sizes=batch=4", "--pin=.*=cpu:host#2", "--red-zones", "--keep-plan")
    tenon("run", artifact, "--random-seed=1")
    plan = tenon("inspect", artifact, "--plan")
    assert "red_zone" in plan[plan.index("module @cpu_0"):]
    assert re.search(r'#plan.arena<"cpu:host#2", [^>]*red_zone = 64', plan)
    outputs(artifact, [np.ones((4, 16), np.float32)])


def test_what_is_not_worth_a_copy_stays(model, tmp_path):
    artifact = tmp_path / "m.tenon"
    text = tenon("compile", model, "-o", artifact, *TWO, "--sizes=batch=4")
    assert "TN4220" in text
    assert "cpu:host#2" not in devices_of(artifact).values()


def test_open_sizes_stay_on_the_host_and_say_why(model, tmp_path):
    artifact = tmp_path / "m.tenon"
    assert "TN4221" in tenon("compile", model, "-o", artifact, *TOY)
    text = tenon("compile", model, "-o", artifact, *TOY, "--pin=second=toy", status=1)
    assert "TN8048" in text and "TN4221" in text and "--sizes" in text


PINS = ("--pin=second|beside=cpu:host#2", "--pin=first|relu=cpu:host")


def outputs(artifact, inputs, threads=1):
    """Of a run with queues side by side, which is that between guard pages, in all memories."""
    import tenon as package

    loaded = package.load(artifact)
    session, guarded = loaded.session(threads), GuardedSession(loaded)
    results = [session.run({"x": x})["y"].copy() for x in inputs]
    for x, result in zip(inputs, results):
        np.testing.assert_array_equal(guarded.run({"x": x})["y"], result)
    return results


def test_open_sizes_in_regions(model, tmp_path):
    alone, both = tmp_path / "a.tenon", tmp_path / "b.tenon"
    tenon("compile", "-q", model, "-o", alone, "--target=cpu:host")
    text = tenon("compile", model, "-o", both, *TWO, *PINS)
    assert "TN4221" not in text
    assert devices_of(both)["second"] == devices_of(both)["beside"] == "cpu:host#2"
    rng = np.random.default_rng(1)
    inputs = [rng.standard_normal((batch, 16)).astype(np.float32) for batch in (3, 0, 1, 97, 2, 1024, 3)]
    for threads in (1, 2):
        for mine, expected in zip(outputs(both, inputs, threads), outputs(alone, inputs)):
            np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-5)
    tenon("compile", "-q", model, "-o", both, *TWO, *PINS, "--red-zones")
    for mine, expected in zip(outputs(both, inputs), outputs(alone, inputs)):
        np.testing.assert_allclose(mine, expected, rtol=1e-5, atol=1e-5)
    # All of it in one region is the undivided model's code.
    tenon("compile", "-q", model, "-o", both, *TWO, "--pin=.*=cpu:host#2")
    for mine, expected in zip(outputs(both, inputs), outputs(alone, inputs)):
        np.testing.assert_array_equal(mine, expected)


def test_open_sizes_are_verified_and_guarded(model, tmp_path):
    artifact = tmp_path / "m.tenon"
    for dim in (0, 1, 7):
        assert "all agree" in tenon("verify", model, *TWO, *PINS, f"--dim=batch={dim}")
    tenon("compile", "-q", model, "-o", artifact, *TWO, *PINS, "--red-zones", "--keep-plan")
    for dim in (0, 1, 7):
        tenon("run", artifact, "--random-seed=1", f"--dim=batch={dim}")
    plan = tenon("inspect", artifact, "--plan")
    assert "red_zone" in plan[plan.index("module @cpu_0"):]


def test_known_sizes_beside_open_ones(tmp_path):
    """A region of known sizes in a model whose host program has symbols."""
    nodes = [helper.make_node("Exp", ["x"], ["y"], "open"), helper.make_node("Tanh", ["c"], ["d"], "known")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"]),
                                           helper.make_tensor_value_info("c", TensorProto.FLOAT, [3])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"]),
                               helper.make_tensor_value_info("d", TensorProto.FLOAT, [3])])
    path, artifact = tmp_path / "model.onnx", tmp_path / "m.tenon"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    for pins in (("--pin=known=cpu:host#2",), ("--pin=known=cpu:host#2", "--pin=open=cpu:host#2")):
        tenon("compile", "-q", path, "-o", artifact, *TWO, *pins)
        tenon("run", artifact, "--random-seed=1", "--dim=n=5")
        assert "all agree" in tenon("verify", path, *TWO, *pins, "--dim=n=5")


def test_what_a_region_finds_wrong(tmp_path):
    """Sizes that do not fit, before anything is submitted, and an index beyond an open size."""
    import tenon as package

    nodes = [helper.make_node("Add", ["x", "y"], ["s"], "sum"), helper.make_node("Gather", ["s", "i"], ["z"], "pick")]
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"]),
                     helper.make_tensor_value_info("y", TensorProto.FLOAT, ["m"]),
                     helper.make_tensor_value_info("i", TensorProto.INT64, ["k"])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, ["k"])])
    path, artifact = tmp_path / "model.onnx", tmp_path / "m.tenon"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    tenon("compile", "-q", path, "-o", artifact, *TWO, "--pin=.*=cpu:host#2")
    session = package.load(artifact).session()

    def run(n, m, *indices):
        feeds = {"x": np.arange(n, dtype=np.float32), "y": np.ones(m, np.float32), "i": np.array(indices, np.int64)}
        return session.run(feeds)["z"].tolist()

    assert run(3, 3, 2, 0) == [3, 1]
    with pytest.raises(package.TenonError, match="sum.*3.*4"):
        run(3, 4, 0)
    with pytest.raises(package.TenonError, match="pick.*5"):
        run(5, 1, 5)
    assert run(5, 1, 4) == [5]
    assert run(1, 1) == []


def test_nominal_sizes_decide(model, tmp_path):
    """What a slow host saves by copies grows with the batch."""
    artifact, chip = tmp_path / "m.tenon", tmp_path / "slow.yaml"
    text = re.sub(r"^name: .*$", "name: slow", tenon("targets", "cpu:host", "--emit"), flags=re.MULTILINE)
    # A hundredth of each rate.
    slow = re.sub(r"^(  \w+: \{f32: \d+)\d\d\}$", r"\1}", text, flags=re.MULTILINE)
    assert slow != text
    chip.write_text(slow)
    flags = ("--target=cpu:slow", "--target=cpu:host", f"--target-file={chip}")
    moved = {}
    for batch in (1, 100000):
        tenon("compile", "-q", model, "-o", artifact, *flags, f"--optShapes=x:{batch}x16")
        moved[batch] = "cpu:host" in devices_of(artifact).values()
    assert moved == {1: False, 100000: True}


@pytest.mark.parametrize("fallback, status", [("error", 2), ("warn", 0), ("allow:MatMul,Relu,Exp,Add", 0), ("allow:MatMul", 2)])
def test_what_no_device_takes(model, tmp_path, fallback, status):
    """Open sizes are what the toy device does not take."""
    artifact = tmp_path / "m.tenon"
    text = tenon("compile", "-q", model, "-o", artifact, *TOY, f"--fallback={fallback}", status=status)
    assert ("TN4227" in text) == (not fallback.startswith("allow:MatMul,"))
    assert ("TN4221" in text) == ("TN4227" in text)
    assert artifact.exists() == (status == 0)
    tenon("compile", "-q", model, "-o", artifact, *TWO, f"--fallback={fallback}")


def test_the_number_of_regions(model, tmp_path):
    artifact = tmp_path / "m.tenon"
    flags = ("-q", model, "-o", artifact, *TWO, "--sizes=batch=4", "--pin=first|sum=cpu:host#2")
    tenon("compile", *flags, "--pin=second=cpu:host")
    regions = {kernel["kernel"].split(".")[0] for kernel in json.loads(tenon("explain", artifact, "--json"))["kernels"]
               if kernel["device"] == "cpu:host#2"}
    assert len(regions) == 2
    tenon("compile", *flags, "--max-regions=1")
    regions = {kernel["kernel"].split(".")[0] for kernel in json.loads(tenon("explain", artifact, "--json"))["kernels"]
               if kernel["device"] == "cpu:host#2"}
    assert len(regions) == 1
    assert "TN8048" in tenon("compile", *flags, "--pin=second=cpu:host", "--max-regions=1", status=1)


def test_plan_files(model, tmp_path):
    first, second, artifact = tmp_path / "a.yaml", tmp_path / "b.yaml", tmp_path / "m.tenon"
    sizes = "--sizes=batch=4"
    tenon("compile", "-q", model, "-o", artifact, *TWO, sizes, "--pin=second=cpu:host#2", f"--plan-out={first}")
    tenon("compile", "-q", model, "-o", artifact, *TWO, sizes, f"--plan-in={first}", f"--plan-out={second}")
    assert first.read_text() == second.read_text()
    first.write_text('nodes:\n  "beside": "cpu:host#2"\n')
    tenon("compile", "-q", model, "-o", artifact, *TWO, sizes, f"--plan-in={first}")
    assert devices_of(artifact)["beside"] == "cpu:host#2"


def test_plan_files_name_what_computes_sizes(tmp_path):
    """y = x + the first size of x: a kernel of the program that adds, whose node has no device."""
    nodes = [helper.make_node("Shape", ["x"], ["s"], "shape"), helper.make_node("Cast", ["s"], ["f"], "cast", to=TensorProto.FLOAT),
             helper.make_node("Add", ["x", "f"], ["y"], "sum")]
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"])],
                              [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])])
    path, plan, artifact = tmp_path / "model.onnx", tmp_path / "a.yaml", tmp_path / "m.tenon"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    tenon("compile", "-q", path, "-o", artifact, *TWO, "--pin=.*=cpu:host#2", f"--plan-out={plan}")
    assert set(devices_of(artifact).values()) == {"cpu:host#2"}
    tenon("compile", "-q", path, "-o", artifact, *TWO, f"--plan-in={plan}")
    assert set(devices_of(artifact).values()) == {"cpu:host#2"}
    assert "all agree" in tenon("verify", path, *TWO, "--pin=.*=cpu:host#2", "--dim=n=5")


@pytest.mark.parametrize("text, problem", [
    ("nodes:\n  absent: cpu:host\n", "TN8048"), ("nodes:\n  sum: gpu\n", "TN8048"), ("nodes: [sum]\n", ":1:1:"),
    ("edges: {}\n", "'edges'"), ("nodes: {sum\n", "TN8053"), ("", "TN8053"), ("\tnodes: 1", "TN8053"),
    ("nodes:\n  sum: [cpu]\n", ":2:3:"),
])
def test_bad_plan_files(model, tmp_path, text, problem):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    artifact = tmp_path / "m.tenon"
    assert problem in tenon("compile", "-q", model, "-o", artifact, *TWO, f"--plan-in={file}", status=1)
    assert not artifact.exists()


@pytest.mark.parametrize("flags, code", [
    (("--pin=first=cpu:host",), "TN8012"), (("--forbid=first=cpu:host",), "TN8012"), (("--plan-out=p.yaml",), "TN8012"),
    (("--max-regions=2",), "TN8012"), ((*TWO, "--fallback=never"), "TN8048"), ((*TWO, "--fallback=allow:"), "TN8048"),
    ((*TWO, "--pin=first"), "TN8048"), ((*TWO, "--pin=(=cpu:host"), "TN8048"), ((*TWO, "--pin=none=cpu:host"), "TN8048"),
    ((*TWO, "--forbid=.*=cpu:host", "--forbid=.*=cpu:host#2"), "TN8048"), (("--target=cpu:host", "--target=gpu:x"), "TN8010"),
    (("--target=gpu:y", "--target=gpu:x"), "TN8010"),
])
def test_flags_that_cannot_be_followed(model, tmp_path, flags, code):
    artifact = tmp_path / "m.tenon"
    text = tenon("compile", "-q", model, "-o", artifact, *flags, status=1)
    assert code in text and "rash" not in text
    assert not artifact.exists()


def test_all_problems_of_targets_at_once(model):
    text = tenon("compile", "-q", model, "--target=gpu:y", "--target=npu:z", status=1)
    assert "gpu:y" in text and "npu:z" in text


@pytest.mark.parametrize("sizes", [("--sizes=batch=4",), ()])
def test_a_plan_is_resumed_with_the_targets_that_it_was_made_for(model, tmp_path, sizes):
    plan, artifact = tmp_path / "plan.mlir", tmp_path / "m.tenon"
    flags = (*TWO, *sizes, "--pin=second=cpu:host#2")
    plan.write_bytes(PROGRAM.run(["compile", model, *flags, "--stop-after=place"]).stdout)
    assert "plan.submit" in plan.read_text()
    tenon("compile", "-q", plan, "-o", artifact, "--start-from=codegen", *TWO)
    resumed = artifact.read_bytes()
    tenon("compile", "-q", plan, "-o", artifact, "--start-from=codegen")
    assert artifact.read_bytes() == resumed
    tenon("compile", "-q", model, "-o", artifact, *flags)
    assert devices_of(artifact)["second"] == "cpu:host#2"
    assert "TN8049" in tenon("compile", "-q", plan, "-o", artifact, "--start-from=codegen", "--target=cpu:host", status=1)
    assert len(resumed) > 0


@pytest.mark.parametrize("sizes", [("--sizes=batch=4",), ()])
def test_the_same_bytes_twice(model, tmp_path, sizes):
    artifacts = []
    for number in range(2):
        artifact = tmp_path / f"{number}.tenon"
        tenon("compile", "-q", model, "-o", artifact, *TWO, *sizes, "--pin=second|first=cpu:host#2")
        artifacts.append(artifact.read_bytes())
    assert artifacts[0] == artifacts[1]


def test_in_python(model):
    import tenon as package

    x = np.random.default_rng(1).standard_normal((4, 16)).astype(np.float32)
    alone = package.compile(model, "cpu:host", sizes={"batch": 4})
    both = package.compile(model, ["cpu:host", "cpu:host"], sizes={"batch": 4}, pins=["second=cpu:host#2"])
    assert len(both.summary["devices"]) == 1
    np.testing.assert_array_equal(alone.session().run({"x": x})["y"], both.session().run({"x": x})["y"])
    with pytest.raises(package.CompileError, match="TN8048"):
        package.compile(model, ["cpu:host", "cpu:host"], sizes={"batch": 4}, pins=["absent=cpu:host#2"])
    plan = model.with_suffix(".yaml")
    package.compile(model, ["cpu:host", "cpu:host"], sizes={"batch": 4}, pins=["second=cpu:host#2"], plan_out=plan)
    again = package.compile(model, ["cpu:host", "cpu:host"], sizes={"batch": 4}, plan_in=plan)
    assert package.explain(again).kernels == package.explain(both).kernels
    assert [name.split(" ")[0] for name, seconds in package.explain(both).predictions if seconds > 0] == [
        "chosen", "greedy", "all", "all"]
    with pytest.raises(ValueError, match="host's chip first"):
        package.compile(model, [])
