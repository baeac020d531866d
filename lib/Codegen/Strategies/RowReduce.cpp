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

LogicalResult emitReduction(KernelContext &c, Value x, Value result, const Geometry &g, const Reduction &r) {
  LaneMath m{c, elementOf(x).isUnsignedInteger()};
  Type compute = computeOf(x);
  ElementEmitter emitter(c, g.space, suffixGroups(g.space.size(), g.suffix));
  LogicalResult status = success();
  auto write = [&](ArrayRef<Value> point, int64_t lanes, Value mask, Value value) {
    emitter.setPoint(point, lanes, mask);
    emitter.define(result, value);
    if (failed(emitter.storeYields()))
      status = failure();
  };
  // The maximum that is subtracted is limited to finite values: inf - inf is NaN.
  auto finite = [&](Value v) { return m.min(m.like(v, kLargest), m.max(v, m.like(v, -kLargest))); };
  Value zero = c.index(int64_t(0));

  if (g.alongInner) {
    // `vectors` vectors of columns from element i of the run on, folded over the whole nest of reduced dimensions.
    auto columns = [&](ArrayRef<Value> outer, Value base, Value i, int64_t vectors, Value mask) {
      size_t width = r.neutral(1).size();
      auto fold = [&](Values init, size_t width, function_ref<Values(Value, Value, ValueRange, int64_t)> step) {
        return nest(c, g.reduced, std::move(init), [&](ArrayRef<Value> at, ValueRange acc) {
          Value row = c.add(c.add(base, c.offset(at, g.reducedStrides)), i);
          Value position =
              r.position ? c.broadcast(m.fromIndex(at.empty() ? zero : at.back(), r.position), g.lanes) : Value();
          Values next;
          for (int64_t k = 0; k < vectors; ++k) {
            Value v = loadFrom(c, x, c.add(row, c.index(k * g.lanes)), g.lanes, mask);
            Values values = step(v, position, acc.slice(k * width, width), k);
            next.append(values.begin(), values.end());
          }
          return next;
        });
      };
      Values max(vectors), init;
      if (r.needsMax) {
        for (int64_t k = 0; k < vectors; ++k)
          init.push_back(m.extreme(compute, true, g.lanes));
        max = fold(init, 1, [&](Value v, Value, ValueRange acc, int64_t) { return Values{m.max(v, acc[0])}; });
        for (Value &v : max)
          v = finite(v);
      }
      init.clear();
      for (int64_t k = 0; k < vectors; ++k)
        init.append(r.neutral(g.lanes));
      Values acc = fold(init, width, [&](Value v, Value position, ValueRange a, int64_t k) {
        return r.step(v, position, a, max[k]);
      });
      for (int64_t k = 0; k < vectors; ++k) {
        Values point(outer);
        point.push_back(c.add(i, c.index(k * g.lanes)));
        write(point, g.lanes, mask, r.finish(ValueRange(acc).slice(k * width, width), max[k]));
      }
    };
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
                     [&](Value i, Value mask) { columns(outer, base, i, 1, mask); });
      };
      if (extent >= 0 && extent < block)
        return rest();
      Value full = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, c.sub(hi, lo), c.index(block));
      ifThen(c, full, [&]() { columns(outer, base, lo, kInnerVectors, {}); });
      if (extent < 0 || extent % block != 0) {
        Value partial = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, c.sub(hi, lo), c.index(block));
        ifThen(c, partial, rest);
      }
    });
    return status;
  }

  int64_t extent = constantOr(g.run);
  c.eachUnit([&](Value unit) {
    Values outer = c.delinearize(unit, g.outer);
    Value base = c.offset(outer, g.outerStrides), n = c.index(g.run);
    auto fold = [&](const std::function<Values(int64_t)> &neutral, StepFn step, CombineFn combine) {
      Values acc = nest(c, g.reduced, neutral(g.lanes), [&](ArrayRef<Value> at, ValueRange args) {
        Value row = c.add(base, c.offset(at, g.reducedStrides));
        return accumulate(
            c, n, extent, g.lanes, llvm::to_vector_of<Value>(args), neutral(g.lanes),
            [&](Value i, Value mask, ValueRange acc) {
              Values operands(acc);
              Value v = loadFrom(c, x, c.add(row, i), g.lanes, mask);
              operands.push_back(v);
              return step(i, mask, operands);
            },
            combine);
      });
      return horizontal(c, acc, g.lanes, combine);
    };
    Value max, wideMax;
    if (r.needsMax) {
      auto maxOf = [&](ValueRange a, ValueRange z) { return Values{m.max(a[0], z[0])}; };
      max = finite(fold([&](int64_t lanes) { return Values{m.extreme(compute, true, lanes)}; },
                        [&](Value, Value, ValueRange a) { return Values{m.max(a[1], a[0])}; }, maxOf)[0]);
      wideMax = c.broadcast(max, g.lanes);
    }
    Values acc = fold(
        r.neutral,
        [&](Value i, Value, ValueRange operands) {
          Value position = r.position ? m.laneNumbers(i, g.lanes, r.position) : Value();
          return r.step(operands.back(), position, operands.drop_back(), wideMax);
        },
        r.combine);
    write(outer, 1, {}, r.finish(acc, max));
  });
  return status;
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
    return emitReduction(c, op.getX(), op.getResult(), g, r);
  }

