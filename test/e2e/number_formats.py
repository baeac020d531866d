#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every shipped number format against oracles that share no code with Tenon.

For each format of up to 16 bits: the values of all codes, and the codes of every
value, every rounding boundary and its neighbours, and of 2^22 float32 numbers (with
--sweep 2^24: all upper 24 bits of float32 with varied lower ones), by the host's
codec (`tenon.formats`) and by compiled vector code, which must agree bit for
bit with each other and with the oracles:

- exact arithmetic on fractions, from the declaration's fields, written here;
- ml_dtypes, where it has the format.

Rounding other than to nearest even is compared on the boundaries, compiled code
through `graph.cast` and `num.encode`; stochastic rounding with draws computed here.
The oracle rounds the boundaries one by one. Of the numbers that ascend it rounds a
grid and every number beside which the grid's codes change; between two numbers of
one sign and code it can only give that code. --all feeds all 2^32 float32 numbers to
formats of up to 8 bits (about a minute a format).
"""

import re
import sys
import tempfile
from fractions import Fraction
from pathlib import Path

import numpy as np

from fork_server import Program
from harness import Results, claimed, parser

CHUNK = 1 << 20  # numbers that one run rounds
FEW = 1 << 17  # of them where there are only boundaries
ROUNDINGS = ("nearest_even", "nearest_away", "toward_zero", "toward_positive", "toward_negative", "stochastic")
# ml_dtypes' names.
ML_DTYPES = {
    "f8E4M3": "float8_e4m3", "f8E4M3FN": "float8_e4m3fn", "f8E4M3FNUZ": "float8_e4m3fnuz",
    "f8E4M3B11FNUZ": "float8_e4m3b11fnuz", "f8E5M2": "float8_e5m2", "f8E5M2FNUZ": "float8_e5m2fnuz",
    "f8E3M4": "float8_e3m4", "f8E8M0FNU": "float8_e8m0fnu", "f6E2M3FN": "float6_e2m3fn",
    "f6E3M2FN": "float6_e3m2fn", "f4E2M1FN": "float4_e2m1fn", "bf16": "bfloat16", "f16": "float16",
}
# Fields as their specifications give them: sign, exponent, mantissa, bias, special codes.
# ieee: infinities and NaN; fn: NaN is all ones; fnuz: NaN is minus zero; none; scale: no zero, NaN all ones.
FIELDS = {
    "f16": (1, 5, 10, 15, "ieee"), "bf16": (1, 8, 7, 127, "ieee"), "f8E4M3": (1, 4, 3, 7, "ieee"),
    "f8E4M3FN": (1, 4, 3, 7, "fn"), "f8E4M3FNUZ": (1, 4, 3, 8, "fnuz"), "f8E4M3B11FNUZ": (1, 4, 3, 11, "fnuz"),
    "f8E5M2": (1, 5, 2, 15, "ieee"), "f8E5M2FNUZ": (1, 5, 2, 16, "fnuz"), "f8E3M4": (1, 3, 4, 3, "ieee"),
    "f8E8M0FNU": (0, 8, 0, 127, "scale"), "f8E5M3FNU": (0, 5, 3, 15, "fn"), "f6E2M3FN": (1, 2, 3, 1, "none"),
    "f6E3M2FN": (1, 3, 2, 3, "none"), "f4E2M1FN": (1, 2, 1, 1, "none"),
    # cFP8: biases inside, at the ends of, and at the common formats' places in its range.
    **{f"cFP8E{e}M{m}:{b}": (1, e, m, b, "none") for e, m in ((5, 2), (4, 3), (3, 4))
       for b in (-64, 3, 7, 11, 15, 100, 127)},
    # Formats of one declaration each, which no library has.
    "f8E6M1": (1, 6, 1, 31, "ieee"), "f5E2M2": (1, 2, 2, 1, "none"),
}
OWN = {
    "f8E6M1": "{name: f8E6M1, kind: float, exponent: 6, mantissa: 1, bias: 31, infinity: true, nan: ieee}",
    "steps17": "{name: steps17, kind: codebook, values: [" + ", ".join(str(i / 2) for i in range(-8, 9)) + "]}",
    "f5E2M2": "{name: f5E2M2, kind: float, exponent: 2, mantissa: 2, bias: 1}",
}
CODEBOOKS = ("NF4", "NF3", "steps17")
# NF4 as published (QLoRA, appendix E); NF3 by its construction.
NF4 = (-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
       -0.18477343022823334, -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725,
       0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0)
QUANTILE_OFFSET = 0.9677083


SEED = 0x9E3779B97F4A7C15  # of stochastic rounding: both halves count


def draws(seed, index):
    """24 random bits of each index: Philox2x32-10 as published, the key's two words combined."""
    low, high = (index & 0xFFFFFFFF).astype(np.uint64), (index >> 32).astype(np.uint64)
    key = (seed ^ seed >> 32) & 0xFFFFFFFF
    for _ in range(10):
        product = low * np.uint64(0xD256D193)
        low, high = (product >> np.uint64(32)) ^ np.uint64(key) ^ high, product & np.uint64(0xFFFFFFFF)
        key = (key + 0x9E3779B9) & 0xFFFFFFFF
    return (low >> np.uint64(8)).astype(np.float64)


