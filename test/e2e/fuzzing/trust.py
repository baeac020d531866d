# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Where an oracle is wrong by the operator's text, or where the text leaves open
what is right. Each rule has its reason in ../fuzz-explained.txt."""

import numpy as np

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


def infinite_weights(node, operands):
    """Whether padding counts as zeros that are multiplied."""
    return any(not np.isfinite(a.astype(np.float64)).all() for a in operand(node, operands, 1).arrays)


def nan_operand(node, operands):
    return is_float(operand(node, operands, 0)) and quantizes_special(node, operands)


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


def far_from_zero(node, operands):
    """Where the float contract says nothing of a periodic function but its bounds."""
    x = operand(node, operands, 0)
    return any((np.isfinite(a.astype(np.float64)) & (abs(a.astype(np.float64)) > 1e6)).any() for a in x.arrays)


def shorter_sequence(node, operands):
    """What the presents hold behind the end of a sequence that is shorter than the longest."""
    lengths, total = operand(node, operands, 5), operand(node, operands, 6)
    return bool(lengths and total) and any((a + 1 != t).any() for a, t in zip(lengths.arrays, total.arrays))


UNDEFINED = {
    "ArgMax": ("arg-of-nan", nan_operand),
    "ArgMin": ("arg-of-nan", nan_operand),
    "Conv": ("infinite-weights", infinite_weights),
    "ConvTranspose": ("infinite-weights", infinite_weights),
    "Cast": ("cast-out-of-range", cast_out_of_range),
    "CastLike": ("cast-out-of-range", cast_out_of_range),
    "Div": ("integer-division", integer_division),
    "Mod": ("integer-division", integer_division),
    "Pow": ("power-of-integers", power_of_integers),
    "ScatterND": ("repeated-indices", repeated_indices),
    "ScatterElements": ("repeated-indices", repeated_indices),
    "Scatter": ("repeated-indices", repeated_indices),
    "QuantizeLinear": ("quantized-nan", quantizes_special),
    "DynamicQuantizeLinear": ("infinite-range", infinite_range),
    "GroupNormalization": ("infinite-variance", infinite_variance),
    "GlobalMaxPool": ("max-pool-of-nan", nan_operand),
    "MaxPool": ("max-pool-of-nan", nan_operand),
    "com.microsoft.GroupQueryAttention": ("shorter-sequence", shorter_sequence),
    "Sin": ("far-from-zero", far_from_zero),
    "Cos": ("far-from-zero", far_from_zero),
    "Tan": ("far-from-zero", far_from_zero),
}

# Where the reference evaluator is wrong -------------------------------------------


def always(node, operands, opset):
    return True


REFERENCE_WRONG = {
    "LogSoftmax": ("log-softmax-of-the-reference", always),
    "BatchNormalization": ("batch-normalization-of-the-reference", lambda n, o, opset: opset < 14),
    "GlobalMaxPool": ("global-max-pool-of-the-reference", lambda n, o, opset: operand(n, o, 0).rank != 4),
    "ConvTranspose": ("conv-transpose-of-the-reference", lambda n, o, opset: n.attrs.get("group", 1) != 1),
}


def is_undefined(node, operands):
    rule = UNDEFINED.get(f"{node.domain}.{node.op}" if node.domain else node.op)
    return bool(rule) and rule[1](node, operands)


def reference_is_wrong(node, operands, opset):
    rule = REFERENCE_WRONG.get(node.op)
    return bool(rule) and rule[1](node, operands, opset)


def rule_names():
    return {name for name, _ in [*UNDEFINED.values(), *REFERENCE_WRONG.values()]} | set(EXPLAINED)


# Where both oracles are wrong, or right in ways that cannot be told apart -------------

def dilated_lp_pool(program, kind):
    return kind == "value" and any(
        n.op == "LpPool" and "dilations" in n.attrs and n.attrs.get("auto_pad", "").startswith("SAME") for n in program.nodes)


EXPLAINED = {"dilated-lp-pool": dilated_lp_pool}


def explanation(program, kind):
    """The name of the rule that explains a finding's smallest program, or ""."""
    return next((name for name, rule in EXPLAINED.items() if rule(program, kind)), "")
