# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Devices in the branches of an If: which ops they get, what is copied when, and what a run
that takes the one or the other branch gives."""

import json
import random
import re
import subprocess

import numpy as np
import pytest
from driver_models import OK, UNSUPPORTED, USER_ERROR, refused, save, value
from harness import GuardedSession, build_under_test, use_package
from onnx import TensorProto, helper, numpy_helper

assert use_package(build_under_test()) is None
import tenon as package  # noqa: E402

LIBRARIES = build_under_test() / "lib"
TOY_PLUGIN = f"--load-target-plugin={LIBRARIES}/ToyTarget.so"
BOOL = TensorProto.BOOL


def graph_of(nodes, outputs):
    """A branch."""
    return helper.make_graph(nodes, "branch", [], [value(name, None) for name in outputs])


def branch_if(condition, outputs, name, then, otherwise):
    """An If whose branches are lists of nodes; each makes the outputs, under the If's names and a suffix."""
    return helper.make_node("If", [condition], outputs, name, then_branch=graph_of(then, [o + "_t" for o in outputs]),
                            else_branch=graph_of(otherwise, [o + "_e" for o in outputs]))


def weight(name, *shape, seed=0):
    rng = np.random.default_rng(seed)
    return numpy_helper.from_array(rng.standard_normal(shape).astype(np.float32) / 4, name)


def nested(path, batch=4):
    """a = relu(x w), on which an If works; its first branch has another If in it, and both read x.

    z = c ? exp((d ? a w2 : a + x) w2) : tanh(a) * x;  y = z + a
    """
    inner = branch_if("d", ["i"], "inner", [helper.make_node("MatMul", ["a", "w2"], ["i_t"], "product")],
                      [helper.make_node("Add", ["a", "x"], ["i_e"], "sum")])
    outer = branch_if(
        "c", ["z"], "outer",
        [inner, helper.make_node("MatMul", ["i", "w2"], ["j"], "behind"), helper.make_node("Exp", ["j"], ["z_t"], "exp")],
        [helper.make_node("Tanh", ["a"], ["k"], "tanh"), helper.make_node("Mul", ["k", "x"], ["z_e"], "mul")])
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], "first"), helper.make_node("Relu", ["m"], ["a"], "relu"),
        outer, helper.make_node("Add", ["z", "a"], ["y"], "last"),
    ]
    return save(path, nodes, [value("x", [batch, 16]), value("c", [], BOOL), value("d", [], BOOL)],
                [value("y", [batch, 16])], [weight("w", 16, 16), weight("w2", 16, 16, seed=1)])


NODES = ("first", "relu", "product", "sum", "behind", "exp", "tanh", "mul", "last")


def feeds_of(batch, c, d, seed=3):
    rng = np.random.default_rng(seed)
    return {"x": rng.standard_normal((batch, 16)).astype(np.float32), "c": np.array(c), "d": np.array(d)}


@pytest.fixture(scope="module")
def isolated(tmp_path_factory):
    """Flags for this machine's processor, and the same once more over a link of its own."""
    return ["--target=cpu:host", *remote(tmp_path_factory.mktemp("chips"), "remote", 1000)]


def remote(folder, name, latency):
    """Flags for a processor like this machine's, but with memory of its own that is so many ns away."""
    text = subprocess.run([build_under_test() / "bin" / "tenon", "targets", "cpu:host", "--emit"], capture_output=True,
                          text=True, check=True).stdout
    text = re.sub(r"^name: .*$", f"name: {name}", text, flags=re.MULTILINE)
    chip = folder / f"{name}.yaml"
    chip.write_text(text + f"links: [{{from: host, to: dram, mb_per_s: 20000, latency_ns: {latency}}}]\n")
    return [f"--target=cpu:{name}", f"--target-file={chip}"]


@pytest.fixture
def compiled(tenon, tmp_path):
    def compile(model, name, *flags):
        path = tmp_path / f"{name}.tenon"
        done = tenon("compile", model, "-o", path, "-q", "--keep-plan", *flags)
        assert done.returncode == OK, done.stderr
        return path

    return compile


def ledger_of(tenon, artifact):
    return json.loads(tenon("explain", artifact, "--json").stdout)


def devices_of(tenon, artifact):
    """{ONNX node: device}"""
    return {node: kernel["device"] for kernel in ledger_of(tenon, artifact)["kernels"] for node in kernel["nodes"]}


def pins(device, nodes):
    return [f"--pin={'|'.join(nodes)}={device}"] if nodes else []


