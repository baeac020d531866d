# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compile time grows with a model as the model does: 8 times the nodes, operands,
outputs or open sizes take at most 12 times as long, and so do the depths of nested
conditions. Measured in CPU time of a compilation in a process of its own. With --sample,
what takes 10 ms a node grows 4 times only, by the same law: 12^(2/3) times as long.
What other work on the machine costs is measured out by a second try."""

import math
import resource
import subprocess

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from harness import build_under_test, is_sanitized

pytestmark = pytest.mark.skipif(is_sanitized(build_under_test()), reason="sanitizers take their own time")
SMALL, LARGE, MOST = 250, 2000, 12
LEAST = 0.15  # seconds of CPU that a compilation takes anyhow


def tensor(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def chain(n):
    nodes = [helper.make_node("Softmax" if i % 2 else "Relu", [f"t{i}"], [f"t{i + 1}"]) for i in range(n)]
    return nodes, [tensor("t0", [4, "N"])], [tensor(f"t{n}", None)]


def different_kernels(n):
    nodes = [helper.make_node("Concat", [f"t{i}", "x"], [f"t{i + 1}"], axis=0) for i in range(n)]
    return nodes, [tensor("t0", [1, 2]), tensor("x", [1, 2])], [tensor(f"t{n}", None)]


def fan_in(n):
    names = [f"x{i}" for i in range(n)]
    return [helper.make_node("Concat", names, ["y"], axis=1)], [tensor(x, [2, 3]) for x in names], [tensor("y", None)]


def fan_in_of_open_sizes(n):
    names = [f"x{i}" for i in range(n)]
    inputs = [tensor(x, [f"N{i}"]) for i, x in enumerate(names)]
    return [helper.make_node("Concat", names, ["y"], axis=0)], inputs, [tensor("y", None)]


def fan_out(n):
    outputs = [f"y{i}" for i in range(n)]
    node = helper.make_node("Split", ["x"], outputs, axis=1, num_outputs=n)
    return [node], [tensor("x", [2, 2 * n])], [tensor(y, None) for y in outputs]


def fan_out_of_an_open_size(n):
    outputs = [f"y{i}" for i in range(n)]
    node = helper.make_node("Split", ["x"], outputs, axis=1, num_outputs=n)
    return [node], [tensor("x", ["N", "M"])], [tensor(y, None) for y in outputs]


def open_sizes(n):
    nodes = [helper.make_node("Add", ["x0" if i == 1 else f"t{i - 1}", f"x{i}"], [f"t{i}"]) for i in range(1, n)]
    return nodes, [tensor(f"x{i}", [f"N{i}"]) for i in range(n)], [tensor(f"t{n - 1}", None)]


def nested(depth):
    def body(level):
        if level == 0:
            return helper.make_graph([helper.make_node("Relu", ["x"], ["r0"])], "b", [], [tensor("r0", None)])
        other = helper.make_graph([helper.make_node("Neg", ["x"], [f"e{level}"])], "b", [], [tensor(f"e{level}", None)])
        node = helper.make_node("If", ["c"], [f"r{level}"], then_branch=body(level - 1), else_branch=other)
        return helper.make_graph([node], "b", [], [tensor(f"r{level}", None)])

    return list(body(depth).node), [tensor("x", ["N"]), tensor("c", [], TensorProto.BOOL)], [tensor(f"r{depth}", None)]


def seconds(make, n, folder, initializers=()):
    """CPU seconds of one compilation."""
    nodes, inputs, outputs = make(n)
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = folder / f"{n}.onnx"
    onnx.save(model, path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([build_under_test() / "bin/tenon", "compile", path, "-o", folder / "m.tenon"],
                          capture_output=True, text=True, timeout=600)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr[-2000:]
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


SLOW = (different_kernels, fan_out_of_an_open_size, open_sizes)


@pytest.mark.parametrize("make", [chain, different_kernels, fan_in, fan_in_of_open_sizes, fan_out, fan_out_of_an_open_size, open_sizes])
def test_compile_time_is_linear(make, tmp_path, request):
    part = 2 if make in SLOW and request.config.getoption("--sample") else 1
    most = MOST ** (math.log(LARGE // part / SMALL) / math.log(LARGE / SMALL))
    small = large = math.inf
    for _ in range(2):
        small, large = min(small, seconds(make, SMALL, tmp_path)), min(large, seconds(make, LARGE // part, tmp_path))
        if large <= most * max(small, LEAST):
            return
    pytest.fail(f"{SMALL}: {small:.2f} s, {LARGE // part}: {large:.2f} s, expected at most {most:.1f} times as long")


def test_depth_of_conditions(tmp_path):
    small, large = seconds(nested, 4, tmp_path), seconds(nested, 28, tmp_path)
    assert large <= MOST * max(small, LEAST), f"4 deep: {small:.2f} s, 28 deep: {large:.2f} s"


@pytest.mark.parametrize("op", ["ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd", "ReduceL2", "ReduceLogSumExp", "ArgMax"])
def test_a_chain_that_is_unrolled(op, tmp_path):
    """LLVM unrolls a reduction of few elements into a chain, whose analysis must not double with each of them."""

    def reduction(n):
        attributes = {"axis": 1} if op == "ArgMax" else {}
        inputs = ["x"] if op == "ArgMax" else ["x", "axes"]
        node = helper.make_node(op, inputs, ["y"], **attributes)
        return [node], [tensor("x", [1, n, 3, 1])], [tensor("y", None)]

    axes = [numpy_helper.from_array(np.array([0, 1, 2]), "axes")]
    small, large = seconds(reduction, 2, tmp_path, axes), max(seconds(reduction, n, tmp_path, axes) for n in (6, 8, 10))
    assert large <= 2 * max(small, LEAST), f"2 * 3 elements: {small:.2f} s, up to 30: {large:.2f} s"


def test_a_wide_convolution(tmp_path):
    """What is a loop at run time is none for the compiler."""

    def convolution(width):
        node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
        return [node], [tensor("x", [1, 3, 8, width])], [tensor("y", None)]

    weights = [numpy_helper.from_array(np.ones((4, 3, 3, 3), np.float32), "w")]
    small, large = (seconds(convolution, 2**n, tmp_path, weights) for n in (16, 35))
    assert large <= 2 * max(small, LEAST), f"2^16: {small:.2f} s, 2^35: {large:.2f} s"
