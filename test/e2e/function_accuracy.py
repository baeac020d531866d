#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The error bounds that docs/Rationale/float-contract.md states of float32 functions.

Each function is compiled and run on samples spread over all float32 bit patterns
of the stated interval, on edges, and on infinities and NaN. The truth is the
function in float64, which is far more exact than a unit in the last place (ULP)
of float32. Where it is infinite or no number, the result must be so too.

--measure prints the table with the errors found.
"""

import math
import re
import sys
from pathlib import Path

import numpy as np

from harness import ROOT, Results, claimed, parser

PAGE = ROOT / "docs/Rationale/float-contract.md"
STEP = 4001  # of bit patterns between samples, a prime
SMALLEST = 2.0**-149


def erf(x):
    return np.array([math.erf(v) for v in x])


def sigmoid(x):
    return np.where(x < 0, np.exp(np.minimum(x, 0)) / (1 + np.exp(-abs(x))), 1 / (1 + np.exp(-abs(x))))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-abs(x)))


# ONNX operator and attributes, and the function in float64.
FUNCTIONS = {
    "Exp": ("Exp", {}, np.exp), "Log": ("Log", {}, np.log), "Sqrt": ("Sqrt", {}, np.sqrt),
    "Sin": ("Sin", {}, np.sin), "Cos": ("Cos", {}, np.cos), "Tan": ("Tan", {}, np.tan),
    "Asin": ("Asin", {}, np.arcsin), "Acos": ("Acos", {}, np.arccos), "Atan": ("Atan", {}, np.arctan),
    "Sinh": ("Sinh", {}, np.sinh), "Cosh": ("Cosh", {}, np.cosh), "Tanh": ("Tanh", {}, np.tanh),
    "Asinh": ("Asinh", {}, np.arcsinh), "Acosh": ("Acosh", {}, np.arccosh), "Atanh": ("Atanh", {}, np.arctanh),
    "Erf": ("Erf", {}, erf), "Sigmoid": ("Sigmoid", {}, sigmoid), "Softplus": ("Softplus", {}, softplus),
    "Elu": ("Elu", {}, lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0)))),
    "Gelu": ("Gelu", {}, lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))),
    "Mish": ("Mish", {}, lambda x: x * np.tanh(softplus(x))),
    "Pow(x, 0.75)": ("Pow", 0.75, lambda x: np.power(x, 0.75)),
    "Pow(x, 0.7)": ("Pow", 0.7, lambda x: np.power(x, np.float64(np.float32(0.7)))),
    "Pow(x, 3)": ("Pow", 3.0, lambda x: np.power(x, 3.0)),
    "Pow(x, 11)": ("Pow", 11.0, lambda x: np.power(x, 11.0)),
    "Pow(2, x)": ("Pow2", 2.0, lambda x: np.power(2.0, x)),
    "Pow(-3, x)": ("Pow2", -3.0, lambda x: np.power(-3.0, x)),
}


def read_table():
    """{function: (low, high, ULP, absolute error)} of the page's table."""
    bounds = {}
    for line in PAGE.read_text().splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            low, high = re.fullmatch(r"\[(\S+), (\S+)\]", cells[1]).groups()
            bounds[cells[0].strip("`")] = (float(low), float(high), float(cells[2]), float(cells[3] or 0))
    return bounds


def compiled(name):
    """A function that runs the compiled operator on a vector."""
    import tenon
    from onnx import TensorProto, helper

    op, attrs, _ = FUNCTIONS[name]
    tensor = lambda n: helper.make_tensor_value_info(n, TensorProto.FLOAT, ["n"])  # noqa: E731
    constants = []
    if op.startswith("Pow"):
        constants = [helper.make_tensor("c", TensorProto.FLOAT, [], [attrs])]
        nodes = [helper.make_node("Pow", ["x", "c"] if op == "Pow" else ["c", "x"], ["y"])]
    else:
        nodes = [helper.make_node(op, ["x"], ["y"], **attrs)]
    graph = helper.make_graph(nodes, "f", [tensor("x")], [tensor("y")], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    session = tenon.compile(model).session()
    return lambda x: session.run({"x": x})["y"]


def samples():
    """Every STEP-th float32 from all bit patterns, and the edges."""
    patterns = np.arange(0, 2**32, STEP, dtype=np.uint64).astype(np.uint32).view(np.float32)
    edges = np.float32([0, 1, 2, 0.5, 1e-45, 1e-40, 1.1754944e-38, 3.4028235e38, np.inf, 88.7, 88.8, 103.9, 104, 709, np.pi,
                        np.pi / 2, 1e5, 8192, 1 + 2**-23, 1 - 2**-24])
    return np.concatenate([patterns, edges, -edges, np.float32([np.nan])])


def errors(name, run, x):
    """ULP and absolute errors of finite results, and where the kinds of results differ."""
    with np.errstate(all="ignore"):
        truth = FUNCTIONS[name][2](x.astype(np.float64))
        rounded = truth.astype(np.float32)
        mine = run(x)
        exponent = np.floor(np.log2(np.maximum(abs(truth), 2.0**-126)))
        ulp = np.maximum(2.0 ** (exponent - 23), SMALLEST)
        off = abs(mine.astype(np.float64) - truth)
        kinds = (np.isnan(mine) != np.isnan(rounded)) | (np.isinf(mine) != np.isinf(rounded))
    return np.where(np.isfinite(rounded) & ~kinds, off / ulp, 0), np.where(np.isfinite(rounded) & ~kinds, off, 0), kinds


def main():
    flags = parser(__doc__)
    flags.add_argument("--measure", action="store_true", help="print the errors found by interval instead")
    arguments = flags.parse_args()
    sys.path.insert(0, str(Path(arguments.build).resolve() / "python"))
    results = Results({})
    x = samples()
    if arguments.measure:
        return measure(x)
    bounds = read_table()
    for name in filter(claimed, sorted(bounds.keys() - FUNCTIONS.keys())):
        results.record(f"accuracy.{name}", False, f"    {PAGE.name} states a bound that nothing measures")
    for name in filter(claimed, FUNCTIONS):
        if name not in bounds:
            results.record(f"accuracy.{name}", False, f"    {PAGE.name} states no bound")
            continue
        low, high, most, absolute = bounds[name]
        special = ~np.isfinite(x)
        inside = x[(x >= low) & (x <= min(high, 3.4028235e38)) | special]
        ulp, off, kinds = errors(name, compiled(name), inside)
        wrong = ((ulp > most) & (off > absolute)) | kinds
        worst = int(np.argmax(np.where(wrong, ulp + 1e9 * kinds, 0)))
        results.record(f"accuracy.{name}", not wrong.any(), f"    {wrong.sum()} of {len(inside)} samples, worst at "
                       f"{inside[worst]!r}: {ulp[worst]:.2f} ULP, stated {most}")
    return results.finish(arguments.json)


def measure(x):
    for name in FUNCTIONS:
        run = compiled(name)
        for limit in (1e-3, 0.5, 1, 10, 88, 1000, 1e5, 3.5e38):
            inside = x[abs(x) <= limit]
            ulp, off, kinds = errors(name, run, inside)
            worst, bad = int(np.argmax(ulp)), inside[kinds]
            print(f"{name:14} |x| <= {limit:<8g} {ulp[worst]:12.2f} ULP at {inside[worst]!r}, absolute {off.max():.3g}, "
                  f"other kind {len(bad)} {bad[:3]}", flush=True)
        special = np.float32([np.inf, -np.inf, np.nan])
        print(f"{name:14} of inf, -inf, nan: {run(special)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
