// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Emission of recurrent kernels. A unit is one direction of one sequence, or
// of two that share each pass over the recurrent weights, which come from the
// second-level cache at every step:
//
//   for start in [0, length) by `steps`
//     projection[step][sequence] = x of these steps times w, plus biases
//     for each of these steps t
//       product[sequence] = h times r, of all hidden elements, since each needs the whole of h
//       h, cell = the cell's arithmetic, a vector of hidden elements at a time
//       y[t] = h
//
// Both products are register tiles over packed weights (`matmul`), whose accumulators are carried through the loop over
// k; the rows are all the steps and sequences of a projection, or the sequences of a product:
//
//                        columns (gate, hidden element) ->
//     row 0            | acc 0 | acc 1 | ..     each step k: loads the vectors of weights once for all rows, and
//     row 1            | acc 2 | acc 3 | ..     broadcasts one element of x or h for each row
//
// State, gates and projections live in buffers whose gates are padded to whole
// vectors, so that cell arithmetic needs no masks. No product reads the padded
// elements of a state, and no result has them. With lstm's four gates, a row of the projection or the product is:
//
//     | i, hidden elements | padding | o .. | padding | f .. | padding | c .. | padding |
//     0                              padded           2 * padded                        columns = 4 * padded
#include "Recurrent.h"

using namespace mlir;

