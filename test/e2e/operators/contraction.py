# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Matrix products and convolutions, around the sizes of their register tiles."""

import numpy as np

from .case import EITHER_ONE, C, Case, T, allowed

MS = {"domain": "com.microsoft"}
# Register tiles are up to 14 rows by 4 vectors of 16 lanes.
EDGES = (1, 3, 15, 16, 17, 31, 32, 33, 47, 49, 63, 64, 65)


def weights(dtype, *shape):
    rng = np.random.default_rng(len(shape) + sum(shape))
    return C(dtype, rng.integers(-5, 5, shape) if dtype[0] in "iu" and dtype[0] == "i" else
             rng.integers(0, 5, shape) if dtype[0] == "u" else rng.standard_normal(shape))


def products():
    loose = {"rtol": 1e-4, "atol": 1e-4}
    for n in EDGES:
        yield Case("MatMul", (T("f32", "N", 19), weights("f32", 19, n)), **loose)
        yield Case("MatMul", (T("f32", 5, n), T("f32", n, 33)), **loose)
        yield Case("MatMul", (T("f32", n, 7), weights("f32", 7, 35)), **loose)
    for dtype in ("f32", "f64", "f16", "bf16", "i32", "i64", "u32", "u64"):
        more = {"rtol": 2e-2, "atol": 5e-2} if dtype in ("f16", "bf16") else loose if dtype == "f32" else {}
        yield Case("MatMul", (T(dtype, "N", "M"), T(dtype, "M", "K")), **more)
        yield Case("MatMul", (T(dtype, "N", 17), weights(dtype, 17, 33)), **more)
    for a, b in (
        (("N",), ("N",)), (("N", "M"), ("M",)), (("N",), ("N", "M")), ((2, "N", "M"), (2, "M", "K")),
        ((2, 3, "N", "M"), ("M", "K")), ((2, 1, "N", 5), (1, 3, 5, "M")), (("N", 4, 5), ("N", 5, 6)),
        ((3, 5, 7), (7, 9)), ((0, 5), (5, 3)), ((4, 0), (0, 3)), ((17,), (17,)), ((1, 1, 5), (4, 5, 2)),
    ):
        yield Case("MatMul", (T("f32", *a), T("f32", *b)), **loose)
    yield Case("MatMul", (T("f32", "N", "M", 4), T("f32", "K", 4, 5)), **loose, **EITHER_ONE)
    yield Case("MatMul", (T("f32", "N", 3, 4), T("f32", "K", 4, "M")), **loose, **EITHER_ONE)
    for ta in (0, 1):
        for tb in (0, 1):
            attrs = {"transA": ta, "transB": tb, "alpha": 0.5, "beta": 2.0}
            a, b = ("M", "N") if ta else ("N", "M"), ("K", "M") if tb else ("M", "K")
            yield Case("Gemm", (T("f32", *a), T("f32", *b), T("f32", "K")), attrs, **loose)
            a, b = (17, "N") if ta else ("N", 17), (49, 17) if tb else (17, 49)
            yield Case("Gemm", (T("f32", *a), weights("f32", *b), weights("f32", 49)), attrs, **loose)
            yield Case("FusedMatMul", (T("f32", 2, *a), weights("f32", *b)), {"transA": ta, "transB": tb, "alpha": 0.25},
                       **MS, **loose)
    for bias in ((), (1,), (33,), ("N", 1), ("N", 33)):
        yield Case("Gemm", (T("f32", "N", 9), weights("f32", 9, 33), T("f32", *bias)), **loose)
    yield Case("Gemm", (T("f32", "N", 9), weights("f32", 9, 33)), **loose)
    yield Case("Gemm", (T("f64", "N", 9), weights("f64", 9, 33)))
    yield Case("Gemm", (T("i32", "N", 9), weights("i32", 9, 33)))
    yield Case("Einsum", (T("f32", 5, 5),), {"equation": "ii->i"}, refused="TN2102")
    for equation, shapes in (
        ("ij,jk->ik", (("N", 5), (5, "M"))), ("bij,bjk->bik", ((2, "N", 5), (2, 5, "M"))), ("ij->ji", (("N", "M"),)),
        ("ij->i", (("N", "M"),)), ("ij,ij->", (("N", "M"), ("N", "M"))), ("i,j->ij", (("N",), ("M",))),
        ("...ij,...jk->...ik", ((2, 3, 4), (2, 4, 5))), ("bhid,bhjd->bhij", ((1, 2, 5, 7), (1, 2, 6, 7))),
        ("ij,jk,kl->il", ((2, 3), (3, 4), (4, 5))), ("ij,kj", ((2, 3), (4, 3))),
    ):
        yield Case("Einsum", tuple(T("f32", *s) for s in shapes), {"equation": equation}, **loose)


