// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// reduce and arg_reduce over any axes. With k the kept coordinates and r the reduced ones:
//
//   reduce       y[k] = finish(fold over r of term(x[k, r]))         count is the number of r
//                sum, mean       + of x,      mean divides by count
//                l1              + of |x|
//                sum_square, l2  + of x * x,  l2 takes the root
//                log_sum         + of x,      then the logarithm
//                log_sum_exp     + of exp(x - max), then max + the logarithm: exp(x) alone would overflow
//                prod, max, min  *, max, min of x
//   arg_reduce   y[k] = the r, along one axis, of the largest (smallest) x[k, r]; of equal ones the first, or the last
//                if select_last is set. NaN is beyond all numbers, whichever is asked for, and equal to NaN
//
// What is vectorised depends on the innermost dimension of x.
//
// It is kept (`alongInner`): lanes run over kept elements, and each lane folds a column of its own. Nothing is left to
// combine, and every load is contiguous. A unit is one coordinate of the outer kept dimensions times four vectors:
//
//                   kept run of x ->
//              +----------+----------+----------+----------+
//     reduced  | vector 0 | vector 1 | vector 2 | vector 3 |    the accumulators of the four vectors are carried
//      loops   |    |     |    |     |    |     |    |     |    through the loops over r
//        |     |    v     |    v     |    v     |    v     |
//        v     +----------+----------+----------+----------+
//
// The last block of a run, if it is not full, goes by single vectors, the last of which is masked.
//
// It is reduced: lanes run along it, and along the reduced dimensions before it that are contiguous with it (the run).
// A unit is one result. Loops over the other reduced dimensions carry one vector accumulator; within each run
// `accumulate` (RowSchedule.h) folds with four copies of it, and one horizontal step makes the result of the lanes.
#include "RowStrategies.h"

#include "tenon/Codegen/Logarithm.h"
#include "tenon/tenon.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr int64_t kInnerVectors = 4; // of a block of kept columns
constexpr double kLargest = std::numeric_limits<float>::max();

/// Which dimensions are units, which are loops, and which one is vectorised: with their coordinates
///
///   x[sum of outer * outerStrides + sum of reduced * reducedStrides + i]   is folded into   result[outer..] (, i)
struct Geometry {
  Exprs space;                   // the result's shape
  bool alongInner;               // lanes run over kept elements; else along reduced ones
  unsigned suffix = 0;           // first result dimension of the run if alongInner, else their number
  Exprs outer, outerStrides;     // kept dimensions outside the run, with strides in x
  Exprs reduced, reducedStrides; // reduced dimensions outside the run: loops, outermost first
  AffineExpr run;                // length of the vectorised run
  AffineExpr count;              // elements folded into one
  int64_t lanes;

  Geometry(plan::KernelOp kernel, Value x, Value result, ArrayRef<int64_t> axes, bool keepDims, const Machine &target) {
    MLIRContext *context = kernel.getContext();
    Exprs shape = shapeOf(x), strides = stridesOf(shape);
    space = shapeOf(result);
    int64_t rank = shape.size();
    auto isReduced = [&](int64_t d) { return llvm::is_contained(axes, d); };
    alongInner = rank > 0 && !isReduced(rank - 1);
    int64_t trailing = 0; // dimensions at the end that are all kept or all reduced
    while (trailing < rank && isReduced(rank - 1 - trailing) != alongInner)
      ++trailing;
    count = getAffineConstantExpr(1, context);
    for (int64_t d = 0; d < rank; ++d)
      if (isReduced(d)) {
        count = count * shape[d];
        if (alongInner || d < rank - trailing) {
          // Adjacent reduced dimensions are one loop.
          if (!reduced.empty() && isReduced(d - 1)) {
            reduced.back() = reduced.back() * shape[d];
            reducedStrides.back() = strides[d];
          } else {
            reduced.push_back(shape[d]);
            reducedStrides.push_back(strides[d]);
          }
        }
      }
    SmallVector<int64_t> source; // operand dimension of each result dimension, -1 if reduced
    for (int64_t d = 0; d < rank; ++d)
      if (!isReduced(d))
        source.push_back(d);
      else if (keepDims)
        source.push_back(-1);
    suffix = space.size();
    if (alongInner)
      suffix = mergedSuffix(kernel, space, space.size() - trailing);
    int64_t merged = alongInner ? int64_t(space.size() - suffix) : trailing;
    run = product(ArrayRef(shape).take_back(merged), context);
    for (unsigned d = 0; d < suffix; ++d) {
      outer.push_back(space[d]);
      outerStrides.push_back(source[d] < 0 ? getAffineConstantExpr(0, context) : strides[source[d]]);
    }
    lanes = lanesFor(target, computeOf(x), constantOr(run));
  }

