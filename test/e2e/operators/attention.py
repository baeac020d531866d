# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention and rotary embedding, of ONNX and of com.microsoft."""

import numpy as np

from .case import C, Case, T

MS = {"domain": "com.microsoft"}
LOOSE = {"rtol": 1e-4, "atol": 1e-4}
# Lengths around the kernel's blocks of 32 queries and 64 keys.
LENGTHS = {"only_sizes": True, "sizes": tuple({"N": n, "M": m, "K": k} for n, m, k in (
    (1, 1, 1), (1, 17, 0), (2, 3, 5), (4, 4, 16), (31, 33, 1), (32, 64, 3), (33, 65, 2), (5, 129, 31)))}


def onnx_attention():
    q, k = T("f32", 2, 3, "N", 16), T("f32", 2, 3, "M", 16)
    v = T("f32", 2, 3, "M", 24)
    new = {"opset": 23, **LOOSE}
    yield Case("Attention", (q, k, v), **new, **LENGTHS)
    yield Case("Attention", (q, k, v), {"is_causal": 1}, **new, **LENGTHS)
    yield Case("Attention", (q, k, v, T("f32", "N", "M")), **new, **LENGTHS)
    yield Case("Attention", (q, k, v, T("bool", 2, 1, "N", "M")), **new, **LENGTHS)
    # A mask whose sizes are 1 or those of the scores, which turns out at run time.
    masks = {"only_sizes": True, "sizes": tuple({"N": n, "M": m, "K": k, "L": line} for n, m, k, line in (
        (3, 65, 65, 3), (3, 65, 1, 3), (33, 17, 17, 1), (1, 16, 1, 1), (4, 4, 1, 1)))}
    yield Case("Attention", (q, k, v, T("f32", "L", "K")), **new, **masks)
    yield Case("Attention", (q, k, v), {"scale": 0.5, "softcap": 2.0}, **new, **LENGTHS)
    yield Case("Attention", (T("f32", 2, 6, "N", 8), T("f32", 2, 2, "M", 8), T("f32", 2, 2, "M", 8)), **new, **LENGTHS)
    yield Case("Attention", (q, T("f32", 2, 3, "N", 16), T("f32", 2, 3, "N", 16)), {"is_causal": 1}, **new, **LENGTHS)
    yield Case("Attention", (T("f32", 2, "N", 12), T("f32", 2, "M", 12), T("f32", 2, "M", 12)),
               {"q_num_heads": 3, "kv_num_heads": 3}, **new, **LENGTHS)
    past = T("f32", 1, 2, "K", 8)
    head = T("f32", 1, 2, "N", 8)
    yield Case("Attention", (head, head, head, None, past, past), {"is_causal": 1}, out=("f32", "f32", "f32"), **new, **LENGTHS)
    yield Case("Attention", (T("f16", 1, 2, "N", 16),) * 3, opset=23, rtol=1e-2, atol=1e-2, **LENGTHS)


def rotary():
    tables = (C("f32", np.cos(np.arange(50 * 8).reshape(50, 8))), C("f32", np.sin(np.arange(50 * 8).reshape(50, 8))))
    positions = T("i64", 2, "N", draw=(0, 50))
    for interleaved in (0, 1):
        yield Case("RotaryEmbedding", (T("f32", 2, 3, "N", 16), *tables, positions), {"interleaved": interleaved}, opset=23)
        yield Case("RotaryEmbedding", (T("f32", 2, "N", 48), *tables, positions),
                   {"interleaved": interleaved, "num_heads": 3}, opset=23)
        yield Case("RotaryEmbedding", (T("f32", 2, 3, "N", 16), positions, *tables), {"interleaved": interleaved}, **MS)
        yield Case("RotaryEmbedding", (T("f32", 2, "N", 48), positions, *tables), {"interleaved": interleaved}, **MS)


