# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Sizes that are computed from open dimensions: clamps, minima, quotients,
choices. Each model is compiled once and run at small and awkward sizes, none left
out but where ONNX Runtime refuses them, too; it says what is right. Buffers touch
pages without access, and red zones lie between those of the arena."""

import contextlib
import itertools

import numpy as np
import onnx
import onnx.parser
import pytest

from harness import build_under_test, is_sanitized, peer_session, use_package

pytestmark = pytest.mark.skipif(is_sanitized(build_under_test()), reason="the sanitized build has no Python package")
SIZES = (0, 1, 2, 3, 7, 8, 17)

# name: (inputs, output's type, nodes); inputs are floats unless they say otherwise.
MODELS = {
    "first len(y) rows": ("float[N,3] x, float[M] y", "float[a,b]", "m = Shape(y) y0 = Slice(x, zero, m, zero)"),
    "last len(y) rows": ("float[N,3] x, float[M] y", "float[a,b]",
                         "m = Shape(y) k = Neg(m) y0 = Slice(x, k, end, zero)"),
    "all but len(y) rows": ("float[N,3] x, float[M] y", "float[a,b]", "m = Shape(y) y0 = Slice(x, m, end, zero)"),
    "rows up to -len(y)": ("float[N,3] x, float[M] y", "float[a,b]",
                           "m = Shape(y) k = Neg(m) y0 = Slice(x, zero, k, zero)"),
    "first T + P rows": ("float[N,3] x, float[T] t, float[P] p", "float[a,b]",
                         "m = Shape(t) k = Shape(p) s = Add(m, k) y0 = Slice(x, zero, s, zero)"),
    "rows T to T + P": ("float[N,3] x, float[T] t, float[P] p", "float[a,b]",
                        "m = Shape(t) k = Shape(p) s = Add(m, k) y0 = Slice(x, m, s, zero)"),
    "a constant bound": ("float[N,3] x", "float[a,b]", "y0 = Slice(x, zero, five, zero)"),
    "from a constant": ("float[N,3] x", "float[a,b]", "y0 = Slice(x, five, end, zero)"),
    "constants from the end": ("float[N,3] x", "float[a,b]", "m = Neg(five) k = Neg(one) y0 = Slice(x, m, k, zero)"),
    "neighbours": ("float[N,3] x", "float[a,b]",
                   "k = Neg(one) a = Slice(x, one, end, zero) b = Slice(x, zero, k, zero) y0 = Sub(a, b)"),
    "backwards": ("float[N,3] x", "float[a,b]", "m = Neg(one) k = Neg(end) y0 = Slice(x, m, k, zero, m)"),
    "backwards to len(y)": ("float[N,3] x, float[M] y", "float[a,b]",
                            "m = Neg(one) k = Shape(y) y0 = Slice(x, m, k, zero, m)"),
    "every third from len(y)": ("float[N,3] x, float[M] y", "float[a,b]",
                                "k = Shape(y) y0 = Slice(x, k, end, zero, three)"),
    "min(5, N)": ("float[N,3] x", "float[a,b]", "s = Shape<end = 1>(x) k = Min(s, five) y0 = Slice(x, zero, k, zero)"),
    "TopK of min(5, N)": ("float[3,N] x", "float[a,b]",
                          "s = Shape<start = 1>(x) k = Min(s, five) y0, i = TopK(x, k)"),
    "chunks": ("float[N,3] x", "float[a,b]", "y0, y1, y2 = Split<axis = 0, num_outputs = 3>(x)"),
    "computed parts": ("float[N,3] x", "float[a,b]",
                       "s = Shape<end = 1>(x) h = Div(s, two) r = Sub(s, h) p = Concat<axis = 0>(h, r) "
                       "y0, y1 = Split<axis = 0>(x, p)"),
    "padded to a multiple": ("float[N,3] x", "float[a,b]",
                             "s = Shape<end = 1>(x) m = Mod(s, four) r = Sub(four, m) k = Mod(r, four) "
                             "p = Concat<axis = 0>(zero, zero, k, zero) y0 = Pad(x, p)"),
    "cut and padded": ("float[N,3] x, float[M] y", "float[a,b]",
                       "s = Shape<end = 1>(x) m = Shape(y) r = Sub(m, s) "
                       "p = Concat<axis = 0>(zero, one, r, zero) y0 = Pad(x, p)"),
    "half, rounded up": ("float[N,3] x", "float[a,b]",
                         "s = Shape<end = 1>(x) f = Cast<to = 1>(s) h = Div(f, two_f) c = Ceil(h) k = Cast<to = 7>(c) "
                         "y0 = Slice(x, zero, k, zero)"),
    "0.75 of it": ("float[N,3] x", "float[a,b]",
                   "s = Shape<end = 1>(x) f = Cast<to = 1>(s) h = Mul(f, part_f) c = Floor(h) k = Cast<to = 7>(c) "
                   "y0 = Slice(x, zero, k, zero)"),
    "added lengths": ("float[N] x, float[M] y, float[K] z", "float[a]", "t = Add(x, y) y0 = Add(t, z)"),
    "an empty slice, added": ("float[N,3] x, float[M] y", "float[a,b]",
                              "m = Shape(y) a = Slice(x, m, end, zero) y0 = Add(a, row)"),
    "chosen by a size": ("float[N,3] x, float[M,3] y", "float[a,b]",
                         "s = Shape<end = 1>(x) t = Shape<end = 1>(y) c = Greater(s, t) k = Where(c, t, s) "
                         "y0 = Slice(x, zero, k, zero)"),
    "a range of sizes": ("float[N] x, float[M] y", "int64[a]",
                         "s = Shape(x) t = Shape(y) a = Squeeze(s) b = Squeeze(t) d = Squeeze(two) y0 = Range(a, b, d)"),
    "a range downwards": ("float[N] x, float[M] y", "int64[a]",
                          "s = Shape(x) t = Shape(y) a = Squeeze(s) b = Squeeze(t) m = Neg(two) d = Squeeze(m) "
                          "y0 = Range(a, b, d)"),
    "zeros of max(N - 3, 0)": ("float[N] x", "float[a]",
                               "s = Shape(x) r = Sub(s, three) k = Max(r, zero) y0 = ConstantOfShape(k)"),
    "a table's rows": ("float[20,3] x, int64[1,N] ids, float[M] y", "float[a,b,c]",
                       "m = Shape(y) k = Neg(m) p = Slice(ids, k, end, one) y0 = Gather(x, p)"),
    "edges by computed amounts": ("float[N,3] x, float[M] y", "float[a,b]",
                                  "m = Shape(y) p = Concat<axis = 0>(m, one, zero, m) y0 = Pad<mode = \"edge\">(x, p)"),
    "one channel, quantized": ("float[N,3,M] x", "uint8[a,b,c]",
                               "c = Conv<kernel_shape = [1]>(x, filter) y0 = QuantizeLinear(c, step, middle)"),
    "the largest of a row": ("float[N,M] x", "float[a,b]", "y0 = Hardmax<axis = 1>(x)"),
    "a window of it": ("float[1,2,N] x", "float[a,b,c]",
                       "y0 = MaxPool<kernel_shape = [2]>(x)"),
    "sums of slices": ("float[N,3] x", "float[a]", "a = Slice(x, zero, five, zero) y0 = ReduceSum<keepdims = 0>(a, zero)"),
}
CONSTANTS = {"zero": [0], "one": [1], "two": [2], "three": [3], "four": [4], "five": [5], "end": [2**63 - 1]}


def model_of(inputs, kind, nodes):
    nodes = nodes.replace("part_f", "part")
    outputs = [f"{kind} y{i}" for i in range(4) if f"y{i}" in nodes.replace(",", " ").split()]
    text = f'<ir_version: 9, opset_import: ["" : 21]> g ({inputs}) => ({", ".join(outputs)}) {{ {nodes} }}'
    model = onnx.parser.parse_model(text)
    arrays = {name: np.array(values, np.int64) for name, values in CONSTANTS.items()}
    arrays |= {"two_f": np.array([2], np.float32), "part": np.array([0.75], np.float32),
               "row": np.ones((1, 3), np.float32), "filter": np.ones((1, 3, 1), np.float32),
               "step": np.array(0.1, np.float32), "middle": np.array(128, np.uint8)}
    used = {name for node in model.graph.node for name in node.input}
    model.graph.initializer.extend(onnx.numpy_helper.from_array(a, n) for n, a in arrays.items() if n in used)
    onnx.checker.check_model(model)
    return model


def feeds_of(model, sizes, rng):
    feeds = {}
    for tensor in model.graph.input:
        shape = [d.dim_value or sizes.get(d.dim_param, 0) for d in tensor.type.tensor_type.shape.dim]
        is_float = tensor.type.tensor_type.elem_type == onnx.TensorProto.FLOAT
        feeds[tensor.name] = rng.standard_normal(shape).astype(np.float32) if is_float else rng.integers(0, 20, shape)
    return feeds


@pytest.mark.parametrize("name", MODELS)
def test_computed_sizes(name):
    assert use_package(build_under_test()) is None
    import tenon

    model = model_of(*MODELS[name])
    peer = peer_session(model.SerializeToString(), optimize=False)
    artifact = tenon.compile(model.SerializeToString(), red_zones=True)
    sessions = [artifact.session(guard=guard) for guard in ("end", "begin")]
    symbols = sorted({d.dim_param for i in model.graph.input for d in i.type.tensor_type.shape.dim if d.dim_param})
    rng, compared = np.random.default_rng(0), 0
    for values in itertools.product(SIZES, repeat=len(symbols)):
        sizes = dict(zip(symbols, values))
        feeds = feeds_of(model, sizes, rng)
        session = sessions[sum(values) % 2]
        try:
            expected = peer.run(None, feeds)
        except Exception:
            expected = None
        if expected is None:
            # What it refuses may have a value (a part of no rows), or be an error
            # with a code; it is no crash.
            with contextlib.suppress(tenon.TenonError):
                session.run(feeds)
            continue
        results = session.run(feeds)
        for output, theirs in zip(peer.get_outputs(), expected):
            mine = results[output.name]
            assert mine.shape == theirs.shape, f"{sizes}: {output.name}"
            np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6, err_msg=f"{sizes}: {output.name}")
        compared += 1
    assert compared >= len(SIZES) - 2