  /// Of a kept run.
  AffineExpr blocks() const { return run.ceilDiv(kInnerVectors * lanes); }
};

/// What to fold. An accumulator is a tuple of values: the sum or the like; of arg_reduce the best value and where it
/// is.
struct Reduction {
  Type position;         // type of the position along the axis that `step` needs; null: it needs none
  bool needsMax = false; // a pass for the maximum comes first; `step` and `finish` get the result
  std::function<Values(int64_t lanes)> neutral; // changes nothing that it is combined with
  std::function<Values(Value x, Value position, ValueRange acc, Value max)> step;
  std::function<Values(ValueRange, ValueRange)> combine;
  std::function<Value(ValueRange acc, Value max)> finish;
};

/// Emits the folds of one kernel.
struct ReductionEmitter {
  KernelContext &c;
  Value x, result;
  const Geometry &g;
  const Reduction &r;
  LaneMath m;
  Type compute;
  ElementEmitter emitter;
  LogicalResult status = success();
  Value zero;

  ReductionEmitter(KernelContext &c, Value x, Value result, const Geometry &geometry, const Reduction &reduction)
      : c(c), x(x), result(result), g(geometry), r(reduction), m{c, elementOf(x).isUnsignedInteger()},
        compute(computeOf(x)), emitter(c, g.space, suffixGroups(g.space.size(), g.suffix)), zero(c.index(int64_t(0))) {}

  LogicalResult emit() {
    if (g.alongInner)
      emitColumns();
    else
      c.eachUnit([&](Value unit) { emitRows(unit); });
    return status;
  }

  void write(ArrayRef<Value> point, int64_t lanes, Value mask, Value value) {
    emitter.setPoint(point, lanes, mask);
    emitter.define(result, value);
    if (failed(emitter.storeYields()))
      status = failure();
  }
  /// The maximum that is subtracted is limited to finite values: inf - inf is NaN.
  Value finite(Value v) { return m.min(m.like(v, kLargest), m.max(v, m.like(v, -kLargest))); }

  /// `vectors` vectors of columns from element i of the run on; a column begins at base + i in x.
  struct Columns {
    ArrayRef<Value> outer;
    Value base, i;
    int64_t vectors;
    Value mask;
  };
  using ColumnStep = function_ref<Values(Value v, Value position, ValueRange acc, int64_t vector)>;
  Values foldColumns(const Columns &columns, Values init, ColumnStep step);
  void foldAndWrite(const Columns &columns);
  void emitColumns();

  /// The rows of x that are folded into one result: the first begins at `base`.
  struct Rows {
    Value base, length;
  };
  using RowStep = function_ref<Values(Value i, Value v, ValueRange acc)>;
  Values foldRows(const Rows &rows, function_ref<Values(int64_t lanes)> neutral, RowStep step, CombineFn combine);
  void emitRows(Value unit);
};