namespace tenon::codegen {

RecurrentEmitter::RecurrentEmitter(KernelContext &c, const RecurrentModel &model, RecurrentSchedule schedule)
    : c(c), r(model), s(std::move(schedule)), m{c}, f32(c.b.getF32Type()), zero(c.index(int64_t(0))), sequence(zero) {
  biasW = scratch(c, s.columns, f32);
  biasR = scratch(c, s.columns, f32);
  projection = scratch(c, s.steps * s.sequences * s.columns, f32);
  product = scratch(c, s.sequences * s.columns, f32);
  h = scratch(c, s.sequences * s.padded, f32);
  cell = scratch(c, s.sequences * s.padded, f32);
  reset = scratch(c, s.sequences * s.padded, f32);
}

RecurrentEmitter RecurrentEmitter::forOne() const {
  RecurrentEmitter one(*this);
  one.s.steps *= one.s.sequences;
  one.s.sequences = 1;
  return one;
}

/// Sets `sequence` for what the body emits; one sequence costs no loop.
void RecurrentEmitter::forSequences(function_ref<void()> body) {
  if (s.sequences == 1)
    return body();
  c.loop(zero, c.index(s.sequences), 1, [&](Value number) {
    sequence = number;
    body();
  });
  sequence = zero;
}

void RecurrentEmitter::forHidden(function_ref<void(Value)> body) {
  forSequences([&]() { c.loop(zero, c.index(s.padded), s.lanes, body); });
}

/// x kept between bounds. NaN stays, as the second operand of each.
Value RecurrentEmitter::within(double low, double high, Value x) {
  return m.max(m.like(x, low), m.min(m.like(x, high), x));
}

Value RecurrentEmitter::clipped(Value x) { return r.clip > 0 ? within(-r.clip, r.clip, x) : x; }

Value RecurrentEmitter::activate(unsigned direction, unsigned function, Value x) {
  const graph::RecurrentActivation &f = r.activations[direction * r.functions() + function];
  StringRef name = f.name;
  auto alpha = [&] { return m.like(x, f.alpha); };
  auto beta = [&] { return m.like(x, f.beta); };
  if (name == "sigmoid")
    return m.sigmoid(x);
  if (name == "tanh")
    return m.tanh(x);
  if (name == "relu")
    return m.max(m.like(x, 0), x); // NaN stays
  if (name == "leakyrelu")
    return m.select(m.greater(x, m.like(x, 0), true), x, m.mul(x, alpha()));
  if (name == "thresholdedrelu")
    return m.select(m.greater(x, alpha()), x, m.like(x, 0));
  if (name == "scaledtanh")
    return m.mul(m.tanh(m.mul(x, beta())), alpha());
  if (name == "hardsigmoid")
    return within(0, 1, m.madd(x, alpha(), beta()));
  if (name == "elu")
    return m.select(m.greater(x, m.like(x, 0), true), x, m.mul(m.sub(m.exp(x), m.like(x, 1)), alpha()));
  if (name == "softsign")
    return m.div(x, m.add(m.like(x, 1), m.abs(x)));
  if (name == "softplus") // log(1 + exp(x)) without overflow
    return m.add(m.max(x, m.like(x, 0)),
                 m.log(m.add(m.like(x, 1), m.exp(arith::NegFOp::create(c.b, c.loc, m.abs(x))))));
  return f.alpha == 1 && f.beta == 0 ? x : m.madd(x, alpha(), beta()); // affine
}

/// Biases per gate, padded with zeros. Both of a gate enter the projection (biasW), and the product starts at zero.
/// With linear_before_reset the reset gate scales the product of gate h with its bias; so that product starts at the
/// bias (biasR).
void RecurrentEmitter::loadBiases(unsigned direction) {
  int64_t all = r.gates * r.hidden;
  for (int64_t g = 0; g < r.gates; ++g) {
    bool apart = r.linearBeforeReset && g == 2;
    c.vectorLoop(zero, c.index(r.hidden), s.lanes, r.hidden, [&](Value j, Value mask) {
      Value none = c.constant(f32, 0, s.lanes), sum = none, recurrent = none;
      if (r.b) {
        Value at = c.add(j, c.index(direction * 2 * all + g * r.hidden));
        sum = m.toF32(loadFrom(c, r.b, at, s.lanes, mask));
        recurrent = m.toF32(loadFrom(c, r.b, c.add(at, c.index(all)), s.lanes, mask));
        if (mask) { // a splat has no masked lanes of its own
          sum = m.select(mask, sum, none);
          recurrent = m.select(mask, recurrent, none);
        }
      }
      Value at = c.add(j, c.index(g * s.padded));
      put(apart ? sum : m.add(sum, recurrent), biasW, at);
      put(apart ? recurrent : none, biasR, at);
    });
  }
}

/// The initial states of the sequence in work, zeros where there is none; zeros in the padding.
void RecurrentEmitter::loadState(unsigned direction, Value batch) {
  Value number = c.add(batch, sequence);
  Value from = c.mul(c.mulAdd(c.index(direction), c.index(s.xShape[1]), number), c.index(r.hidden));
  auto load = [&](Value initial, Value state) {
    c.vectorLoop(zero, c.index(r.hidden), s.lanes, r.hidden, [&](Value j, Value mask) {
      Value v = c.constant(f32, 0, s.lanes);
      if (initial) {
        Value given = m.toF32(loadFrom(c, initial, c.add(from, j), s.lanes, mask));
        v = mask ? m.select(mask, given, v) : given;
      }
      put(v, state, own(j));
    });
  };
  load(r.initialH, h);
  if (r.yC)
    load(r.initialC, cell);
}

void RecurrentEmitter::matmul(unsigned direction, int64_t rows, int64_t firstGate, int64_t lastGate, AffineExpr n,
                              Value weights, bool packed, int64_t vectors, Value bias, Value target,
                              function_ref<Value(int64_t, Value, int64_t, Value)> source) {
  Value count = c.index(n);
  if (!packed) {
    // Weights as the model has them, [gate][j][k]: each sum is a dot product, lanes along k.
    int64_t extent = constantOr(n), lanes = lanesFor(c.target, f32, extent);
    auto sumOf = [&](ValueRange a, ValueRange z) { return Values{m.add(a[0], z[0])}; };
    for (int64_t g = firstGate; g < lastGate; ++g)
      c.loop(zero, c.index(r.hidden), 1, [&](Value j) {
        Value base = c.mul(c.add(j, c.index((direction * r.gates + g) * r.hidden)), count);
        Value at = c.add(j, c.index(g * s.padded));
        for (int64_t row = 0; row < rows; ++row) {
          Values start{c.constant(f32, 0, lanes)};
          Values acc = accumulate(
              c, count, extent, lanes, start, start,
              [&](Value k, Value mask, ValueRange a) {
                Value w = m.toF32(loadFrom(c, weights, c.add(base, k), lanes, mask));
                return Values{m.madd(w, source(row, k, lanes, mask), a[0])};
              },
              sumOf);
          Value sum = m.add(horizontal(c, acc, lanes, sumOf)[0], get(bias, at, 1));
          put(sum, target, c.add(at, c.index(row * s.columns)));
        }
      });
    return;
  }
  // A register tile of `rows` rows and `width` vectors of columns from `column` on. Its accumulators start at the
  // bias and are carried through the loop over k.
  auto block = [&](Value column, int64_t width) {
    Values init;
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < width; ++j)
        init.push_back(get(bias, c.add(column, c.index(j * s.lanes)), s.lanes));
    // The panel of these columns starts after all columns before it, n values each.
    Value base = c.mul(c.add(column, c.index(direction * s.columns)), count);
    Values acc = c.loop(zero, count, 1, init, [&](Value k, ValueRange args) {
      Value at = c.mulAdd(k, c.index(width * s.lanes), base);
      Values loaded, next;
      for (int64_t j = 0; j < width; ++j)
        loaded.push_back(m.toF32(loadFrom(c, weights, c.add(at, c.index(j * s.lanes)), s.lanes)));
      for (int64_t row = 0; row < rows; ++row) {
        Value v = c.broadcast(source(row, k, 1, {}), s.lanes);
        for (int64_t j = 0; j < width; ++j)
          next.push_back(m.madd(v, loaded[j], args[row * width + j]));
      }
      return next;
    });
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t j = 0; j < width; ++j)
        put(acc[row * width + j], target, c.add(column, c.index(row * s.columns + j * s.lanes)));
  };
  // Full panels, and a last one of the vectors that are left.
  int64_t first = firstGate * s.padded, last = lastGate * s.padded, wide = vectors * s.lanes;
  int64_t full = first + (last - first) / wide * wide;
  if (full > first)
    c.loop(c.index(first), c.index(full), wide, [&](Value column) { block(column, vectors); });
  if (full < last)
    block(c.index(full), (last - full) / s.lanes);
}

