# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs as text files: a header of comments with inputs and what is right, then
ONNX's own text.

    # what: one line
    # run: {"x": [type, shape, values], ...}
    # expect: {"y": [type, shape, values]}  or  # expect: error
"""

import json
import re
from pathlib import Path

import numpy as np
import onnx

from operators.case import DTYPES

from .judge import compare
from .program import short_name

HEADER = "# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n"


def encode(arrays):
    def plain(array):
        wide = array if array.dtype.kind in "iub" else array.astype(np.float64)
        return [short_name(array), list(array.shape), wide.ravel().tolist()]

    return json.dumps({name: plain(array) for name, array in arrays.items()})


def decode(text):
    found = {}
    for name, (dtype, shape, numbers) in json.loads(text).items():
        found[name] = np.array(numbers).astype(DTYPES[dtype][1]).reshape(shape)
    return found


def without_raw(model):
    """Initializers with typed fields, which the printer spells out."""
    plain = onnx.ModelProto()
    plain.CopyFrom(model)
    for tensor in plain.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor)
        tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))
    return plain


def text_of(program, what, expect_error=False):
    lines = [HEADER.rstrip(), *(f"# what: {line}" for line in what.splitlines())]
    for b in range(len(program.bindings)):
        lines.append(f"# run: {encode(program.feeds(b))}")
        wanted = {name: program.values[name].arrays[b] for name in program.outputs}
        lines.append("# expect: error" if expect_error else f"# expect: {encode(wanted)}")
    return "\n".join(lines) + "\n" + onnx.printer.to_text(without_raw(program.model())) + "\n"


class Case:
    """A recorded program."""

    def __init__(self, path):
        self.path = Path(path)
        text = self.path.read_text()
        header = [line for line in text.splitlines() if line.startswith("#")]
        self.model = onnx.parser.parse_model("\n".join(l for l in text.splitlines() if not l.startswith("#")))
        feeds = [decode(line[len("# run: "):]) for line in header if line.startswith("# run: ")]
        wanted = [line[len("# expect: "):] for line in header if line.startswith("# expect: ")]
        self.runs = [(f, None if w == "error" else decode(w)) for f, w in zip(feeds, wanted, strict=True)]
        if not self.runs:
            raise ValueError(f"{path}: no run")

    def check(self):
        """What is wrong, or ""."""
        import tenon

        try:
            artifact = tenon.compile(self.model, red_zones=True)
        except tenon.TenonError as error:
            return f"compile: {str(error)[:400]}"
        from .execute import differs, sessions

        pair = sessions(artifact, 1)
        for feeds, wanted in self.runs:
            where = f"at {({n: list(a.shape) for n, a in feeds.items()})}"
            try:
                results, again = (session.run(feeds) for session in pair)
            except tenon.TenonError as error:
                if wanted is None and re.fullmatch(r"TN70\d\d", error.code) and error.code != "TN7020":
                    continue
                return f"{where}: {str(error)[:400]}"
            if wanted is None:
                return f"{where}: runs, expected an error"
            if unwritten := differs(results, again):
                return f"{where}: {', '.join(unwritten)} is not written, or follows from memory that is not"
            for name, value in wanted.items():
                wrong = compare(results[name], value)
                if isinstance(wrong, str):
                    return f"{where}: {name}: {wrong}"
                if wrong.any():
                    at = tuple(int(k[0]) for k in np.nonzero(np.atleast_1d(wrong)))
                    return (f"{where}: {name}: {int(wrong.sum())} of {wrong.size} elements, at {list(at)} "
                            f"{np.atleast_1d(results[name])[at]}, expected {np.atleast_1d(value)[at]}")
        return ""
