// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// softmax, log_softmax and layer or RMS normalisation: rows that are scaled by statistics of their own. With the sums
// over a row of n elements:
//
//   softmax       y[i] = exp(x[i] - max) * (1 / sum of exp(x[j] - max))
//   log_softmax   y[i] = (x[i] - max) - log(sum of exp(x[j] - max))       keeps the logarithm beside a large maximum
//   layer norm    y[i] = (x[i] - mean) / sqrt(sum of (x[j] - mean)^2 / n + epsilon) * scale[i] + bias[i]
//   RMS norm      y[i] = x[i] / sqrt(sum of x[j]^2 / n + epsilon) * scale[i] + bias[i]
//
// max keeps exp from overflowing. Each statistic needs the one before it, so a row is read several times; it stays in
// the first-level cache meanwhile. Only the last pass goes through the epilogue:
//
//   pass   softmax                               log_softmax                norm
//   1      max of x                              max of x                   mean of x (layer)
//   2      sum of e = exp(x - max)               sum of exp(x - max)        sum of squares
//   3      e * (1 / sum)                         (x - max) - log(sum)       (x - mean) * factor * scale + bias
//
// Along the axis pass 2 keeps e for pass 3, in the result or, of rows that are not too long, on the stack. Where it
// keeps none, and always across the axis, pass 3 computes e again.
//
// A softmax has one of two schedules:
//
//   along the axis    The axis is innermost. Lanes run along the row, as they do for a norm; `accumulate` and
//                     `horizontal` (RowSchedule.h) make the statistics. A unit is a row.
//   across the axis   Dimensions behind the axis make a run. Each lane has a row of its own, whose statistics are
//                     lanes of loop-carried vectors, and no lanes need combining. A unit is one vector of the run:
//
//                           run behind the axis ->
//                     axis  | unit 0 | unit 1 | .. | rest, masked |     each unit: three loops over the axis
//                      |    |   |    |   |    |    |              |
//                      v    |   v    |   v    |    |              |
#include "RowStrategies.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

// Where a maximum begins.
constexpr double kLowest = std::numeric_limits<float>::lowest();
constexpr int64_t kMaxScratch = 8192; // elements of a row at most whose exponentials are kept on the stack

class SoftmaxPlan : public KernelPlan {
  struct Schedule {
    Exprs space, outer;    // outer: the dimensions of units, without the run's
    unsigned axis, suffix; // suffix: first dimension of the run, which is the axis itself if alongAxis
    bool alongAxis;        // the axis is innermost, but for dimensions of one element
    AffineExpr run;
    int64_t lanes;
  };
  static Schedule scheduleOf(plan::KernelOp kernel, const Machine &target) {
    auto op = cast<graph::SoftmaxOp>(kernel.getRootOp());
    Schedule s;
    s.space = shapeOf(op.getX());
    s.axis = op.getAxis();
    MLIRContext *context = kernel.getContext();
    s.alongAxis = product(ArrayRef(s.space).drop_front(s.axis + 1), context) == 1;
    s.suffix = s.alongAxis ? s.axis : mergedSuffix(kernel, s.space, s.axis + 1);
    s.run = product(ArrayRef(s.space).drop_front(s.suffix), context);
    s.lanes = lanesFor(target, Float32Type::get(context), constantOr(s.run));
    for (unsigned d = 0; d < s.suffix; ++d)
      if (d != s.axis)
        s.outer.push_back(s.space[d]);
    return s;
  }

public:
  SoftmaxPlan(plan::KernelOp kernel, const Machine &target)
      : KernelPlan(kernel, target), s(scheduleOf(kernel, target)) {}

  ScheduleFacts facts() const override {
    ScheduleFacts facts = inLanes(s.lanes, Float32Type::get(kernel.getContext()));
    facts.text += s.alongAxis ? " along the axis" : " across the axis";
    return facts;
  }
  WorkSplit split() const override {
    AffineExpr rows = product(s.outer, kernel.getContext());
    int64_t length = constantOr(s.space[s.axis]);
    if (s.alongAxis)
      return {rows, grainFor(4 * length)};
    return {rows * s.run.ceilDiv(s.lanes), grainFor(4 * length * s.lanes)};
  }

