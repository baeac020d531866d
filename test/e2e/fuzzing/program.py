# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A graph as the fuzzer holds it: nodes in order, and of every value the arrays
that it has at each binding of the symbols."""

from dataclasses import dataclass, field

import numpy as np
from onnx import AttributeProto, TensorProto, helper, numpy_helper

from operators.case import DTYPES

CODES = {np.dtype(numpy): (short, code) for short, (code, numpy) in DTYPES.items() if numpy is not None}
# As operators' definitions spell them.
TYPE_TEXTS = {short: f"tensor({TensorProto.DataType.Name(code).lower()})" for short, (code, _) in DTYPES.items()}
# Older operator sets cannot hold what newer ones can.
IR_VERSIONS = {28: 13}


def short_name(array):
    """"f32" of a float32 array; None for a type that models here do not use."""
    return CODES.get(np.asarray(array).dtype, (None,))[0]


@dataclass
class Value:
    name: str
    arrays: list  # one for each binding
    dims: tuple = None  # of an input: sizes and names of symbols
    constant: bool = False
    sizes: bool = False  # computed from shapes and constants alone

    @property
    def dtype(self):
        return short_name(self.arrays[0])

    @property
    def rank(self):
        return self.arrays[0].ndim

    @property
    def shapes(self):
        return [a.shape for a in self.arrays]

    def is_static(self):
        return len(set(self.shapes)) == 1


@dataclass
class Node:
    op: str
    inputs: list  # names, "" for one left out
    outputs: list
    attrs: dict = field(default_factory=dict)
    domain: str = ""
    peer: bool = True  # whether ONNX Runtime says what is right
    tolerance: tuple = (0.0, 0.0)  # relative, absolute: what an operator's case allows

    def reads(self):
        """All names that the node reads, those of its branches included."""
        names = [name for name in self.inputs if name]
        for graph in self.attrs.values():
            if hasattr(graph, "node"):
                names += captured(graph)
        return list(dict.fromkeys(names))

    def proto(self, name=""):
        node = helper.make_node(self.op, self.inputs, self.outputs, name or None, domain=self.domain)
        for key, value in self.attrs.items():
            if isinstance(value, AttributeProto):
                node.attribute.append(value)
            elif isinstance(value, np.ndarray):
                node.attribute.append(helper.make_attribute(key, numpy_helper.from_array(value)))
            elif value is not None and not (isinstance(value, (list, tuple)) and not value):
                node.attribute.append(helper.make_attribute(key, value))
        return node


def captured(graph):
    """Names that a branch reads of the graph around it."""
    own = {i.name for i in graph.initializer} | {i.name for i in graph.input}
    names = []
    for node in graph.node:
        names += [n for n in node.input if n and n not in own]
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                names += [n for n in captured(attribute.g) if n not in own]
        own |= set(node.output)
    names += [o.name for o in graph.output if o.name not in own]
    return list(dict.fromkeys(names))


def info(name, value, dims=None):
    return helper.make_tensor_value_info(name, CODES[value.arrays[0].dtype][1], dims)


@dataclass
class Program:
    opset: int
    bindings: list  # {symbol: size}
    values: dict = field(default_factory=dict)
    nodes: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    seed: str = ""

    @property
    def inputs(self):
        return [v for v in self.values.values() if v.dims is not None]

    @property
    def constants(self):
        return [v for v in self.values.values() if v.constant]

    def producer(self, name):
        return next((node for node in self.nodes if name in node.outputs), None)

    def needed(self):
        """The names that the outputs depend on."""
        wanted = set(self.outputs)
        for node in reversed(self.nodes):
            if wanted & set(node.outputs):
                wanted |= set(node.reads())
        return wanted

    def pruned(self):
        """A copy with nothing that no output needs."""
        wanted = self.needed()
        nodes = [node for node in self.nodes if wanted & set(node.outputs)]
        made = {name for node in nodes for name in node.outputs}
        values = {n: v for n, v in self.values.items() if n in wanted or n in made}
        return Program(self.opset, self.bindings, values, nodes, list(self.outputs), self.seed)

    def model(self):
        nodes = [node.proto(f"n{i}_{node.op}") for i, node in enumerate(self.nodes)]
        inputs = [info(v.name, v, list(v.dims)) for v in self.inputs]
        outputs = [info(name, self.values[name]) for name in self.outputs]
        constants = [tensor(v.name, v.arrays[0]) for v in self.constants]
        return make_model(helper.make_graph(nodes, "fuzz", inputs, outputs, constants), self.opset)

    def feeds(self, binding):
        return {v.name: v.arrays[binding] for v in self.inputs}

    def ops(self):
        return [f"{n.domain + '::' if n.domain else ''}{n.op}" for n in self.nodes]


def tensor(name, array):
    """An initializer with raw data."""
    return helper.make_tensor(name, CODES[array.dtype][1], array.shape, np.ascontiguousarray(array).tobytes(), raw=True)


def make_model(graph, opset):
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)])
    model.ir_version = IR_VERSIONS.get(opset, 10)
    return model


def node_model(node, operands, outputs, opset):
    """A model of one node, whose operands are inputs; `operands` are Values."""
    inputs = [info(v.name, v, None) for v in operands]
    results = [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in outputs if name]
    graph = helper.make_graph([node.proto()], "node", inputs, results)
    return make_model(graph, opset)