/// Folds columns over the whole nest of reduced dimensions. `init` and the result have the accumulators of the
/// vectors, one behind the other.
Values ReductionEmitter::foldColumns(const Columns &columns, Values init, ColumnStep step) {
  size_t width = init.size() / columns.vectors;
  return nest(c, g.reduced, std::move(init), [&](ArrayRef<Value> at, ValueRange acc) {
    Value row = c.add(c.add(columns.base, c.offset(at, g.reducedStrides)), columns.i);
    Value position =
        r.position ? c.broadcast(m.fromIndex(at.empty() ? zero : at.back(), r.position), g.lanes) : Value();
    Values next;
    for (int64_t k = 0; k < columns.vectors; ++k) {
      Value v = loadFrom(c, x, c.add(row, c.index(k * g.lanes)), g.lanes, columns.mask);
      next.append(step(v, position, acc.slice(k * width, width), k));
    }
    return next;
  });
}

void ReductionEmitter::foldAndWrite(const Columns &columns) {
  int64_t vectors = columns.vectors;
  Values max(vectors), init;
  if (r.needsMax) {
    for (int64_t k = 0; k < vectors; ++k)
      init.push_back(m.extreme(compute, true, g.lanes));
    max = foldColumns(columns, init, [&](Value v, Value, ValueRange acc, int64_t) { return Values{m.max(v, acc[0])}; });
    for (Value &v : max)
      v = finite(v);
  }
  init.clear();
  for (int64_t k = 0; k < vectors; ++k)
    init.append(r.neutral(g.lanes));
  Values acc = foldColumns(
      columns, init, [&](Value v, Value position, ValueRange a, int64_t k) { return r.step(v, position, a, max[k]); });
  size_t width = acc.size() / vectors;
  for (int64_t k = 0; k < vectors; ++k) {
    Values point(columns.outer);
    point.push_back(c.add(columns.i, c.index(k * g.lanes)));
    write(point, g.lanes, columns.mask, r.finish(ValueRange(acc).slice(k * width, width), max[k]));
  }
}

/// Lanes over kept elements: a unit is a block of the run, which is whole but for the last one.
void ReductionEmitter::emitColumns() {
  Exprs units(g.outer);
  units.push_back(g.blocks());
  int64_t block = kInnerVectors * g.lanes, extent = constantOr(g.run);
  c.eachUnit([&](Value unit) {
    Values outer = c.delinearize(unit, units);
    Value lo = c.mul(outer.pop_back_val(), c.index(block));
    Value hi = c.minS(c.add(lo, c.index(block)), c.index(g.run));
    Value base = c.offset(outer, g.outerStrides);
    auto rest = [&]() {
      c.vectorLoop(lo, hi, g.lanes, extent % g.lanes == 0 ? extent : -1,
                   [&](Value i, Value mask) { foldAndWrite({outer, base, i, 1, mask}); });
    };
    if (extent >= 0 && extent < block)
      return rest();
    Value full = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, c.sub(hi, lo), c.index(block));
    ifThen(c, full, [&]() { foldAndWrite({outer, base, lo, kInnerVectors, {}}); });
    if (extent < 0 || extent % block != 0) {
      Value partial = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, c.sub(hi, lo), c.index(block));
      ifThen(c, partial, rest);
    }
  });
}

/// Folds the rows, and then the lanes into one.
Values ReductionEmitter::foldRows(const Rows &rows, function_ref<Values(int64_t lanes)> neutral, RowStep step,
                                  CombineFn combine) {
  Values acc = nest(c, g.reduced, neutral(g.lanes), [&](ArrayRef<Value> at, ValueRange args) {
    Value row = c.add(rows.base, c.offset(at, g.reducedStrides));
    return accumulate(
        c, rows.length, constantOr(g.run), g.lanes, llvm::to_vector_of<Value>(args), neutral(g.lanes),
        [&](Value i, Value mask, ValueRange acc) { return step(i, loadFrom(c, x, c.add(row, i), g.lanes, mask), acc); },
        combine);
  });
  return horizontal(c, acc, g.lanes, combine);
}

