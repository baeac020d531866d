# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What ONNX calls an error and only a run can know: indices outside their axis,
axes without elements, k above the size, sequences beyond their cache. Each is a
coded error that names the node and its sizes, whatever the threads; the session
runs again afterwards; and the reference agrees (`tenon verify`)."""

import re

import numpy as np
import onnx
import onnx.reference
import pytest
from onnx import TensorProto, helper, numpy_helper

import python_api  # noqa: F401
import tenon as api

INT64 = np.int64


def model(node, inputs, outputs=1, constants=(), opset=21):
    """One node, called "the node", whose inputs have open dimensions of their own."""
    infos = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), [f"{name}{d}" for d in range(array.ndim)])
        for name, array in inputs.items()
    ]
    operator, attributes = node
    names = [*inputs, *constants]
    domain = attributes.pop("domain", "")
    graph = helper.make_graph(
        [helper.make_node(operator, attributes.pop("order", names), [f"y{i}" for i in range(outputs)], "the node", domain=domain, **attributes)],
        "m", infos, [helper.make_empty_tensor_value_info(f"y{i}") for i in range(outputs)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in dict(constants).items()],
    )
    opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def ramp(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def ids(values, kind=INT64):
    return np.array(values, kind)


def refused(session, feeds, code, *parts):
    with pytest.raises(api.errors.RunError) as caught:
        session.run(feeds)
    assert caught.value.code == code, caught.value
    text = str(caught.value)
    assert "node 'the node'" in text, text
    for part in parts:
        assert part in text, text
    return text


# operator and attributes, inputs that fail, code and what the text says, inputs that are right
CASES = {
    "gather above": (("Gather", {"axis": 0}), {"x": ramp(3, 4), "i": ids([0, 3])}, "TN7013", "index 3 lies outside an axis of 3 elements",
                     {"x": ramp(3, 4), "i": ids([2, -3])}),
    "gather below": (("Gather", {"axis": 1}), {"x": ramp(2, 3, 2), "i": ids([[0, -4]])}, "TN7013", "index -4 lies outside an axis of 3",
                     {"x": ramp(2, 3, 2), "i": ids([[0, -3]])}),
    "gather int32": (("Gather", {"axis": -1}), {"x": ramp(2, 3), "i": ids([7], np.int32)}, "TN7013", "index 7 lies outside an axis of 3",
                     {"x": ramp(2, 3), "i": ids([1], np.int32)}),
    "gather of an empty axis": (("Gather", {"axis": 0}), {"x": ramp(0, 4), "i": ids([0])}, "TN7013", "index 0 lies outside an axis of 0 elements",
                                {"x": ramp(0, 4), "i": ids([])}),
    "gather of rows of nothing": (("Gather", {"axis": 0}), {"x": ramp(3, 0), "i": ids([5])}, "TN7013", "index 5 lies outside an axis of 3",
                                  {"x": ramp(3, 0), "i": ids([2])}),
    "gather from no rows": (("Gather", {"axis": 1}), {"x": ramp(0, 3), "i": ids([5])}, "TN7013", "index 5 lies outside an axis of 3",
                            {"x": ramp(0, 3), "i": ids([2])}),
    "gather far": (("Gather", {"axis": 0}), {"x": ramp(3, 4), "i": ids([-(2**63), 2**63 - 1])}, "TN7013", f"index {-(2**63)} lies outside",
                   {"x": ramp(3, 4), "i": ids([-1])}),
    "elements above": (("GatherElements", {"axis": 1}), {"x": ramp(2, 3), "i": ids([[0, 1], [2, 3]])}, "TN7013", "index 3 lies outside an axis of 3",
                       {"x": ramp(2, 3), "i": ids([[0, 1], [2, -3]])}),
    "elements of an empty axis": (("GatherElements", {"axis": 0}), {"x": ramp(0, 3), "i": ids([[1, 2, 3]])}, "TN7013", "index 1 lies outside an axis of 0",
                                  {"x": ramp(0, 3), "i": ids(np.zeros((0, 3)))}),
    "nd above": (("GatherND", {}), {"x": ramp(2, 3, 5)}, "TN7013", "index 3 lies outside an axis of 3", {"x": ramp(2, 4, 5)}, {"i": ids([[1, 2], [1, 3]])}),
    "nd below": (("GatherND", {"batch_dims": 1}), {"x": ramp(2, 3, 5)}, "TN7013", "index -4 lies outside an axis of 3", {"x": ramp(2, 4, 5)},
                 {"i": ids([[-4], [0]])}),
    "nd single elements": (("GatherND", {}), {"x": ramp(2, 3)}, "TN7013", "index 3 lies outside an axis of 3", {"x": ramp(2, 4)}, {"i": ids([[1, 2], [1, 3]])}),
    "nd of an empty axis": (("GatherND", {}), {"x": ramp(2, 0)}, "TN7013", "index 1 lies outside an axis of 0", {"x": ramp(2, 2)}, {"i": ids([[1, 1], [1, 0]])}),
    "nd of slices of nothing": (("GatherND", {}), {"x": ramp(2, 0)}, "TN7013", "index 2 lies outside an axis of 2", {"x": ramp(3, 0)}, {"i": ids([[0], [2]])}),
    "nd slices of an empty axis": (("GatherND", {}), {"x": ramp(0, 3)}, "TN7013", "index 0 lies outside an axis of 0", {"x": ramp(3, 3)}, {"i": ids([[0], [2]])}),
    "scatter above": (("ScatterElements", {"axis": 0}), {"x": ramp(3, 2), "i": ids([[0, 3]]), "u": ramp(1, 2)}, "TN7013", "index 3 lies outside an axis of 3",
                      {"x": ramp(3, 2), "i": ids([[0, 2]]), "u": ramp(1, 2)}),
    "scatter into an empty axis": (("ScatterElements", {"axis": 0, "reduction": "add"}), {"x": ramp(0, 2), "i": ids([[0, 0]]), "u": ramp(1, 2)}, "TN7013",
                                   "index 0 lies outside an axis of 0", {"x": ramp(1, 2), "i": ids([[0, 0]]), "u": ramp(1, 2)}),
    "scatter nd": (("ScatterND", {"reduction": "max"}), {"x": ramp(4, 3), "u": ramp(2, 3)}, "TN7013", "index -5 lies outside an axis of 4",
                   {"x": ramp(5, 3), "u": ramp(2, 3)}, {"i": ids([[3], [-5]])}),
    "scatter nd slices of nothing": (("ScatterND", {}), {"x": ramp(3, 0), "u": ramp(1, 0)}, "TN7013", "index 3 lies outside an axis of 3",
                                     {"x": ramp(4, 0), "u": ramp(1, 0)}, {"i": ids([[3]])}),
    "scatter nd into nothing": (("ScatterND", {}), {"x": ramp(0, 3), "u": ramp(1, 3)}, "TN7013", "index 0 lies outside an axis of 0",
                                {"x": ramp(1, 3), "u": ramp(1, 3)}, {"i": ids([[0]])}),
    "argmax": (("ArgMax", {"axis": 1}), {"x": ramp(3, 0)}, "TN7014", "axis 1 has 0 elements", {"x": ramp(0, 0)}),
    "argmin": (("ArgMin", {"axis": 0, "keepdims": 0}), {"x": ramp(0, 2)}, "TN7014", "axis 0 has 0 elements", {"x": ramp(1, 2)}),
    **{f"pad {mode}": (("Pad", {"mode": mode}), {"x": ramp(0, 3)}, "TN7014", "axis 0", {"x": ramp(1, 3)}, {"pads": ids(pads)})
       for mode, pads in (("edge", [1, 0, 0, 0]), ("reflect", [0, 0, 2, 0]), ("wrap", [1, 0, 1, 1]))},
    "top k": (("TopK", {"axis": 0}), {"x": ramp(3, 2)}, "TN7015", "k is 5, but axis 0 has 3 elements", {"x": ramp(5, 2)}, {"k": ids([5])}),
    "top k of nothing": (("TopK", {"axis": 1}), {"x": ramp(0, 2)}, "TN7015", "k is 5, but axis 1 has 2 elements", {"x": ramp(0, 5)}, {"k": ids([5])}),
}


def case(name):
    node, wrong, code, text, right, *constants = CASES[name]
    operator, attributes = node
    outputs = 2 if operator == "TopK" else 1
    constants = constants[0] if constants else {}
    attributes = dict(attributes)
    if operator == "ScatterND":
        attributes["order"] = ["x", "i", "u"]
    return model((operator, attributes), wrong, outputs, constants), wrong, code, text, right


@pytest.mark.parametrize("name", CASES)
def test_errors(name):
    onnx_model, wrong, code, text, right = case(name)
    compiled = api.compile(onnx_model.SerializeToString())
    messages = set()
    for threads in (1, 2):
        session = compiled.session(threads=threads)
        messages.add(refused(session, wrong, code, text))
        found = session.run(right)
        if not name.startswith("argmax"):  # of which NumPy refuses what has no results
            for y, expected in zip(found.values(), onnx.reference.ReferenceEvaluator(onnx_model).run(None, right)):
                assert np.array_equal(y, expected), (found, expected)
        messages.add(refused(session, wrong, code, text))
    (message,) = messages
    # The sizes for which it failed are in the message, too: of all dimensions that the artifact leaves open.
    for tensor in compiled.inputs:
        for name, size in zip(tensor.shape, wrong[tensor.name].shape):
            assert isinstance(name, int) or f"{name} = {size}" in message, message


@pytest.mark.parametrize("name", ["gather above", "gather of an empty axis", "elements of an empty axis", "nd of slices of nothing",
                                  "scatter nd into nothing", "argmax", "pad edge", "top k"])
def test_the_reference_agrees(tenon, tmp_path, name):
    onnx_model, wrong, code, _, right = case(name)
    onnx.save(onnx_model, tmp_path / "m.onnx")

    def verify(feeds):
        flags = []
        for key, array in feeds.items():
            np.save(tmp_path / f"{key}.npy", array)
            flags += ["--input", f"{key}=@{tmp_path / key}.npy"]
        return tenon("verify", tmp_path / "m.onnx", *flags)

    done = verify(wrong)
    assert done.returncode == 1 and f"[{code}]" in done.stderr and "the reference refuses these inputs as well" in done.stderr, done.stderr
    done = verify(right)
    assert done.returncode == 0, done.stderr + done.stdout


def test_a_wrong_refusal_is_found(tenon, tmp_path):
    """A check that fails where the reference does not is a fault of the compiled code."""
    plans = {}
    for k in (5, 9):
        onnx.save(model(("TopK", {"axis": 0}), {"x": ramp(3, 2)}, 2, {"k": ids([k])}), tmp_path / f"{k}.onnx")
        plans[k] = tenon("compile", tmp_path / f"{k}.onnx", "--stop-after=place").stdout
    ours, other = (re.search('onnx.hash = "(.*?)"', plans[k]).group(1) for k in (5, 9))
    # The code for 9 stands for code that takes 5 for 9.
    (tmp_path / "wrong.mlir").write_text(plans[9].replace(other, ours))
    done = tenon("compile", tmp_path / "wrong.mlir", "--start-from=codegen", "-q", "-o", tmp_path / "wrong.tenon")
    assert done.returncode == 0, done.stderr
    done = tenon("verify", tmp_path / "5.onnx", "--artifact", tmp_path / "wrong.tenon", "--dim", "x0=6", "--dim", "x1=2")
    assert done.returncode == 4 and "[TN7015]" in done.stderr and "[TN3126]" in done.stderr, done.stderr


@pytest.mark.parametrize("operator", ["Gather", "GatherElements", "GatherND", "ScatterElements"])
def test_the_first_of_many_is_reported(operator):
    """Indices that fail in the work of every thread: the message is the same each time."""
    rng = np.random.default_rng(0)
    count, columns = 60_000, 4
    positions = ids(rng.permutation(count)[:count // 3])
    x, i = ramp(100, columns), ids(rng.integers(0, 100, count))
    i[positions] = 100 + positions
    i[: positions[0] % 1000 + 1] = 0
    feeds, attributes = {"x": x, "i": i}, {"axis": 0}
    if operator == "GatherND":
        feeds["i"], attributes = i[:, None], {}
    elif operator != "Gather":
        feeds["i"] = np.repeat(i[:, None], columns, axis=1)
    if operator == "ScatterElements":
        feeds["u"] = np.zeros_like(feeds["i"], np.float32)
    onnx_model = model((operator, attributes), feeds)
    if operator == "GatherND":
        onnx_model.graph.input[1].type.tensor_type.shape.dim[1].dim_value = 1
    compiled = api.compile(onnx_model.SerializeToString())
    wrong = next(int(v) for v in i if v >= 100)
    for threads in (1, 2, 4):
        session = compiled.session(threads=threads)
        for _ in range(5):
            refused(session, feeds, "TN7013", f"index {wrong} lies outside an axis of 100")


def branches():
    """If(flag) gather at an index, else the largest position: each fails alone."""
    def branch(node, name):
        return helper.make_graph([node], name, [], [helper.make_tensor_value_info(node.output[0], TensorProto.INT64, None)])

    gather = helper.make_node("Gather", ["x", "i"], ["a"], "taken", axis=0)
    largest = helper.make_node("ArgMax", ["x"], ["b"], "other", axis=0, keepdims=1)
    graph = helper.make_graph(
        [helper.make_node("If", ["flag"], ["y"], "choose", then_branch=branch(gather, "then"), else_branch=branch(largest, "else"))], "m",
        [helper.make_tensor_value_info("flag", TensorProto.BOOL, []), helper.make_tensor_value_info("x", TensorProto.INT64, ["n"]),
         helper.make_tensor_value_info("i", TensorProto.INT64, [1])],
        [helper.make_tensor_value_info("y", TensorProto.INT64, [1])])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_branches_fail_only_when_they_are_taken():
    session = api.compile(branches().SerializeToString()).session()
    run = lambda flag, n, i: session.run({"flag": np.array(flag), "x": np.arange(n) * 10, "i": ids([i])})["y"].tolist()  # noqa: E731
    assert run(True, 3, 2) == [20]
    with pytest.raises(api.errors.RunError, match="TN7013.*node 'taken': index 3 lies outside an axis of 3 elements where n = 3"):
        run(True, 3, 3)
    assert run(False, 3, 3) == [2]  # the index is not looked at
    with pytest.raises(api.errors.RunError, match="TN7014.*node 'other'"):
        run(False, 0, 0)
    with pytest.raises(api.errors.RunError, match="TN7013.*node 'taken'"):
        run(True, 0, 0)
    assert run(False, 3, 0) == [2]


def choice(then, otherwise, used=1):
    """If(flag) of two graphs over x of n and y of m elements, whose last nodes' outputs
    are the branches'; the first `used` are the model's."""
    def branch(nodes, name):
        return helper.make_graph(nodes, name, [], [helper.make_empty_tensor_value_info(o) for o in nodes[-1].output])

    outputs = [f"o{i}" for i in range(len(then[-1].output))]
    graph = helper.make_graph(
        [helper.make_node("If", ["flag"], outputs, "choose", then_branch=branch(then, "then"), else_branch=branch(otherwise, "else"))], "m",
        [helper.make_tensor_value_info("flag", TensorProto.BOOL, []), helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n"]),
         helper.make_tensor_value_info("y", TensorProto.FLOAT, ["m"])],
        [helper.make_empty_tensor_value_info(o) for o in outputs[:used]])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)


# What needs n == m: a reshape to m elements that is gone once they are one size, in
# a branch that is empty then, beside a result that nothing uses, and in the plain.
RESHAPED = [helper.make_node("Shape", ["y"], ["s"]), helper.make_node("Reshape", ["x", "s"], ["r"], "fits")]
NEEDS_EQUAL = {
    "plain": ([*RESHAPED, helper.make_node("Relu", ["r"], ["t0"])], [helper.make_node("Abs", ["y"], ["e0"])]),
    "empty branches": ([RESHAPED[0], helper.make_node("Reshape", ["x", "s"], ["t0"], "fits")], [helper.make_node("Identity", ["y"], ["e0"])]),
    "an unused result": ([*RESHAPED, helper.make_node("Split", ["r"], ["t0", "t1"], num_outputs=2)],
                         [helper.make_node("Split", ["y"], ["e0", "e1"], num_outputs=2)]),
}


@pytest.mark.parametrize("name", NEEDS_EQUAL)
def test_a_branch_checks_what_it_assumes_when_it_is_taken(name):
    session = api.compile(choice(*NEEDS_EQUAL[name]).SerializeToString()).session()
    run = lambda flag, n, m: session.run({"flag": np.array(flag), "x": ramp(n) + 1, "y": ramp(m) + 10})["o0"]  # noqa: E731
    rows = 2 if name == "an unused result" else 4
    assert np.array_equal(run(True, 4, 4), ramp(4)[:rows] + 1)
    assert np.array_equal(run(False, 2, 4), ramp(4)[:rows] + 10)
    with pytest.raises(api.errors.RunError, match="TN7010.*node 'fits'.*sizes 2 and 5000 must be equal"):
        run(True, 2, 5000)


@pytest.mark.parametrize("sound", [True, False])
def test_a_branch_that_no_size_fits_fails_when_it_is_taken(sound):
    """The other branch runs: its sizes are legal, whatever this one would need."""
    fixed = helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(ramp(3, 4)))
    broken = [fixed, helper.make_node("MatMul", ["w", "w"], ["p"], "never"), helper.make_node("Neg", ["p"], ["b0"])]
    right = [helper.make_node("Abs", ["y"], ["a0"])]
    session = api.compile(choice(*((right, broken) if sound else (broken, right))).SerializeToString()).session()
    run = lambda flag, m: session.run({"flag": np.array(flag), "x": ramp(2), "y": -ramp(m)})["o0"]  # noqa: E731
    for m in (0, 1, 7):
        assert np.array_equal(run(sound, m), ramp(m))
        with pytest.raises(api.errors.RunError, match="TN7010.*node 'never'.*cannot run at these sizes: matmul contracts a dimension of 4 with one of 3"):
            run(not sound, m)
    assert np.array_equal(run(sound, 5), ramp(5))


def test_kernels_of_equal_code_name_their_own_nodes():
    nodes = [helper.make_node("Gather", ["x", f"i{k}"], [f"y{k}"], f"gather {k}", axis=0) for k in range(3)]
    graph = helper.make_graph(nodes, "m", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 3])] +
                              [helper.make_tensor_value_info(f"i{k}", TensorProto.INT64, [2]) for k in range(3)],
                              [helper.make_tensor_value_info(f"y{k}", TensorProto.FLOAT, [2, 3]) for k in range(3)])
    onnx_model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    session = api.compile(onnx_model.SerializeToString()).session()
    for k in range(3):
        feeds = {"x": ramp(4, 3), **{f"i{j}": ids([0, 4 if j >= k else 3]) for j in range(3)}}
        with pytest.raises(api.errors.RunError, match=f"node 'gather {k}': index 4 lies outside an axis of 4 elements$"):
            session.run(feeds)


def test_sequences_beyond_the_cache():
    rng = np.random.default_rng(1)
    real = lambda *shape: rng.standard_normal(shape, np.float32)  # noqa: E731
    feeds = {"q": real(2, 1, 32), "k": real(2, 1, 16), "v": real(2, 1, 16), "pk": real(2, 2, 6, 8), "pv": real(2, 2, 6, 8), "lengths": ids([6, 6], np.int32)}
    onnx_model = model(("GroupQueryAttention", {"num_heads": 4, "kv_num_heads": 2, "domain": "com.microsoft"}), feeds, 3, {"total": ids(7, np.int32)})
    fixed = {"q": [2, 1, 32], "k": [2, 1, 16], "v": [2, 1, 16], "pk": [2, 2, "past", 8], "pv": [2, 2, "past", 8], "lengths": [2]}
    for info in onnx_model.graph.input:
        for dim, size in zip(info.type.tensor_type.shape.dim, fixed[info.name]):
            dim.ParseFromString(onnx.TensorShapeProto.Dimension(**({"dim_param": size} if isinstance(size, str) else {"dim_value": size})).SerializeToString())
    session = api.compile(onnx_model.SerializeToString()).session()
    expected = session.run(feeds)
    refused(session, {**feeds, "lengths": ids([6, 7], np.int32)}, "TN7016", "seqlens_k is 7, beyond the 7 tokens of past and new keys", "past = 6")
    assert all(np.array_equal(a, expected[name]) for name, a in session.run(feeds).items())


def test_a_grid_of_no_numbers_is_no_error():
    x, grid = ramp(1, 1, 3, 3), np.zeros((1, 1, 2, 2), np.float32)
    onnx_model = model(("GridSample", {"mode": "nearest", "padding_mode": "zeros"}), {"x": x, "g": grid}, opset=16)
    for info, shape in zip(onnx_model.graph.input, ([1, 1, 3, 3], [1, 1, 2, 2])):
        for dim, size in zip(info.type.tensor_type.shape.dim, shape):
            dim.ParseFromString(onnx.TensorShapeProto.Dimension(dim_value=size).SerializeToString())
    session = api.compile(onnx_model.SerializeToString()).session()
    grid[0, 0, 1] = np.nan, np.inf
    assert session.run({"x": x, "g": grid})["y0"].ravel().tolist() == [4, 0]