private:
  static Geometry geometryOf(plan::KernelOp kernel, const Machine &target) {
    auto op = cast<graph::ReduceOp>(kernel.getRootOp());
    return Geometry(kernel, op.getX(), op.getResult(), op.getAxes(), op.getKeepDims(), target);
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
    Type compute = computeOf(op.getX());
    LaneMath m{c, elementOf(op.getX()).isUnsignedInteger()};
    LaneMath signedMath{c};
    bool isMax = op.getIsMax(), last = op.getSelectLast();
    bool real = isa<FloatType>(compute);
    auto better = [&](Value x, Value y, bool orEqual) {
      return isMax ? m.greater(x, y, orEqual) : m.greater(y, x, orEqual);
    };
    auto both = [&](Value p, Value q) -> Value { return arith::AndIOp::create(c.b, c.loc, p, q); };
    auto either = [&](Value p, Value q) -> Value { return arith::OrIOp::create(c.b, c.loc, p, q); };
    auto isNaN = [&](Value x) -> Value { return arith::CmpFOp::create(c.b, c.loc, arith::CmpFPredicate::UNO, x, x); };
    auto isNumber = [&](Value x) -> Value {
      return arith::CmpFOp::create(c.b, c.loc, arith::CmpFPredicate::ORD, x, x);
    };
    // By bits where the elements have 16: LLVM would compare those, before it widens them, which takes longer.
    auto isOperandNaN = [&](Value x) -> Value {
      if (elementOf(op.getX()) == compute)
        return isNaN(x);
      Type i32 = c.b.getI32Type();
      int64_t lanes = LaneMath::lanesOf(x);
      Type type = lanes == 1 ? i32 : Type(VectorType::get({lanes}, i32));
      Value bits = both(arith::BitcastOp::create(c.b, c.loc, type, x), c.constant(i32, 0x7FFFFFFF, lanes));
      return signedMath.greater(bits, c.constant(i32, 0x7F800000, lanes));
    };
    Reduction r;
    r.position = positionType(op.getContext(), constantOr(shapeOf(op.getX())[op.getAxis()]));
    // A position that loses every tie: beyond all others, or before all where the last one wins.
    auto nowhere = [&](int64_t lanes) {
      return last ? c.constant(r.position, -1, lanes) : signedMath.extreme(r.position, false, lanes);
    };
    r.neutral = [&](int64_t lanes) { return Values{m.extreme(compute, isMax, lanes), nowhere(lanes)}; };
    auto choose = [&](Value take, ValueRange x, ValueRange y) {
      return Values{m.select(take, x[0], y[0]), m.select(take, x[1], y[1])};
    };
    // An accumulator meets the positions in their order, so that its own is no part of the comparison: x is later.
    r.step = [&](Value x, Value position, ValueRange acc, Value) {
      Value best = acc[0], take;
      if (last) {
        take = better(x, best, true);
        if (real)
          take = either(take, isOperandNaN(x));
      } else if (real) { // "not worse and not equal", which NaN is as well
        using P = arith::CmpFPredicate;
        take = arith::CmpFOp::create(c.b, c.loc, isMax ? P::UGT : P::ULT, x, best);
        take = both(take, isNumber(best));
      } else {
        take = better(x, best, false);
      }
      return choose(take, ValueRange({x, position}), acc);
    };
    r.combine = [&](ValueRange x, ValueRange y) {
      Value wins = better(x[0], y[0], false), ties = m.equal(x[0], y[0]);
      if (real) {
        Value ofNaN = isNaN(x[0]);
        wins = either(wins, both(ofNaN, isNumber(y[0])));
        ties = either(ties, both(ofNaN, isNaN(y[0])));
      }
      Value sooner = last ? signedMath.greater(x[1], y[1]) : signedMath.greater(y[1], x[1]);
      return choose(either(wins, both(ties, sooner)), x, y);
    };
    r.finish = [&](ValueRange acc, Value) -> Value {
      Type type = c.b.getI64Type();
      int64_t lanes = LaneMath::lanesOf(acc[1]);
      // A row of nothing but the neutral value leaves the neutral position where the first is asked for.
      Value position = acc[1];
      position = m.select(m.equal(position, nowhere(lanes)), m.like(position, 0), position);
      if (r.position == type)
        return position;
      return arith::ExtSIOp::create(c.b, c.loc, lanes == 1 ? type : Type(VectorType::get({lanes}, type)), position);
    };
    return emitReduction(c, op.getX(), op.getResult(), g, r);
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
