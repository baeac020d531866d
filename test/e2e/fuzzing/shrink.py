# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A smaller program that fails in the same way: fewer outputs, nodes, symbols,
bindings, attributes; smaller sizes; simpler values."""

import dataclasses
import time

import numpy as np

from .oracles import NoOpinion, evaluate_node
from .program import Node, Program, Value
from .trust import is_undefined


def reevaluated(program):
    """The program with the values of its nodes computed anew; raises NoOpinion."""
    values = {v.name: v for v in program.values.values() if v.dims is not None or v.constant}
    for node in program.nodes:
        operands = [values[name] for name in node.reads()]
        if is_undefined(node, operands):
            raise NoOpinion("undefined")
        for value in evaluate_node(node, values, program.opset, len(program.bindings)):
            values[value.name] = value
    return dataclasses.replace(program, values=values)


class Shrinker:
    """`fails(program)` tells whether a program still fails in the way that matters."""

    def __init__(self, program, fails, seconds):
        self.program, self.fails = program.pruned(), fails
        self.deadline = time.monotonic() + seconds
        self.open = {v.name: [len({s[a] for s in v.shapes}) > 1 for a in range(v.rank)] for v in program.values.values()}

    def attempt(self, make):
        """Takes a change if the program still fails with it."""
        if time.monotonic() > self.deadline:
            return False
        try:
            changed = make()
            if changed is None:
                return False
            changed = reevaluated(changed.pruned())
        except (NoOpinion, KeyError, IndexError, ValueError, TypeError):
            return False
        if not changed.nodes or not self.fails(changed):
            return False
        self.program = changed
        return True

    def run(self):
        self.attempt(lambda: self.program)
        for name in list(self.program.outputs):
            if self.attempt(lambda n=name: dataclasses.replace(self.program, outputs=[n])):
                break
        for _ in range(3):
            before = self.size()
            self.nodes()
            self.attributes()
            self.values()
            self.bindings()
            self.sizes()
            self.symbols()
            if self.size() == before or time.monotonic() > self.deadline:
                break
        return self.program

    def size(self):
        p = self.program
        return (len(p.nodes), len(p.inputs), len(p.bindings), sum(a.size for v in p.inputs for a in v.arrays),
                sum(len(n.attrs) for n in p.nodes))

    # Nodes ------------------------------------------------------------------------

    def nodes(self):
        at = 0
        while at < len(self.program.nodes):
            node = self.program.nodes[at]
            if not (self.attempt(lambda n=node: self.earlier_output(n)) or self.attempt(lambda n=node: self.as_inputs(n)) or
                    self.attempt(lambda n=node: self.bypassed(n))):
                at += 1
            else:
                at = 0 if at >= len(self.program.nodes) else at

    def earlier_output(self, node):
        """What the node gives as the only output."""
        if self.program.outputs == [n for n in node.outputs if n][:1]:
            return None
        return dataclasses.replace(self.program, outputs=[n for n in node.outputs if n][:1])

    def as_inputs(self, node):
        """The node's results as inputs of the program."""
        if set(node.outputs) & set(self.program.outputs):
            return None
        values, bindings = dict(self.program.values), [dict(b) for b in self.program.bindings]
        for name in node.outputs:
            if name:
                values[name] = self.as_input(values[name], bindings)
        return dataclasses.replace(self.program, values=values, bindings=bindings,
                                   nodes=[n for n in self.program.nodes if n is not node])

    def as_input(self, value, bindings):
        dims = []
        for axis in range(value.rank):
            sizes = [shape[axis] for shape in value.shapes]
            if not self.open.get(value.name, [False] * value.rank)[axis]:
                dims.append(sizes[0])
                continue
            known = next((s for s in bindings[0] if all(b[s] == n for b, n in zip(bindings, sizes))), None)
            if known is None:
                known = f"S{len(bindings[0])}"
                for b, n in zip(bindings, sizes):
                    b[known] = n
            dims.append(known)
        return Value(value.name, value.arrays, tuple(dims))

    def bypassed(self, node):
        """An operand of the same type and shapes in the node's place."""
        result = self.program.values[next(n for n in node.outputs if n)]
        for name in node.reads():
            operand = self.program.values[name]
            if operand.dtype == result.dtype and operand.shapes == result.shapes and name not in self.program.outputs:
                renamed = lambda n, old=result.name, new=name: new if n == old else n  # noqa: E731
                nodes = [dataclasses.replace(n, inputs=[renamed(i) for i in n.inputs])
                         for n in self.program.nodes if n is not node]
                if result.name in self.program.outputs:
                    return None
                return dataclasses.replace(self.program, nodes=nodes)
        return None

    def attributes(self):
        for i, node in enumerate(self.program.nodes):
            for key in list(node.attrs):
                self.attempt(lambda i=i, key=key: self.with_node(i, attrs={
                    k: v for k, v in self.program.nodes[i].attrs.items() if k != key}))

    def with_node(self, index, **changes):
        if index >= len(self.program.nodes):
            return None
        nodes = list(self.program.nodes)
        nodes[index] = dataclasses.replace(nodes[index], **changes)
        return dataclasses.replace(self.program, nodes=nodes)

    # Values and sizes ---------------------------------------------------------------

    def with_value(self, name, arrays, dims=None):
        values = dict(self.program.values)
        values[name] = dataclasses.replace(values[name], arrays=arrays, dims=values[name].dims if dims is None else dims)
        return dataclasses.replace(self.program, values=values)

    def values(self):
        for name in [v.name for v in self.program.inputs]:
            ways = [np.zeros_like, np.ones_like, np.nan_to_num,
                    lambda a: np.round(a) if a.dtype.kind == "f" else a,
                    lambda a: np.arange(a.size).reshape(a.shape).astype(a.dtype)]
            for way in ways:
                current = next((v for v in self.program.inputs if v.name == name), None)
                if current is None:
                    break
                with np.errstate(all="ignore"):
                    arrays = [way(a).astype(a.dtype) for a in current.arrays]
                if all(a.tobytes() == b.tobytes() for a, b in zip(arrays, current.arrays)):
                    continue
                if self.attempt(lambda a=arrays: self.with_value(name, a)):
                    break

    def bindings(self):
        for keep in range(len(self.program.bindings)):
            if len(self.program.bindings) > 1 and self.attempt(lambda k=keep: self.only_binding(k)):
                return

    def only_binding(self, keep):
        values = {n: dataclasses.replace(v, arrays=[v.arrays[keep]]) for n, v in self.program.values.items()}
        return dataclasses.replace(self.program, bindings=[self.program.bindings[keep]], values=values)

    def sizes(self):
        """Smaller sizes: inputs are cut."""
        used = {d for v in self.program.inputs for d in v.dims if isinstance(d, str)}
        for symbol in sorted(used):
            for b in range(len(self.program.bindings)):
                for smaller in (0, 1, 2, 3, 5):
                    if smaller < self.program.bindings[b].get(symbol, 0) and self.attempt(
                            lambda s=symbol, b=b, n=smaller: self.with_size(s, b, n)):
                        break
        for name in [v.name for v in self.program.inputs]:
            value = self.program.values.get(name)
            for axis in range(value.rank if value is not None and value.dims is not None else 0):
                dims = self.program.values[name].dims if name in self.program.values else None
                if dims is None or isinstance(dims[axis], str):
                    continue
                for smaller in (1, 2, 3):
                    if smaller < dims[axis] and self.attempt(lambda n=name, a=axis, s=smaller: self.cut(n, a, s)):
                        break

    def with_size(self, symbol, binding, size):
        bindings = [dict(b) for b in self.program.bindings]
        bindings[binding][symbol] = size
        values = dict(self.program.values)
        for v in self.program.inputs:
            arrays = list(v.arrays)
            for axis, d in enumerate(v.dims):
                if d == symbol:
                    arrays[binding] = np.ascontiguousarray(arrays[binding].take(range(size), axis))
            values[v.name] = dataclasses.replace(v, arrays=arrays)
        return dataclasses.replace(self.program, bindings=bindings, values=values)

    def cut(self, name, axis, size):
        value = self.program.values[name]
        dims = list(value.dims)
        dims[axis] = size
        arrays = [np.ascontiguousarray(a.take(range(size), axis)) for a in value.arrays]
        return self.with_value(name, arrays, tuple(dims))

    def symbols(self):
        """Symbols that may as well be numbers."""
        if len(self.program.bindings) > 1:
            return
        for symbol in sorted({d for v in self.program.inputs for d in v.dims if isinstance(d, str)}):
            self.attempt(lambda s=symbol: self.fixed(s))

    def fixed(self, symbol):
        size = self.program.bindings[0][symbol]
        values = {n: v if v.dims is None else dataclasses.replace(v, dims=tuple(size if d == symbol else d for d in v.dims))
                  for n, v in self.program.values.items()}
        return dataclasses.replace(self.program, values=values)


def shrink(program, fails, seconds=60):
    return Shrinker(program, fails, seconds).run()


__all__ = ["Node", "Program", "reevaluated", "shrink"]