void RecurrentEmitter::recur(unsigned direction, int64_t firstGate, int64_t lastGate, Value vector) {
  AffineExpr n = getAffineConstantExpr(r.hidden, c.kernel.getContext());
  matmul(direction, s.sequences, firstGate, lastGate, n, r.r, s.packedR, s.recurVectors, biasR, product,
         [&](int64_t row, Value k, int64_t lanes, Value mask) {
           return c.load(vector, f32, c.add(k, c.index(row * s.padded)), lanes, mask);
         });
}

/// Offset of column `at` in the projection of step `row` of the sequence in work.
Value RecurrentEmitter::projectedAt(Value row, Value at) {
  return c.mulAdd(c.mulAdd(row, c.index(s.sequences), sequence), c.index(s.columns), at);
}

/// The sum s[g, j]: projection plus product.
Value RecurrentEmitter::gate(Value row, int64_t g, Value j) {
  Value at = c.add(j, c.index(g * s.padded));
  Value projected = get(projection, projectedAt(row, at), s.lanes);
  return m.add(projected, get(product, c.mulAdd(sequence, c.index(s.columns), at), s.lanes));
}

void RecurrentEmitter::lstmCell(unsigned direction, Value row, Value j) {
  Value old = get(cell, own(j), s.lanes);
  Value inRow = c.sub(c.index(r.hidden), j);
  // Peepholes i, o, f of the direction; lanes beyond the hidden size are zero.
  auto peephole = [&](int64_t which, Value pre, Value state) {
    if (!r.peepholes)
      return pre;
    Value mask = s.padded == r.hidden ? Value() : m.laneMask(zero, inRow, s.lanes);
    Value at = c.add(j, c.index((direction * 3 + which) * r.hidden));
    return m.madd(m.toF32(loadFrom(c, r.peepholes, at, s.lanes, mask)), state, pre);
  };
  Value input = activate(direction, 0, clipped(peephole(0, gate(row, 0, j), old)));
  Value forget = r.inputForget ? m.sub(m.like(input, 1), input)
                               : activate(direction, 0, clipped(peephole(2, gate(row, 2, j), old)));
  Value candidate = activate(direction, 1, clipped(gate(row, 3, j)));
  Value next = m.add(m.mul(forget, old), m.mul(input, candidate));
  Value output = activate(direction, 0, clipped(peephole(1, gate(row, 1, j), next)));
  put(next, cell, own(j));
  put(m.mul(output, activate(direction, 2, next)), h, own(j));
}

