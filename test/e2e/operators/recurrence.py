# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""LSTM, GRU and RNN."""

import numpy as np

from .case import C, Case, T

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
SIZES = {"only_sizes": True, "sizes": tuple({"N": n, "M": m} for n, m in ((1, 1), (3, 2), (7, 5), (2, 16), (1, 17)))}


def cell(op, hidden, directions, seed=0):
    rng = np.random.default_rng(seed)
    gates, size = GATES[op], 9
    draw = lambda *s: C("f32", 0.4 * rng.standard_normal(s))  # noqa: E731
    return (draw(directions, gates * hidden, size), draw(directions, gates * hidden, hidden),
            draw(directions, 2 * gates * hidden))


def cases():
    loose = {"rtol": 1e-4, "atol": 1e-4}
    x = T("f32", "N", "M", 9)
    for op in GATES:
        states = ("f32",) * (3 if op == "LSTM" else 2)
        for direction, count in (("forward", 1), ("reverse", 1), ("bidirectional", 2)):
            for hidden in (1, 5, 16, 17):
                yield Case(op, (x, *cell(op, hidden, count)), {"hidden_size": hidden, "direction": direction}, out=states,
                           **loose, **SIZES)
        w, r, b = cell(op, 5, 1)
        initial = T("f32", 1, "M", 5)
        more = (initial, initial) if op == "LSTM" else (initial,)
        yield Case(op, (x, w, r, b, None, *more), {"hidden_size": 5}, out=states, **loose, **SIZES)
        yield Case(op, (x, w, r), {"hidden_size": 5}, out=states, **loose, **SIZES)
        yield Case(op, (T("f32", 6, 3, 9), w, r, b, C("i32", [6, 2, 4])), {"hidden_size": 5}, out=states, **loose)
        yield Case(op, (T("f32", 6, 3, 9), T("f32", *w.dims), T("f32", *r.dims), T("f32", *b.dims)), {"hidden_size": 5},
                   out=states, **loose)
        yield Case(op, (T("f32", 3, 6, 9), w, r, b), {"hidden_size": 5, "layout": 1}, out=states, peer=False, **loose)
        yield Case(op, (x, w, r, b), {"hidden_size": 5, "clip": 0.5}, out=states, **loose, **SIZES)
    # Large enough for two sequences of a batch to share a pass over the weights: with one left over, too.
    for op, hidden, direction, count in (("LSTM", 48, "forward", 1), ("GRU", 65, "bidirectional", 2), ("RNN", 97, "reverse", 1)):
        yield Case(op, (x, *cell(op, hidden, count)), {"hidden_size": hidden, "direction": direction},
                   out=("f32",) * (3 if op == "LSTM" else 2), **loose, **SIZES)
    yield Case("GRU", (x, *cell("GRU", 5, 1)), {"hidden_size": 5, "linear_before_reset": 1}, out=("f32",) * 2, **loose, **SIZES)
    yield Case("LSTM", (x, *cell("LSTM", 5, 1), None, None, None, C("f32", np.linspace(-1, 1, 15).reshape(1, 15))),
               {"hidden_size": 5}, out=("f32",) * 3, **loose, **SIZES)
    yield Case("RNN", (x, *cell("RNN", 5, 1)), {"hidden_size": 5, "activations": ["Relu"]}, out=("f32",) * 2, **loose, **SIZES)
    yield from parameters(x, loose)


def parameters(x, loose):
    """Activations with parameters of their own, which are listed for those functions alone that have some."""
    def case(op, hidden, activations, alpha, beta, **attributes):
        more = {"activation_alpha": alpha} if alpha else {}
        more |= {"activation_beta": beta} if beta else {}
        directions = 2 if attributes.get("direction") == "bidirectional" else 1
        return Case(op, (x, *cell(op, hidden, directions)), {"hidden_size": hidden, "activations": activations, **more, **attributes},
                    out=("f32",) * (3 if op == "LSTM" else 2), **loose, **SIZES)

    for name, alpha, beta in (("Affine", [0.7], [0.1]), ("ScaledTanh", [1.7], [0.6]), ("LeakyRelu", [0.3], []),
                              ("ThresholdedRelu", [0.4], []), ("HardSigmoid", [0.3], [0.4]), ("Elu", [0.6], [])):
        for hidden in (5, 17):
            yield case("RNN", hidden, [name], alpha, beta)
    # What keras2onnx writes, also where nothing differs from the defaults.
    yield case("LSTM", 5, ["HardSigmoid", "Tanh", "Tanh"], [0.2], [0.5])
    yield case("LSTM", 5, ["HardSigmoid", "LeakyRelu", "Elu"], [0.3, 0.05, 0.8], [0.4])
    yield case("GRU", 5, ["HardSigmoid", "ScaledTanh"], [0.3, 1.2], [0.4, 0.7])
    yield case("GRU", 5, ["HardSigmoid", "Tanh", "Sigmoid", "Elu"], [0.3, 0.7], [0.4], direction="bidirectional")
    # Functions without parameters take none of those that are given.
    yield case("RNN", 5, ["Tanh"], [0.3], [0.4])
    # Given in part: the rest has the defaults.
    yield case("LSTM", 5, ["HardSigmoid", "LeakyRelu", "Tanh"], [0.3], [])