def convolutions():
    loose = {"rtol": 1e-4, "atol": 1e-4}
    sizes = {"only_sizes": True, "sizes": tuple({"N": n, "M": m, "K": k} for n, m, k in (
        (1, 3, 5), (2, 7, 3), (1, 13, 16), (3, 15, 17), (1, 31, 4), (2, 33, 9), (0, 5, 5)))}
    for channels in (1, 3, 15, 16, 17, 32, 33):
        for outputs in (1, 15, 16, 17, 33):
            yield Case("Conv", (T("f32", 1, channels, 5, 7), weights("f32", outputs, channels, 3, 3)), **loose)
            yield Case("Conv", (T("f32", "N", channels, "M", "K"), weights("f32", outputs, channels, 1, 1)), **loose, **sizes)
            yield Case("Conv", (T("f16", "N", channels, "M", "K"), weights("f16", outputs, channels, 1, 1)), rtol=2e-2, atol=2e-2,
                       peer=False, **sizes)
    for attrs in (
        {}, {"pads": [1, 1, 1, 1]}, {"strides": [2, 2], "pads": [1, 0, 0, 1]}, {"dilations": [1, 2], "pads": [1, 2, 1, 2]},
        {"auto_pad": "SAME_UPPER", "strides": [2, 1]}, {"auto_pad": "SAME_LOWER", "strides": [1, 2]},
        {"auto_pad": "VALID"},
    ):
        yield Case("Conv", (T("f32", "N", 5, "M", "K"), weights("f32", 18, 5, 3, 3), weights("f32", 18)), attrs, **loose,
                   **sizes)
        # The same on weights that are only known at run time.
        yield Case("Conv", (T("f32", 1, 5, 7, 9), T("f32", 18, 5, 3, 3), T("f32", 18)), attrs, **loose)
        yield Case("Conv", (T("f32", "N", 17, "M", "K"), weights("f32", 17, 1, 3, 3), weights("f32", 17)),
                   {**attrs, "group": 17}, **loose, **sizes)
    for group, channels, outputs in ((2, 6, 4), (3, 9, 33), (4, 4, 8), (2, 32, 32), (1, 4, 4)):
        yield Case("Conv", (T("f32", 2, channels, 6, 7), weights("f32", outputs, channels // group, 3, 2)),
                   {"group": group}, **loose)
    for width in (13, 14, 15, 27, 28, 29):
        yield Case("Conv", (T("f32", 1, 16, 3, width), weights("f32", 16, 16, 3, 3)), {"pads": [1, 1, 1, 1]}, **loose)
        yield Case("Conv", (T("f32", 1, 16, 3, width), weights("f32", 16, 1, 3, 3)), {"pads": [1, 1, 1, 1], "group": 16},
                   **loose)
    # One element too few for a window.
    none = {"only_sizes": True, "sizes": tuple({"N": n, "M": m, "K": k} for n, m, k in ((1, 1, 5), (2, 5, 1), (1, 1, 1), (1, 2, 3)))}
    for channels, group in ((1, 1), (5, 1), (17, 17)):
        for attrs in ({}, {"strides": [2, 2]}):
            yield Case("Conv", (T("f32", "N", channels, "M", "K"), weights("f32", 17, channels // group, 2, 2), weights("f32", 17)),
                       {**attrs, "group": group}, **loose, **none)
    # Filters of two shapes and one packed form.
    for kh, kw in ((1, 3), (3, 1)):
        for channels, group in ((4, 1), (4, 4)):
            yield Case("Conv", (T("f32", 1, channels, 8, 8), weights("f32", 4, channels // group, kh, kw)),
                       {"auto_pad": "SAME_UPPER", "group": group}, **loose)
    yield Case("Conv", (T("f32", "N", 4, "M"), weights("f32", 7, 4, 3)), {"pads": [1, 1]}, **loose, **sizes)
    yield Case("Conv", (T("f32", 1, 4, 5, 6, 7), weights("f32", 7, 4, 2, 3, 2)), **loose)
    for dtype in ("f16", "f64", "bf16"):
        more = {} if dtype == "f64" else {"rtol": 2e-2, "atol": 5e-2}
        yield Case("Conv", (T(dtype, 1, 5, 7, 9), weights(dtype, 18, 5, 3, 3)), **more)
    for attrs in (
        {}, {"strides": [2, 2]}, {"strides": [2, 2], "pads": [1, 1, 1, 1], "output_padding": [1, 1]},
        {"dilations": [2, 1]}, {"strides": [2, 3], "output_shape": [10, 21]}, {"auto_pad": "SAME_UPPER", "strides": [2, 2]},
    ):
        yield Case("ConvTranspose", (T("f32", 1, 5, 5, 7), weights("f32", 5, 17, 3, 3), weights("f32", 17)), attrs, **loose)
    yield Case("ConvTranspose", (T("f32", "N", 4, "M", "K"), weights("f32", 4, 6, 2, 2)), {"strides": [2, 2]}, **loose, **sizes)
    yield Case("ConvTranspose", (T("f32", 1, 6, 5, 7), weights("f32", 6, 4, 3, 3)), {"group": 2}, **loose)
    yield Case("ConvTranspose", (T("f32", "N", 4, "M"), weights("f32", 4, 6, 3)), {"strides": [2]}, **loose, **sizes)
    yield Case("ConvTranspose", (T("f32", 1, 2, 3, 4, 5), weights("f32", 2, 3, 2, 2, 2)), **loose)
    yield Case("ConvTranspose", (T("f64", 1, 5, 5, 7), weights("f64", 5, 7, 3, 3)))
    # A filter below the stride leaves gaps, also at both ends: negative padding,
    # which ONNX Runtime takes for none (and returns another shape).
    for auto_pad in ("SAME_UPPER", "SAME_LOWER"):
        for kernel, stride in ((1, 2), (1, 3), (1, 4), (2, 3), (2, 5), (3, 2)):
            yield Case("ConvTranspose", (T("f32", 1, 3, 5), weights("f32", 3, 17, kernel)), {"strides": [stride], "auto_pad": auto_pad},
                       **loose, peer=False)
        yield Case("ConvTranspose", (T("f32", "N", 2, "M", 4), weights("f32", 2, 3, 1, 3)), {"strides": [4, 2], "auto_pad": auto_pad},
                   **loose, peer=False, **sizes)
        yield Case("ConvTranspose", (T("f32", 1, 4, 3, 4), weights("f32", 4, 2, 2, 1)),
                   {"strides": [3, 2], "auto_pad": auto_pad, "group": 2, "dilations": [1, 2]}, **loose, peer=False)


def blocks():
    """MatMulNBits: weights of 4 and 8 bits in blocks."""
    rng = np.random.default_rng(1)
    for bits, k, n, block in ((4, 32, 17, 32), (4, 48, 5, 16), (8, 64, 3, 32)):
        count = -(-k // block)
        packed = C("u8", rng.integers(0, 256, (n, count, block * bits // 8)))
        scales = C("f32", rng.uniform(0.1, 1, n * count))
        zeros = C("u8", rng.integers(0, 256, n * (-(-count * bits // 8))))
        attrs = {"K": k, "N": n, "bits": bits, "block_size": block}
        yield Case("MatMulNBits", (T("f32", "N", k), packed, scales), attrs, **MS, rtol=1e-4, atol=1e-3)
        yield Case("MatMulNBits", (T("f32", "N", k), packed, scales, zeros), attrs, **MS, rtol=1e-4, atol=1e-3)
    # Large enough to stay narrow; last blocks and column panels that are not full.
    for bits, k, n, block in ((2, 512, 544, 16), (3, 1000, 300, 32), (4, 530, 515, 16), (4, 1024, 256, 128), (5, 700, 400, 64),
                              (6, 513, 512, 256), (7, 512, 513, 16), (8, 520, 530, 32), (4, 2100, 130, 32)):
        count = -(-k // block)
        packed = C("u8", rng.integers(0, 256, (n, count, block * bits // 8)))
        scales = C("f32", rng.uniform(0.1, 1, (n, count)) / 2**bits)
        integers = C("u8", rng.integers(0, 256, (n, -(-count * bits // 8))))
        reals = C("f32", rng.uniform(0, 2**bits, (n, count)))
        attrs = {"K": k, "N": n, "bits": bits, "block_size": block}
        for zeros in (None, integers, reals):
            yield Case("MatMulNBits", (T("f32", "N", k), packed, scales, zeros), attrs, **MS, rtol=1e-4, atol=1e-4)
    bias = C("f32", rng.standard_normal(300))
    packed, scales = C("u8", rng.integers(0, 256, (300, 32, 16))), C("f32", rng.uniform(0.01, 0.1, (300, 32)))
    attrs = {"K": 1000, "N": 300, "bits": 4, "block_size": 32}
    for rows in (1, 3, 4, 5, 12, 13, 128):  # each has a schedule of its own
        yield Case("MatMulNBits", (T("f32", rows, 1000), packed, scales, None, None, bias), attrs, **MS, rtol=1e-4, atol=1e-4)
    yield Case("MatMulNBits", (T("f32", "N", 3, 1000), packed, scales, None, None, bias), attrs, **MS, rtol=1e-4, atol=1e-4)


def cases():
    yield from filter(allowed, [*products(), *convolutions(), *blocks()])