def microsoft():
    rng = np.random.default_rng(3)
    weight, bias = C("f32", 0.3 * rng.standard_normal((20, 48))), C("f32", rng.standard_normal(48))
    x = T("f32", 2, "N", 20)
    yield Case("Attention", (x, weight, bias), {"num_heads": 2}, **MS, **LOOSE, **LENGTHS)
    yield Case("Attention", (x, weight, bias), {"num_heads": 2, "unidirectional": 1}, **MS, **LOOSE, **LENGTHS)
    ones = lambda s, z, r: np.ones(s)  # noqa: E731
    yield Case("Attention", (x, weight, bias, T("i32", 2, "N", draw=ones)), {"num_heads": 2}, **MS, **LOOSE, **LENGTHS)
    q, k = T("f32", 2, "N", 24), T("f32", 2, "M", 24)
    yield Case("MultiHeadAttention", (q, k, k), {"num_heads": 3}, **MS, **LOOSE, **LENGTHS)
    yield Case("MultiHeadAttention", (q, k, k, T("f32", 72)), {"num_heads": 3}, **MS, **LOOSE, **LENGTHS)
    yield Case("MultiHeadAttention", (q, k, k, None, None, T("f32", 2, 3, "N", "M")), {"num_heads": 3, "scale": 0.3}, **MS,
               **LOOSE, **LENGTHS)
    # The cache holds as many tokens as the lengths of the sequences say.
    lengths, total = C("i32", [6]), C("i32", 7)
    one, two, cache = T("f32", 1, 1, 32), T("f32", 1, 1, 16), T("f32", 1, 2, 6, 8)
    yield Case("GroupQueryAttention", (one, two, two, cache, cache, lengths, total), {"num_heads": 4, "kv_num_heads": 2},
               out=("f32", "f32", "f32"), **MS, **LOOSE)
    # ... which a run says where they are no constants, and differ between sequences: what
    # the present holds behind the shorter ones is nobody's business.
    full = lambda s, z, r: np.full(s, 6)  # noqa: E731
    yield Case("GroupQueryAttention", (one, two, two, cache, cache, T("i32", 1, draw=full), total),
               {"num_heads": 4, "kv_num_heads": 2}, out=("f32", "f32", "f32"), **MS, **LOOSE)
    for ends in ([6, 3, 0], [2, 6], [6, 6, 6, 6]):
        # A head of 16, the least that ONNX Runtime rotates.
        batch = len(ends)
        one, two, cache = T("f32", batch, 1, 64), T("f32", batch, 1, 32), T("f32", batch, 2, 6, 16)
        lengths = T("i32", batch, draw=lambda s, z, r, ends=ends: np.array(ends))
        tables = (C("f32", np.cos(np.arange(72).reshape(9, 8))), C("f32", np.sin(np.arange(72).reshape(9, 8))))
        heads = {"num_heads": 4, "kv_num_heads": 2}
        for rotation, more in (((), {}), (tables, {"do_rotary": 1})):
            yield Case("GroupQueryAttention", (one, two, two, cache, cache, lengths, total, *rotation), {**heads, **more},
                       out=("f32", "f32", "f32"), peer_outputs=3 if min(ends) == 6 else 1, **MS, **LOOSE)
    # A column of lengths, as every decoder of onnxruntime-genai's model builder has it, and each attribute at its default.
    one, two, cache = T("f32", 2, 1, 32), T("f32", 2, 1, 16), T("f32", 2, 2, 6, 8)
    defaults = {"do_rotary": 0, "rotary_interleaved": 0, "local_window_size": -1, "smooth_softmax": -1, "softcap": 0.0, "scale": 0.0,
                "causal": 1, "sliding_window_cache": 0, "qk_output": 0, "k_quant_type": "NONE", "v_quant_type": "NONE"}
    for column in (C("i32", [[6], [6]]), T("i32", 2, 1, draw=lambda s, z, r: np.array([[6], [2]]))):
        for more in ({}, defaults):
            yield Case("GroupQueryAttention", (one, two, two, cache, cache, column, total), {"num_heads": 4, "kv_num_heads": 2, **more},
                       out=("f32", "f32", "f32"), peer_outputs=3 if column.value is not None else 1, **MS, **LOOSE)
    # A first prompt.
    one, two = T("f32", 2, 7, 32), T("f32", 2, 7, 16)
    yield Case("GroupQueryAttention", (one, two, two, None, None, C("i32", [6, 6]), total), {"num_heads": 4, "kv_num_heads": 2},
               **MS, **LOOSE)


def cases():
    yield from onnx_attention()
    yield from rotary()
    yield from microsoft()
