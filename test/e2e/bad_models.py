# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Models that must be refused: a table of names, makers, codes and places.

A maker writes a model into a folder and returns its path. The place is text that
the message has to contain: the node's or value's name, or the file's.
"""

import os
from dataclasses import dataclass, field
from typing import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

F32, I64, I32, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL
HUGE = 2**62


@dataclass
class BadModel:
    name: str
    make: Callable  # folder -> path of the model
    code: str  # regular expression over what follows "TN"
    places: tuple = ("bad",)  # texts that some error has to contain
    status: int = 1
    flags: list = field(default_factory=list)


def value(name, shape, dtype=F32):
    return helper.make_tensor_value_info(name, dtype, shape)


def model_of(nodes, inputs, outputs, weights=(), opset=18, functions=(), opsets=None):
    graph = helper.make_graph(list(nodes), "g", list(inputs), list(outputs), list(weights))
    imports = opsets if opsets is not None else [helper.make_opsetid("", opset)]
    model = helper.make_model(graph, opset_imports=imports, functions=list(functions))
    model.ir_version = 9
    return model


def save(model, folder, name="model.onnx"):
    path = folder / name
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


def saved(build):
    """A maker from a function that returns a model (or bytes)."""
    return lambda folder: save(build(), folder)


def node(op, shapes, weights=None, opset=18, dtype=F32, outputs=1, domain="", rank=None, **attributes):
    """A maker: one node `bad` whose inputs have `shapes`, then constants `weights`."""

    def build():
        names = [f"x{i}" for i in range(len(shapes))]
        constants = [
            numpy_helper.from_array(np.asarray(w), f"w{i}") for i, w in enumerate(weights or [])
        ]
        made = helper.make_node(
            op, names + [c.name for c in constants], [f"y{i}" for i in range(outputs)], "bad", domain=domain, **attributes
        )
        results = [value(f"y{i}", rank) for i in range(outputs)]
        types = dtype if isinstance(dtype, (list, tuple)) else [dtype] * len(shapes)
        opsets = [helper.make_opsetid("", opset)] + ([helper.make_opsetid(domain, 1)] if domain else [])
        inputs = [value(n, s, t) for n, s, t in zip(names, shapes, types)]
        return model_of([made], inputs, results, constants, opsets=opsets)

    return saved(build)


def i64(*values):
    return np.array(values, np.int64)


def f32(*shape):
    return np.zeros(shape, np.float32)


def raw_weight(name, dims, data, dtype=F32):
    tensor = TensorProto(name=name, data_type=dtype)
    tensor.dims.extend(dims)
    tensor.raw_data = data
    return tensor


def weight(dims, data=b"", change=None):
    """A maker: x + a weight `bad` of these dims and bytes."""

    def build():
        tensor = raw_weight("bad", dims, data)
        if change:
            change(tensor)
        return model_of([helper.make_node("Add", ["x", "bad"], ["y"], "sum")], [value("x", [4])], [value("y", None)], [tensor])

    return saved(build)


def external(location, offset=None, length=None, prepare=None):
    """A maker: a weight `bad` of four floats in external data."""

    def make(folder):
        (folder / "good.bin").write_bytes(bytes(64))
        if prepare:
            prepare(folder)
        tensor = TensorProto(name="bad", data_type=F32, data_location=TensorProto.EXTERNAL)
        tensor.dims.append(4)
        for key, text in (("location", location), ("offset", offset), ("length", length)):
            if text is not None:
                entry = tensor.external_data.add()
                entry.key, entry.value = key, str(text)
        nodes = [helper.make_node("Add", ["x", "bad"], ["y"], "sum")]
        return save(model_of(nodes, [value("x", [4])], [value("y", [4])], [tensor]), folder)

    return make


def chain(*nodes, outputs=("y",), inputs=(("x", [4]),), weights=()):
    """A maker from (op, inputs, outputs, name) tuples over four floats."""

    def build():
        made = [helper.make_node(op, list(ins), list(outs), name) for op, ins, outs, name in nodes]
        return model_of(made, [value(n, s) for n, s in inputs], [value(n, None) for n in outputs], weights)

    return saved(build)


def branch(name, nodes, outputs):
    return helper.make_graph(nodes, name, [], [value(o, [4]) for o in outputs])


def conditional(then_graph, else_graph, outputs=("y",)):
    def build():
        attributes = {"then_branch": then_graph}
        if else_graph is not None:
            attributes["else_branch"] = else_graph
        made = helper.make_node("If", ["c"], list(outputs), "bad", **attributes)
        return model_of([made], [value("c", [], BOOL), value("x", [4])], [value(o, None) for o in outputs])

    return saved(build)


def relu(source, target, name="r"):
    return helper.make_node("Relu", [source], [target], name)


def functions(*bodies, call="F0", opsets=None):
    """A maker: model-local functions, each a list of nodes from `a` to `b`."""

    def build():
        imports = [helper.make_opsetid("", 18), helper.make_opsetid("local", 1)]
        made = [
            helper.make_function("local", f"F{i}", ["a"], ["b"], nodes, opsets if opsets is not None else imports)
            for i, nodes in enumerate(bodies)
        ]
        entry = helper.make_node(call, ["x"], ["y"], "call", domain="local")
        return model_of([entry], [value("x", [4])], [value("y", None)], functions=made, opsets=imports)

    return saved(build)


def local_call(name, label):
    return helper.make_node(name, ["a"], ["b"], label, domain="local")


def with_input_dims(dims, dtype=F32):
    return saved(lambda: model_of([relu("bad", "y")], [value("bad", dims, dtype)], [value("y", None, dtype)]))


def changed(change):
    """A maker: a good model after `change`."""

    def build():
        model = model_of([relu("x", "y", "bad")], [value("x", [4])], [value("y", [4])])
        change(model)
        return model

    return saved(build)


def several():
    nodes = [
        helper.make_node("NoSuchOp", ["x"], ["a"], "first_bad"),
        helper.make_node("Relu", ["missing"], ["b"], "second_bad"),
        helper.make_node("Conv", ["x"], ["c"], "third_bad"),
    ]
    return model_of(nodes, [value("x", [4])], [value(n, None) for n in "abc"])


def several_conversions():
    nodes = [
        helper.make_node("Softmax", ["x"], ["a"], "first_bad", axis=7),
        helper.make_node("NonZero", ["x"], ["b"], "second_bad"),
        helper.make_node("Transpose", ["x"], ["c"], "third_bad", perm=[0, 0]),
    ]
    return model_of(nodes, [value("x", [4, 4])], [value("a", None), value("b", None, I64), value("c", None)])


def outside(folder):
    (folder.parent / "outside.bin").write_bytes(bytes(64))


def linked(folder):
    outside(folder)
    os.symlink(folder.parent / "outside.bin", folder / "link.bin")


def linked_folder(folder):
    (folder.parent / "elsewhere").mkdir(exist_ok=True)
    (folder.parent / "elsewhere" / "w.bin").write_bytes(bytes(64))
    os.symlink(folder.parent / "elsewhere", folder / "sub")


def garbage(data, name="bad.onnx"):
    return lambda folder: save(data, folder, name)


def directory(folder):
    (folder / "bad.onnx").mkdir()
    return folder / "bad.onnx"


def pipe(folder):
    os.mkfifo(folder / "bad.onnx")
    return folder / "bad.onnx"


def with_bytes(extra):
    """A maker: bytes in front of a good model."""
    model = model_of([relu("x", "y")], [value("x", [4])], [value("y", [4])])
    return lambda folder: save(extra + model.SerializeToString(), folder, "bad.onnx")


FILES = [
    BadModel("empty file", garbage(b""), "1001"),
    BadModel("text instead of a model", garbage(b"this is no model\n" * 40), "1001"),
    BadModel("an ELF file", garbage(b"\x7fELF\x02\x01\x01" + bytes(600)), "1001"),
    BadModel("random bytes", garbage(np.random.RandomState(1).bytes(5000)), "1001"),
    BadModel("zeros", garbage(bytes(4096)), "1001"),
    BadModel("text that is no ONNX text", garbage(b"not a <model>", "bad.onnxtxt"), "1002"),
    BadModel("a directory", directory, "(1001|8002)"),
    BadModel("no such file", lambda folder: folder / "bad.onnx", "(1001|8002)"),
    BadModel("a device", lambda folder: "/dev/null", "(1001|8002)", ("/dev/null",)),
    BadModel("a pipe", pipe, "(1001|8002)"),
    BadModel("a group that nothing ends", with_bytes(b"\x0b\x08\x01"), "1001"),
    BadModel("a group with the end of another", with_bytes(b"\x0b\x14"), "1001"),
    BadModel("the end of no group", with_bytes(b"\x0c"), "1001"),
    BadModel("groups 100,000 deep", with_bytes(b"\x0b" * 100000 + b"\x0c" * 100000), "1001"),
]

STRUCTURE = [
    BadModel("cycle of two", chain(("Relu", ["b"], ["a"], "bad"), ("Relu", ["a"], ["b"], "other"), outputs=("a",)), "1022"),
    BadModel("cycle of one", chain(("Add", ["y", "x"], ["y"], "bad")), "1022"),
    BadModel("value produced twice", chain(("Relu", ["x"], ["y"], "r"), ("Abs", ["x"], ["y"], "bad")), "1021"),
    BadModel("node writes an input", chain(("Relu", ["x"], ["x"], "bad"), ("Abs", ["x"], ["y"], "a")), "102[12]"),
    BadModel("input declared twice", saved(lambda: model_of([relu("bad", "y")], [value("bad", [4])] * 2, [value("y", None)])), "1021"),
    BadModel("weight declared twice", saved(lambda: model_of(
        [helper.make_node("Add", ["x", "bad"], ["y"], "sum")], [value("x", [4])], [value("y", None)],
        [raw_weight("bad", [4], bytes(16))] * 2)), "1021"),
    BadModel("unknown value", chain(("Relu", ["nowhere"], ["y"], "bad")), "1020", ("bad", "nowhere")),
    BadModel("output that nothing makes", chain(("Relu", ["x"], ["z"], "r"), outputs=("bad",)), "1023"),
    BadModel("no outputs", chain(("Relu", ["x"], ["y"], "bad"), outputs=()), "1023", ("output",)),
    BadModel("no graph at all", changed(lambda m: m.ClearField("graph")), "1001", ("graph",)),
    BadModel("node without an operator", chain(("", ["x"], ["y"], "bad")), "1010", status=2),
    BadModel("unknown operator", chain(("NoSuchOp", ["x"], ["y"], "bad")), "1010", ("bad", "NoSuchOp"), 2),
    BadModel("unknown domain", node("Gadget", [[4]], domain="org.nowhere"), "1010", ("bad", "org.nowhere"), 2),
    BadModel("domain not imported", changed(lambda m: setattr(m.graph.node[0], "domain", "org.nowhere")), "10(04|10)", ("bad", "org.nowhere")),
    BadModel("no opset", changed(lambda m: m.ClearField("opset_import")), "1004", ("opset",)),
    BadModel("opset of the future", changed(lambda m: setattr(m.opset_import[0], "version", 999)), "1003", ("999",)),
    BadModel("opset of the past", changed(lambda m: setattr(m.opset_import[0], "version", 1)), "1003", ("1",)),
    BadModel("negative opset", changed(lambda m: setattr(m.opset_import[0], "version", -3)), "1003", ("-3",)),
    BadModel("two opsets of one domain", changed(lambda m: m.opset_import.append(helper.make_opsetid("ai.onnx", 17))), "1006", ("17", "18")),
    BadModel("IR version of the future", changed(lambda m: setattr(m, "ir_version", 9999)), "1005", ("9999",)),
    BadModel("too few inputs", chain(("Add", ["x"], ["y"], "bad")), "1012"),
    BadModel("too many inputs", chain(("Relu", ["x", "x"], ["y"], "bad")), "1012"),
    BadModel("too many outputs", chain(("Relu", ["x"], ["y", "z"], "bad")), "1012"),
    BadModel("unknown attribute", node("Relu", [[4]], colour=3), "1013", ("bad", "colour")),
    BadModel("attribute of another type", node("Softmax", [[4]], axis="last"), "1014", ("bad", "axis")),
    BadModel("attribute missing", node("Cast", [[4]]), "1015", ("bad", "to")),
    BadModel("element types differ", node("Add", [[4], [4]], dtype=[F32, I64]), "1016"),
    BadModel("element type not allowed", node("Conv", [[1, 1, 4, 4], [1, 1, 3, 3]], dtype=I64), "1016"),
    BadModel("input without a type", saved(lambda: model_of([relu("bad", "y")], [onnx.ValueInfoProto(name="bad")], [value("y", None)])), "2105", status=2),
    BadModel("element type 99", with_input_dims([4], 99), "1030", status=2),
    BadModel("several problems at once", saved(several), "1010", ("first_bad", "second_bad", "third_bad"), status=2),
    BadModel("several problems of conversion", saved(several_conversions), "2104", ("first_bad", "second_bad", "third_bad"), status=2),
    BadModel("If without else", conditional(branch("t", [relu("x", "p")], ["p"]), None), "1015"),
    BadModel("If with a constant for a branch", changed(lambda m: (
        setattr(m.graph.node[0], "op_type", "If"),
        m.graph.node[0].attribute.extend([helper.make_attribute("then_branch", 1), helper.make_attribute("else_branch", 1)]))), "1014"),
    BadModel("branches with different counts", conditional(
        branch("t", [relu("x", "p")], ["p"]), branch("e", [relu("x", "q")], ["q", "q"])), "1012"),
    BadModel("branch with an unknown value", conditional(
        branch("t", [relu("nowhere", "p", "inner")], ["p"]), branch("e", [relu("x", "q")], ["q"])), "1020", ("inner", "nowhere")),
    BadModel("branch with a cycle", conditional(
        branch("t", [relu("q2", "p", "inner"), relu("p", "q2", "inner2")], ["p"]),
        branch("e", [relu("x", "q")], ["q"])), "1022", ("inner",)),
    BadModel("branch without its output", conditional(
        branch("t", [relu("x", "p")], ["other"]), branch("e", [relu("x", "q")], ["q"])), "1023", ("other",)),
    BadModel("recursive function", functions([local_call("F0", "bad")]), "1050", ("F0",)),
    BadModel("functions that call each other", functions([local_call("F1", "bad")], [local_call("F0", "bad2")]), "1050", ("F0",)),
    BadModel("function with an unknown operator", functions([helper.make_node("NoSuchOp", ["a"], ["b"], "bad")]), "1010", ("NoSuchOp",), 2),
    BadModel("function with an unknown value", functions([helper.make_node("Relu", ["nowhere"], ["b"], "bad")]), "10(20|50)", ("nowhere",)),
    BadModel("function without its output", functions([helper.make_node("Relu", ["a"], ["c"], "bad")]), "10(23|50)", ("F0",)),
]

DIMENSIONS = [
    BadModel("input of 2^62 elements", with_input_dims([HUGE]), "1031"),
    BadModel("input whose elements overflow", with_input_dims([2**32, 2**32]), "1031"),
    BadModel("input whose bytes overflow", with_input_dims([2**61, 4]), "1031"),
    BadModel("negative input dimension", with_input_dims([-3, 4]), "1031"),
    BadModel("weight with a negative dimension", weight([-4], bytes(16)), "1031"),
    BadModel("weight of 2^62 elements", weight([HUGE], bytes(16)), "1031"),
    BadModel("weight whose elements overflow", weight([2**32, 2**32], bytes(16)), "1031"),
    BadModel("weight shorter than declared", weight([4], bytes(12)), "1032"),
    BadModel("weight longer than declared", weight([4], bytes(20)), "1032"),
    BadModel("weight without data", weight([4]), "1032"),
    BadModel("weight with a broken element", weight([4], bytes(15)), "1032"),
    BadModel("float_data too short", weight([4], change=lambda t: (t.ClearField("raw_data"), t.float_data.extend([1, 2]))), "1032"),
    BadModel("data of another type", weight([4], change=lambda t: (t.ClearField("raw_data"), t.int64_data.extend([1, 2, 3, 4]))), "1032"),
    BadModel("weight of type 99", weight([4], bytes(16), change=lambda t: setattr(t, "data_type", 99)), "1030", status=2),
    BadModel("weight of undefined type", weight([4], bytes(16), change=lambda t: setattr(t, "data_type", 0)), "1030", status=2),
    BadModel("weight in segments", weight([4], bytes(16), change=lambda t: setattr(t.segment, "end", 2)), "1032"),
    BadModel("ConstantOfShape of 2^60", node("ConstantOfShape", [], [i64(2**60)]), "1031"),
    BadModel("ConstantOfShape that overflows", node("ConstantOfShape", [], [i64(2**40, 2**40)]), "1031"),
    BadModel("ConstantOfShape of -1", node("ConstantOfShape", [], [i64(-1)]), "2049"),
    BadModel("Expand to 2^60", node("Expand", [[1]], [i64(2**60)]), "1031"),
    BadModel("Expand that overflows", node("Expand", [[1]], [i64(2**40, 2**40)]), "1031"),
    BadModel("Tile by 2^60", node("Tile", [[4]], [i64(2**60)]), "1031"),
    BadModel("Tile that overflows", node("Tile", [[4]], [i64(2**62)]), "2062"),
    BadModel("Pad by 2^62", node("Pad", [[4]], [i64(HUGE, HUGE)]), "2041"),
    BadModel("Pad by 2^63 - 1", node("Pad", [[4]], [i64(2**63 - 1, 2**63 - 1)]), "2041"),
    BadModel("OneHot of depth 2^60", node("OneHot", [[4]], [i64(2**60), np.array([0, 1], np.float32)], dtype=I64), "1031"),
    BadModel("Range of 2^60", node("Range", [], [np.int64(0), np.int64(2**60), np.int64(1)]), "2062"),
    BadModel("Resize to 2^60", node("Resize", [[1, 1, 4, 4]], [f32(0), f32(0), i64(1, 1, 2**60, 4)]), "1031"),
    BadModel("Resize by 1e30", node("Resize", [[1, 1, 4, 4]], [f32(0), np.array([1, 1, 1e30, 1], np.float32)]), "1031"),
]

EXTERNAL = [
    BadModel("external data in the parent folder", external("../outside.bin", prepare=outside), "1040"),
    BadModel("external data at an absolute path", external("/etc/hostname"), "1040"),
    BadModel("external data hidden behind dots", external("sub/../../outside.bin", prepare=outside), "104[01]"),
    BadModel("external data behind a link", external("link.bin", prepare=linked), "1040"),
    BadModel("external data behind a linked folder", external("sub/w.bin", prepare=linked_folder), "1040"),
    BadModel("external data is a folder", external("."), "104[01]"),
    BadModel("external data absent", external("absent.bin"), "1041", ("bad", "absent.bin")),
    BadModel("external data without a location", external(None), "1040"),
    BadModel("external data with an empty location", external(""), "1040"),
    BadModel("external offset beyond the end", external("good.bin", 1 << 20, 16), "1042"),
    BadModel("external offset and length overflow", external("good.bin", 2**63 - 8, 16), "1042"),
    BadModel("external length beyond the end", external("good.bin", 56, 16), "1042"),
    BadModel("external length of another shape", external("good.bin", 0, 8), "10(32|42)"),
    BadModel("negative external offset", external("good.bin", -4, 16), "1042"),
    BadModel("external offset that is no number", external("good.bin", "4x", 16), "1042"),
]

IMAGE, KERNEL = [1, 2, 8, 8], [4, 2, 3, 3]
ATTRIBUTES = [
    BadModel("kernel of zero", node("MaxPool", [IMAGE], kernel_shape=[0, 3]), "2104", ("bad", "kernel_shape")),
    BadModel("negative kernel", node("AveragePool", [IMAGE], kernel_shape=[-1, 3]), "2104", ("bad", "kernel_shape")),
    BadModel("LpPool kernel of zero", node("LpPool", [IMAGE], kernel_shape=[3, 0]), "2104", ("bad", "kernel_shape")),
    BadModel("LpPool of order zero", node("LpPool", [IMAGE], kernel_shape=[3, 3], p=0), "2104", ("bad", "attribute p")),
    BadModel("kernel larger than its input", node("MaxPool", [IMAGE], kernel_shape=[64, 64]), "1031"),
    BadModel("kernel of another rank", node("MaxPool", [IMAGE], kernel_shape=[3]), "2104"),
    BadModel("huge kernel", node("MaxPool", [IMAGE], kernel_shape=[2**62, 2**62]), "1031"),
    BadModel("stride of zero", node("Conv", [IMAGE, KERNEL], strides=[0, 1]), "2104"),
    BadModel("negative stride", node("MaxPool", [IMAGE], kernel_shape=[3, 3], strides=[-1, 1]), "2104"),
    BadModel("dilation of zero", node("Conv", [IMAGE, KERNEL], dilations=[0, 1]), "2104"),
    BadModel("huge dilation", node("Conv", [IMAGE, KERNEL], dilations=[2**62, 1]), "2025"),
    BadModel("negative pads", node("Conv", [IMAGE, KERNEL], pads=[-9, 0, 0, 0]), "2025"),
    BadModel("huge pads", node("Conv", [IMAGE, KERNEL], pads=[2**62, 0, 2**62, 0]), "2062"),
    BadModel("too few pads", node("Conv", [IMAGE, KERNEL], pads=[1, 1]), "2104"),
    BadModel("unknown auto_pad", node("Conv", [IMAGE, KERNEL], auto_pad="SOMEHOW"), "2102", status=2),
    BadModel("group of zero", node("Conv", [IMAGE, KERNEL], group=0), "2056"),
    BadModel("negative group", node("Conv", [IMAGE, KERNEL], group=-2), "2056"),
    BadModel("group that does not divide", node("Conv", [IMAGE, KERNEL], group=3), "2056"),
    BadModel("channels that do not match", node("Conv", [IMAGE, [4, 3, 3, 3]]), "2056"),
    BadModel("kernel_shape against weights", node("Conv", [IMAGE, KERNEL], kernel_shape=[5, 5]), "2104"),
    BadModel("bias of another length", node("Conv", [IMAGE, KERNEL, [5]]), "2063"),
    BadModel("ConvTranspose output_padding", node("ConvTranspose", [IMAGE, [2, 4, 3, 3]], output_padding=[2**62, 0]), "1031"),
    BadModel("ConvTranspose output_shape", node("ConvTranspose", [IMAGE, [2, 4, 3, 3]], output_shape=[-5, 3]), "2104"),
    BadModel("axis out of range", node("Softmax", [[4, 4]], axis=7), "2104"),
    BadModel("axis far out of range", node("Softmax", [[4, 4]], axis=-2**63), "2104"),
    BadModel("Concat axis out of range", node("Concat", [[4, 4], [4, 4]], axis=2), "2104"),
    BadModel("Concat of shapes that differ", node("Concat", [[4, 4], [4, 5]], axis=0), "2040"),
    BadModel("Gather axis out of range", node("Gather", [[4, 4]], [i64(0)], axis=2), "2104"),
    BadModel("Gather index out of range", node("Gather", [[4, 4]], [i64(9)]), "2044"),
    BadModel("Flatten axis out of range", node("Flatten", [[4, 4]], axis=5), "2104"),
    BadModel("perm with a repetition", node("Transpose", [[4, 4]], perm=[0, 0]), "2104"),
    BadModel("perm of another rank", node("Transpose", [[4, 4]], perm=[0, 1, 2]), "2104"),
    BadModel("perm out of range", node("Transpose", [[4, 4]], perm=[0, 9]), "2104"),
    BadModel("Squeeze of a dimension of 4", node("Squeeze", [[4, 4]], [i64(0)]), "2033"),
    BadModel("Squeeze axis out of range", node("Squeeze", [[1, 4]], [i64(6)]), "2104"),
    BadModel("Unsqueeze axis twice", node("Unsqueeze", [[4]], [i64(0, 0)]), "2104"),
    BadModel("Unsqueeze axis out of range", node("Unsqueeze", [[4]], [i64(9)]), "2104"),
    BadModel("Reshape to another count", node("Reshape", [[4, 4]], [i64(3, 5)]), "2032"),
    BadModel("Reshape with two -1", node("Reshape", [[4, 4]], [i64(-1, -1)]), "2031"),
    BadModel("Reshape to -7", node("Reshape", [[4, 4]], [i64(-7)]), "2032"),
    BadModel("Reshape that does not divide", node("Reshape", [[4, 4]], [i64(-1, 3)]), "2032"),
    BadModel("Reshape by 0 beyond the rank", node("Reshape", [[4]], [i64(4, 0)]), "2104"),
    BadModel("Expand to an incompatible shape", node("Expand", [[4]], [i64(3)]), "2012"),
    BadModel("negative repeats", node("Tile", [[4]], [i64(-2)]), "2061"),
    BadModel("repeats of another rank", node("Tile", [[4]], [i64(1, 1)]), "2042"),
    BadModel("Slice step of zero", node("Slice", [[4]], [i64(0), i64(4), i64(0), i64(0)]), "2104"),
    BadModel("Slice with unequal lists", node("Slice", [[4]], [i64(0, 1), i64(4)]), "2037"),
    BadModel("Slice axis out of range", node("Slice", [[4]], [i64(0), i64(4), i64(5)]), "2104"),
    BadModel("Split sizes that do not add up", node("Split", [[4]], [i64(1, 1)], outputs=2), "2104"),
    BadModel("Split with a negative size", node("Split", [[4]], [i64(-1, 5)], outputs=2), "2104"),
    BadModel("Split into none", node("Split", [[4]], num_outputs=0), "2104"),
    BadModel("Pad lists of another length", node("Pad", [[4]], [i64(1)]), "2041"),
    BadModel("Pad below zero", node("Pad", [[4]], [i64(-9, 0)]), "1031"),
    BadModel("unknown Pad mode", node("Pad", [[4]], [i64(1, 1)], mode="sideways"), "2102", status=2),
    BadModel("Range step of zero", node("Range", [], [np.int64(0), np.int64(9), np.int64(0)]), "2050"),
    BadModel("TopK of more than there is", node("TopK", [[4]], [i64(9)], outputs=2), "2052"),
    BadModel("TopK of a negative count", node("TopK", [[4]], [i64(-1)], outputs=2), "2061"),
    BadModel("Resize by zero", node("Resize", [[1, 1, 4, 4]], [f32(0), np.array([1, 1, 0, 1], np.float32)]), "2047"),
    BadModel("Resize by NaN", node("Resize", [[1, 1, 4, 4]], [f32(0), np.array([1, 1, np.nan, 1], np.float32)]), "1031"),
    BadModel("Resize with too few scales", node("Resize", [[1, 1, 4, 4]], [f32(0), np.array([1, 2], np.float32)]), "2047"),
    BadModel("unknown Resize mode", node("Resize", [[1, 1, 4, 4]], [f32(0), np.array([1, 1, 2, 2], np.float32)], mode="best"), "2102", status=2),
    BadModel("scale of another size than its axis", node("DequantizeLinear", [[4, 6]], [np.ones(6, np.float32)], dtype=TensorProto.INT8, axis=0), "2066"),
    BadModel("zero point of another size than its axis", node("DequantizeLinear", [[4, 6]], [np.ones(4, np.float32), np.zeros(3, np.int8)], dtype=TensorProto.INT8, axis=0), "2066"),
    BadModel("scale of too many dimensions", node("QuantizeLinear", [[4, 6]], [np.ones((4, 6), np.float32), np.zeros((4, 6), np.int8)], axis=0), "2066"),
    BadModel("scale of other blocks", node("DequantizeLinear", [[4, 6]], [np.ones((3, 6), np.float32)], dtype=TensorProto.INT8, opset=21, axis=0, block_size=2), "2066"),
    BadModel("blocksize of zero", node("DepthToSpace", [[1, 4, 2, 2]], blocksize=0), "2104"),
    BadModel("blocksize that does not divide", node("DepthToSpace", [[1, 4, 2, 2]], blocksize=3), "2104"),
    BadModel("huge blocksize", node("SpaceToDepth", [[1, 4, 2, 2]], blocksize=2**62), "2104"),
    BadModel("MatMul of shapes that do not match", node("MatMul", [[2, 3], [4, 5]]), "2021"),
    BadModel("MatMul of batches that do not match", node("MatMul", [[2, 3, 4], [3, 4, 5]]), "2022"),
    BadModel("MatMul of a scalar", node("MatMul", [[], [4, 5]]), "2020"),
    BadModel("Gemm of shapes that do not match", node("Gemm", [[2, 3], [4, 5]]), "2021"),
    BadModel("Gemm of rank 3", node("Gemm", [[1, 2, 3], [3, 5]]), "2104"),
    BadModel("Add of shapes that do not broadcast", node("Add", [[4], [3]]), "2012"),
    BadModel("Where of shapes that do not broadcast", node("Where", [[2], [3], [4]], dtype=[BOOL, F32, F32]), "2012"),
    BadModel("BatchNormalization of other lengths", node("BatchNormalization", [IMAGE, [3], [3], [3], [3]]), "2012"),
    BadModel("LayerNormalization axis", node("LayerNormalization", [[4, 4], [4]], axis=9), "2104"),
    BadModel("GroupNormalization groups", node("GroupNormalization", [[1, 4, 8, 8], [4], [4]], opset=21, num_groups=3), "2104"),
    BadModel("InstanceNormalization of rank 1", node("InstanceNormalization", [[4], [4], [4]]), "2104"),
    BadModel("LRN of size zero", node("LRN", [IMAGE], size=0), "2032"),
    BadModel("CumSum axis out of range", node("CumSum", [[4]], [np.int64(4)]), "2104"),
    BadModel("ReduceSum axis out of range", node("ReduceSum", [[4]], [i64(3)]), "2104"),
    BadModel("ArgMax axis out of range", node("ArgMax", [[4]], axis=3), "2104"),
    BadModel("Cast to type 99", node("Cast", [[4]], to=99), "2105", status=2),
    BadModel("Cast to a string", node("Cast", [[4]], to=8), "2105", status=2),
    BadModel("LSTM of another hidden size", node("LSTM", [[5, 1, 3], [1, 16, 3], [1, 16, 4]], outputs=1, hidden_size=7), "2064"),
    BadModel("LSTM of an unknown direction", node("LSTM", [[5, 1, 3], [1, 16, 3], [1, 16, 4]], outputs=1, hidden_size=4, direction="sideways"), "2102", status=2),
    BadModel("GRU of an unknown activation", node("GRU", [[5, 1, 3], [1, 12, 3], [1, 12, 4]], outputs=1, hidden_size=4, activations=["Magic", "Tanh"]), "2102", ("bad", "Magic"), status=2),
    BadModel("LSTM of an unknown activation", node("LSTM", [[5, 1, 3], [1, 16, 3], [1, 16, 4]], outputs=1, hidden_size=4,
             activations=["Sigmoid", "Tanh", "ScaledTanh"]), "2102", ("bad", "ScaledTanh"), status=2),
    BadModel("RNN of an unknown activation", node("RNN", [[5, 1, 3], [1, 4, 3], [1, 4, 4]], outputs=1, hidden_size=4, activations=[""]), "2102", status=2),
    BadModel("RNN of too many activations", node("RNN", [[5, 1, 3], [1, 4, 3], [1, 4, 4]], outputs=1, hidden_size=4,
             activations=["Tanh", "Tanh"]), "2104", ("bad", "activations")),
    BadModel("Einsum equation", node("Einsum", [[2, 3], [3, 4]], equation="ij,jk->"" il"), "2104"),
    BadModel("Einsum that is none", node("Einsum", [[2, 3]], equation="->->"), "2104"),
    BadModel("GatherElements of another rank", node("GatherElements", [[4, 4]], [i64(0)]), "2054"),
    BadModel("ScatterND of other shapes", node("ScatterND", [[4, 4]], [np.zeros((2, 1), np.int64), f32(3, 3)]), "2065"),
    BadModel("operator whose result depends on data", node("NonZero", [[4]]), "(2101|2060)", ("bad", "NonZero"), 2),
    BadModel("Constant with two values", changed(lambda m: (
        setattr(m.graph.node[0], "op_type", "Constant"), m.graph.node[0].ClearField("input"),
        m.graph.node[0].attribute.extend([helper.make_attribute("value_float", 1.0), helper.make_attribute("value_int", 1)]))), "1018"),
    BadModel("Constant without a value", changed(lambda m: (
        setattr(m.graph.node[0], "op_type", "Constant"), m.graph.node[0].ClearField("input"))), "1018"),
]

MS = "com.microsoft"
TOKENS = [[1, 1, 32], [1, 1, 16], [1, 1, 16], [1, 2, 6, 8], [1, 2, 6, 8]]


def embedding(omitted):
    """A maker: an EmbedLayerNormalization `bad` without some of its inputs."""

    def build():
        shapes = {"ids": [1, 3], "segments": [1, 3], "words": [9, 8], "positions": [5, 8], "kinds": [2, 8], "gamma": [8], "beta": [8]}
        names = ["" if name in omitted else name for name in shapes]
        made = helper.make_node("EmbedLayerNormalization", names, ["y", ""], "bad", domain=MS)
        inputs = [value(n, s, I32 if n in ("ids", "segments") else F32) for n, s in shapes.items() if n not in omitted]
        return model_of([made], inputs, [value("y", None)], opsets=[helper.make_opsetid("", 18), helper.make_opsetid(MS, 1)])

    return saved(build)


MICROSOFT = [
    *(BadModel(f"EmbedLayerNormalization without {' and '.join(names)}", embedding(names), "2104")
      for names in (["words"], ["positions"], ["words", "positions"], ["gamma"], ["segments"], ["kinds"])),
    *(BadModel(f"{op} with an unknown attribute", node(op, shapes, domain=MS, colour=3, **attributes), "2102", ("bad", "colour"), status=2)
      for op, shapes, attributes in (
          ("Gelu", [[4]], {}), ("FastGelu", [[4]], {}), ("BiasGelu", [[4], [4]], {}), ("QuickGelu", [[4]], {"alpha": 1.0}),
          ("FusedMatMul", [[4, 4], [4, 4]], {"alpha": 2.0, "transBatchA": 0, "transBatchB": 0}),
          ("SkipLayerNormalization", [[1, 2, 4], [1, 2, 4], [4]], {"epsilon": 1e-5}),
          ("MultiHeadAttention", [[1, 2, 8]] * 3, {"num_heads": 2}))),
    BadModel("SimplifiedLayerNormalization with an unknown attribute", node("SimplifiedLayerNormalization", [[2, 4], [4]], colour=3),
             "2102", ("bad", "colour"), status=2),
    BadModel("a cache without seqlens_k", node("GroupQueryAttention", TOKENS, domain=MS, num_heads=4, kv_num_heads=2), "2104", ("bad", "seqlens_k")),
    BadModel("a quantized cache", node("GroupQueryAttention", TOKENS[:3], domain=MS, num_heads=4, kv_num_heads=2,
             k_quant_type="PER_TENSOR"), "2102", ("bad", "k_quant_type"), status=2),
    BadModel("past without its values", node("GroupQueryAttention", TOKENS[:4], domain=MS, num_heads=4, kv_num_heads=2), "2104", ("bad", "past_value")),
]

ALL = FILES + STRUCTURE + DIMENSIONS + EXTERNAL + ATTRIBUTES + MICROSOFT