@pytest.mark.parametrize("batch", [4, "n"])
def test_all_branches_on_an_isolated_processor(tenon, tmp_path, compiled, isolated, batch):
    """Bit for bit what the host computes: both have the same code. Sizes are known, or open."""
    model = nested(tmp_path / "model.onnx", batch)
    alone = package.load(compiled(model, "alone", *pins("cpu:host", NODES), *isolated))
    there = compiled(model, "there", *isolated, *pins("cpu:remote", NODES))
    assert {device for node, device in devices_of(tenon, there).items() if node in NODES} == {"cpu:remote"}
    expected = alone.session()
    for session in (package.load(there).session(), GuardedSession(package.load(there))):
        for size in (4,) if batch == 4 else (4, 1, 0, 67, 4):
            for c in (True, False, True):
                for d in (False, True):
                    feeds = feeds_of(size, c, d)
                    np.testing.assert_array_equal(session.run(feeds)["y"], expected.run(feeds)["y"])


def test_random_divisions(tenon, tmp_path, compiled, isolated):
    rng = np.random.default_rng(5)
    model = nested(tmp_path / "model.onnx", "n")
    expected = package.load(compiled(model, "alone")).session()
    for number in range(8):
        here = [node for node in NODES if rng.random() < 0.5]
        flags = [*isolated, *pins("cpu:host", here), *pins("cpu:remote", [node for node in NODES if node not in here])]
        artifact = compiled(model, f"m{number}", *flags, *(["--red-zones"] if number % 2 else []))
        found = devices_of(tenon, artifact)
        # An elementwise op may be in the kernel of the one before it.
        assert {node for node in NODES if found[node] == "cpu:remote"} == set(NODES) - set(here)
        loaded = package.load(artifact)
        for session in (loaded.session(2), GuardedSession(loaded)):
            for size, c, d in ((3, True, True), (3, True, False), (3, False, False), (0, True, True), (65, True, False)):
                feeds = feeds_of(size, c, d)
                np.testing.assert_allclose(session.run(feeds)["y"], expected.run(feeds)["y"], rtol=1e-5, atol=1e-5)


def test_what_is_copied_where(tenon, tmp_path, compiled, isolated):
    """x, which the inner and the other branch read on the device, but not all runs do, is copied in both branches."""
    model = nested(tmp_path / "model.onnx")
    artifact = compiled(model, "m", *isolated, *pins("cpu:remote", NODES))
    copied = [(entry["from"], entry["to"]) for entry in ledger_of(tenon, artifact)["transfers"]]
    # In: x for the first product, which serves all; out: what each branch yields.
    assert copied.count(("host", "cpu:remote")) == 3  # x, the inner result, the outer result
    only = compiled(model, "only", *isolated, *pins("cpu:remote", ["sum"]), *pins("cpu:host", [n for n in NODES if n != "sum"]))
    plan = tenon("inspect", only, "--plan").stdout
    body = plan[:plan.index("module @cpu_0")]
    assert body.index("scf.if") < body.index("plan.transfer"), "what one branch of a branch reads is copied in it"


def test_both_branches_of_the_toy(tenon, tmp_path, compiled):
    model = nested(tmp_path / "model.onnx")
    two = [TOY_PLUGIN, "--target=cpu:host", "--target=toy"]
    there = compiled(model, "there", *two, *pins("toy", ["first", "relu", "product", "sum", "behind"]))
    found = devices_of(tenon, there)
    assert {found[node] for node in ("product", "sum", "behind")} == {"toy"} and found["tanh"] == "host"
    package.load_driver(LIBRARIES / "ToyDriver.so")
    expected, session = package.load(compiled(model, "alone")).session(), package.load(there).session()
    for c in (True, False):
        for d in (True, False):
            feeds = feeds_of(4, c, d)
            np.testing.assert_allclose(session.run(feeds)["y"], expected.run(feeds)["y"], rtol=1e-5, atol=1e-5)
    # Why a node in a branch is not on the device is told like that of others.
    shown = tenon("explain", there, "--nodes").stdout
    assert re.search(r"tanh.*?\[?TN4225", shown, re.DOTALL), shown


def test_plan_files(tenon, tmp_path, compiled, isolated):
    model, first, second = nested(tmp_path / "model.onnx"), tmp_path / "a.yaml", tmp_path / "b.yaml"
    compiled(model, "a", *isolated, *pins("cpu:remote", ["product", "behind", "mul"]), f"--plan-out={first}")
    again = compiled(model, "b", *isolated, f"--plan-in={first}", f"--plan-out={second}")
    assert first.read_text() == second.read_text()
    found = devices_of(tenon, again)
    assert {found[node] for node in ("product", "behind", "mul")} == {"cpu:remote"}
    assert "all agree" in tenon("verify", model, *isolated, *pins("cpu:remote", ["product", "behind", "mul"])).stdout