/// Lanes along the reduced run: a unit is one result.
void ReductionEmitter::emitRows(Value unit) {
  Values outer = c.delinearize(unit, g.outer);
  Rows rows{c.offset(outer, g.outerStrides), c.index(g.run)};
  Value max, wideMax;
  if (r.needsMax) {
    auto maxOf = [&](ValueRange a, ValueRange z) { return Values{m.max(a[0], z[0])}; };
    max = finite(foldRows(
        rows, [&](int64_t lanes) { return Values{m.extreme(compute, true, lanes)}; },
        [&](Value, Value v, ValueRange acc) { return Values{m.max(v, acc[0])}; }, maxOf)[0]);
    wideMax = c.broadcast(max, g.lanes);
  }
  Values acc = foldRows(
      rows, r.neutral,
      [&](Value i, Value v, ValueRange acc) {
        Value position = r.position ? m.laneNumbers(i, g.lanes, r.position) : Value();
        return r.step(v, position, acc, wideMax);
      },
      r.combine);
  write(outer, 1, {}, r.finish(acc, max));
}

/// What reduce and arg_reduce have in common.
class ReductionPlan : public KernelPlan {
public:
  ReductionPlan(plan::KernelOp kernel, const Machine &target, Geometry geometry)
      : KernelPlan(kernel, target), g(std::move(geometry)) {}

  ScheduleFacts facts() const override {
    return inLanes(g.lanes, computeOf(kernel.getRootOp()->getOperand(0)),
                   g.alongInner ? " over kept elements" : " along the reduced run");
  }
  WorkSplit split() const override {
    AffineExpr rows = product(g.outer, kernel.getContext());
    int64_t count = std::max<int64_t>(1, constantOr(g.count));
    if (!g.alongInner)
      return {rows, grainFor(count)};
    return {rows * g.blocks(), grainFor(count * kInnerVectors * g.lanes)};
  }

protected:
  Geometry g;
};

class ReducePlan : public ReductionPlan {
public:
  ReducePlan(plan::KernelOp kernel, const Machine &target)
      : ReductionPlan(kernel, target, geometryOf(kernel, target)) {}

  LogicalResult emit(KernelContext &c) const override {
    using K = graph::ReduceKind;
    auto op = cast<graph::ReduceOp>(kernel.getRootOp());
    K kind = op.getKind();
    Type compute = computeOf(op.getX());
    LaneMath m{c, elementOf(op.getX()).isUnsignedInteger()};
    bool real = isa<FloatType>(compute);
    auto maximum = [&](Value x, Value y, bool smallest) -> Value {
      if (!real)
        return smallest ? m.min(x, y) : m.max(x, y);
      // Unlike LaneMath's: NaN propagates, as in NumPy.
      return smallest ? Value(arith::MinimumFOp::create(c.b, c.loc, x, y))
                      : Value(arith::MaximumFOp::create(c.b, c.loc, x, y));
    };
    auto combine = [&, kind](Value x, Value y) -> Value {
      switch (kind) {
      case K::max: return maximum(x, y, false);
      case K::min: return maximum(x, y, true);
      case K::prod: return m.mul(x, y);
      default: return m.add(x, y);
      }
    };
    Reduction r;
    r.needsMax = kind == K::log_sum_exp;
    r.neutral = [&](int64_t lanes) -> Values {
      switch (kind) {
      case K::max: return {m.extreme(compute, true, lanes)};
      case K::min: return {m.extreme(compute, false, lanes)};
      case K::prod: return {c.constant(compute, 1, lanes)};
      default: return {c.constant(compute, 0, lanes)};
      }
    };
    r.step = [&](Value x, Value, ValueRange acc, Value max) -> Values {
      switch (kind) {
      case K::l1: x = m.abs(x); break;
      case K::l2:
      case K::sum_square: return {m.madd(x, x, acc[0])};
      case K::log_sum_exp: x = m.exp(m.sub(x, max)); break;
      default: break;
      }
      return {combine(x, acc[0])};
    };
    r.combine = [&](ValueRange x, ValueRange y) { return Values{combine(x[0], y[0])}; };
    r.finish = [&](ValueRange acc, Value max) -> Value {
      Value v = acc[0];
      switch (kind) {
      case K::mean: {
        Value count = c.index(g.count);
        // The mean of no integers is their sum: a division by zero would trap.
        count = real ? m.indexToFloat(count, compute) : m.fromIndex(c.maxS(count, c.index(1)), compute);
        return m.div(v, c.broadcast(count, LaneMath::lanesOf(v)));
      }
      case K::l2: return m.sqrt(v);
      case K::log_sum: return emitLogarithm(c.b, c.loc, v);
      case K::log_sum_exp: return m.add(m.log(v), max);
      default: return v;
      }
    };
    return ReductionEmitter(c, op.getX(), op.getResult(), g, r).emit();
  }

private:
  static Geometry geometryOf(plan::KernelOp kernel, const Machine &target) {
    auto op = cast<graph::ReduceOp>(kernel.getRootOp());
    return Geometry(kernel, op.getX(), op.getResult(), op.getAxes(), op.getKeepDims(), target);
  }
};

