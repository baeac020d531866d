# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where an oracle is wrong by the operator's text, or where the text leaves open
what is right. Each rule has its reason in ../fuzz-explained.txt."""

import numpy as np

from .corrected import POOLS, with_explicit_pads

# What a text leaves open ----------------------------------------------------------


def is_float(value):
    return value.dtype in ("f32", "f64", "f16", "bf16")


def operand(node, operands, index):
    if index >= len(node.inputs) or not node.inputs[index]:
        return None
    return next(v for v in operands if v.name == node.inputs[index])


def cast_out_of_range(node, operands):
    from onnx import helper

    source = operand(node, operands, 0)
    if node.op == "Cast":
        target = helper.tensor_dtype_to_np_dtype(node.attrs["to"])
    else:
        target = operand(node, operands, 1).arrays[0].dtype
    if target.kind not in "iu":
        return False
    limits = np.iinfo(target)
    for array in source.arrays:
        if source.arrays[0].dtype.kind in "iub":
            # Integers wrap, in both oracles.
            continue
        wide = array.astype(np.float64)
        if wide.size and not (np.isfinite(wide).all() and (np.trunc(wide) >= limits.min).all() and (wide < float(limits.max)).all()):
            return True
    return False


def nearly_equal(node, operands):
    """Floats that are a rounding apart."""
    a, b = operand(node, operands, 0), operand(node, operands, 1)
    if not is_float(a):
        return False
    for x, y in zip(a.arrays, b.arrays):
        step = 4 * float(np.finfo(np.float16 if a.dtype in ("f16", "bf16") else x.dtype).eps) * (8 if a.dtype == "bf16" else 1)
        with np.errstate(all="ignore"):
            off = abs(x.astype(np.float64) - y.astype(np.float64))
            if ((off > 0) & (off <= step * abs(x.astype(np.float64)))).any():
                return True
    return False


def near_whole_exponent(node, operands):
    """A negative base has a power for a whole exponent, and none beside it."""
    base, exponent = operand(node, operands, 0), operand(node, operands, 1)
    if not is_float(base) or not is_float(exponent):
        return False
    for b, e in zip(base.arrays, exponent.arrays):
        with np.errstate(all="ignore"):
            off = abs(e.astype(np.float64) - np.rint(e.astype(np.float64)))
        if (b < 0).any() and ((off > 0) & (off < 1e-5)).any():
            return True
    return False


def norm_beyond_type(node, operands):
    """Sums of powers that the operand's type does not hold, and float32 may."""
    x = operand(node, operands, 0)
    p = node.attrs.get("p", 2)
    most = float(np.finfo(np.float16 if x.dtype == "f16" else np.float32).max)
    return is_float(x) and any((abs(a.astype(np.float64)) > (most / max(a.size, 1)) ** (1 / p)).any() for a in x.arrays)


def integer_division(node, operands):
    divisor, dividend = operand(node, operands, 1), operand(node, operands, 0)
    if is_float(divisor):
        return False
    if any((array == 0).any() for array in divisor.arrays):
        return True
    if divisor.dtype[0] == "u":
        return False
    low = np.iinfo(dividend.arrays[0].dtype).min
    return any((array == low).any() for array in dividend.arrays)  # by -1: no such number


def power_of_integers(node, operands):
    base, exponent = operand(node, operands, 0), operand(node, operands, 1)
    if is_float(base):
        return False
    for b, e in zip(base.arrays, exponent.arrays):
        if e.size and (~np.isfinite(e.astype(np.float64)).all() or (e < 0).any()):
            return True
        if b.size and e.size and np.abs(b.astype(np.float64)).max() ** max(float(e.max()), 1.0) > float(np.iinfo(b.dtype).max):
            return True
    return False


