# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares what tenon-translate imports with what the onnx package reads.

Per model of a folder: the operators and how often each occurs, subgraphs
included, the names of inputs and outputs in order, and the bytes of all weights
that are stored as resources. Prints a line a model; the exit status counts the
models that differ.
"""

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import onnx
from onnx import numpy_helper


def graphs(graph):
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                if inner.node or inner.output:
                    yield from graphs(inner)


def expected(path):
    model = onnx.load(path)
    operators, weights = Counter(), {}
    for graph in graphs(model.graph):
        weights |= {tensor.name: numpy_helper.to_array(tensor).tobytes() for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type != "Constant":
                operators[node.op_type] += 1
            elif node.attribute[0].name == "value":
                weights[node.output[0]] = numpy_helper.to_array(node.attribute[0].t).tobytes()
    initialized = {tensor.name for tensor in model.graph.initializer}
    inputs = [value.name for value in model.graph.input if value.name not in initialized]
    return operators, inputs, [value.name for value in model.graph.output], weights


def imported(text):
    body, _, resources = text.partition("{-#")
    signature = re.search(r"func\.func @main\((.*)\) attributes", body).group(1)
    inputs, _, outputs = signature.partition(") -> (")
    names = [re.findall(r'onnx\.name = "((?:[^"\\]|\\.)*)"', part) for part in (inputs, outputs)]
    operators = Counter(re.findall(r'= onnx\.node "(\w+)"', body))
    # A resource's text is its alignment, then its bytes.
    blobs = {name: bytes.fromhex(data[8:])
             for name, data in re.findall(r'^ *"?([^"\s]+)"?: "0x([0-9A-F]+)"', resources, re.MULTILINE)}
    constants = re.findall(r'onnx\.constant dense_resource<"?([^">]+)"?> .*name = "([^"]*)"', body)
    return operators, *names, {name: blobs[resource] for resource, name in constants}


def differences(path):
    done = subprocess.run(["tenon-translate", "--import-onnx", path], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        yield done.stderr.strip()
        return
    operators, inputs, outputs, weights = imported(done.stdout)
    wanted_operators, wanted_inputs, wanted_outputs, wanted_weights = expected(path)
    for operator in sorted(operators.keys() | wanted_operators.keys()):
        if operators[operator] != wanted_operators[operator]:
            yield f"{operators[operator]} of {operator}, expected {wanted_operators[operator]}"
    if (inputs, outputs) != (wanted_inputs, wanted_outputs):
        yield f"{inputs} -> {outputs}, expected {wanted_inputs} -> {wanted_outputs}"
    for name, data in weights.items():
        if data != wanted_weights.get(name):
            yield f"weight {name}: {len(data)} bytes differ from the model's"
    for name, data in wanted_weights.items():
        if len(data) > 1024 and name not in weights:
            yield f"weight {name} of {len(data)} bytes is not there"


def main():
    wrong = 0
    for path in sorted(Path(sys.argv[1]).glob("*/model.onnx")):
        found = list(differences(path))
        wrong += bool(found)
        print(f"{path.parent.name}: {'; '.join(found) or 'same'}")
    sys.exit(min(wrong, 100))


if __name__ == "__main__":
    main()