def test_no_fallback_in_branches(tenon, tmp_path):
    model = nested(tmp_path / "model.onnx")
    flags = (model, "-o", tmp_path / "m.tenon", "-q", TOY_PLUGIN, "--target=cpu:host", "--target=toy")
    refused(tenon("compile", *flags, "--fallback=error"), UNSUPPORTED, "[TN4227]", "unary tanh", "unary exp", "binary mul")
    assert tenon("compile", *flags, "--fallback=allow:Tanh;Exp;Mul;Add;Relu;MatMul").returncode == OK
    refused(tenon("compile", *flags, "--pin=tanh=toy"), USER_ERROR, "[TN8048]", "[TN4225]")


def sized(path):
    """z = c ? (x + y)[i] : x[i], whose sizes need only fit where the branch is taken."""
    outer = branch_if(
        "c", ["z"], "choice",
        [helper.make_node("Add", ["x", "y"], ["s"], "sum"), helper.make_node("Gather", ["s", "i"], ["z_t"], "pick")],
        [helper.make_node("Gather", ["x", "i"], ["z_e"], "other")])
    return save(path, [outer], [value("x", ["n"]), value("y", ["m"]), value("i", ["k"], TensorProto.INT64), value("c", [], BOOL)],
                [value("z", ["k"])])


def test_what_fails_in_a_branch(tmp_path, compiled, isolated):
    """Sizes are checked when the branch is taken; an index that the device finds wrong ends the run, not the session."""
    artifact = compiled(sized(tmp_path / "model.onnx"), "m", *isolated, "--pin=sum|pick|other=cpu:remote")
    session = package.load(artifact).session(2)

    def run(n, m, c, *indices):
        feeds = {"x": np.arange(n, dtype=np.float32), "y": np.ones(m, np.float32), "i": np.array(indices, np.int64),
                 "c": np.array(c)}
        return session.run(feeds)["z"].tolist()

    for _ in range(2):
        assert run(3, 3, True, 2, 0) == [3, 1]
        with pytest.raises(package.TenonError, match="sum.*3.*4"):
            run(3, 4, True, 0)
        assert run(3, 4, False, 2) == [2]
        with pytest.raises(package.TenonError, match="pick.*5"):
            run(5, 5, True, 5)
        with pytest.raises(package.TenonError, match="other.*7"):
            run(5, 5, False, 7)
        assert run(5, 1, True, 4) == [5]
        assert run(1, 2, False) == []


def test_many_branches(tenon, tmp_path, compiled, isolated):
    """More launches than one function of the host program takes, and commands whose numbers depend on the branches."""
    nodes, last = [], "x"
    for i in range(40):
        nodes += [helper.make_node("MatMul", [last, "w"], [f"m{i}"], f"product{i}"),
                  branch_if(f"c{i % 3}", [f"z{i}"], f"if{i}", [helper.make_node("MatMul", [f"m{i}", "w"], [f"z{i}_t"], f"then{i}")],
                            [helper.make_node("Tanh", [f"m{i}"], [f"z{i}_e"], f"else{i}")])]
        last = f"z{i}"
    model = save(tmp_path / "model.onnx", nodes, [value("x", [4, 16]), *(value(f"c{i}", [], BOOL) for i in range(3))],
                 [value(last, [4, 16])], [weight("w", 16, 16)])
    alone = package.load(compiled(model, "alone")).session()
    artifact = compiled(model, "there", *isolated, "--pin=(then|product).*[02468]=cpu:remote", "--pin=then.*[13579]=cpu:remote")
    loaded = package.load(artifact)
    rng = np.random.default_rng(7)
    for session in (loaded.session(2), GuardedSession(loaded)):
        for bits in range(8):
            feeds = {"x": rng.standard_normal((4, 16)).astype(np.float32), **{f"c{i}": np.array(bool(bits >> i & 1)) for i in range(3)}}
            np.testing.assert_allclose(session.run(feeds)[last], alone.run(feeds)[last], rtol=1e-4, atol=1e-5)