def repeated_indices(node, operands):
    """Without a reduction, the order of writes to one place is open."""
    if node.attrs.get("reduction", "none") != "none":
        return False
    data, indices = operand(node, operands, 0), operand(node, operands, 1)
    for d, i in zip(data.arrays, indices.arrays):
        if node.op == "ScatterND":
            shape = d.shape[: i.shape[-1]]
            if any(s == 0 for s in shape):
                return True
            rows = np.where(i < 0, i + np.array(shape), i).reshape(-1, i.shape[-1])
            if len(np.unique(rows, axis=0)) != len(rows):
                return True
        else:
            axis = node.attrs.get("axis", 0)
            rows = np.moveaxis(np.where(i < 0, i + d.shape[axis], i), axis, 0)
            rows = rows.reshape(rows.shape[0], -1)
            if any(len(np.unique(column)) != len(column) for column in rows.T):
                return True
    return False


def quantizes_special(node, operands):
    """What NaN becomes is open; infinities saturate."""
    return any(np.isnan(a.astype(np.float64)).any() for a in operand(node, operands, 0).arrays)


def scattered_nan(node, operands):
    if node.attrs.get("reduction", "none") not in ("max", "min"):
        return False
    return any(is_float(operand(node, operands, i)) and np.isnan(a.astype(np.float64)).any() for i in (0, 2) for a in operand(node, operands, i).arrays)


def same_beside_strides(node, operands):
    """Windows smaller than the strides need pads below 0, which both oracles leave out."""
    weights = operand(node, operands, 1).arrays[0]
    count = weights.ndim - 2
    strides, dilations = (node.attrs.get(name, [1] * count) for name in ("strides", "dilations"))
    return node.attrs.get("auto_pad", "").startswith("SAME") and any(
        (k - 1) * d + 1 < s for k, d, s in zip(weights.shape[2:], dilations, strides))


def not_finite(node, operands, index=0):
    return any(not np.isfinite(a.astype(np.float64)).all() for a in operand(node, operands, index).arrays)


def infinite_weights(node, operands):
    """Whether padding counts as zeros that are multiplied."""
    return not_finite(node, operands, 1)


def nan_operand(node, operands):
    return is_float(operand(node, operands, 0)) and quantizes_special(node, operands)


def interpolates_special(node, operands):
    """Whether a neighbour whose factor is 0 is multiplied (0 * inf = NaN) or left out."""
    default = "nearest" if node.op == "Resize" else "linear"
    return node.attrs.get("mode", default) != "nearest" and is_float(operand(node, operands, 0)) and not_finite(node, operands)


def infinite_range(node, operands):
    """Its scale is infinite or NaN, and so is the quotient that gives the zero point."""
    return any(not np.isfinite(a).all() or a.size and not np.isfinite(np.float32(a.max()) - np.float32(a.min()))
               for a in operand(node, operands, 0).arrays)


def infinite_variance(node, operands):
    """By the mean of squares less the square of the mean it is NaN, by the mean of
    squared differences infinite."""
    x = operand(node, operands, 0)
    limit = np.sqrt(float(np.finfo(np.float32).max if x.dtype in ("f32", "bf16") else np.finfo(x.arrays[0].dtype).max))
    return any((abs(a.astype(np.float64)) > limit / 64).any() for a in x.arrays)


def order_of_products(node, operands):
    """Whether the factors of some product overflow, or vanish, in another order than the oracle's."""
    x, axes = operand(node, operands, 0), operand(node, operands, 1)
    if not is_float(x):
        return False
    axes = node.attrs.get("axes") if axes is None else [int(a) for a in axes.arrays[0]]
    limits = np.finfo(np.float32 if x.dtype in ("f32", "bf16") else x.arrays[0].dtype)
    for array in x.arrays:
        with np.errstate(all="ignore"):
            size = np.log2(abs(array.astype(np.float64)))
        size = np.where(np.isfinite(size), size, 0)
        over, under = (np.maximum(sign * size, 0).sum(axis=tuple(axes) if axes else None) for sign in (1, -1))
        if (over >= limits.maxexp).any() or (under >= -limits.minexp).any():
            return True
    return False


def shorter_sequence(node, operands):
    """What the presents hold behind the end of a sequence that is shorter than the longest."""
    lengths, total = operand(node, operands, 5), operand(node, operands, 6)
    return bool(lengths and total) and any((a + 1 != t).any() for a, t in zip(lengths.arrays, total.arrays))