/// The accumulator of arg_reduce: the best value so far, and where it is.
struct BestFold {
  KernelContext &c;
  graph::ArgReduceOp op;
  Type compute, position;
  LaneMath m, signedMath; // of elements; of positions and bits
  bool isMax, last, isReal;

  BestFold(KernelContext &c, graph::ArgReduceOp op)
      : c(c), op(op), compute(computeOf(op.getX())),
        position(positionType(op.getContext(), constantOr(shapeOf(op.getX())[op.getAxis()]))),
        m{c, elementOf(op.getX()).isUnsignedInteger()}, signedMath{c}, isMax(op.getIsMax()), last(op.getSelectLast()),
        isReal(isa<FloatType>(compute)) {}

  Value better(Value x, Value y, bool orEqual) { return isMax ? m.greater(x, y, orEqual) : m.greater(y, x, orEqual); }
  Value both(Value p, Value q) { return arith::AndIOp::create(c.b, c.loc, p, q); }
  Value either(Value p, Value q) { return arith::OrIOp::create(c.b, c.loc, p, q); }
  Value compare(arith::CmpFPredicate p, Value x, Value y) { return arith::CmpFOp::create(c.b, c.loc, p, x, y); }
  Value isNaN(Value x) { return compare(arith::CmpFPredicate::UNO, x, x); }
  Value isNumber(Value x) { return compare(arith::CmpFPredicate::ORD, x, x); }
  Values choose(Value take, ValueRange x, ValueRange y) {
    return {m.select(take, x[0], y[0]), m.select(take, x[1], y[1])};
  }

  /// By bits where the elements have 16: LLVM would compare those, before it widens them, which takes longer.
  Value isOperandNaN(Value x) {
    if (elementOf(op.getX()) == compute)
      return isNaN(x);
    Type i32 = c.b.getI32Type();
    int64_t lanes = LaneMath::lanesOf(x);
    Type type = lanes == 1 ? i32 : Type(VectorType::get({lanes}, i32));
    Value bits = both(arith::BitcastOp::create(c.b, c.loc, type, x), c.constant(i32, 0x7FFFFFFF, lanes));
    return signedMath.greater(bits, c.constant(i32, 0x7F800000, lanes));
  }

  /// A position that loses every tie: beyond all others, or before all where the last one wins.
  Value nowhere(int64_t lanes) {
    return last ? c.constant(position, -1, lanes) : signedMath.extreme(position, false, lanes);
  }
  Values neutral(int64_t lanes) { return {m.extreme(compute, isMax, lanes), nowhere(lanes)}; }

  /// An accumulator meets the positions in their order, so that its own is no part of the comparison: x is later.
  Values step(Value x, Value at, ValueRange acc) {
    Value best = acc[0], take;
    if (last) {
      take = better(x, best, true);
      if (isReal)
        take = either(take, isOperandNaN(x));
    } else if (isReal) { // "not worse and not equal", which NaN is as well
      using P = arith::CmpFPredicate;
      take = compare(isMax ? P::UGT : P::ULT, x, best);
      take = both(take, isNumber(best));
    } else {
      take = better(x, best, false);
    }
    return choose(take, ValueRange({x, at}), acc);
  }

