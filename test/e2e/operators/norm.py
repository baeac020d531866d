# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Normalisations."""

from .case import Case, T

MS = {"domain": "com.microsoft"}


def cases():
    positive = (0.2, 2)
    loose = {"rtol": 1e-4, "atol": 1e-4}
    for dtype in ("f32", "f16", "f64"):
        more = {"rtol": 1e-2, "atol": 1e-2} if dtype == "f16" else loose
        vectors = [T(dtype, 5) for _ in range(3)] + [T(dtype, 5, draw=positive)]
        yield Case("BatchNormalization", (T(dtype, "N", 5, "M"), *vectors), **more)
        yield Case("InstanceNormalization", (T(dtype, "N", 5, 17), T(dtype, 5), T(dtype, 5)), **more)
        yield Case("LayerNormalization", (T(dtype, "N", 17), T(dtype, 17), T(dtype, 17)), **more)
        yield Case("RMSNormalization", (T(dtype, "N", 17), T(dtype, 17)), opset=23, **more)
        yield Case("LpNormalization", (T(dtype, "N", 7),), **more)
        yield Case("MeanVarianceNormalization", (T(dtype, 3, 4, "N", 5),), {"axes": [0, 2, 3]},
                   only_sizes=True, sizes=({"N": 1}, {"N": 3}, {"N": 16}, {"N": 17}), **more)
        yield Case("LRN", (T(dtype, "N", 7, 3, "M"),), {"size": 3, "alpha": 0.1, "beta": 0.6, "bias": 1.5}, **more)
    # f64 is computed in f64, statistics included.
    exact = {"rtol": 1e-12, "atol": 1e-12, "peer": False}
    yield Case("LayerNormalization", (T("f64", "N", 19), T("f64", 19), T("f64", 19)), **exact)
    yield Case("RMSNormalization", (T("f64", "N", 33), T("f64", 33)), opset=23, **exact)
    yield Case("InstanceNormalization", (T("f64", "N", 5, 19), T("f64", 5), T("f64", 5)), **exact)
    fields = [T("f32", 3) for _ in range(3)] + [T("f32", 3, draw=positive)]
    yield Case("BatchNormalization", (T("f32", "N", 3, 5, 7), *fields), {"epsilon": 0.01}, **loose)
    # Without `spatial` each place of a channel has parameters of its own, which is the same where there is one place.
    for shape in ((5,), (5, 1), (5, 1, 1), (3, 4), (3, 2, 5)):
        fields = [T("f32", *shape) for _ in range(3)] + [T("f32", *shape, draw=positive)]
        yield Case("BatchNormalization", (T("f32", "N", *shape), *fields), {"spatial": 0}, opset=7, **loose)
    yield Case("InstanceNormalization", (T("f32", 2, 3, 4, 16), T("f32", 3), T("f32", 3)), **loose)
    yield Case("GroupNormalization", (T("f32", "N", 6, 4, 5), T("f32", 6), T("f32", 6)), {"num_groups": 3}, **loose)
    for axis in (0, 1, 2, -1):
        shape = (3, 16, 5)[axis:] if axis >= 0 else (5,)
        yield Case("LayerNormalization", (T("f32", 3, 16, 5), T("f32", *shape), T("f32", *shape)), {"axis": axis}, **loose)
    yield Case("LayerNormalization", (T("f32", "N", "M", 33), T("f32", 33)), {"epsilon": 1e-3}, **loose)
    yield Case("LayerNormalization", (T("f32", "N", 2, 15), T("f32", 15), T("f32", 15)), out=("f32", "f32", "f32"), **loose)
    yield Case("LayerNormalization", (T("f32", "N", "M"), T("f32", "M"), T("f32", "M")), **loose)
    yield Case("RMSNormalization", (T("f32", "N", 3, 31), T("f32", 3, 31)), {"axis": -2}, opset=23, **loose)
    yield Case("SimplifiedLayerNormalization", (T("f32", "N", 16), T("f32", 16)), {"axis": -1}, **loose)
    yield Case("SimplifiedLayerNormalization", (T("f32", "N", 16), T("f32", 16)), {"axis": -1}, **MS, peer=False, **loose)
    for size in (1, 4, 5, 9):
        yield Case("LRN", (T("f32", 2, 6, 3, 3),), {"size": size}, **loose)
    for p in (1, 2):
        for axis in (0, 1, -1):
            yield Case("LpNormalization", (T("f32", "N", "M", 3),), {"p": p, "axis": axis}, **loose)
    hidden = T("f32", 2, "N", 33)
    yield Case("SkipLayerNormalization", (hidden, hidden, T("f32", 33), T("f32", 33), T("f32", 33)), {"epsilon": 1e-5},
               out=("f32", None, None, "f32"), **MS, **loose)
    yield Case("SkipLayerNormalization", (hidden, hidden, T("f32", 33)), **MS, **loose)
    yield Case("SkipSimplifiedLayerNormalization", (hidden, hidden, T("f32", 33)), {"epsilon": 1e-5},
               out=("f32", None, None, "f32"), **MS, **loose)
    ids = T("i32", 2, "N", draw=(0, 9))
    sizes = {"only_sizes": True, "sizes": ({"N": 1}, {"N": 2}, {"N": 5}, {"N": 16})}
    tables = (T("f32", 9, 17), T("f32", 16, 17), T("f32", 9, 17), T("f32", 17), T("f32", 17))
    yield Case("EmbedLayerNormalization", (ids, ids, *tables, T("i32", 2, "N", draw=(0, 2))), {"epsilon": 1e-6},
               out=("f32", "i32"), **MS, **sizes, **loose)
    yield Case("EmbedLayerNormalization", (ids, None, tables[0], tables[1], None, *tables[3:]), {"epsilon": 1e-6},
               out=("f32", "i32"), **MS, **sizes, **loose)
