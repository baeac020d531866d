# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How much of a thread's stack a run uses. Models whose kernels need the largest
temporaries run on a thread whose stack is painted: what lost its paint is at most
what the artifact states, which is at most what `tenon.h` promises. And what lies
in scratch instead is right with any number of threads."""

import ctypes
import mmap
import re

import numpy as np
import onnx
import pytest
from harness import ROOT, build_under_test
from onnx import TensorProto, helper, numpy_helper

import python_api  # noqa: F401
import tenon as api

LIMIT = int(re.search(r"#define TENON_MAX_STACK_BYTES (\d+)", (ROOT / "runtime/include/tenon/tenon.h").read_text())[1])
STACK = 4 << 20
PAINT = 0xA5
rng = np.random.default_rng(1)


def draw(*shape):
    return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)


def model(nodes, inputs, constants=(), outputs=("y",)):
    graph = helper.make_graph(
        nodes, "m", [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in dict(constants).items()])
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def recurrent(op, hidden, batch=2, size=32):
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[op]
    node = helper.make_node(op, ["x", "w", "r", "b"], ["y"], hidden_size=hidden)
    return model([node], {"x": [3, batch, size]},
                 {"w": draw(1, gates * hidden, size), "r": draw(1, gates * hidden, hidden), "b": draw(1, 2 * gates * hidden)})


def attention(size, keys, heads=2):
    shape = ["B", heads, "S", size]
    return model([helper.make_node("Transpose", ["k"], ["kt"], perm=[0, 1, 3, 2]), helper.make_node("MatMul", ["q", "kt"], ["s"]),
                  helper.make_node("Softmax", ["s"], ["p"]), helper.make_node("MatMul", ["p", "v"], ["y"])],
                 {"q": shape, "k": ["B", heads, keys, size], "v": ["B", heads, keys, size]})


def four_bits(k, n, rows, block=32, level=0):
    packed = rng.integers(0, 256, (n, k // block, block // 2), dtype=np.uint8)
    node = helper.make_node("MatMulNBits", ["x", "w", "s"], ["y"], domain="com.microsoft", K=k, N=n, bits=4, block_size=block, accuracy_level=level)
    return model([node], {"x": [rows, k]}, {"w": packed, "s": np.abs(draw(n, k // block)).reshape(-1)})


def long_concat(count):
    names = [f"x{i}" for i in range(count)]
    return model([helper.make_node("Concat", names, ["y"], axis=1)], {name: [2, f"n{i % 7}"] for i, name in enumerate(names)})


def many_launches(count):
    """A chain that does not fuse, of open sizes: many slots, many launches."""
    nodes = []
    for i in range(count):
        nodes += [helper.make_node("Softmax", [f"a{i}" if i else "x"], [f"s{i}"], axis=0),
                  helper.make_node("Concat", [f"s{i}", f"s{max(i - 3, 0)}"], [f"c{i}"], axis=1),
                  helper.make_node("ReduceSum", [f"c{i}", "axes"], [f"r{i}"]),
                  helper.make_node("Add", [f"s{i}", f"r{i}"], [f"a{i + 1}"])]
    return model(nodes, {"x": ["n", "m"]}, {"axes": np.array([1])}, (f"a{count}", *(f"c{i}" for i in range(0, count, 2))))


MODELS = {
    "LSTM of 256": lambda: recurrent("LSTM", 256),
    "LSTM of 1024": lambda: recurrent("LSTM", 1024),
    "LSTM of 1024, an odd batch": lambda: recurrent("LSTM", 1024, batch=3),
    "GRU of 1024": lambda: recurrent("GRU", 1024),
    "RNN of 1500": lambda: recurrent("RNN", 1500, batch=1),
    "attention of 64": lambda: attention(64, 128),
    "attention of 512": lambda: attention(512, 100),
    "softmax of 8192": lambda: model([helper.make_node("Softmax", ["x"], ["y"])], {"x": ["n", 8192]}),
    "product of two inputs": lambda: model([helper.make_node("MatMul", ["a", "b"], ["y"])], {"a": [96, 1024], "b": [1024, 200]}),
    "product by a transposed input": lambda: model([helper.make_node("Gemm", ["a", "b"], ["y"], transB=1)], {"a": [96, 1000], "b": [200, 1000]}),
    "4 bits, one row": lambda: four_bits(4096, 64, 1),
    "4 bits, four rows": lambda: four_bits(8192, 64, 4),
    "4 bits, integers": lambda: four_bits(4096, 64, 8, level=4),
    "4 bits, many rows": lambda: four_bits(2048, 128, 200),
    "4 bits, any rows": lambda: four_bits(2048, 128, "n"),
    "concat of 1500": lambda: long_concat(1500),
    "600 launches": lambda: many_launches(150),
}

# Temporaries that surely are on the stack: so the paint is seen to be there.
KNOWN = {"LSTM of 256": 8192, "attention of 64": 8192}


class Runtime:
    """The C API as far as a run needs it."""

    class Tensor(ctypes.Structure):
        _fields_ = [("data", ctypes.c_void_p), ("dtype", ctypes.c_int32), ("rank", ctypes.c_int32),
                    ("shape", ctypes.POINTER(ctypes.c_int64)), ("byte_size", ctypes.c_size_t)]

    class SessionOptions(ctypes.Structure):
        _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int32), ("pool", ctypes.c_void_p)]

    def __init__(self):
        self.library = ctypes.CDLL(str(build_under_test() / "lib/libtenon-rt.so"))
        for name in ("tenon_model_load", "tenon_session_create", "tenon_session_bind_input"):
            getattr(self.library, name).restype = ctypes.c_void_p
        self.library.tenon_model_stack_bytes.restype = ctypes.c_uint64
        self.library.tenon_status_text.restype = ctypes.c_char_p

    def check(self, status):
        assert not status, self.library.tenon_status_text(ctypes.c_void_p(status)).decode()

    def session(self, path, feeds):
        handle, session = ctypes.c_void_p(), ctypes.c_void_p()
        self.check(self.library.tenon_model_load(str(path).encode(), None, ctypes.byref(handle)))
        options = self.SessionOptions(ctypes.sizeof(self.SessionOptions), 1, None)
        self.check(self.library.tenon_session_create(handle, ctypes.byref(options), ctypes.byref(session)))
        for i, array in enumerate(feeds):
            shape = (ctypes.c_int64 * array.ndim)(*array.shape)
            tensor = self.Tensor(array.ctypes.data, helper.np_dtype_to_tensor_dtype(array.dtype), array.ndim, shape, array.nbytes)
            self.check(self.library.tenon_session_bind_input(session, i, ctypes.byref(tensor)))
        return handle, session


def touched(function, argument):
    """Bytes of a painted stack that a thread touches which calls function(argument), and what it returns."""
    memory = mmap.mmap(-1, STACK)
    memory.write(bytes([PAINT]) * STACK)
    base = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    threads = ctypes.CDLL(None)
    attributes, thread, result = (ctypes.c_char * 256)(), ctypes.c_ulong(), ctypes.c_void_p()
    assert threads.pthread_attr_init(attributes) == 0
    assert threads.pthread_attr_setstack(attributes, ctypes.c_void_p(base), ctypes.c_size_t(STACK)) == 0
    assert threads.pthread_create(ctypes.byref(thread), attributes, function, argument) == 0
    assert threads.pthread_join(thread, ctypes.byref(result)) == 0
    untouched = np.frombuffer(memory, np.uint8) != PAINT
    return STACK - int(np.argmax(untouched)), result.value


def feeds_of(proto):
    sizes = {"B": 2, "S": 37, "n": 33, "m": 20}
    shapes = [[d.dim_value or sizes.get(d.dim_param, 3) for d in value.type.tensor_type.shape.dim] for value in proto.graph.input]
    return {value.name: draw(*shape) for value, shape in zip(proto.graph.input, shapes)}


@pytest.mark.parametrize("name", MODELS)
def test_painted(name, tmp_path):
    proto = MODELS[name]()
    onnx.save(proto, tmp_path / "m.onnx")
    api.compile(tmp_path / "m.onnx", output=tmp_path / "m.tenon")
    feeds = feeds_of(proto)
    runtime = Runtime()
    arrays = list(feeds.values())
    handle, session = runtime.session(tmp_path / "m.tenon", arrays)
    stated = runtime.library.tenon_model_stack_bytes(handle)
    assert 0 < stated <= LIMIT
    # What the thread itself has at its start: its control block and the C library's frames.
    nothing, _ = touched(runtime.library.tenon_session_arena_bytes, session)
    used, status = touched(runtime.library.tenon_session_run, session)
    runtime.check(status)
    print(f"{name}: {used - nothing} of {stated} bytes")
    assert used - nothing <= stated
    assert used - nothing > KNOWN.get(name, 0), "the paint shows less than what the kernel keeps there"
    runtime.library.tenon_session_free(session)
    runtime.library.tenon_model_free(handle)

    artifact = api.Artifact(tmp_path / "m.tenon")
    one = artifact.session(threads=1).run(feeds)
    many = artifact.session(threads=4)
    for _ in range(3):
        for a, b in zip(one.values(), many.run(feeds).values()):
            np.testing.assert_array_equal(a, b)


def test_a_run_that_fails_too(tmp_path):
    """Its message is written with the deepest frames that the runtime has."""
    proto = model([helper.make_node("Gather", ["x", "at"], ["y"])], {"x": ["n", 3], "at": [2]})
    proto.graph.input[1].type.tensor_type.elem_type = TensorProto.INT64
    onnx.save(proto, tmp_path / "m.onnx")
    api.compile(tmp_path / "m.onnx", output=tmp_path / "m.tenon")
    runtime = Runtime()
    arrays = [draw(4, 3), np.array([1, 9], np.int64)]
    handle, session = runtime.session(tmp_path / "m.tenon", arrays)
    nothing, _ = touched(runtime.library.tenon_session_arena_bytes, session)
    used, status = touched(runtime.library.tenon_session_run, session)
    assert b"9" in runtime.library.tenon_status_text(ctypes.c_void_p(status))
    stated = runtime.library.tenon_model_stack_bytes(handle)
    print(f"failing: {used - nothing} of {stated} bytes")
    assert 512 < used - nothing <= stated
