# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Who says what is right: ONNX's reference evaluator, node by node, and ONNX
Runtime without optimisations on the whole graph."""

import functools

import numpy as np
import onnx

from harness import peer_session

from .corrected import BY_TEXT, OPERATORS, with_explicit_pads
from .program import CODES, TYPE_TEXTS, Value, node_model, short_name
from .trust import reference_is_wrong

LARGEST = 40_000  # elements


# What ONNX Runtime says of types and operators that it has no kernel for.
LACKS = ("NOT_IMPLEMENTED", "Numpy type", "Numpy_type", "MLDataType", "bfloat16", "is under development")


class NoOpinion(Exception):
    """No oracle gives a value."""


def check_size(arrays):
    for array in arrays:
        if not isinstance(array, np.ndarray) and not np.isscalar(array):
            raise NoOpinion(f"a result is {type(array).__name__}")
        if np.size(array) > LARGEST:
            raise NoOpinion("too large")
        if short_name(array) is None:
            raise NoOpinion(f"a result is {np.asarray(array).dtype}")


CELLS = ("GRU", "LSTM", "RNN")


class NodeOracle:
    """One node, evaluated with given operands: by the reference where it is right,
    else by ONNX Runtime."""

    def __init__(self, node, operands, opset):
        self.node, self.operands, self.opset = node, operands, opset
        self.outputs = [name for name in node.outputs if name]
        self.model = node_model(node, operands, node.outputs, opset)
        self.reference = self.peer = None
        trusted = not node.domain and not reference_is_wrong(node, operands, opset)
        if trusted:
            try:
                from onnx.reference import ReferenceEvaluator

                self.reference = ReferenceEvaluator(self.model, new_ops=OPERATORS)
            except Exception:
                pass
        if self.reference is None:
            try:
                self.peer = peer_session(self.typed(), optimize=False)
            except Exception as error:
                raise NoOpinion(str(error)[:200]) from None

    def typed(self):
        """ONNX Runtime wants to infer the types of outputs by itself."""
        model = onnx.ModelProto()
        model.CopyFrom(self.model)
        for output in model.graph.output:
            output.ClearField("type")
        return model.SerializeToString()

    @functools.cached_property
    def types(self):
        """Types of the results by ONNX's inference: NumPy's sums of integers are of int64."""
        inferred = onnx.shape_inference.infer_shapes(onnx.load_from_string(self.typed()))
        return [onnx.helper.tensor_dtype_to_np_dtype(o.type.tensor_type.elem_type) for o in inferred.graph.output]

    def __call__(self, feeds):
        arrays = [feeds.get(name) for name in self.node.inputs]
        restated = with_explicit_pads(self.node, arrays)
        if restated is not self.node:
            return NodeOracle(restated, self.operands, self.opset)(feeds)
        if self.reference is None and self.node.op in CELLS and not arrays[0].size:
            raise NoOpinion("a cell of no elements ends the process of ONNX Runtime")
        if self.reference is None and self.node.op == "Hardmax" and np.isnan(arrays[0].astype(np.float64)).any():
            raise NoOpinion("which element is the first maximum for ONNX Runtime depends on where NaN stands")
        try:
            with np.errstate(all="ignore"):
                results = (self.reference or self.peer).run(None, feeds)
        except Exception as error:
            raise NoOpinion(f"{type(error).__name__}: {str(error)[:200]}") from None
        check_size(results)
        if self.node.op in BY_TEXT and (result := BY_TEXT[self.node.op](self.node, arrays, results[0])) is not None:
            results = [result]
        results = [np.array(r, order="C") for r in results]
        if self.reference is not None and any(r.dtype.kind in "iu" for r in results):
            return [r.astype(t, copy=False) if r.dtype.kind in "iu" else r for r, t in zip(results, self.types)]
        return results


def is_valid(node, operands, opset):
    """Whether the operator set has a node with these operands and attributes, which the
    reference evaluator does not ask."""
    try:
        schema = onnx.defs.get_schema(node.op, 1 if node.domain else opset, node.domain)
    except onnx.defs.SchemaError:
        return not onnx.defs.has(node.op, node.domain)  # an operator of ONNX Runtime
    count = len(node.inputs)
    if schema.deprecated or not schema.min_input <= count <= schema.max_input or not set(node.attrs) <= set(schema.attributes):
        return False
    types = {v.name: TYPE_TEXTS[v.dtype] for v in operands}
    allowed = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    for i, name in enumerate(node.inputs):
        formal = schema.inputs[min(i, len(schema.inputs) - 1)]
        if not name:
            if formal.option == onnx.defs.OpSchema.FormalParameterOption.Single:
                return False
        elif types[name] not in allowed.get(formal.type_str, [formal.type_str]):
            return False
    return True


def fits(node, arrays, opset):
    """Whether operands are what the operator's text asks for where NumPy takes others, too."""
    if node.op == "Split" and len(node.inputs) == 1:
        size, parts = arrays[0].shape[node.attrs.get("axis", 0)], len(node.outputs)
        return size % parts == 0 if opset < 18 else size >= -(-size // parts) * (parts - 1)
    if node.op == "Split":
        return bool((arrays[1] >= 0).all()) and int(arrays[1].sum()) == arrays[0].shape[node.attrs.get("axis", 0)]
    if node.op == "TopK" and len(arrays) == 2:
        return 0 <= int(arrays[1].item()) <= arrays[0].shape[node.attrs.get("axis", -1)]
    if node.op == "Gather":
        size = arrays[0].shape[node.attrs.get("axis", 0)]
        return bool(((arrays[1] >= -size) & (arrays[1] < size)).all())
    return True


def evaluate_node(node, values, opset, bindings):
    """The node's output Values at every binding."""
    operands = [values[name] for name in node.reads()]
    if not is_valid(node, operands, opset):
        raise NoOpinion("no such node in this operator set")
    if not all(fits(node, [values[name].arrays[b] for name in node.inputs if name], opset) for b in range(bindings)):
        raise NoOpinion("operands that the operator does not take")
    oracle = NodeOracle(node, operands, opset)
    columns = [oracle({v.name: v.arrays[b] for v in operands}) for b in range(bindings)]
    outputs = []
    for i, name in enumerate(oracle.outputs):
        arrays = [column[i] for column in columns]
        if len({a.dtype for a in arrays}) > 1 or len({a.ndim for a in arrays}) > 1:
            raise NoOpinion("the type or rank depends on sizes")
        outputs.append(Value(name, arrays))
    return outputs


class Peer:
    """ONNX Runtime on a whole program."""

    def __init__(self, program):
        self.session, self.refusal = None, ""
        try:
            self.session = peer_session(program.model().SerializeToString(), optimize=False)
        except Exception as error:
            self.refusal = str(error)

    def run(self, feeds):
        """None where it refuses."""
        if not self.session:
            return None
        try:
            return self.session.run(None, feeds)
        except Exception as error:
            self.refusal = str(error)
            return None

    def finds_fault(self, feeds):
        """Whether it refuses the model or the values, and does not lack an operator or a type."""
        return self.run(feeds) is None and not any(text in self.refusal for text in LACKS)


__all__ = ["CODES", "NoOpinion", "NodeOracle", "Peer", "evaluate_node"]