class RandomModel:
    """Ops that read what was made before, also around the branches that they are in; Ifs three deep."""

    def __init__(self, seed):
        self.random, self.count, self.seen, self.constants = random.Random(seed), 0, set(), []
        self.names = []  # of nodes that compute
        nodes, values = self.block(["x"], 4 + seed % 6, 0, "")
        self.nodes, self.output = nodes, values[-1]

    def block(self, values, length, depth, last):
        """So many nodes, and all values that there are behind them; the last one is called `last`, if that is a name."""
        nodes, values = [], list(values)
        for i in range(length):
            self.count += 1
            name, result = f"n{self.count}", last if last and i == length - 1 else f"v{self.count}"
            if depth < 3 and self.random.random() < 0.35:
                then, otherwise = (self.block(values, self.random.randint(1, 4), depth + 1, result + suffix)[0] for suffix in ("_t", "_e"))
                nodes.append(branch_if(f"c{self.random.randrange(3)}", [result], name, then, otherwise))
            else:
                nodes.append(self.node(values, result, name))
                self.names.append(name)
            values.append(result)
        return nodes, values

    def node(self, values, result, name):
        """None is like another one, of which one would be made that has both names."""
        kind = self.random.choice(("Add", "Mul", "Tanh", "Sigmoid", "MatMul"))
        reads = sorted(self.random.choice(values[-6:]) for _ in range(2 if kind in ("Add", "Mul") else 1))
        if (kind, *reads) in self.seen:
            self.constants.append(numpy_helper.from_array(np.array(self.count / 64, np.float32), f"k{self.count}"))
            return helper.make_node("Sub", [reads[0], f"k{self.count}"], [result], name)
        self.seen.add((kind, *reads))
        return helper.make_node(kind, reads + ["w"] * (kind == "MatMul"), [result], name)

    def save(self, path):
        return save(path, self.nodes, [value("x", ["n", 16]), *(value(f"c{i}", [], BOOL) for i in range(3))],
                    [value(self.output, ["n", 16])], [weight("w", 16, 16), *self.constants])


@pytest.mark.parametrize("seed", [0, *range(2, 9)])  # of 1 two nodes become one, which cannot be on two devices
def test_random_models_on_three_devices(tenon, tmp_path, compiled, isolated, seed):
    """Copies take long on one link and not on the other, so that the queues run apart."""
    made, rng = RandomModel(seed), random.Random(seed)
    model = made.save(tmp_path / "model.onnx")
    flags = [*isolated, *remote(tmp_path, "far", 200_000)]
    undivided = compiled(model, "alone")
    there = {name: rng.choice(("cpu:host", "cpu:remote", "cpu:far"))  # what nobody reads is gone
             for name in sorted(devices_of(tenon, undivided)) if name in made.names}
    for device in sorted(set(there.values())):
        flags += pins(device, [name for name in there if there[name] == device])
    loaded = package.load(compiled(model, "there", *flags, *(["--red-zones"] if seed % 3 == 0 else [])))
    alone = package.load(undivided).session()
    values = np.random.default_rng(seed)
    for session in (loaded.session(2), GuardedSession(loaded)):
        for bits in range(8):
            feeds = {"x": values.standard_normal((5 + bits, 16)).astype(np.float32), **{f"c{i}": np.array(bool(bits >> i & 1)) for i in range(3)}}
            np.testing.assert_allclose(session.run(feeds)[made.output], alone.run(feeds)[made.output], rtol=1e-4, atol=1e-5)


def test_a_condition_that_a_device_computes(tenon, tmp_path, compiled, isolated):
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"], "product"), helper.make_node("ReduceMax", ["m"], ["r"], "max", keepdims=0),
        helper.make_node("Greater", ["r", "zero"], ["c"], "greater"),
        branch_if("c", ["y"], "choice", [helper.make_node("Tanh", ["m"], ["y_t"], "tanh")], [helper.make_node("Neg", ["m"], ["y_e"], "neg")]),
    ]
    zero = numpy_helper.from_array(np.array(0, np.float32), "zero")
    model = save(tmp_path / "model.onnx", nodes, [value("x", [4, 16])], [value("y", [4, 16])], [weight("w", 16, 16), zero])
    names = ["product", "max", "greater", "tanh", "neg"]
    there = compiled(model, "there", *isolated, *pins("cpu:remote", names))
    assert {devices_of(tenon, there)[name] for name in names} == {"cpu:remote"}
    alone, session = package.load(compiled(model, "alone")).session(), package.load(there).session()
    for factor in (1, 0, -1):
        feeds = {"x": np.full((4, 16), factor, np.float32)}
        np.testing.assert_allclose(session.run(feeds)["y"], alone.run(feeds)["y"], rtol=1e-5, atol=1e-5)


def test_a_plan_with_branches_is_resumed(tenon, tmp_path, compiled, isolated):
    model, plan = nested(tmp_path / "model.onnx", "n"), tmp_path / "plan.mlir"
    flags = [*isolated, *pins("cpu:remote", ["first", "product", "mul"])]
    plan.write_text(tenon("compile", model, *flags, "--stop-after=place").stdout)
    resumed = package.load(compiled(plan, "resumed", "--start-from=codegen", *isolated)).session()
    session = package.load(compiled(model, "there", *flags)).session()
    for c in (True, False):
        feeds = feeds_of(7, c, c)
        np.testing.assert_array_equal(session.run(feeds)["y"], resumed.run(feeds)["y"])