def beyond_input(node, operands):
    """Windows larger than what they slide over, pads included: nothing, but what the
    oracles divide is rounded up."""
    attrs = node.attrs
    kernel = attrs["kernel_shape"] if node.op in POOLS else operand(node, operands, 1).arrays[0].shape[2:]
    if attrs.get("ceil_mode") or attrs.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        return False
    count = len(kernel)
    pads, dilations = attrs.get("pads", [0] * 2 * count), attrs.get("dilations", [1] * count)
    return any(size + before + after < (k - 1) * d + 1 for a in operand(node, operands, 0).arrays
               for size, before, after, k, d in zip(a.shape[2:], pads, pads[count:], kernel, dilations))


def masked_infinity(node, operands):
    """Scores of -inf in rows that see only some of the keys."""
    return bool(operand(node, operands, 3) or node.attrs.get("is_causal")) and (not_finite(node, operands) or not_finite(node, operands, 1))


def bounded_nan(node, operands):
    """Infinite operands of cells with a bound: their products cancel to NaN."""
    bounded = {"HardSigmoid", "Relu", "ThresholdedRelu"} & set(node.attrs.get("activations", []))
    return bool(bounded or node.attrs.get("clip")) and any(not_finite(node, operands, i) for i in range(len(node.inputs)) if node.inputs[i])


def hidden_by_bias(node, operands):
    """Rows whose keys an attention bias of -inf hides."""
    bias = operand(node, operands, 5)
    return bias is not None and any(np.isneginf(a.astype(np.float64)).any() for a in bias.arrays)


def copies_for_zero(node, operands):
    """Whether a computed size of 0 stands where the operand's is another."""
    x, shape = operand(node, operands, 0), operand(node, operands, 1)
    if shape.constant or node.attrs.get("allowzero"):
        return False
    return any(size == 0 and (i >= a.ndim or a.shape[i] != 0) for a, s in zip(x.arrays, shape.arrays) for i, size in enumerate(s))


def offset_beyond_half(node, operands):
    """What normalizes a channel as one factor and one addend, where half has no such addend."""
    x, scale, bias, mean, variance = (operand(node, operands, i) for i in range(5))
    if x.dtype not in ("f16",):
        return False
    for s, b, m, v in zip(scale.arrays, bias.arrays, mean.arrays, variance.arrays):
        with np.errstate(all="ignore"):
            factor = s.astype(np.float64) / np.sqrt(v.astype(np.float64) + node.attrs.get("epsilon", 1e-5))
            if (abs(b.astype(np.float64) - m * factor) > 6e4).any() or (abs(factor) > 6e4).any():
                return True
    return False


def beyond_exponentials(node, operands, opset):
    return any(a.size and not np.ptp(a.astype(np.float64)) < 80 for a in operand(node, operands, 0).arrays)


def overflowing_products(node, operands):
    """Finite factors whose product is infinite: contracted with the sum it is not."""
    factors = [operand(node, operands, i) for i in (0, 1)]
    if any(v is None or not is_float(v) for v in factors):
        return False
    most = float(np.finfo(np.float32 if factors[0].dtype in ("f32", "bf16") else factors[0].arrays[0].dtype).max)
    for a, b in zip(factors[0].arrays, factors[1].arrays):
        x, y = (np.where(np.isfinite(v.astype(np.float64)), abs(v.astype(np.float64)), 0).max(initial=0) for v in (a, b))
        if x and y > most / x:
            return True
    return False


def overflowing_scores(node, operands):
    """Queries times keys, both sums of products of one operand with the weights."""
    x, weights = operand(node, operands, 0), operand(node, operands, 1)
    most = float(np.finfo(np.float32 if x.dtype != "f16" else np.float16).max)
    for a, w in zip(x.arrays, weights.arrays):
        # A query has at most as many terms as the weights have rows.
        size, factor = (np.where(np.isfinite(v.astype(np.float64)), abs(v.astype(np.float64)), 0).max(initial=0) for v in (a, w))
        if (size * factor * w.shape[0]) ** 2 > most:
            return True
    return False