  LogicalResult emit(KernelContext &c) const override { return s.alongAxis ? emitAlong(c) : emitAcross(c); }

private:
  LogicalResult emitAlong(KernelContext &c) const {
    auto op = cast<graph::SoftmaxOp>(kernel.getRootOp());
    LaneMath m{c};
    Type element = elementOf(op.getX()), f32 = c.b.getF32Type();
    Value n = c.index(s.run);
    int64_t extent = constantOr(s.run), lanes = s.lanes;
    bool isLog = op.getLog();
    // Exponentials are kept for the last pass: in the result itself where that is
    // f32, else on the stack, else they are computed again.
    Value kept;
    bool inResult = false;
    if (!isLog && element.isF32() && (kept = yieldedBuffer(c, op.getResult())))
      inResult = true;
    else if (!isLog && extent >= 0 && extent <= kMaxScratch)
      kept = scratch(c, (extent + lanes - 1) / lanes * lanes, f32);
    ElementEmitter emitter(c, s.space, suffixGroups(s.space.size(), s.suffix));
    LogicalResult status = success();
    c.eachUnit([&](Value unit) {
      Values point = c.delinearize(unit, ArrayRef(s.space).take_front(s.axis));
      Value base = c.mul(unit, n);
      auto fold = [&](double neutral, bool sum, function_ref<Value(Value, Value, Value)> map) {
        auto combine = [&](ValueRange a, ValueRange z) { return Values{sum ? m.add(a[0], z[0]) : m.max(a[0], z[0])}; };
        Values start{c.constant(f32, neutral, lanes)};
        Values acc = accumulate(
            c, n, extent, lanes, start, start,
            [&](Value i, Value mask, ValueRange a) {
              Value v = map(i, mask, loadFrom(c, op.getX(), c.add(base, i), lanes, mask));
              return combine(ValueRange(v), a);
            },
            combine);
        return horizontal(c, acc, lanes, combine)[0];
      };
      Value max = fold(kLowest, false, [&](Value, Value, Value v) { return v; });
      Value wide = c.broadcast(max, lanes);
      Value sum = fold(0, true, [&](Value i, Value mask, Value v) {
        Value e = m.exp(m.sub(v, wide));
        if (kept)
          c.store(e, kept, f32, inResult ? c.add(base, i) : i, mask);
        return e;
      });
      Value factor = c.broadcast(isLog ? m.log(sum) : m.div(c.constant(f32, 1, 1), sum), lanes);
      point.push_back({});
      c.vectorLoop(c.index(int64_t(0)), n, lanes, extent, [&](Value i, Value mask) {
        Value v;
        if (kept)
          v = m.mul(c.load(kept, f32, inResult ? c.add(base, i) : i, lanes, mask), factor);
        else if (isLog)
          v = m.sub(m.sub(loadFrom(c, op.getX(), c.add(base, i), lanes, mask), wide), factor);
        else
          v = m.mul(m.exp(m.sub(loadFrom(c, op.getX(), c.add(base, i), lanes, mask), wide)), factor);
        point.back() = i;
        emitter.setPoint(point, lanes, mask);
        emitter.define(op.getResult(), v);
        if (failed(emitter.storeYields()))
          status = failure();
      });
    });
    return status;
  }

