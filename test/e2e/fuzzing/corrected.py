# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators as their texts have them, where the reference evaluator is wrong and
ONNX Runtime cannot take its place. Each has its reason in ../fuzz-explained.txt."""

import copy
import dataclasses
import functools
from fractions import Fraction

import numpy as np
from onnx.reference.op_run import OpRun


class LRN(OpRun):
    """Squares summed over the channels c - floor((size - 1) / 2) to c + ceil((size - 1) / 2),
    in the operand's type or, of half, in float32: they may be beyond it."""

    def _run(self, x, alpha=None, beta=None, bias=None, size=None):
        channels = x.shape[1]
        wide = x.astype(np.promote_types(x.dtype, np.float32))
        squares = np.zeros_like(wide)
        for c in range(channels):
            window = wide[:, max(0, c - (size - 1) // 2) : min(channels, c + size // 2 + 1)]
            squares[:, c] = (window * window).sum(axis=1)
        scale = wide.dtype.type(alpha / size)
        return ((wide / (wide.dtype.type(bias) + scale * squares) ** wide.dtype.type(beta)).astype(x.dtype),)


class HardSwish(OpRun):
    """Whose 1/6 the function body rounds to single precision, for double operands too."""

    def _run(self, x):
        wide = x.astype(np.float64)
        return ((wide * np.clip(wide / 6 + 0.5, 0, 1)).astype(x.dtype),)


class PRelu(OpRun):
    """f(x) = x for x >= 0, so that a slope does not matter to zeros."""

    def _run(self, x, slope):
        return (np.where(x < 0, x * slope, x).astype(x.dtype),)


class Windows:
    """The windows of a pool on an operand of shape [N, C, size of each axis...]."""

    def __init__(self, shape, kernel, ceil_mode, dilations, pads, strides):
        count = len(kernel)
        self.kernel, self.dilations, self.strides = kernel, dilations or [1] * count, strides or [1] * count
        pads = pads or [0] * 2 * count
        self.begins, self.ends, self.sizes = pads[:count], pads[count:], []
        for size, before, after, k, d, s in zip(shape[2:], self.begins, self.ends, kernel, self.dilations, self.strides):
            room = size + before + after - (k - 1) * d - 1
            out = (-(-room // s) if ceil_mode else room // s) + 1
            if out < 1:
                raise ValueError("a window larger than what it slides over")
            # No window begins behind the image.
            self.sizes.append(out - 1 if ceil_mode and (out - 1) * s >= size + before else out)
        # What the last windows reach beyond the operand.
        self.reach = [max(0, (out - 1) * s + (k - 1) * d + 1 - before - size) for out, s, k, d, before, size in
                      zip(self.sizes, self.strides, kernel, self.dilations, self.begins, shape[2:])]

    def taps(self, x, beyond):
        """For each place in a window, the elements there of all windows; `beyond` around the operand."""
        padded = np.pad(x, [(0, 0), (0, 0), *zip(self.begins, self.reach)], constant_values=beyond)
        for tap in np.ndindex(*self.kernel):
            axes = zip(tap, self.dilations, self.strides, self.sizes)
            yield padded[(..., *(slice(t * d, t * d + (out - 1) * s + 1, s) for t, d, s, out in axes))]


class MaxPool(OpRun):
    """The largest of each window's elements, which may all be -inf."""

    def _run(self, x, auto_pad=None, ceil_mode=None, dilations=None, kernel_shape=None, pads=None, storage_order=None, strides=None):
        lowest = -np.inf if x.dtype.kind not in "iu" else np.iinfo(x.dtype).min
        windows = Windows(x.shape, kernel_shape, ceil_mode, dilations, pads, strides)
        return (functools.reduce(np.maximum, windows.taps(x, lowest)).astype(x.dtype),)


class AveragePool(OpRun):
    """The mean of each window's elements; with count_include_pad the pads count as zeros,
    and what a window of ceil_mode reaches beyond them does not."""

    def _run(self, x, auto_pad=None, ceil_mode=None, count_include_pad=None, dilations=None, kernel_shape=None, pads=None, strides=None):
        windows = Windows(x.shape, kernel_shape, ceil_mode, dilations, pads, strides)
        wide = x.astype(np.promote_types(x.dtype, np.float32))
        counts = np.ones(x.shape, wide.dtype)
        counting = copy.copy(windows)
        if count_include_pad:  # the pads are part of what is counted, as far as windows reach
            after = [min(pad, reach) for pad, reach in zip(windows.ends, windows.reach)]
            counts = np.pad(counts, [(0, 0), (0, 0), *zip(windows.begins, after)], constant_values=1)
            counting.begins = [0] * len(after)
            counting.reach = [reach - pad for reach, pad in zip(windows.reach, after)]
        with np.errstate(invalid="ignore", divide="ignore"):
            return ((sum(windows.taps(wide, 0)) / sum(counting.taps(counts, 0))).astype(x.dtype),)


class GlobalMaxPool(OpRun):
    """Over all axes but the first two, which the reference evaluator takes where the rank is 4.
    ONNX Runtime begins with the lowest finite number, and has that of nothing but -inf."""

    def _run(self, x):
        return (x.max(axis=tuple(range(2, x.ndim)), keepdims=True, initial=-np.inf),)


OPERATORS = [AveragePool, GlobalMaxPool, HardSwish, LRN, MaxPool, PRelu]


POOLS = ("AveragePool", "LpPool", "MaxPool")


def with_explicit_pads(node, arrays):
    """A pool or convolution whose auto_pad is SAME_*, with the pads that give an output of
    ceil(input / stride). The oracles leave dilations out of them, and the reference
    evaluator strides beyond kernels."""
    auto = node.attrs.get("auto_pad", "")
    if node.domain or node.op not in (*POOLS, "Conv") or not auto.startswith("SAME"):
        return node
    x = arrays[0]
    kernel = node.attrs["kernel_shape"] if node.op in POOLS else arrays[1].shape[2:]
    dilations, strides = (node.attrs.get(name, [1] * len(kernel)) for name in ("dilations", "strides"))
    begins, ends = [], []
    for size, k, d, s in zip(x.shape[2:], kernel, dilations, strides):
        total = max(0, (-(-size // s) - 1) * s + (k - 1) * d + 1 - size)
        less = total // 2
        begins.append(less if auto == "SAME_UPPER" else total - less)
        ends.append(total - less if auto == "SAME_UPPER" else less)
    kept = {key: value for key, value in node.attrs.items() if key not in ("auto_pad", "ceil_mode")}
    return dataclasses.replace(node, attrs={**kept, "pads": begins + ends})


def nearest_positions(size, out, scale, attrs):
    """The elements that Resize takes along an axis, with exact positions."""
    mode = attrs.get("coordinate_transformation_mode", "half_pixel")
    rounding = attrs.get("nearest_mode", "round_prefer_floor")
    half = Fraction(1, 2)
    for y in range(out):
        if mode == "asymmetric":
            x = y / scale
        elif mode == "align_corners":
            x = Fraction(0) if out == 1 else y * (size - 1) / (size * scale - 1)
        elif mode == "pytorch_half_pixel" and out == 1:
            x = Fraction(0)
        else:
            x = (y + half) / scale - half
        at = {"floor": x // 1, "ceil": -(-x // 1), "round_prefer_ceil": (x + half) // 1,
              "round_prefer_floor": -((half - x) // 1)}[rounding]
        yield min(max(int(at), 0), size - 1)


def nearest_resize(node, arrays, out):
    """What Resize gives where it takes nearest elements, or None; `out` is an oracle's,
    whose shape is right. The reference evaluator multiplies all elements with factors of
    0 and 1, and both oracles round positions."""
    attrs = node.attrs
    known = {"coordinate_transformation_mode", "nearest_mode", "mode"}
    if len(node.inputs) < 3 or attrs.get("mode", "nearest") != "nearest" or set(attrs) - known or not out.size:
        return None
    if attrs.get("coordinate_transformation_mode", "half_pixel") in ("tf_crop_and_resize", "half_pixel_symmetric"):
        return None
    result = arrays[0]
    for axis, (size, length) in enumerate(zip(result.shape, out.shape)):
        scale = Fraction(float(arrays[2][axis])) if node.inputs[2] else Fraction(length, size)
        result = result.take(list(nearest_positions(size, length, scale, attrs)), axis)
    return result


def sliced(node, arrays, out):
    """What Slice gives: a start before the first element is clamped to it for negative
    steps, too, where NumPy has nothing and ONNX Runtime takes some ends for others."""
    if len(node.inputs) < 3:
        return None
    x, starts, ends = arrays[:3]
    axes, steps = ([int(v) for v in arrays[i]] if len(arrays) > i and node.inputs[i] else default
                   for i, default in ((3, list(range(len(starts)))), (4, [1] * len(starts))))
    for start, end, axis, step in zip(map(int, starts), map(int, ends), axes, steps):
        size = x.shape[axis]
        low, high = (0, size) if step > 0 else (-1, size - 1)
        start, end = (at + size if at < 0 else at for at in (start, end))
        x = x.take(list(range(min(max(start, 0), high), min(max(end, low), high), step)), axis)
    return x


def log_sum_exp(node, arrays, out):
    """The logarithm of sums of exponentials that need not be float32 numbers."""
    x, axes = arrays[0], node.attrs.get("axes")
    if len(arrays) > 1 and node.inputs[1]:
        axes = [int(a) for a in arrays[1]]
    if x.dtype.kind != "f" or not x.size:
        return None
    if not axes and node.attrs.get("noop_with_empty_axes"):
        return x.reshape(out.shape)  # of one element each; the reference makes NaN of -inf
    axes = tuple(axes) if axes else None
    wide = x.astype(np.float64)
    with np.errstate(all="ignore"):
        largest = wide.max(axis=axes, keepdims=True)
        largest = np.where(np.isfinite(largest), largest, 0)
        total = np.log(np.exp(wide - largest).sum(axis=axes, keepdims=True)) + largest
    return total.astype(x.dtype).reshape(out.shape)


def power(node, arrays, out):
    """Powers of -inf to 0.5, of which NumPy takes a square root (NaN) where the exponent is one number."""
    x, y = arrays
    if x.dtype.kind != "f" or y.dtype.kind != "f":
        return None
    return np.where(np.isneginf(x) & (y == 0.5), np.inf, out).astype(out.dtype)


# What an operator of one result gives by its text; None where an oracle is right.
BY_TEXT = {"Pow": power, "ReduceLogSumExp": log_sum_exp, "Resize": nearest_resize, "Slice": sliced}
