# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The operator suite's cases as makers: every operator with a case occurs in the
graphs too, with operands that are there already where they fit."""

import collections
import functools

import numpy as np
import onnx

from operators import all_cases
from operators.case import DTYPES

from ..oracles import NoOpinion


@functools.cache
def by_operator():
    """{(domain, operator): cases}."""
    found = collections.defaultdict(list)
    for case in all_cases():
        if not case.refused:
            found[case.domain, case.op].append(case)
    return dict(found)


def operand(g, tensor, sizes_of):
    """An operand of a case: a constant, a value that is there, or a new input."""
    if tensor is None:
        return None
    if tensor.value is not None:
        return g.constant(np.asarray(tensor.value))
    shapes = [tensor.shape(sizes_of(b)) for b in range(len(g.program.bindings))]
    if tensor.draw is None:
        there = g.some(lambda v: v.dtype == tensor.dtype and v.shapes == shapes and not v.sizes)
        if there is not None and g.chance(0.7):
            return there
        if g.chance(0.5):
            return g.input(tensor.dtype, tensor.dims)
    numpy = DTYPES[tensor.dtype][1]
    return g.input(tensor.dtype, tensor.dims,
                   maker=lambda shape, b: np.asarray(tensor.sample(sizes_of(b), g.rng)).astype(numpy).reshape(shape))


@functools.cache
def fitting(opset):
    """{(domain, operator): cases} of those whose definition is the one of an operator set."""
    def version(op, at):
        try:
            return onnx.defs.get_schema(op, at).since_version
        except onnx.defs.SchemaError:
            return None

    found = {}
    for (domain, op), cases in by_operator().items():
        fit = [case for case in cases if domain or version(op, case.opset) == version(op, opset)]
        if fit:
            found[domain, op] = fit
    return found


def template(g):
    case = g.one_of(fitting(g.opset)[g.one_of(fitting(g.opset))])
    named = {d for tensor in case.inputs if tensor is not None for d in tensor.dims if isinstance(d, str)}
    if not named <= set(g.program.bindings[0]):
        raise NoOpinion("a size that programs do not have")
    operands = [operand(g, tensor, lambda b: g.program.bindings[b]) for tensor in case.inputs]
    outputs = [dtype is not None for dtype in case.outputs]
    g.add(case.op, operands, dict(case.attrs), outputs, domain=case.domain, peer=case.peer,
          tolerance=(case.rtol or 0.0, case.atol or 0.0, case.steps))


def makers():
    return [(template, 45)]