  LogicalResult emitAcross(KernelContext &c) const {
    auto op = cast<graph::SoftmaxOp>(kernel.getRootOp());
    LaneMath m{c};
    Type f32 = c.b.getF32Type();
    Value n = c.index(s.space[s.axis]), zero = c.index(int64_t(0));
    Exprs strides = stridesOf(s.space);
    Exprs units(s.outer);
    units.push_back(s.run.ceilDiv(s.lanes));
    int64_t lanes = s.lanes, extent = constantOr(s.run);
    ElementEmitter emitter(c, s.space, suffixGroups(s.space.size(), s.suffix));
    LogicalResult status = success();
    c.eachUnit([&](Value unit) {
      Values point = c.delinearize(unit, units);
      Value lo = c.mul(point.pop_back_val(), c.index(lanes));
      Value hi = c.minS(c.add(lo, c.index(lanes)), c.index(s.run));
      c.vectorLoop(lo, hi, lanes, extent >= 0 && extent % lanes == 0 ? lanes : -1, [&](Value i, Value mask) {
        Values at(point);
        at.insert(at.begin() + s.axis, zero);
        Value base = c.add(c.offset(at, ArrayRef(strides).take_front(s.suffix)), i);
        Value step = c.index(strides[s.axis]);
        auto load = [&](Value j) { return loadFrom(c, op.getX(), c.mulAdd(j, step, base), lanes, mask); };
        Value max = c.loop(zero, n, 1, {c.constant(f32, kLowest, lanes)},
                           [&](Value j, ValueRange acc) { return Values{m.max(load(j), acc[0])}; })[0];
        Value sum = c.loop(zero, n, 1, {c.constant(f32, 0, lanes)}, [&](Value j, ValueRange acc) {
          return Values{m.add(m.exp(m.sub(load(j), max)), acc[0])};
        })[0];
        Value factor = op.getLog() ? m.log(sum) : m.div(m.like(sum, 1), sum);
        c.loop(zero, n, 1, [&](Value j) {
          Value v = load(j);
          v = op.getLog() ? m.sub(m.sub(v, max), factor) : m.mul(m.exp(m.sub(v, max)), factor);
          at[s.axis] = j;
          Values full(at);
          full.push_back(i);
          emitter.setPoint(full, lanes, mask);
          emitter.define(op.getResult(), v);
          if (failed(emitter.storeYields()))
            status = failure();
        });
      });
    });
    return status;
  }

  Schedule s;
};

class NormPlan : public KernelPlan {
  struct Schedule {
    Exprs space;
    unsigned axis, suffix;   // the row is the dimensions from axis on, the run those from suffix on
    AffineExpr row, run;     // elements of each
    Type work;               // of statistics and results: f64 for f64, else f32
    int64_t lanes, rowLanes; // of vectors along the run, and along the row
  };
  static Schedule scheduleOf(plan::KernelOp kernel, const Machine &target) {
    auto op = cast<graph::NormOp>(kernel.getRootOp());
    Schedule s;
    s.space = shapeOf(op.getX());
    s.axis = op.getAxis();
    // Statistics read x alone, whose row is contiguous. The last pass reads scale and bias like operands of the
    // epilogue; where these do not have all dimensions of the row, it is in several runs.
    s.suffix = mergedSuffix(kernel, s.space, s.axis);
    MLIRContext *context = kernel.getContext();
    Type compute = computeOf(op.getX());
    s.work = compute.isF64() ? compute : Float32Type::get(context);
    s.row = product(ArrayRef(s.space).drop_front(s.axis), context);
    s.run = product(ArrayRef(s.space).drop_front(s.suffix), context);
    s.rowLanes = lanesFor(target, s.work, constantOr(s.row));
    s.lanes = lanesFor(target, s.work, constantOr(s.run));
    return s;
  }

  struct Statistics {
    Value mean;    // of layer norm alone
    Value inverse; // 1 / the root
  };
  /// Emits one kernel. A unit is a row.
  struct Emitter {
    KernelContext &c;
    graph::NormOp op;
    const Schedule &s;
    LaneMath m;
    bool layer;
    ElementEmitter emitter;
    LogicalResult status = success();
    Value n, count; // elements of a row, as an index and as a number

    Emitter(KernelContext &c, graph::NormOp op, const Schedule &schedule)
        : c(c), op(op), s(schedule), m{c}, layer(op.getKind() == graph::NormKind::layer),
          emitter(c, s.space, suffixGroups(s.space.size(), s.suffix)), n(c.index(s.row)),
          count(m.indexToFloat(n, s.work)) {}

    /// Elements from i on of the row that begins at `base`.
    Value load(Value base, Value i, int64_t lanes, Value mask) {
      return m.toFloat(loadFrom(c, op.getX(), c.add(base, i), lanes, mask), s.work);
    }
    Value sumOverRow(Value base, function_ref<Value(Value v, Value sum)> step) {
      auto sumOf = [&](ValueRange a, ValueRange z) { return Values{m.add(a[0], z[0])}; };
      Values none{c.constant(s.work, 0, s.rowLanes)};
      Values acc = accumulate(
          c, n, constantOr(s.row), s.rowLanes, none, none,
          [&](Value i, Value mask, ValueRange a) { return Values{step(load(base, i, s.rowLanes, mask), a[0])}; },
          sumOf);
      return horizontal(c, acc, s.rowLanes, sumOf)[0];
    }
    Statistics statisticsOf(Value base);
    Value scaled(Value v);
    void emitRow(Value unit);
  };

public:
  NormPlan(plan::KernelOp kernel, const Machine &target) : KernelPlan(kernel, target), s(scheduleOf(kernel, target)) {}

