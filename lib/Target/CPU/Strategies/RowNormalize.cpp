// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// softmax, log_softmax and layer or RMS normalisation. A row stays in the first
// cache level between its passes: statistics first, then the scaled result
// through the epilogue.
#include "RowStrategies.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr double kLowest = std::numeric_limits<float>::lowest();
constexpr int64_t kMaxScratch = 8192; // elements of a row's exponentials kept on the stack

class SoftmaxStrategy : public Strategy {
public:
  StringRef name() const override { return "row-softmax"; }
  std::vector<StringRef> roots() const override { return {"softmax"}; }
  bool matches(plan::KernelOp kernel, const CpuTarget &, std::string &reason) const override {
    if (computeOf(kernel.getRootOp()->getOperand(0)).isF32())
      return true;
    reason = "exponentials need a floating-point type of at most 32 bits";
    return false;
  }

  struct Plan {
    Exprs space;
    unsigned axis, suffix; // suffix == axis where lanes run along the axis
    bool alongAxis;
    AffineExpr run;
    int64_t lanes;
  };
  static Plan planFor(plan::KernelOp kernel, const CpuTarget &target) {
    auto op = cast<graph::SoftmaxOp>(kernel.getRootOp());
    Plan p;
    p.space = shapeOf(op.getX());
    p.axis = op.getAxis();
    MLIRContext *context = kernel.getContext();
    p.alongAxis = product(ArrayRef(p.space).drop_front(p.axis + 1), context) == 1;
    p.suffix = p.alongAxis ? p.axis : mergedSuffix(kernel, p.space, p.axis + 1);
    p.run = product(ArrayRef(p.space).drop_front(p.suffix), context);
    p.lanes = lanesFor(target, Float32Type::get(context), constantOr(p.run));
    return p;
  }
  static Exprs outerOf(const Plan &p) {
    Exprs outer;
    for (unsigned d = 0; d < p.suffix; ++d)
      if (d != p.axis)
        outer.push_back(p.space[d]);
    return outer;
  }
  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    Plan p = planFor(kernel, target);
    return lanesText(p.lanes, Float32Type::get(kernel.getContext())) +
           (p.alongAxis ? " along the axis" : " across the axis");
  }
  WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const override {
    Plan p = planFor(kernel, target);
    int64_t length = constantOr(p.space[p.axis]);
    if (p.alongAxis)
      return {product(outerOf(p), kernel.getContext()), grainFor(4 * length)};
    return {product(outerOf(p), kernel.getContext()) * p.run.ceilDiv(p.lanes), grainFor(4 * length * p.lanes)};
  }

  LogicalResult emit(KernelContext &c) const override {
    Plan p = planFor(c.kernel, c.target);
    return p.alongAxis ? emitAlong(c, p) : emitAcross(c, p);
  }

