# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Convolutions, pools and resizing."""

import numpy as np

PADS = ("NOTSET", "NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID")


def window(g, spatial):
    """Attributes of a window over `spatial` dimensions."""
    kernel = [g.integer(1, 3) for _ in range(spatial)]
    attrs = {}
    if g.chance(0.5):
        attrs["strides"] = [g.integer(1, 3) for _ in range(spatial)]
    if g.chance(0.3):
        attrs["dilations"] = [g.integer(1, 2) for _ in range(spatial)]
    auto = g.one_of(PADS)
    if auto != "NOTSET":
        attrs["auto_pad"] = auto
    elif g.chance(0.6):
        attrs["pads"] = [g.integer(0, k - 1 if g.chance(0.8) else k) for k in kernel + kernel]
    return kernel, attrs


def image(g, channel, dtype="f32"):
    spatial = g.integer(1, 2)
    found = g.some(lambda v: v.dtype == dtype and v.rank in (3, 4) and all(s[1] == channel for s in v.shapes))
    if found is not None and g.chance(0.6):
        return found
    return g.input(dtype, (g.dims(1)[0], channel, *(g.one_of(["N", "M", 4, 7, 9, 16, 5]) for _ in range(spatial))))


def conv(g):
    group = g.one_of([1, 1, 1, 2, 3])
    x = image(g, group * g.integer(1, 3), g.one_of(["f32", "f32", "f32", "f16"]))
    kernel, attrs = window(g, x.rank - 2)
    inside = x.shapes[0][1]
    outside = group * g.integer(1, 3) if g.chance(0.9) else 16 * group
    numpy = x.arrays[0].dtype
    weights = g.constant(g.rng.standard_normal((outside, inside // group, *kernel)).astype(numpy)) if g.chance(0.8) else (
        g.input(x.dtype, (outside, inside // group, *kernel)))
    bias = g.constant(g.rng.standard_normal(outside).astype(numpy)) if g.chance(0.5) else None
    g.add("Conv", [x, weights, bias], {**attrs, "kernel_shape": kernel, "group": group})


def conv_transpose(g):
    group = g.one_of([1, 1, 1, 2])
    x = image(g, group * g.integer(1, 2))
    kernel, attrs = window(g, x.rank - 2)
    weights = g.constant(g.rng.standard_normal((x.shapes[0][1], g.integer(1, 3), *kernel)).astype(np.float32))
    if g.chance(0.2):
        attrs["output_padding"] = [min(1, s - 1) for s in attrs.get("strides", [1] * len(kernel))]
    g.add("ConvTranspose", [x, weights], {**attrs, "kernel_shape": kernel, "group": group})


def pool(g):
    x = image(g, g.integer(1, 3), g.one_of(["f32", "f32", "f16"]))
    kernel, attrs = window(g, x.rank - 2)
    if g.chance(0.3):
        attrs["ceil_mode"] = 1
    op = g.one_of(["MaxPool", "MaxPool", "AveragePool", "LpPool"])
    if op == "AveragePool":
        attrs["count_include_pad"] = g.integer(0, 1)
        if g.opset < 19:
            attrs.pop("dilations", None)
    if op == "LpPool":
        attrs["p"] = g.integer(1, 2)
        if g.opset < 18:
            attrs.pop("dilations", None), attrs.pop("ceil_mode", None)
    g.add(op, [x], {**attrs, "kernel_shape": kernel})


def global_pool(g):
    x = image(g, g.integer(1, 3))
    g.add(g.one_of(["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"]), [x])


def resize(g):
    x = image(g, g.integer(1, 2))
    spatial = x.rank - 2
    mode = g.one_of(["nearest", "nearest", "linear", "cubic"])
    attrs = {"mode": mode, "coordinate_transformation_mode": g.one_of(
        ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel", "half_pixel"])}
    if mode == "nearest":
        attrs["nearest_mode"] = g.one_of(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"])
    scales = [1.0, 1.0] + [g.one_of([0.5, 1.0, 2.0, 1.5, 0.7, 3.0]) for _ in range(spatial)]
    g.add("Resize", [x, None, g.constant(np.array(scales, np.float32))], attrs)


def upsample_to(g):
    x = image(g, g.integer(1, 2))
    if any(s == 0 for shape in x.shapes for s in shape) or not all(s[:2] == x.shapes[0][:2] for s in x.shapes):
        return
    sizes = [*x.shapes[0][:2], *(g.integer(1, 12) for _ in range(x.rank - 2))]
    g.add("Resize", [x, None, None, g.ints(*sizes)], {"mode": g.one_of(["nearest", "linear"]),
                                                      "coordinate_transformation_mode": g.one_of(["half_pixel", "asymmetric"])})


def normalize(g):
    x = image(g, g.integer(1, 6))
    g.add("LRN", [x], {"size": g.integer(1, 3) * 2 - 1, "alpha": 0.01, "beta": 0.75, "bias": 1.0})


def makers():
    return [(conv, 6), (conv_transpose, 2), (pool, 5), (global_pool, 2), (resize, 3), (upsample_to, 1), (normalize, 1)]