def squeezes_open(node, operands):
    """Whether a size that is 1 here may be another in another run."""
    x = operand(node, operands, 0)
    if len(node.inputs) > 1 or "axes" in node.attrs or x.constant:
        return False
    dims = x.dims or [None] * x.rank
    return any(not isinstance(d, int) and any(shape[i] == 1 for shape in x.shapes) for i, d in enumerate(dims))


def losses_beyond_half(node, operands):
    """Sums of losses, each as large as the operand's range, that half does not hold."""
    x, labels = operand(node, operands, 0), operand(node, operands, 1)
    return x.dtype == "f16" and any(a.size and not np.ptp(a.astype(np.float64)) * l.size < 6e4 for a, l in zip(x.arrays, labels.arrays))


def mean_of_nothing(node, operands):
    return node.attrs.get("reduction", "mean") == "mean" and any(not a.size for a in operand(node, operands, 0).arrays)


def of_padding_alone(node, operands):
    """Windows without an element of the input, which has no largest, and no mean."""
    if node.op == "AveragePool" and node.attrs.get("count_include_pad"):
        return False
    for x in operand(node, operands, 0).arrays:
        attrs = with_explicit_pads(node, [x]).attrs
        kernel = attrs["kernel_shape"]
        count = len(kernel)
        pads, dilations, strides = (attrs.get(name, [default] * 2 * count) for name, default in (("pads", 0), ("dilations", 1), ("strides", 1)))
        for size, before, after, k, d, s in zip(x.shape[2:], pads, pads[count:], kernel, dilations, strides):
            beyond = s - 1 if attrs.get("ceil_mode") else 0
            for first in range(-before, size + after - (k - 1) * d + beyond, s):
                if not any(0 <= first + i * d < size for i in range(k)):
                    return True
    return False


GQA = "com.microsoft.GroupQueryAttention"
# name: (operators, predicate).
UNDEFINED = {
    "beyond-input": ((*POOLS, "Conv"), beyond_input),
    "bounded-nan": (("GRU", "LSTM", "RNN"), bounded_nan),
    "cast-out-of-range": (("Cast", "CastLike"), cast_out_of_range),
    "copies-for-zero": (("Reshape",), copies_for_zero),
    "hidden-by-bias": (("com.microsoft.MultiHeadAttention",), hidden_by_bias),
    "infinite-range": (("DynamicQuantizeLinear",), infinite_range),
    "infinite-variance": (("GroupNormalization", "InstanceNormalization", "MeanVarianceNormalization"), infinite_variance),
    "infinite-weights": (("Conv", "ConvTranspose"), infinite_weights),
    "integer-division": (("Div", "Mod"), integer_division),
    "interpolated-infinity": (("GridSample", "Resize"), interpolates_special),
    "losses-beyond-half": (("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"), losses_beyond_half),
    "masked-infinity": (("Attention", GQA), masked_infinity),
    "max-pool-of-nan": (("GlobalMaxPool", "MaxPool"), nan_operand),
    "mean-of-nothing": (("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"), mean_of_nothing),
    "nearly-equal": (("Equal",), nearly_equal),
    "near-whole-exponent": (("Pow",), near_whole_exponent),
    "norm-beyond-type": (("GlobalLpPool", "LpPool"), norm_beyond_type),
    "offset-beyond-half": (("BatchNormalization",), offset_beyond_half),
    "order-of-products": (("ReduceProd",), order_of_products),
    "overflowing-products": (("Conv", "ConvTranspose", "Einsum", "Gemm", "MatMul", "Attention", "com.microsoft.MultiHeadAttention", GQA), overflowing_products),
    "overflowing-scores": (("com.microsoft.Attention",), overflowing_scores),
    "padding-alone": (("AveragePool", "MaxPool"), of_padding_alone),
    "power-of-integers": (("Pow",), power_of_integers),
    "quantized-nan": (("QuantizeLinear",), quantizes_special),
    "repeated-indices": (("ScatterND", "ScatterElements", "Scatter"), repeated_indices),
    "same-beside-strides": (("ConvTranspose",), same_beside_strides),
    "scattered-nan": (("ScatterND", "ScatterElements"), scattered_nan),
    "squeezed-open": (("Squeeze",), squeezes_open),
    "shorter-sequence": ((GQA,), shorter_sequence),
}