private:
  static LogicalResult emitAlong(KernelContext &c, const Plan &p) {
    auto op = cast<graph::SoftmaxOp>(c.kernel.getRootOp());
    LaneMath m{c};
    Type element = elementOf(op.getX()), f32 = c.b.getF32Type();
    Value n = c.index(p.run);
    int64_t extent = constantOr(p.run), lanes = p.lanes;
    bool isLog = op.getLog();
    // Exponentials are kept for the last pass: in the result itself where it
    // is stored as f32, else on the stack, else they are computed again.
    Value kept;
    bool inResult = false;
    if (!isLog && element.isF32() && (kept = yieldedBuffer(c, op.getResult())))
      inResult = true;
    else if (!isLog && extent >= 0 && extent <= kMaxScratch)
      kept = scratch(c, (extent + lanes - 1) / lanes * lanes, f32);
    ElementEmitter emitter(c, p.space, suffixGroups(p.space.size(), p.suffix));
    LogicalResult status = success();
    c.loop(c.begin, c.end, 1, [&](Value unit) {
      Values point = c.delinearize(unit, ArrayRef(p.space).take_front(p.axis));
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
      // log: (x - max) - log(sum), which keeps the logarithm beside a large
      // maximum; else e * (1 / sum).
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

  static LogicalResult emitAcross(KernelContext &c, const Plan &p) {
    auto op = cast<graph::SoftmaxOp>(c.kernel.getRootOp());
    LaneMath m{c};
    Type f32 = c.b.getF32Type();
    Value n = c.index(p.space[p.axis]), zero = c.index(int64_t(0));
    Exprs strides = stridesOf(p.space);
    Exprs units = outerOf(p);
    units.push_back(p.run.ceilDiv(p.lanes));
    int64_t lanes = p.lanes, extent = constantOr(p.run);
    ElementEmitter emitter(c, p.space, suffixGroups(p.space.size(), p.suffix));
    LogicalResult status = success();
    c.loop(c.begin, c.end, 1, [&](Value unit) {
      Values point = c.delinearize(unit, units);
      Value lo = c.mul(point.pop_back_val(), c.index(lanes));
      Value hi = c.minS(c.add(lo, c.index(lanes)), c.index(p.run));
      c.vectorLoop(lo, hi, lanes, extent >= 0 && extent % lanes == 0 ? lanes : -1, [&](Value i, Value mask) {
        Values at(point);
        at.insert(at.begin() + p.axis, zero);
        Value base = c.add(c.offset(at, ArrayRef(strides).take_front(p.suffix)), i);
        Value step = c.index(strides[p.axis]);
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
          at[p.axis] = j;
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
};

class NormStrategy : public Strategy {
public:
  StringRef name() const override { return "row-norm"; }
  std::vector<StringRef> roots() const override { return {"norm"}; }

  struct Plan {
    Exprs space;
    unsigned axis, suffix;
    AffineExpr row, run;
    int64_t lanes, rowLanes;
  };
  /// The type of statistics and results: f64 for f64, else f32.
  static Type workType(graph::NormOp op) {
    Type compute = computeOf(op.getX());
    return compute.isF64() ? compute : Float32Type::get(op.getContext());
  }
  static Plan planFor(plan::KernelOp kernel, const CpuTarget &target) {
    auto op = cast<graph::NormOp>(kernel.getRootOp());
    Plan p;
    p.space = shapeOf(op.getX());
    p.axis = op.getAxis();
    // Scale and bias are read through the epilogue, so they limit merging too.
    p.suffix = mergedSuffix(kernel, p.space, p.axis);
    MLIRContext *context = kernel.getContext();
    Type work = workType(op);
    p.row = product(ArrayRef(p.space).drop_front(p.axis), context);
    p.run = product(ArrayRef(p.space).drop_front(p.suffix), context);
    p.rowLanes = lanesFor(target, work, constantOr(p.row));
    p.lanes = lanesFor(target, work, constantOr(p.run));
    return p;
  }
  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    return lanesText(planFor(kernel, target).lanes, workType(cast<graph::NormOp>(kernel.getRootOp()))) +
           " along the row";
  }
  WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const override {
    Plan p = planFor(kernel, target);
    return {product(ArrayRef(p.space).take_front(p.axis), kernel.getContext()), grainFor(3 * constantOr(p.row))};
  }

  LogicalResult emit(KernelContext &c) const override {
    auto op = cast<graph::NormOp>(c.kernel.getRootOp());
    Plan p = planFor(c.kernel, c.target);
    LaneMath m{c};
    Type work = workType(op), resultCompute = computeOf(op.getResult());
    Value n = c.index(p.row);
    int64_t extent = constantOr(p.row);
    bool layer = op.getKind() == graph::NormKind::layer;
    ElementEmitter emitter(c, p.space, suffixGroups(p.space.size(), p.suffix));
    LogicalResult status = success();
    Value count = m.indexToFloat(n, work);
    auto sumOf = [&](ValueRange a, ValueRange z) { return Values{m.add(a[0], z[0])}; };
    c.loop(c.begin, c.end, 1, [&](Value unit) {
      Value base = c.mul(unit, n);
      auto load = [&](Value i, int64_t lanes, Value mask) {
        return m.toFloat(loadFrom(c, op.getX(), c.add(base, i), lanes, mask), work);
      };
      auto fold = [&](function_ref<Value(Value, Value)> step) {
        Values zero{c.constant(work, 0, p.rowLanes)};
        Values acc = accumulate(
            c, n, extent, p.rowLanes, zero, zero,
            [&](Value i, Value mask, ValueRange a) { return Values{step(load(i, p.rowLanes, mask), a[0])}; }, sumOf);
        return horizontal(c, acc, p.rowLanes, sumOf)[0];
      };
      Value mean;
      if (layer)
        mean = m.div(fold([&](Value v, Value acc) { return m.add(v, acc); }), count);
      Value wideMean = layer ? c.broadcast(mean, p.rowLanes) : Value();
      // The variance from the differences, not from sums of squares: no cancellation.
      Value squares = fold([&](Value v, Value acc) {
        if (layer)
          v = m.sub(v, wideMean);
        return m.madd(v, v, acc);
      });
      Value epsilon = c.constant(work, op.getEpsilon().convertToDouble(), 1);
      Value inverse = m.div(c.constant(work, 1, 1), m.sqrt(m.add(m.div(squares, count), epsilon)));
      Value factor = c.broadcast(inverse, p.lanes), shift = layer ? c.broadcast(mean, p.lanes) : Value();
      Values outer = c.delinearize(unit, ArrayRef(p.space).take_front(p.axis));
      Exprs middle(ArrayRef(p.space).slice(p.axis, p.suffix - p.axis));
      Exprs middleStrides = stridesOf(middle);
      nest(c, middle, [&](ArrayRef<Value> at) {
        Value start = c.mul(c.offset(at, middleStrides), c.index(p.run));
        c.vectorLoop(c.index(int64_t(0)), c.index(p.run), p.lanes, constantOr(p.run), [&](Value i, Value mask) {
          Values point(outer);
          point.append(at.begin(), at.end());
          point.push_back(i);
          emitter.setPoint(point, p.lanes, mask);
          Value v = load(c.add(start, i), p.lanes, mask);
          if (layer)
            v = m.sub(v, shift);
          v = m.mul(v, factor);
          // One value may be both the scale and the bias.
          for (auto [operand, isScale] :
               {std::pair(Value(op.getScale()), true), std::pair(Value(op.getBias()), false)}) {
            if (!operand)
              continue;
            Value other = emitter.get(operand);
            if (!other) {
              status = failure();
              return;
            }
            other = m.toFloat(other, work);
            v = isScale ? m.mul(v, other) : m.add(v, other);
          }
          emitter.define(op.getResult(), m.toFloat(v, resultCompute));
          if (failed(emitter.storeYields()))
            status = failure();
        });
      });
    });
    return status;
  }
};

} // namespace

std::unique_ptr<Strategy> makeSoftmaxStrategy() { return std::make_unique<SoftmaxStrategy>(); }
std::unique_ptr<Strategy> makeNormStrategy() { return std::make_unique<NormStrategy>(); }

} // namespace tenon::cpu