def fields_of(declaration):
    """Fields of a float format that the table above lacks, from its declaration."""
    keys = dict(re.findall(r"(\w+): ([^,}]+)", declaration))
    special = {"ieee": "ieee", "all_ones": "fn", "negative_zero": "fnuz", "none": "none"}[keys.get("nan", "none")]
    if keys.get("subnormals") == "false" and keys.get("zero") == "false":
        special = "scale"
    return int(keys.get("sign") != "false"), int(keys["exponent"]), int(keys["mantissa"]), int(keys["bias"]), special


def exact_values(fields):
    """Values of all codes as fractions; None for NaN, +-inf as floats."""
    sign, exponent, mantissa, bias, special = fields
    values = []
    for code in range(1 << (sign + exponent + mantissa)):
        negative = sign and code >> (exponent + mantissa)
        e, m = code >> mantissa & ((1 << exponent) - 1), code & ((1 << mantissa) - 1)
        top = e == (1 << exponent) - 1
        if special == "ieee" and top:
            values.append(None if m else float("-inf" if negative else "inf"))
            continue
        if special in ("fn", "scale") and top and m == (1 << mantissa) - 1:
            values.append(None)
            continue
        if special == "fnuz" and negative and e == m == 0:
            values.append(None)
            continue
        if e == 0 and special != "scale":
            value = Fraction(m, 1 << mantissa) * Fraction(2) ** (1 - bias)
        else:
            value = (1 + Fraction(m, 1 << mantissa)) * Fraction(2) ** (e - bias)
        values.append(-value if negative else value)
    return values


def codebook_values(name):
    from statistics import NormalDist

    if name == "NF4":
        return [Fraction(v) for v in NF4]
    if name == "steps17":  # more values than registers are searched for, and not a power of two
        return [Fraction(i, 2) for i in range(-8, 9)]

    def quantiles(n):
        steps = (QUANTILE_OFFSET + (0.5 - QUANTILE_OFFSET) * i / (n - 1) for i in range(n - 1))
        return [NormalDist().inv_cdf(p) for p in steps]

    values = sorted([-v for v in quantiles(4)] + [0.0] + quantiles(5))
    return [Fraction(float(np.float32(v / max(map(abs, values))))) for v in values]


