# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pooling and resampling."""

import numpy as np

from .case import DTYPES, C, Case, T, allowed

# Open sizes that every window here fits into.
SIZES = {"only_sizes": True, "sizes": tuple({"N": n, "M": m, "K": k} for n, m, k in (
    (1, 3, 5), (2, 7, 3), (3, 13, 16), (1, 16, 17), (2, 17, 15), (1, 33, 9), (0, 5, 5)))}


def pools():
    for op in ("MaxPool", "AveragePool", "LpPool"):
        extra = {"count_include_pad": 1} if op == "AveragePool" else {}
        for attrs in (
            {"kernel_shape": [3, 3]}, {"kernel_shape": [2, 2], "strides": [2, 2]},
            {"kernel_shape": [3, 2], "strides": [1, 2], "pads": [1, 0, 1, 1]},
            {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], **extra},
            {"kernel_shape": [2, 2], "dilations": [2, 1]}, {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1},
            {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER", "strides": [2, 2]},
            {"kernel_shape": [2, 2], "auto_pad": "SAME_LOWER"}, {"kernel_shape": [3, 2], "auto_pad": "VALID"},
        ):
            # ONNX Runtime before opset 22 has no dilations for these.
            peer = not ("dilations" in attrs and op != "MaxPool")
            yield Case(op, (T("f32", "N", 3, "M", "K"),), attrs, opset=22, peer=peer, **SIZES)
            yield Case(op, (T("f32", 1, 17, 9, 11),), attrs, opset=22, peer=peer)
        for dtype in ("f16", "f64"):
            yield Case(op, (T(dtype, 2, 3, 9, 16),), {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, opset=22,
                       rtol=4e-3 if dtype == "f16" else None)
        yield Case(op, (T("f32", "N", 5, "M"),), {"kernel_shape": [3], "strides": [2]}, opset=22, **SIZES)
        yield Case(op, (T("f32", 1, 2, 5, 6, 7),), {"kernel_shape": [2, 3, 2], "strides": [2, 1, 2]}, opset=22)
    for dtype in ("i8", "u8"):
        yield Case("MaxPool", (T(dtype, 2, 3, 9, 16),), {"kernel_shape": [3, 3]}, opset=22)
    yield Case("LpPool", (T("f32", 1, 3, 8, 8),), {"kernel_shape": [2, 2], "p": 1}, opset=22)
    for p in (3, 6, 20):
        yield Case("LpPool", (T("f32", 1, 3, 8, 8),), {"kernel_shape": [2, 2], "p": p}, opset=22, rtol=1e-4)
    for op in ("GlobalMaxPool", "GlobalAveragePool", "GlobalLpPool"):
        yield Case(op, (T("f32", "N", 5, "M", "K"),), opset=22, **SIZES)
        yield Case(op, (T("f32", 2, 17, 7),), opset=22)
        yield Case(op, (T("f16", 2, 3, 5, 7),), opset=22, rtol=4e-3)


def resizes():
    for mode in ("nearest", "linear", "cubic"):
        for coordinate in ("half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric"):
            attrs = {"mode": mode, "coordinate_transformation_mode": coordinate}
            for scales in ([1, 1, 2, 2], [1, 1, 0.6, 0.5], [1, 1, 1.7, 3]):
                # ONNX Runtime rounds the length of the result before it aligns corners.
                peer = coordinate != "align_corners" or scales[2] == 2
                yield Case("Resize", (T("f32", 1, 3, 5, 7), None, C("f32", scales)), attrs, rtol=1e-4, atol=1e-4, peer=peer)
            yield Case("Resize", (T("f32", 1, 3, 5, 7), None, None, C("i64", [1, 3, 4, 16])), attrs, rtol=1e-4, atol=1e-4)
    for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
        for scales in ([1, 1, 2, 2], [1, 1, 0.55, 1.5]):
            yield Case("Resize", (T("f32", 1, 3, 6, 7), None, C("f32", scales)), {"nearest_mode": nearest})
    # Before opset 11: up where an axis shrinks, down where it grows, in float32.
    for scales in ([1, 1, 0.5, 0.5], [1, 1, 0.3, 0.7], [1, 1, 0.35, 0.7], [1, 1, 0.9, 0.1], [1, 1, 0.6, 2], [1, 1, 1.1, 1.7], [1, 1, 0.4, 3.3], [1, 0.5, 1, 3]):
        yield Case("Resize", (T("f32", 1, 4, 30, 33), C("f32", scales)), {"mode": "nearest"}, opset=10)
    yield Case("Resize", (T("f32", "N", 3, "M", "K"), C("f32", [1, 1, 0.5, 0.25])), {"mode": "nearest"}, opset=10, **SIZES)
    yield Case("Upsample", (T("f32", 1, 2, 30, 33), C("f32", [1, 1, 1.1, 1.7])), {"mode": "nearest"}, opset=9)
    for mode in ("nearest", "linear"):
        yield Case("Resize", (T("f32", "N", 3, "M", "K"), None, C("f32", [1, 1, 2, 2])), {"mode": mode}, **SIZES)
        yield Case("Upsample", (T("f32", 1, 2, 5, 4), C("f32", [1, 1, 2, 3])), {"mode": mode}, opset=9)
        yield Case("Resize", (T("f32", 1, 2, 5, 4), C("f32", [1, 1, 2, 3])), {"mode": mode}, opset=10)
        for dtype in ("f16", "f64", "u8", "i32"):
            yield Case("Resize", (T(dtype, 1, 2, 5, 4), None, C("f32", [1, 1, 2, 2])), {"mode": mode},
                       rtol=4e-3 if dtype == "f16" else None, peer=dtype not in ("u8", "i32"))
    # Cubic weights overshoot beside edges: integers end at their limits.
    for dtype in ("i8", "u8", "i16", "u16", "i32", "u32"):
        limits = np.iinfo(DTYPES[dtype][1])
        edge = lambda s, z, r, e=limits: r.choice([e.min, e.max], s)  # noqa: E731
        for shape, scales in (((1, 2, 4, 6), [1, 1, 2, 2]), ((4, 6, 5), [2, 2, 1])):
            yield Case("Resize", (T(dtype, *shape, draw=edge), None, C("f32", scales)),
                       {"mode": "cubic", "coordinate_transformation_mode": "asymmetric"}, peer=False, steps=1)
    yield Case("Resize", (T("f32", 1, 2, 6, 5), None, None, C("i64", [9, 9])),
               {"axes": [2, 3], "keep_aspect_ratio_policy": "not_smaller"}, refused="TN2102")
    yield Case("Resize", (T("f32", 1, 2, 6, 5), None, C("f32", [1.5, 2])), {"axes": [2, 3], "mode": "linear"})
    yield Case("Resize", (T("f32", 1, 2, 16, 9), None, C("f32", [1, 1, 0.5, 0.4])), {"mode": "linear", "antialias": 1},
               refused="TN5003")
    yield Case("Resize", (T("f32", 1, 2, 6, 5), None, C("f32", [1, 1, 1.5, 2])), {"mode": "cubic", "exclude_outside": 1},
               rtol=1e-4, atol=1e-4)


def samples():
    grid = (-1.3, 1.3)
    for mode in ("linear", "nearest"):
        for padding in ("zeros", "border"):
            for corners in (0, 1):
                yield Case("GridSample", (T("f32", "N", 3, 5, 7), T("f32", "N", "M", 4, 2, draw=grid)),
                           {"mode": mode, "padding_mode": padding, "align_corners": corners}, rtol=1e-4, atol=1e-4, **SIZES)
    yield Case("GridSample", (T("f32", 1, 2, 5, 7), T("f32", 1, 3, 4, 2, draw=grid)), {"mode": "cubic"}, refused="TN2102")


def cases():
    yield from filter(allowed, [*pools(), *resizes(), *samples()])
