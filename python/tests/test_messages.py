# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the texts of exceptions hold, and that no model is overwritten."""

import onnx
import pytest
from onnx import TensorProto, helper

import tenon


def model_of(nodes, outputs=("y",)):
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4])
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in outputs]
    return helper.make_model(helper.make_graph(nodes, "g", [x], results), opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_equal_problems_are_summed_up(tmp_path):
    nodes = [helper.make_node("NoSuchOp", ["x"], [f"y{i}"], f"\x1b[31m\nnode {i}") for i in range(50)]
    path = tmp_path / "m.onnx"
    onnx.save(model_of(nodes, [f"y{i}" for i in range(50)]), path)
    with pytest.raises(tenon.CompileError) as caught:
        tenon.compile(path)
    text = str(caught.value)
    assert len(text.splitlines()) == 4 and text.endswith("and 47 more like it"), text
    assert "\x1b" not in text and "\\x1b[31m\\nnode 0" in text
    assert len(caught.value.diagnostics) == 50, "the list has every one"


def test_a_model_is_not_overwritten(tmp_path):
    path = tmp_path / "m.onnx"
    onnx.save(model_of([helper.make_node("Relu", ["x"], ["y"])]), path)
    before = path.read_bytes()
    link = tmp_path / "link.onnx"
    link.symlink_to(path)
    for output in (path, link):
        with pytest.raises(tenon.CompileError, match=r"\[TN8030\] writing .* would replace the model"):
            tenon.compile(path, output=output)
    assert path.read_bytes() == before
