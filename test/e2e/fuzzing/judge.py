# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Whether what the compiler made of a program is right.

Values are right where they are near those of one oracle. How near is a matter of
the program: what lies farther off is compared with how much the outputs move when
every inexact step is off by a few units in the last place."""

from dataclasses import dataclass

import numpy as np

from .oracles import NodeOracle, NoOpinion
from .program import short_name

# Relative and absolute, of one output.
NEAR = {"f32": (1e-4, 1e-5), "f64": (1e-8, 1e-9), "f16": (4e-3, 2e-3), "bf16": (3e-2, 2e-2)}
# Relative error of one step.
NOISE = {"f32": 2.0**-21, "f64": 2.0**-48, "f16": 2.0**-9, "bf16": 2.0**-6}
ROUNDS = 6
# Whose results are operands, or follow from them without rounding.
EXACT = {
    "Abs", "Neg", "Relu", "Floor", "Ceil", "Round", "Sign", "Identity", "Max", "Min", "Clip", "Where", "Transpose", "Reshape",
    "Squeeze", "Unsqueeze", "Flatten", "Concat", "Slice", "Split", "Gather", "GatherElements", "GatherND", "ScatterND",
    "ScatterElements", "Scatter", "Pad", "Expand", "Tile", "TopK", "ReduceMax", "ReduceMin", "MaxPool", "GlobalMaxPool",
    "DepthToSpace", "SpaceToDepth", "Trilu", "EyeLike", "OneHot", "ConstantOfShape", "Range", "Shape", "Size", "Dropout",
    "ReverseSequence", "Hardmax", "Mod", "ThresholdedRelu",
}
# Sums, whose error is relative to their terms.
SUMS = {
    "MatMul", "Gemm", "Conv", "ConvTranspose", "ReduceSum", "ReduceMean", "ReduceL1", "ReduceL2", "ReduceSumSquare",
    "ReduceLogSum", "ReduceLogSumExp", "CumSum", "Einsum", "AveragePool", "GlobalAveragePool", "LpPool", "GlobalLpPool",
    "LayerNormalization", "InstanceNormalization", "GroupNormalization", "BatchNormalization", "RMSNormalization",
    "MeanVarianceNormalization", "LpNormalization", "LRN", "Resize", "Sum", "Mean", "Softmax", "LogSoftmax", "Add", "Sub",
    "GridSample", "AffineGrid", "Attention", "LSTM", "GRU", "RNN", "DynamicQuantizeLinear", "QuantizeLinear",
    "NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss",
}
# x * (1 + erf(x)) and the like, whose error the float contract relates to x, not to a
# result near 0.
CANCELLING = {"Gelu", "BiasGelu", "FastGelu"}

# Of zeros of both signs either is the larger: ONNX compares, and -0 equals 0.
CHOOSING = {"Clip", "Max", "Min", "ReduceMax", "ReduceMin", "MaxPool", "GlobalMaxPool"}


@dataclass
class Finding:
    kind: str  # crash, memory, unwritten, refused, error, shape, value
    detail: str
    code: str = ""
    binding: int = -1
    output: str = ""

    def signature(self):
        return (self.kind, self.code)


def compare(mine, theirs, extra=(0.0, 0.0, 0)):
    """Where `mine` is wrong: a mask, or a text about shape or type."""
    if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
        return f"{mine.dtype}{list(mine.shape)}, expected {theirs.dtype}{list(theirs.shape)}"
    if mine.dtype.kind in "iub":
        if extra[2]:
            return np.abs(mine.astype(np.int64) - theirs.astype(np.int64)) > extra[2]
        return mine != theirs
    rtol, atol = NEAR[short_name(mine)]
    with np.errstate(all="ignore"):
        return ~np.isclose(mine.astype(np.float64), theirs.astype(np.float64), rtol=max(rtol, extra[0]),
                           atol=max(atol, extra[1]), equal_nan=True)


def are_finite(arrays, shape):
    """Where, by an element of a result, its operands are: all of one that is no operand by elements."""
    finite = np.ones(shape, bool)
    for array in arrays:
        own = np.isfinite(array.astype(np.float64))
        try:
            finite &= np.broadcast_to(own, shape)
        except ValueError:
            finite &= own.all()
    return finite


def noisy(program, binding, rng):
    """{name: array} of all values, every inexact step a little off."""
    values = {v.name: v.arrays[binding] for v in program.values.values() if v.dims is not None or v.constant}

    def shaken(array):
        short = short_name(array)
        if short not in NOISE or not array.size:
            return array
        with np.errstate(all="ignore"):
            factor = 1 + NOISE[short] * rng.uniform(-1, 1, array.shape)
            return (array.astype(np.float64) * factor).astype(array.dtype).reshape(array.shape)

    for node in program.nodes:
        operands = [program.values[name] for name in node.reads()]
        feeds = {v.name: values[v.name] for v in operands}
        if node.op in SUMS or node.domain:
            feeds = {name: shaken(array) for name, array in feeds.items()}
        oracle = NodeOracle(node, operands, program.opset)
        zeros = [a[a == 0] for a in feeds.values() if short_name(a) in NOISE]
        signs = set(np.signbit(np.concatenate(zeros)).tolist()) if zeros else set()
        for name, array in zip(oracle.outputs, oracle(feeds)):
            if node.op in CHOOSING and len(signs) == 2 and short_name(array) in NOISE:
                array = np.where(array == 0, rng.choice([-0.0, 0.0], array.shape).astype(array.dtype), array)
            if short_name(array) == "f16":
                # Between fused operators values are of float32 (TN5102), and need not be infinite.
                is_beyond = np.isinf(array) & are_finite(feeds.values(), array.shape) & (rng.random(array.shape) < 0.5)
                array = np.where(is_beyond, np.copysign(np.finfo(np.float16).max, array), array).astype(np.float16)
            if node.op == "Mod" and short_name(array) in ("f16", "bf16") and program.producer(node.inputs[0]):
                # For the same reason a remainder may be of a sum that 16 bits do not hold: (60000 + 3) mod 2.
                # And one that is within its error of a multiple of the divisor may be that.
                x, y = (feeds[name].astype(np.float32) for name in node.inputs)
                noise = NOISE[short_name(array)]
                with np.errstate(all="ignore"):
                    multiple = np.rint(x / y) * y
                    is_multiple = (abs(x - multiple) <= noise * abs(x)) & (rng.random(array.shape) < 0.5)
                    x = np.where(is_multiple, multiple, x * (1 + noise * rng.uniform(-1, 1, x.shape)))
                    remainder = (np.fmod if node.attrs.get("fmod") else np.mod)(x, y)
                    array = np.where(is_multiple, np.copysign(0, remainder), remainder).astype(array.dtype)
            values[name] = array if node.op in EXACT and not node.domain else shaken(array)
            if len(node.tolerance) > 2 and node.tolerance[2] and array.dtype.kind in "iu":  # steps of a quantized result
                limits, steps = np.iinfo(array.dtype), rng.integers(-node.tolerance[2], node.tolerance[2] + 1, array.shape)
                values[name] = np.clip(array.astype(np.int64) + steps, limits.min, limits.max).astype(array.dtype)
            if node.op in CANCELLING:
                x = sum(np.nan_to_num(feed) for feed in feeds.values())  # of the one or with a bias
                # What is within its error of 0 may be 0, which another step may divide by.
                is_zero = (abs(array) <= NOISE[short_name(x)] * abs(x)) & (rng.random(array.shape) < 0.5)
                values[name] = np.where(is_zero, 0, values[name] + (shaken(x) - x)).astype(array.dtype)
    return values


def loosened(program, binding, name, mine, wrong):
    """The part of a mask that noise does not explain."""
    clean = program.values[name].arrays[binding]
    if wrong.shape != clean.shape:
        return wrong
    rng = np.random.default_rng(0)
    reach = np.zeros(clean.shape)
    free, above, below = (np.zeros(clean.shape, bool) for _ in range(3))
    for _ in range(ROUNDS):
        try:
            array = noisy(program, binding, rng)[name]
        except NoOpinion:
            return np.zeros_like(wrong)  # a little noise, and there is no value: nothing can be said
        if array.shape != clean.shape:
            return np.zeros_like(wrong)
        if clean.dtype.kind in "iub":
            free |= array != clean
            continue
        with np.errstate(all="ignore"):
            a, c = array.astype(np.float64), clean.astype(np.float64)
            finite = np.isfinite(a) & np.isfinite(c)
            free |= ~finite & ~((a == c) | (np.isnan(a) & np.isnan(c)))
            reach = np.maximum(reach, np.where(finite, np.abs(a - c), 0))
            above, below = above | (a > 0), below | (a < 0)
    wrong = wrong & ~free
    if clean.dtype.kind in "iub":
        return wrong
    with np.errstate(all="ignore"):
        off = np.abs(mine.astype(np.float64) - clean.astype(np.float64))
        # A divisor that may be of either sign may be 0.
        return wrong & ~(off <= 8 * reach) & ~(np.isinf(mine.astype(np.float64)) & above & below)


def judge_value(program, binding, name, mine, theirs=None):
    """A Finding of one output, or None. `theirs` holds ONNX Runtime's values, if any."""
    allowed = [n.tolerance for n in program.nodes if len(n.tolerance) > 2]
    extra = tuple(max((t[i] for t in allowed), default=0) for i in range(3))
    clean = program.values[name].arrays[binding]
    wrong = compare(mine, clean, extra)
    if theirs is not None and (isinstance(wrong, str) or wrong.any()):
        other = compare(mine, theirs, extra)
        if isinstance(wrong, str) or isinstance(other, str):
            wrong = other if isinstance(wrong, str) else wrong
        else:
            wrong = wrong & other
    if isinstance(wrong, str):
        return Finding("shape", f"{name}: {wrong}", binding=binding, output=name)
    if not wrong.any():
        return None
    wrong = loosened(program, binding, name, mine, np.asarray(wrong))
    if not wrong.any():
        return None
    at = tuple(int(k[0]) for k in np.nonzero(np.atleast_1d(wrong)))
    text = f"{name}: {int(wrong.sum())} of {wrong.size} elements, at {list(at)} {np.atleast_1d(mine)[at]}; the reference says "
    text += str(np.atleast_1d(clean)[at] if clean.shape == mine.shape else f"{clean.dtype}{list(clean.shape)}")
    if theirs is not None and theirs.shape == clean.shape:
        text += f", ONNX Runtime {np.atleast_1d(theirs)[at]}"
    return Finding("value", text, binding=binding, output=name)
