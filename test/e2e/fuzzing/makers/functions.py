# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators that the compiler takes apart by their function bodies."""

import numpy as np

from ..oracles import NoOpinion
from .sizes import arithmetic


OPERATORS = {"HannWindow", "HammingWindow", "BlackmanWindow", "CenterCropPad", "NegativeLogLikelihoodLoss",
             "SoftmaxCrossEntropyLoss", "SwiGLU", "CausalConvWithState"}


def window(g):
    """As many weights as a size that follows from shapes, or a number."""
    size = arithmetic(g, vector=False) if g.chance(0.6) else g.constant(np.int64(g.integer(0, 33)))
    if g.opset < 17 or not all(0 <= int(a) < 100 for a in size.arrays):
        raise NoOpinion("no such window")
    made = g.add(g.one_of(["HannWindow", "HammingWindow", "BlackmanWindow"]), [size], {"periodic": g.integer(0, 1)})[0]
    # Their ends are 0 but for a rounding, whose sign would decide what powers are: what
    # others read is the sum.
    g.add("Add", [made, g.constant(np.float32(0.25))])[0].sizes = False
    made.sizes = True


def center_crop_pad(g):
    x = g.operand(("f32", "f16", "i64"), 1, 3)
    axes = sorted(g.rng.choice(x.rank, g.integer(1, x.rank), replace=False).tolist())
    parts = [arithmetic(g) if g.chance(0.4) else g.ints(g.integer(0, 9)) for _ in axes]
    if g.opset < 18 or not all(0 <= int(a[0]) < 60 for part in parts for a in part.arrays):
        raise NoOpinion("no such size")
    g.add("CenterCropPad", [x, g.add("Concat", parts, {"axis": 0})[0]], {"axes": axes} if len(axes) < x.rank else {})


def loss(g):
    classes = g.integer(1, 7)
    rest = (g.dims(1)[0], *g.dims(g.integer(0, 2)))
    x = g.input(g.one_of(["f32", "f32", "f16"]), (rest[0], classes, *rest[1:]))
    labels = g.input(g.one_of(["i64", "i32"]), rest, low=0, high=classes)
    weights = g.constant(g.rng.uniform(0.1, 2, classes).astype(x.arrays[0].dtype)) if g.chance(0.4) else None
    attrs = {"reduction": g.one_of(["mean", "sum", "none"]), **({"ignore_index": g.integer(-1, classes)} if g.chance(0.4) else {})}
    if g.chance(0.5):
        g.add("NegativeLogLikelihoodLoss", [x, labels, weights], attrs)
    else:
        g.add("SoftmaxCrossEntropyLoss", [x, labels, weights], attrs, g.integer(1, 2))


def gated(g):
    x = g.operand(("f32", "f16"), 1, 3)
    y = g.like(x)
    if g.opset < 28 or y is None:
        raise NoOpinion("not in this operator set")
    g.add("SwiGLU", [x, y], {"alpha": g.one_of([1.0, 1.702])} if g.chance(0.5) else {})


def causal_conv(g):
    if g.opset < 27:
        raise NoOpinion("not in this operator set")
    batch, length = g.dims(2)
    channels, width = g.integer(1, 4), g.integer(1, 4)
    x, weights = g.input("f32", (batch, channels, length)), g.input("f32", (channels, 1, width))
    bias = g.input("f32", (channels,)) if g.chance(0.5) else None
    past = g.input("f32", (batch, channels, width - 1)) if g.chance(0.5) else None
    g.add("CausalConvWithState", [x, weights, bias, past], {"activation": g.one_of(["none", "silu"])}, 2)


def makers():
    return [(window, 2), (center_crop_pad, 2), (loss, 2), (gated, 1), (causal_conv, 1)]