class Oracle:
    """Codes by exact comparison with the midpoints of neighbouring values."""

    def __init__(self, values, special, codebook=False):
        finite = {}
        for code, value in enumerate(values):
            if value is not None and not isinstance(value, float):
                finite.setdefault(value, code)
        order = sorted(finite)
        self.values = np.array([float(v) for v in order])
        self.codes = np.array([finite[v] for v in order], np.uint32)
        self.special, self.codebook, self.table = special, codebook, values
        self.negative_zero = special in ("ieee", "fn", "none") and not codebook and any(v is not None and v < 0 for v in order)
        # Exact in float64: neighbours share all but a few of 53 bits.
        self.middle = (self.values[1:] + self.values[:-1]) / 2
        if codebook:
            self.middle = self.middle.astype(np.float32).astype(np.float64)
        steps = [order[i + 1] - order[i] for i in range(len(order) - 1)]
        # To the value that would follow the largest one.
        self.step = float(order[-1] if special == "scale" else steps[-1])
        self.width = (len(values) - 1).bit_length()
        self.changes = {}  # of codes along all float32 numbers

    def boundaries(self):
        """Float32 numbers on and around every value and every rounding boundary."""
        edge = self.values[-1] + self.step / 2
        points = np.concatenate([self.values, self.middle, [edge, -edge, self.values[0] - self.step / 2]]).astype(np.float32)
        bits = points.view(np.uint32).astype(np.int64)
        near = (bits[:, None] + np.arange(-3, 4)).ravel()
        return np.clip(near, 0, 0xFFFFFFFF).astype(np.uint32)

    def encode(self, x, rounding="nearest_even", saturate=True, seed=0):
        """Codes of the array's values; stochastic rounding draws by place in the array."""
        x = x.ravel()
        random = draws(seed, np.arange(len(x), dtype=np.int64)) if rounding == "stochastic" else None
        x = x.astype(np.float64)
        nan = np.isnan(x)
        clean = np.where(nan, 0.0, x)
        clipped = np.clip(clean, self.values[0], self.values[-1])
        above = np.clip(np.searchsorted(self.values, clipped, "left"), 1, len(self.values) - 1)
        low, high = self.values[above - 1], self.values[above]
        middle = self.middle[above - 1]
        low_code, high_code = self.codes[above - 1], self.codes[above]
        tie_up = high_code % 2 == 0
        if self.special == "scale":
            tie_up = np.ones_like(tie_up)
        if rounding == "nearest_away":
            tie_up = clipped > 0
        up = (clipped > middle) | ((clipped == middle) & tie_up)
        if rounding in ("toward_zero", "toward_positive", "toward_negative"):
            towards_high = {"toward_zero": clipped < 0, "toward_positive": True, "toward_negative": False}[rounding]
            up = np.where(clipped == low, False, np.where(clipped == high, True, towards_high))
        if rounding == "stochastic":  # the share of the way, measured from zero
            near = np.where(clipped < 0, high, low)
            outwards = (abs(clipped - near) / (high - low)) * 2.0**24 > random
            up = np.where(clipped < 0, ~outwards, outwards)
        code = np.where(up, high_code, low_code).astype(np.uint32)
        if self.codebook:
            return code
        sign_bit = 1 << (self.width - 1)
        signed = self.values[0] < 0
        if signed and self.negative_zero:
            code = np.where(np.signbit(clean) & (code & (sign_bit - 1) == 0), sign_bit, code)
        code = self.overflow(x, code, rounding, saturate, sign_bit if signed else 0, random)
        if self.special == "none":  # zero of the opposite sign
            return np.where(nan, np.where(np.signbit(x), 0, sign_bit), code).astype(np.uint32)
        quiet = {v: c for c, v in reversed(list(enumerate(self.table)))}[None]
        if self.special == "ieee":
            quiet = self.infinity() | 1 << (self.infinity() & -self.infinity()).bit_length() - 2
        sign = np.where(np.signbit(x), sign_bit, 0) if signed and self.special != "fnuz" else 0
        return np.where(nan, quiet | sign, code).astype(np.uint32)

    def encode_ordered(self, bits, saturate):
        """Codes of ascending float32 bit patterns, rounded to nearest even."""
        if saturate not in self.changes:
            self.changes[saturate] = self.find_changes(lambda some: self.encode(some.view(np.float32), saturate=saturate))
        first, codes = self.changes[saturate]
        at = np.searchsorted(first, bits[0], "right") - 1
        end = np.searchsorted(first, bits[-1], "right")
        starts = np.searchsorted(bits, first[at + 1 : end].astype(np.uint32))
        return np.repeat(codes[at:end], np.diff(np.concatenate([[0], starts, [len(bits)]])))

    @staticmethod
    def find_changes(encode):
        """The first bit pattern of each run of one code, and the codes. Rounding is monotone: a run's ends are enough."""
        low = np.arange(0, 1 << 32, 1 << 12, dtype=np.int64)  # has zeros and infinities on it
        high = low + (1 << 12)
        high[-1] -= 1
        high[len(high) // 2 - 1] -= 1  # no interval goes from NaN to minus zero
        found = [low[[0, len(low) // 2]]]
        while len(low):
            ends = [encode(bits.astype(np.uint32)) for bits in (low, high)]
            low, high = (bits[ends[0] != ends[1]] for bits in (low, high))
            found.append(high[high - low == 1])
            low, high = (bits[high - low > 1] for bits in (low, high))
            middle = (low + high) // 2
            low, high = np.concatenate([low, middle]), np.concatenate([middle, high])
        first = np.unique(np.concatenate(found))
        return first, encode(first.astype(np.uint32))

    def infinity(self):
        return next(c for c, v in enumerate(self.table) if v == float("inf"))

    def overflow(self, x, code, rounding, saturate, sign_bit, random):
        if saturate or self.special == "none":
            return code
        largest = self.values[-1]
        # The boundary where rounding without a limit would leave the range.
        limit = largest + self.step / 2
        magnitude = abs(x)
        even_stays = self.codes[-1] % 2 == 0 and rounding == "nearest_even" and self.special != "scale"
        beyond = magnitude > limit if even_stays else magnitude >= limit
        if rounding in ("toward_zero", "toward_positive", "toward_negative"):
            outwards = {"toward_zero": np.zeros_like(beyond), "toward_positive": x > 0, "toward_negative": x < 0}[rounding]
            beyond = (magnitude > largest) & outwards
        if rounding == "stochastic":
            beyond = (magnitude - largest) / self.step * 2.0**24 > random
        beyond |= np.isinf(x)
        if self.special == "ieee":
            code = np.where(beyond, self.infinity() | np.where(x < 0, sign_bit, 0), code)
        else:
            nan = {v: c for c, v in reversed(list(enumerate(self.table)))}[None]
            code = np.where(beyond, nan | (np.where(x < 0, sign_bit, 0) if self.special == "fn" else 0), code)
            if not sign_bit:  # negative values, and zero where there is none
                code = np.where((x < 0) | ((x == 0) & (self.special == "scale")), nan, code)
        return code


def spread_inputs():
    """All upper 24 bits of float32; the lower 8 are none, the sticky ones, or in between."""
    upper = np.arange(1 << 24, dtype=np.uint32)
    lower = (upper * np.uint32(2654435761) >> np.uint32(24)) & np.uint32(0xFF)
    lower = np.where(upper % 3 == 0, 0, np.where(upper % 3 == 1, lower, np.uint32(1)))
    return (upper << 8) | lower.astype(np.uint32)


class Compiled:
    """Casts of one type as artifacts, compiled from graph IR."""

    def __init__(self, build, folder, target):
        self.program, self.folder, self.target = Program(Path(build) / "bin" / "tenon", build), Path(folder), target
        self.count = 0

    def session(self, text):
        import tenon

        self.count += 1
        source, artifact = self.folder / f"{self.count}.mlir", self.folder / f"{self.count}.tenon"
        source.write_text(text)
        done = self.program.run(["compile", "-q", f"--target={self.target}", "--start-from=graph", source, "-o", artifact])
        if done.returncode:
            raise RuntimeError(done.stderr.decode().strip())
        loaded = tenon.load(artifact)
        session, info = loaded.session(), loaded.inputs[0]
        return lambda x: list(session.run({info.name: x.view(info.dtype)}).values())

    def decode(self, kind, count):
        return self.session(
            f"func.func @main(%x: tensor<{count}x{kind}>) -> tensor<{count}xf32> {{\n"
            f"  %y = graph.cast %x : (tensor<{count}x{kind}>) -> tensor<{count}xf32>\n  return %y : tensor<{count}xf32>\n}}\n")

    def encode(self, kind, count, ways):
        """All ways of rounding at once, each a result: (saturate, rounding's number or None, seed or None)."""
        result, lines = f"tensor<{count}x{kind}>", []
        for way, (saturate, rounding, seed) in enumerate(ways):
            attributes = f"saturate = {str(saturate).lower()}" + (f", rounding = {rounding} : i32" if rounding is not None else "")
            attributes += f", seed = {np.int64(np.uint64(seed))} : i64" if seed is not None else ""
            lines.append(f"  %y{way} = graph.cast %x {{{attributes}}} : (tensor<{count}xf32>) -> {result}\n")
        names, results = (", ".join(items) for items in ([f"%y{way}" for way in range(len(ways))], [result] * len(ways)))
        return self.session(
            f"func.func @main(%x: tensor<{count}xf32>) -> ({results}) {{\n{''.join(lines)}  return {names} : {results}\n}}\n")


def bits_of(array):
    return np.ascontiguousarray(array).view({1: np.uint8, 2: np.uint16, 4: np.uint32}[array.dtype.itemsize])


def same(a, b):
    return (a == b) | (np.isnan(a) & np.isnan(b))


def first_difference(inputs, got, expected, what):
    wrong = np.flatnonzero(got != expected)
    if len(wrong):
        i = wrong[0]
        return f"{what}: {len(wrong)} differ, first {inputs[i]!r}: {got[i]:#x}, expected {expected[i]:#x}"
    return ""


def check_format(name, oracle, fmt, kind, compiled, inputs, ml_type):
    """Yields (aspect, problem)."""
    codes = np.arange(1 << fmt.width, dtype=np.uint32)
    exact = np.array([np.nan if v is None else float(v) for v in oracle.table])
    exact = np.concatenate([exact, np.full(len(codes) - len(exact), exact[-1])])
    decoded = fmt.decode(codes)
    wrong = np.flatnonzero(~same(decoded, exact))
    yield "decode", f"code {wrong[0]:#x} is {decoded[wrong[0]]}, expected {exact[wrong[0]]}" if len(wrong) else ""
    session = compiled.decode(kind, len(codes))
    given = codes.astype(np.uint8 if fmt.width <= 8 else np.uint16)
    vector, = session(given)
    differs = np.flatnonzero(~same(vector.astype(np.float64), exact))
    yield "decode compiled", f"code {differs[0]:#x} is {vector[differs[0]]}, expected {exact[differs[0]]}" if len(differs) else ""
    if ml_type is not None:
        theirs = given.view(ml_type).astype(np.float64) if ml_type.itemsize == given.itemsize else exact
        differs = np.flatnonzero(~same(decoded, theirs))
        yield "decode ml_dtypes", f"code {differs[0]:#x}: {decoded[differs[0]]} and {theirs[differs[0]]}" if len(differs) else ""
    overflows = (True, False)  # whether it saturates
    session, problems = None, {(saturate, who): "" for saturate in overflows for who in ("host", "compiled", "ml_dtypes")}
    for bits, ordered in inputs():
        x = bits.view(np.float32)
        session = session or compiled.encode(kind, len(bits), [(saturate, None, None) for saturate in overflows])
        for saturate, codes in zip(overflows, session(x)):
            expected = oracle.encode_ordered(bits, saturate) if ordered else oracle.encode(x, saturate=saturate)
            got = bits_of(codes).astype(np.uint32)
            # A builtin 16-bit type is converted by the processor: infinite out of range, NaN with its payload.
            if fmt.width == 16:
                got = np.where(np.isnan(x), expected, got) if not saturate else expected
            host = fmt.encode(x[: CHUNK // 16], saturate=saturate)
            found = {"compiled": first_difference(x, got, expected, "compiled"),
                     "host": first_difference(x, host, expected[: CHUNK // 16], "host")}
            if ml_type is not None and not saturate:
                theirs = bits_of(x.astype(ml_type)).astype(np.uint32)
                # NumPy keeps a NaN's payload, too. ml_dtypes rounds float32's subnormals to E8M0 upwards,
                # though the neighbour below is nearer: the exact oracle is right.
                usual = ~(np.isnan(x) if ml_type.itemsize == 2 else (abs(x) < 2.0**-126) & (name == "f8E8M0FNU"))
                found["ml_dtypes"] = first_difference(x[usual], got[usual], theirs[usual], "ml_dtypes")
            for who, problem in found.items():
                problems[saturate, who] = problems[saturate, who] or problem
    for (saturate, who), problem in problems.items():
        yield f"encode {'saturating' if saturate else 'to special codes'} {who}", problem
    if oracle.codebook:
        return
    points = oracle.boundaries()
    boundary = np.resize(points, max(FEW, points.size)).view(np.float32)
    ways = [(saturate, number, SEED if rounding == "stochastic" else None)
            for number, rounding in enumerate(ROUNDINGS) for saturate in overflows]
    # A builtin 16-bit type rounds in one way only.
    vectors = compiled.encode(kind, len(boundary), ways)(boundary) if fmt.width < 16 else [None] * len(ways)
    for (saturate, number, seed), vector in zip(ways, vectors):
        rounding = ROUNDINGS[number]
        expected = oracle.encode(boundary, rounding, saturate, seed or 0)
        host = fmt.encode(boundary, rounding, saturate, seed or 0)
        problem = first_difference(boundary, host, expected, "host")
        if vector is not None:
            problem = problem or first_difference(boundary, bits_of(vector).astype(np.uint32), expected, "compiled")
        yield f"rounding {rounding}{'' if saturate else ' to special codes'}", problem


def main():
    np.seterr(all="ignore")  # conversions of NaN are what is tested
    flags = parser(__doc__, sweep="2^24 float32 numbers for each format, not a quarter of them")
    flags.add_argument("--target", default="cpu:host")
    flags.add_argument("--all", action="store_true", help="all float32 numbers for formats of up to 8 bits")
    flags.add_argument("names", nargs="*", help="only these formats")
    arguments = flags.parse_args()
    sys.path.insert(0, str(Path(arguments.build).resolve() / "python"))
    import ml_dtypes
    from tenon import formats

    results = Results({})
    names = [*FIELDS, *CODEBOOKS]
    for name in formats.names():  # shipped since
        fmt = formats.get(name)
        if name not in names and fmt.kind == "float" and not fmt.needs_bias and fmt.width <= 16:
            FIELDS[name] = fields_of(fmt.declaration)
            names.append(name)
    spread = spread_inputs()[:: 1 if arguments.sweep else 4]
    with tempfile.TemporaryDirectory() as folder:
        compiled = Compiled(arguments.build, folder, arguments.target)
        for name in arguments.names or names:
            if not claimed(name):
                continue
            if name in CODEBOOKS:
                oracle = Oracle(codebook_values(name), "none", codebook=True)
            else:
                oracle = Oracle(exact_values(FIELDS[name]), FIELDS[name][4])
            base, _, bias = name.partition(":")
            if name in OWN:
                path = Path(folder) / f"{name}.yaml"
                path.write_text(OWN[name])
                fmt = formats.load(path)
            else:
                fmt = formats.get(base).with_bias(int(bias)) if bias else formats.get(base)
            kind = fmt.mlir or f'!num.format<"{fmt.declaration}">'
            ml_type = np.dtype(getattr(ml_dtypes, ML_DTYPES[name], None) or ML_DTYPES[name]) if name in ML_DTYPES else None
            points = np.unique(oracle.boundaries())
            # Formats of the same fields differ by a shift: biases are tried on the boundaries alone.
            wide = ":" not in name

            def inputs(points=points, wide=wide, fmt=fmt):
                """(bit patterns, whether they ascend)."""
                count = CHUNK if wide else FEW
                for chunk in np.resize(points, -(-len(points) // count) * count).reshape(-1, count):
                    yield chunk, False
                if arguments.all and fmt.width <= 8:
                    for start in range(0, 1 << 32, CHUNK):
                        yield np.arange(start, start + CHUNK, dtype=np.uint32), True
                elif wide:
                    yield from ((chunk, True) for chunk in spread.reshape(-1, CHUNK))

            for aspect, problem in check_format(name, oracle, fmt, kind, compiled, inputs, ml_type):
                results.record(f"formats.{name} {aspect}", not problem, f"    {problem}")
    return results.finish(arguments.json)


if __name__ == "__main__":
    sys.exit(main())
