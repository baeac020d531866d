# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the tests of the `tenon` command share: exit statuses, small models, and what a
refusal is."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OK, USER_ERROR, UNSUPPORTED, RESOURCE, MISMATCH, INTERNAL = 0, 1, 2, 3, 4, 70


def save(path, nodes, inputs, outputs, initializers=(), opset=17):
    graph = helper.make_graph(nodes, "g", inputs, outputs, list(initializers))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8), path)
    return path


def value(name, shape, dtype=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, dtype, shape)


def each_fate(path):
    """One node of each fate: kernels, a view, an evaluated constant, shape arithmetic, nothing."""
    weight = numpy_helper.from_array(np.arange(12, dtype=np.float32).reshape(4, 3), "w")
    nodes = [
        helper.make_node("Transpose", ["w"], ["wt"], "evaluated", perm=[1, 0]),
        helper.make_node("MatMul", ["x", "wt"], ["m"], "product"),
        helper.make_node("Relu", ["m"], ["r"], "activation"),
        helper.make_node("Identity", ["r"], ["i"], "nothing"),
        helper.make_node("Shape", ["i"], ["s"], "sizes"),
        helper.make_node("Unsqueeze", ["i", "axes"], ["u"], "relabelled"),
        helper.make_node("Exp", ["u"], ["y"], "exponential"),
        helper.make_node("Cast", ["s"], ["z"], "cast_sizes", to=TensorProto.FLOAT),
    ]
    return save(
        path, nodes, [value("x", ["batch", 3])], [value("y", ["batch", 1, 4]), value("z", [2])],
        [weight, numpy_helper.from_array(np.array([1]), "axes")],
    )


def refused(done, status, *texts):
    assert done.returncode == status, f"{done.returncode}: {done.stderr}"
    for text in texts:
        assert text in done.stderr, done.stderr