  Values combine(ValueRange x, ValueRange y) {
    Value wins = better(x[0], y[0], false), ties = m.equal(x[0], y[0]);
    if (isReal) {
      Value ofNaN = isNaN(x[0]);
      wins = either(wins, both(ofNaN, isNumber(y[0])));
      ties = either(ties, both(ofNaN, isNaN(y[0])));
    }
    Value sooner = last ? signedMath.greater(x[1], y[1]) : signedMath.greater(y[1], x[1]);
    return choose(either(wins, both(ties, sooner)), x, y);
  }

  /// The position. A row of nothing but the neutral value leaves the neutral one where the first is asked for.
  Value finish(ValueRange acc) {
    Type type = c.b.getI64Type();
    int64_t lanes = LaneMath::lanesOf(acc[1]);
    Value at = acc[1];
    at = m.select(m.equal(at, nowhere(lanes)), m.like(at, 0), at);
    if (position == type)
      return at;
    return arith::ExtSIOp::create(c.b, c.loc, lanes == 1 ? type : Type(VectorType::get({lanes}, type)), at);
  }
};

class ArgReducePlan : public ReductionPlan {
public:
  ArgReducePlan(plan::KernelOp kernel, const Machine &target)
      : ReductionPlan(kernel, target, geometryOf(kernel, target)) {}

  void checkSizes(std::vector<SizeCheck> &checks) const override {
    auto op = cast<graph::ArgReduceOp>(kernel.getRootOp());
    AffineExpr size = shapeOf(op.getX())[op.getAxis()];
    if (constantOr(size, 0) > 0 || op->hasAttr("graph.unchecked"))
      return;
    MLIRContext *context = kernel.getContext();
    checks.push_back({op, TENON_EMPTY_AXIS,
                      ("axis " + Twine(op.getAxis()) + " has {1} elements, and none of them is the " +
                       Twine(op.getIsMax() ? "largest" : "smallest"))
                          .str(),
                      getAffineConstantExpr(1, context), size, product(shapeOf(op.getResult()), context)});
  }

  LogicalResult emit(KernelContext &c) const override {
    auto op = cast<graph::ArgReduceOp>(kernel.getRootOp());
    BestFold best(c, op);
    Reduction r;
    r.position = best.position;
    r.neutral = [&](int64_t lanes) { return best.neutral(lanes); };
    r.step = [&](Value x, Value position, ValueRange acc, Value) { return best.step(x, position, acc); };
    r.combine = [&](ValueRange x, ValueRange y) { return best.combine(x, y); };
    r.finish = [&](ValueRange acc, Value) { return best.finish(acc); };
    return ReductionEmitter(c, op.getX(), op.getResult(), g, r).emit();
  }

private:
  static Geometry geometryOf(plan::KernelOp kernel, const Machine &target) {
    auto op = cast<graph::ArgReduceOp>(kernel.getRootOp());
    int64_t axis = op.getAxis();
    return Geometry(kernel, op.getX(), op.getResult(), ArrayRef(axis), op.getKeepDims(), target);
  }
};

} // namespace

std::unique_ptr<KernelPlan> planReduce(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  using K = graph::ReduceKind;
  auto op = cast<graph::ReduceOp>(kernel.getRootOp());
  Type compute = computeOf(op.getX());
  K kind = op.getKind();
  if (!compute.isF32() && (kind == K::log_sum || kind == K::log_sum_exp))
    reason = "logarithms need a floating-point type of at most 32 bits";
  else if (isa<IntegerType>(compute) && kind == K::l2)
    reason = "the L2 norm of integers has no kernel";
  else
    return std::make_unique<ReducePlan>(kernel, target);
  return nullptr;
}

std::unique_ptr<KernelPlan> planArgReduce(plan::KernelOp kernel, const Machine &target, std::string &) {
  return std::make_unique<ArgReducePlan>(kernel, target);
}

} // namespace tenon::codegen