  ScheduleFacts facts() const override {
    ScheduleFacts facts = inLanes(s.lanes, s.work);
    facts.text += " along the row";
    return facts;
  }
  WorkSplit split() const override {
    return {product(ArrayRef(s.space).take_front(s.axis), kernel.getContext()), grainFor(3 * constantOr(s.row))};
  }

  LogicalResult emit(KernelContext &c) const override {
    Emitter e(c, cast<graph::NormOp>(kernel.getRootOp()), s);
    c.eachUnit([&](Value unit) { e.emitRow(unit); });
    return e.status;
  }

private:
  Schedule s;
};

/// Passes 1 and 2 over the row that begins at `base`.
NormPlan::Statistics NormPlan::Emitter::statisticsOf(Value base) {
  Value mean, wideMean;
  if (layer) {
    mean = m.div(sumOverRow(base, [&](Value v, Value sum) { return m.add(v, sum); }), count);
    wideMean = c.broadcast(mean, s.rowLanes);
  }
  // The variance is taken from differences: the mean of squares less the square of the mean would cancel.
  Value squares = sumOverRow(base, [&](Value v, Value sum) {
    if (layer)
      v = m.sub(v, wideMean);
    return m.madd(v, v, sum);
  });
  Value epsilon = c.constant(s.work, op.getEpsilon().convertToDouble(), 1);
  Value inverse = m.div(c.constant(s.work, 1, 1), m.sqrt(m.add(m.div(squares, count), epsilon)));
  return {mean, inverse};
}

/// v times scale plus bias, at the emitter's point; null if one of them has no value there.
Value NormPlan::Emitter::scaled(Value v) {
  // Scale and bias are told apart by their place, not by the value: one value may be both.
  for (auto [operand, isScale] : {std::pair(Value(op.getScale()), true), std::pair(Value(op.getBias()), false)}) {
    if (!operand)
      continue;
    Value other = emitter.get(operand);
    if (!other)
      return {};
    other = m.toFloat(other, s.work);
    v = isScale ? m.mul(v, other) : m.add(v, other);
  }
  return v;
}

void NormPlan::Emitter::emitRow(Value unit) {
  Value base = c.mul(unit, n);
  Statistics statistics = statisticsOf(base);
  Value factor = c.broadcast(statistics.inverse, s.lanes);
  Value shift = layer ? c.broadcast(statistics.mean, s.lanes) : Value();
  Values outer = c.delinearize(unit, ArrayRef(s.space).take_front(s.axis));
  Exprs middle(ArrayRef(s.space).slice(s.axis, s.suffix - s.axis));
  Exprs middleStrides = stridesOf(middle);
  nest(c, middle, [&](ArrayRef<Value> at) {
    Value start = c.mul(c.offset(at, middleStrides), c.index(s.run));
    c.vectorLoop(c.index(int64_t(0)), c.index(s.run), s.lanes, constantOr(s.run), [&](Value i, Value mask) {
      Values point(outer);
      point.append(at.begin(), at.end());
      point.push_back(i);
      emitter.setPoint(point, s.lanes, mask);
      Value v = load(base, c.add(start, i), s.lanes, mask);
      if (layer)
        v = m.sub(v, shift);
      v = scaled(m.mul(v, factor));
      if (v)
        emitter.define(op.getResult(), m.toFloat(v, computeOf(op.getResult())));
      if (!v || failed(emitter.storeYields()))
        status = failure();
    });
  });
}

} // namespace

std::unique_ptr<KernelPlan> planSoftmax(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  if (computeOf(kernel.getRootOp()->getOperand(0)).isF32())
    return std::make_unique<SoftmaxPlan>(kernel, target);
  reason = "exponentials need a floating-point type of at most 32 bits";
  return nullptr;
}

std::unique_ptr<KernelPlan> planNorm(plan::KernelOp kernel, const Machine &target, std::string &) {
  return std::make_unique<NormPlan>(kernel, target);
}

} // namespace tenon::codegen