# Where the reference evaluator is wrong: ONNX Runtime, or corrected.py, speaks in its place ---


def always(node, operands, opset):
    return True


def beyond_int32(node, operands, opset):
    x, scale = operand(node, operands, 0), operand(node, operands, 1)
    return any(x.size and s.size and np.nanmax(abs(x.astype(np.float64)), initial=0) >= 2.0**30 * abs(s.astype(np.float64)).min()
               for x, s in zip(x.arrays, scale.arrays))


def beyond_half(node, operands, opset):
    """Rows of half whose squared differences have a sum that half does not hold."""
    x, axis = operand(node, operands, 0), node.attrs.get("axis", -1)
    with np.errstate(invalid="ignore"):
        return x.dtype == "f16" and any(((2 * a.astype(np.float64)) ** 2 * np.prod(a.shape[axis:]) > 65504).any() for a in x.arrays)


REFERENCE_WRONG = {
    "Conv": ("dilated-infinity-of-the-reference", lambda n, o, opset: "dilations" in n.attrs and not_finite(n, o)),
    "Attention": ("attention-to-infinity-of-the-reference", lambda n, o, opset: not_finite(n, o) or not_finite(n, o, 1)),
    "DynamicQuantizeLinear": ("range-of-zeros-of-the-reference", lambda n, o, opset: not all(a.any() for a in operand(n, o, 0).arrays)),
    "LpPool": ("lp-pool-of-the-reference", lambda n, o, opset: nan_operand(n, o) or n.attrs.get("ceil_mode")),
    **dict.fromkeys(("LayerNormalization", "RMSNormalization"), ("half-squares-of-the-reference", beyond_half)),
    **dict.fromkeys(("LSTM", "GRU"), ("cells-of-the-reference", lambda n, o, opset: {"activations", "clip", "input_forget"} & set(n.attrs))),
    "Resize": ("position-of-one-of-the-reference", lambda n, o, opset: n.attrs.get("coordinate_transformation_mode") == "pytorch_half_pixel"),
    "QuantizeLinear": ("saturation-of-the-reference", beyond_int32),
    "SoftmaxCrossEntropyLoss": ("log-softmax-of-the-reference", beyond_exponentials),
    "Softmax": ("flattened-rows-of-the-reference", lambda n, o, opset: opset < 13),
    "Hardmax": ("flattened-rows-of-the-reference", lambda n, o, opset: opset < 13),
    "LpNormalization": ("absolute-values-of-the-reference", lambda n, o, opset: n.attrs.get("p", 2) == 1),
    "LogSoftmax": ("log-softmax-of-the-reference", always),
    "BatchNormalization": ("batch-normalization-of-the-reference", lambda n, o, opset: opset < 14),
    "ConvTranspose": ("conv-transpose-of-the-reference", lambda n, o, opset: n.attrs.get("group", 1) != 1),
}


# corrected.py has these operators as their texts have them.
CORRECTED = {"HardSwish": "hard-swish-of-doubles", "LRN": "lrn-of-the-reference", "PRelu": "slope-of-zero",
             "Pow": "square-root-of-infinity", "ReduceLogSumExp": "log-sum-exp-of-the-reference",
             "Resize": "nearest-of-the-reference", "Slice": "slice-from-below", **dict.fromkeys((*POOLS, "Conv"), "same-pads"),
             "AveragePool": "average-pool-of-the-reference", "GlobalMaxPool": "global-max-pool-of-the-reference", "MaxPool": "max-pool-of-the-reference"}


def is_undefined(node, operands):
    op = f"{node.domain}.{node.op}" if node.domain else node.op
    return any(op in ops and rule(node, operands) for ops, rule in UNDEFINED.values())


def reference_is_wrong(node, operands, opset):
    rule = REFERENCE_WRONG.get(node.op)
    return bool(rule) and rule[1](node, operands, opset)


def rule_names():
    return set(UNDEFINED) | {name for name, _ in REFERENCE_WRONG.values()} | set(CORRECTED.values())
