# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One operator case: an ONNX node, its operands' types and shapes, and how their
values are drawn.

A dimension is a number or the name of a symbol ("N", "M", "K"), which the runner
binds to many sizes. An operand with a `value` is a constant of the model.
"""

from dataclasses import dataclass, field

import numpy as np
import onnx
from onnx import TensorProto, helper

try:
    from ml_dtypes import bfloat16
except ImportError:  # cases of bfloat16 are left out without it
    bfloat16 = None

# name: ONNX element type, NumPy type.
DTYPES = {
    "f32": (TensorProto.FLOAT, np.float32), "f64": (TensorProto.DOUBLE, np.float64),
    "f16": (TensorProto.FLOAT16, np.float16), "bf16": (TensorProto.BFLOAT16, bfloat16),
    "i8": (TensorProto.INT8, np.int8), "i16": (TensorProto.INT16, np.int16),
    "i32": (TensorProto.INT32, np.int32), "i64": (TensorProto.INT64, np.int64),
    "u8": (TensorProto.UINT8, np.uint8), "u16": (TensorProto.UINT16, np.uint16),
    "u32": (TensorProto.UINT32, np.uint32), "u64": (TensorProto.UINT64, np.uint64),
    "bool": (TensorProto.BOOL, np.bool_),
}
FLOATS = ("f32", "f16", "f64") + (("bf16",) if bfloat16 else ())
INTEGERS = ("i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64")


@dataclass(frozen=True)
class Tensor:
    """An operand. `draw` is how values are drawn: see `sample`."""

    dtype: str
    dims: tuple
    draw: object = None
    value: object = None

    def shape(self, sizes):
        return tuple(sizes[d] if isinstance(d, str) else d for d in self.dims)

    def text(self):
        if self.value is not None and self.value.size <= 6:
            return f"{self.dtype} {self.value.tolist()}"
        return self.dtype + "[" + ",".join(map(str, self.dims)) + "]" + ("" if self.value is None else " constant")

    def sample(self, sizes, rng):
        """Values for one binding of the symbols. draw: None (a normal distribution,
        small integers), (low, high) (uniform, high excluded for integers), or a
        function of (shape, sizes, rng)."""
        numpy = DTYPES[self.dtype][1]
        shape = self.shape(sizes)
        if callable(self.draw):
            return np.asarray(self.draw(shape, sizes, rng)).astype(numpy)
        if self.draw is not None:
            low, high = self.draw
            kind = np.dtype(numpy).kind
            values = rng.integers(low, high, shape) if kind in "iu" else rng.uniform(low, high, shape)
            return np.asarray(values).astype(numpy)
        if self.dtype == "bool":
            return rng.integers(0, 2, shape).astype(bool)
        if self.dtype in INTEGERS:
            return rng.integers(0 if self.dtype[0] == "u" else -50, 50, shape).astype(numpy)
        return np.asarray(2 * rng.standard_normal(shape)).astype(numpy)


def T(dtype, *dims, draw=None):
    return Tensor(dtype, dims, draw)


def C(dtype, value):
    """A constant operand."""
    value = np.asarray(value, DTYPES[dtype][1])
    return Tensor(dtype, value.shape, value=value)


# N and K broadcast to each other: either may be 1 at run time.
EITHER_ONE = {"only_sizes": True, "sizes": tuple({"N": n, "K": k, "M": m} for n, k, m in (
    (1, 5, 3), (5, 1, 17), (5, 5, 16), (1, 1, 7), (17, 1, 1), (1, 33, 31), (16, 16, 1), (0, 1, 4), (1, 0, 4)))}


def index_of(symbol_or_size, negative=True):
    """Draws indices into a dimension, from its end too."""

    def draw(shape, sizes, rng):
        size = sizes.get(symbol_or_size, symbol_or_size)
        low = -size if negative else 0
        return rng.integers(low, size, shape) if size > 0 else np.zeros(shape)

    return draw


@dataclass(frozen=True)
class Case:
    op: str
    inputs: tuple  # Tensor, or None for an operand left out
    attrs: dict = field(default_factory=dict)
    out: tuple = None  # element types; by default the first input's
    domain: str = ""
    opset: int = 21
    rtol: float = None
    atol: float = None
    steps: int = 0  # how far integers may be off
    peer: bool = True  # whether ONNX Runtime says the same where it runs the node
    peer_outputs: int = 99  # ... of how many outputs
    peer_empty: bool = True  # and where an operand is empty
    refused: str = ""  # the code of an error that is expected instead of a result
    sizes: tuple = ()  # bindings of the symbols beside the runner's own
    only_sizes: bool = False

    @property
    def outputs(self):
        return self.out or (next(t.dtype for t in self.inputs if t),)

    @property
    def symbols(self):
        return {d for t in self.inputs if t for d in t.dims if isinstance(d, str)}

    @property
    def name(self):
        operands = ", ".join(t.text() if t else "-" for t in self.inputs)
        attrs = "".join(f" {k}={v}" for k, v in self.attrs.items() if not isinstance(v, onnx.GraphProto))
        version = "" if self.opset == 21 else f" opset {self.opset}"
        return f"{self.domain + '::' if self.domain else ''}{self.op}({operands}){attrs}{version}"

    def tolerance(self, dtype):
        rtol, atol = {"f32": (1e-5, 1e-5), "f64": (1e-9, 1e-9), "f16": (2e-3, 2e-3), "bf16": (1.6e-2, 1.6e-2)}.get(
            dtype, (0, 0))
        return self.rtol or rtol, self.atol or atol


def allowed(case):
    """Whether ONNX's schema takes the operands' types."""
    try:
        schema = onnx.defs.get_schema(case.op, case.opset, case.domain)
    except onnx.defs.SchemaError:
        return True  # no operator of ONNX itself
    types = {c.type_param_str: c.allowed_type_strs for c in schema.type_constraints}
    for i, tensor in enumerate(case.inputs):
        formal = schema.inputs[min(i, len(schema.inputs) - 1)]
        name = onnx.helper.tensor_dtype_to_string(DTYPES[tensor.dtype][0]) if tensor else ""
        spelled = f"tensor({name.removeprefix('TensorProto.').lower()})"
        if tensor and spelled not in types.get(formal.type_str, [formal.type_str]):
            return False
    return True


def build(cases):
    """One model of independent nodes, and its inputs' and outputs' names by case."""
    nodes, inputs, outputs, initializers, names = [], [], [], [], []
    for number, case in enumerate(cases):
        operands, own = [], []
        for i, tensor in enumerate(case.inputs):
            if tensor is None:
                operands.append("")
                continue
            name = f"c{number}_{i}"
            operands.append(name)
            if tensor.value is not None:
                initializers.append(helper.make_tensor(name, DTYPES[tensor.dtype][0], tensor.dims,
                                                       tensor.value.tobytes(), raw=True))
            else:
                inputs.append(helper.make_tensor_value_info(name, DTYPES[tensor.dtype][0], list(tensor.dims)))
                own.append((name, tensor))
        results = [f"r{number}_{i}" if dtype else "" for i, dtype in enumerate(case.outputs)]
        nodes.append(helper.make_node(case.op, operands, results, f"n{number}", domain=case.domain, **case.attrs))
        outputs += [helper.make_tensor_value_info(r, DTYPES[d][0], None) for r, d in zip(results, case.outputs) if d]
        names.append((own, [(r, d) for r, d in zip(results, case.outputs) if d]))
    graph = helper.make_graph(nodes, "operators", inputs, outputs, initializers)
    imports = [helper.make_opsetid("", cases[0].opset), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=imports)
    model.ir_version = min(model.ir_version, 10)
    return model, names
