# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random programs. A maker picks operands among the values there are, and adds a
node with `Generator.add`, which evaluates it at once: shapes and values of every
step are known to the next one, and what no oracle accepts is dropped."""

import numpy as np

from .oracles import NoOpinion, evaluate_node
from .program import Node, Program, Value
from .trust import is_undefined
from .values import FLOATS, INTEGERS, PLAIN, SPECIAL, WILD, draw, draw_size

OPSETS = (21,) * 10 + (18, 18, 18, 17, 13, 13, 23, 23, 22, 24, 28, 28, 10, 9)
# What the compiler computes sizes with, where operands are sizes.
SIZE_ARITHMETIC = {
    "Shape", "Size", "Gather", "Slice", "Concat", "Add", "Sub", "Mul", "Div", "Mod", "Min", "Max", "Neg", "Cast",
    "Unsqueeze", "Squeeze", "ReduceProd", "ReduceMin", "ReduceMax", "ReduceSum", "Identity", "Reshape", "Where", "Equal",
    "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "Not", "And", "Or", "Abs", "Flatten", "Split",
}


class Generator:
    def __init__(self, rng, seed="", bindings=3):
        self.rng = rng
        self.symbols = ["N", "M", "K"]
        sizes = [{s: draw_size(rng) for s in self.symbols} for _ in range(bindings)]
        if rng.random() < 0.7:  # one of them without corner cases, so that most programs compute something
            sizes[0] = {s: int(rng.choice([2, 3, 5, 6, 7, 16, 17])) for s in self.symbols}
        self.program = Program(int(rng.choice(OPSETS)), sizes, seed=seed)
        self.level = rng.choice([PLAIN, SPECIAL, WILD], p=[0.4, 0.3, 0.3])
        self.counts = {}

    # Names and operands -----------------------------------------------------------

    @property
    def opset(self):
        return self.program.opset

    def name(self, prefix):
        number = self.counts[prefix] = self.counts.get(prefix, -1) + 1
        return f"{prefix}{number}"

    def chance(self, probability):
        return self.rng.random() < probability

    def one_of(self, items):
        items = list(items)
        return items[int(self.rng.integers(len(items)))]

    def integer(self, low, high):
        """low <= result <= high."""
        return int(self.rng.integers(low, high + 1))

    def some(self, predicate=lambda v: True):
        """A value that there is, late ones more often, or None."""
        found = [v for v in self.program.values.values() if predicate(v)]
        if not found:
            return None
        return found[-1] if self.chance(0.4) else self.one_of(found)

    def dims(self, rank):
        return tuple(self.one_of(self.symbols) if self.chance(0.6) else self.one_of([1, 1, 2, 3, 4, 5, 7]) for _ in range(rank))

    def shape(self, dims, binding):
        return tuple(self.program.bindings[binding].get(d, d) for d in dims)

    def input(self, dtype, dims, level=None, low=None, high=None, maker=None):
        """A new input of the program."""
        if any(np.prod([max(1, d) for d in self.shape(dims, b)]) > 20_000 for b in range(len(self.program.bindings))):
            if maker:  # whose values belong to these sizes
                raise NoOpinion("too large")
            dims = tuple(2 if isinstance(d, str) and i else d for i, d in enumerate(dims))
        arrays = []
        for b in range(len(self.program.bindings)):
            shape = self.shape(dims, b)
            made = maker(shape, b) if maker else draw(self.rng, dtype, shape, self.level if level is None else level, low, high)
            arrays.append(made)
        value = Value(self.name("x"), arrays, tuple(dims))
        self.program.values[value.name] = value
        return value

    def constant(self, array):
        value = Value(self.name("c"), [np.asarray(array)] * len(self.program.bindings), None, constant=True, sizes=True)
        self.program.values[value.name] = value
        return value

    def ints(self, *numbers, dtype=np.int64):
        return self.constant(np.array(numbers, dtype))

    def operand(self, dtypes=("f32",), low_rank=0, high_rank=4, fresh=0.3, predicate=lambda v: True):
        """A value of one of the types, new with some probability or where there is none."""
        found = None
        if not self.chance(fresh):
            found = self.some(lambda v: v.dtype in dtypes and low_rank <= v.rank <= high_rank and not v.constant
                              and not v.sizes and predicate(v))
        if found is not None:
            return found
        return self.input(self.one_of(dtypes), self.dims(self.integer(low_rank, max(low_rank, min(high_rank, 3)))))

    def like(self, value, dtype=None):
        """An operand of a value's shape, or None: shapes that no declaration can say."""
        dtype = dtype or value.dtype
        found = self.some(lambda v: v.dtype == dtype and v.shapes == value.shapes and v is not value and not v.sizes)
        if found is not None and self.chance(0.6):
            return found
        if value.dims is not None:
            return self.input(dtype, value.dims)
        return found

    def broadcast_to(self, value, dtype=None):
        """An operand whose shape broadcasts with a value's at every binding."""
        dtype = dtype or value.dtype
        found = self.some(lambda v: v.dtype == dtype and v is not value and not v.sizes and self.fits(v, value))
        if found is not None and self.chance(0.6):
            return found
        if value.dims is not None and self.chance(0.7):
            dims = tuple(1 if self.chance(0.3) else d for d in value.dims)[self.integer(0, value.rank) if value.rank else 0:]
            return self.input(dtype, dims)
        dims = []
        for axis in range(value.rank):
            sizes = {shape[axis] for shape in value.shapes}
            dims.append(sizes.pop() if len(sizes) == 1 and self.chance(0.7) else 1)
        return self.input(dtype, dims[self.integer(0, len(dims)):])

    @staticmethod
    def fits(a, b):
        for one, other in zip(a.shapes, b.shapes):
            try:
                np.broadcast_shapes(one, other)
            except ValueError:
                return False
        return True

    def axis_of(self, value):
        axis = self.integer(0, value.rank - 1)
        return axis - value.rank if self.chance(0.3) else axis

    # Nodes ------------------------------------------------------------------------

    def add(self, op, inputs, attrs=None, outputs=1, **options):
        """Adds a node; its output Values, or raises NoOpinion."""
        names = [v.name if isinstance(v, Value) else v or "" for v in inputs]
        while names and not names[-1]:
            names.pop()
        if isinstance(outputs, int):
            outputs = [True] * outputs
        node = Node(op, names, [self.name("t") if wanted else "" for wanted in outputs], attrs or {}, **options)
        operands = [self.program.values[name] for name in node.reads()]
        if is_undefined(node, operands):
            raise NoOpinion("undefined by the operator's text")
        made = evaluate_node(node, self.program.values, self.opset, len(self.program.bindings))
        sizes = op in SIZE_ARITHMETIC and (op in ("Shape", "Size") or bool(operands) and all(v.sizes for v in operands))
        for value in made:
            value.sizes = sizes
            self.program.values[value.name] = value
        self.program.nodes.append(node)
        return made

    def attempt(self, maker):
        """Runs a maker; what it added is taken back if an oracle refuses it."""
        values, nodes, counts = dict(self.program.values), list(self.program.nodes), dict(self.counts)
        try:
            maker(self)
            return True
        except NoOpinion:
            self.program.values, self.program.nodes, self.counts = values, nodes, counts
            return False


def generate(seed, makers, only=None):
    """The program of a seed. `makers` are (maker, weight)."""
    rng = np.random.default_rng(seed)
    generator = Generator(rng, str(seed))
    weights = np.array([weight for _, weight in makers], float)
    weights /= weights.sum()
    target = int(rng.integers(2, 15))
    for _ in range(3 * target):
        maker = makers[int(rng.choice(len(makers), p=weights))][0]
        generator.attempt(maker)
        if len(generator.program.nodes) >= target:
            break
    program = generator.program
    read = {name for node in program.nodes for name in node.reads()}
    made = [name for node in program.nodes for name in node.outputs if name]
    program.outputs = [name for name in made if name not in read or rng.random() < 0.15]
    return program.pruned()


__all__ = ["FLOATS", "INTEGERS", "Generator", "generate"]