/// Gates z and r are panels of their own, and so is h: without linear_before_reset its product needs the reset gate's
/// result.
void RecurrentEmitter::gruStep(unsigned direction, Value row) {
  if (r.linearBeforeReset) {
    recur(direction, 0, 2, h);
    recur(direction, 2, 3, h);
  } else {
    recur(direction, 0, 2, h);
    forHidden([&](Value j) {
      Value gateR = activate(direction, 0, clipped(gate(row, 1, j)));
      put(m.mul(gateR, get(h, own(j), s.lanes)), reset, own(j));
    });
    recur(direction, 2, 3, reset);
  }
  forHidden([&](Value j) {
    Value update = activate(direction, 0, clipped(gate(row, 0, j))), pre;
    if (r.linearBeforeReset) {
      Value gateR = activate(direction, 0, clipped(gate(row, 1, j)));
      Value at = c.add(j, c.index(2 * s.padded));
      pre = m.madd(gateR, get(product, c.mulAdd(sequence, c.index(s.columns), at), s.lanes),
                   get(projection, projectedAt(row, at), s.lanes));
    } else {
      pre = gate(row, 2, j);
    }
    Value candidate = activate(direction, 1, clipped(pre)), old = get(h, own(j), s.lanes);
    put(m.add(m.mul(m.sub(m.like(update, 1), update), candidate), m.mul(update, old)), h, own(j));
  });
}

void RecurrentEmitter::storeHidden(Value result, Value at, Value state) {
  Value buffer = result ? yieldedBuffer(c, result) : Value();
  if (!buffer)
    return;
  c.vectorLoop(zero, c.index(r.hidden), s.lanes, r.hidden, [&](Value j, Value mask) {
    Value v = state ? get(state, own(j), s.lanes) : c.constant(f32, 0, s.lanes);
    c.store(m.toFloat(v, computeOf(result)), buffer, elementOf(result), c.add(at, j), mask);
  });
}

void RecurrentEmitter::step(unsigned direction, Value row, Value t, Value batch) {
  if (r.gates == 3) {
    gruStep(direction, row);
  } else {
    recur(direction, 0, r.gates, h);
    forHidden([&](Value j) {
      if (r.gates == 4)
        lstmCell(direction, row, j);
      else
        put(activate(direction, 0, clipped(gate(row, 0, j))), h, own(j));
    });
  }
  forSequences([&]() {
    Value at =
        c.mulAdd(c.mulAdd(t, c.index(r.directions), c.index(direction)), c.index(s.xShape[1]), c.add(batch, sequence));
    storeHidden(r.y, c.mul(at, c.index(r.hidden)), h);
  });
}

void RecurrentEmitter::unit(unsigned direction, Value batch) {
  loadBiases(direction);
  forSequences([&]() { loadState(direction, batch); });
  Value duration = c.index(s.xShape[0]), batches = c.index(s.xShape[1]), width = c.index(s.xShape[2]);
  Value length = duration;
  if (r.lengths) {
    length = m.toIndex(loadFrom(c, r.lengths, batch, 1));
    length = c.maxS(zero, c.minS(length, duration));
  }
  // The step that is computed as number n is step n, or step length - 1 - n backwards.
  bool backwards = r.reverseOnly || direction == 1;
  Value last = c.sub(length, c.index(1));
  auto time = [&](Value number) { return backwards ? c.sub(last, number) : number; };
  c.loop(zero, length, s.steps, [&](Value start) {
    // Row k * sequences + number of the projection is time step start + k of a sequence. Steps beyond the last repeat
    // it and are not used.
    Values bases;
    for (int64_t k = 0; k < s.steps; ++k) {
      Value t = time(c.minS(c.add(start, c.index(k)), last));
      for (int64_t number = 0; number < s.sequences; ++number)
        bases.push_back(c.mul(c.mulAdd(t, batches, c.add(batch, c.index(number))), width));
    }
    matmul(direction, s.steps * s.sequences, 0, r.gates, s.xShape[2], r.w, s.packedW, s.projectVectors, biasW,
           projection, [&](int64_t row, Value k, int64_t lanes, Value mask) {
             return m.toF32(loadFrom(c, r.x, c.add(bases[row], k), lanes, mask));
           });
    c.loop(zero, c.minS(c.index(s.steps), c.sub(length, start)), 1,
           [&](Value row) { step(direction, row, time(c.add(start, row)), batch); });
  });
  if (r.lengths) // y is zero behind the end of a sequence; a unit is one sequence then
    c.loop(length, duration, 1, [&](Value t) {
      Value at = c.mulAdd(c.mulAdd(t, c.index(r.directions), c.index(direction)), batches, batch);
      storeHidden(r.y, c.mul(at, c.index(r.hidden)), {});
    });
  forSequences([&]() {
    Value at = c.mul(c.mulAdd(c.index(direction), batches, c.add(batch, sequence)), c.index(r.hidden));
    storeHidden(r.yH, at, h);
    storeHidden(r.yC, at, cell);
  });
}

} // namespace tenon::codegen
