// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What goes through an axis in order: running sums, and the k best by insertion.
//
//   cumsum   y[.., j, ..] = sum of x[.., i, ..] over i <= j      i < j if exclusive, i >= j or i > j in reverse
//   top_k    values[.., 0 .. k - 1, ..], indices: the k largest (smallest) of the axis, the best first; of equal ones
//            the earlier index first
//
// cumsum is serial along its axis. Lanes run over the dimensions behind it, a running sum in each lane; without such
// dimensions the code is scalar. A unit is one coordinate of all dimensions outside axis and run:
//
//            run behind the axis ->
//      axis  | v0 | v1 | .. | rest, masked |     for each vector of the run: a loop over the axis, which carries
//       |    | v0 | v1 | .. |      ..      |     one vector of sums and stores a result in each step
//       v    | v0 | v1 | .. |      ..      |
//
// top_k is scalar, too. A unit is one row along the axis. The results themselves hold the best so far, sorted; where
// the kernel yields the indices alone, values are read back from x at these:
//
//     kept   9  7  7  4       x[i] = 8 enters, as it is better than the last one (while fewer than k are kept, always);
//            9  8  7  7       worse ones move one place down, from the end on, until a better or equal one is found
#include "RowStrategies.h"

#include "tenon/tenon.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

class CumSumPlan : public KernelPlan {
  struct Schedule {
    Exprs shape, outer;    // outer: the dimensions of units
    unsigned axis, suffix; // suffix: first dimension of the run, the rank if there is no run
    AffineExpr run;
    int64_t lanes;
  };
  static Schedule scheduleOf(plan::KernelOp kernel, const Machine &target) {
    auto op = cast<graph::CumSumOp>(kernel.getRootOp());
    Schedule s;
    s.shape = shapeOf(op.getX());
    s.axis = op.getAxis();
    s.suffix = s.shape.size();
    if (s.axis + 1 < s.shape.size())
      s.suffix = mergedSuffix(kernel, s.shape, s.axis + 1);
    s.run = product(ArrayRef(s.shape).drop_front(s.suffix), kernel.getContext());
    s.lanes = s.suffix == s.shape.size() ? 1 : lanesFor(target, computeOf(op.getX()), constantOr(s.run));
    for (unsigned d = 0; d < s.suffix; ++d)
      if (d != s.axis)
        s.outer.push_back(s.shape[d]);
    return s;
  }

public:
  CumSumPlan(plan::KernelOp kernel, const Machine &target)
      : KernelPlan(kernel, target), s(scheduleOf(kernel, target)) {}

  ScheduleFacts facts() const override { return inLanes(s.lanes, computeOf(kernel.getRootOp()->getOperand(0))); }
  WorkSplit split() const override {
    return {product(s.outer, kernel.getContext()), grainFor(constantOr(s.shape[s.axis] * s.run))};
  }
  LogicalResult emit(KernelContext &c) const override {
    auto op = cast<graph::CumSumOp>(kernel.getRootOp());
    LaneMath m{c};
    Type compute = computeOf(op.getX());
    Exprs strides = stridesOf(s.shape);
    ElementEmitter emitter(c, s.shape, suffixGroups(s.shape.size(), s.suffix));
    LogicalResult status = success();
    Value zero = c.index(int64_t(0)), n = c.index(s.shape[s.axis]);
    c.eachUnit([&](Value unit) {
      Values outer = c.delinearize(unit, s.outer);
      // The running sums of one vector at element i of the run; null: there is no run.
      auto column = [&](Value i, Value mask) {
        c.loop(zero, n, 1, {c.constant(compute, 0, s.lanes)}, [&](Value step, ValueRange acc) {
          Value at = op.getReverse() ? c.sub(c.sub(n, c.index(1)), step) : step;
          Values point(outer);
          point.insert(point.begin() + s.axis, at);
          Value offset = c.offset(point, ArrayRef(strides).take_front(s.suffix));
          if (i) {
            point.push_back(i);
            offset = c.add(offset, i);
          }
          Value sum = m.add(acc[0], loadFrom(c, op.getX(), offset, s.lanes, mask));
          emitter.setPoint(point, s.lanes, mask);
          emitter.define(op.getResult(), op.getExclusive() ? acc[0] : sum);
          if (failed(emitter.storeYields()))
            status = failure();
          return Values{sum};
        });
      };
      if (s.suffix == s.shape.size())
        return column({}, {});
      c.vectorLoop(zero, c.index(s.run), s.lanes, constantOr(s.run), column);
    });
    return status;
  }

private:
  Schedule s;
};

/// Emits one kernel of top_k.
struct TopKEmitter {
  KernelContext &c;
  graph::TopKOp op;
  Type element, i64;
  LaneMath m;
  Exprs inStrides, outStrides; // of x and of the results, without the axis
  Value values, indices;       // buffers of the results; null: not yielded
  Value zero, one;
  Value n, k;            // elements of the axis, and how many of them are kept
  Value inStep, outStep; // along the axis
  Value inBase, outBase; // of the unit's row

  TopKEmitter(KernelContext &c, graph::TopKOp op)
      : c(c), op(op), element(elementOf(op.getX())), i64(c.b.getI64Type()), m{c, element.isUnsignedInteger()},
        values(yieldedBuffer(c, op.getValues())), indices(yieldedBuffer(c, op.getIndices())), zero(c.index(int64_t(0))),
        one(c.index(1)) {
    int64_t axis = op.getAxis();
    Exprs shape = c.shape(op.getX()), outShape = c.shape(op->getResult(0));
    inStrides = stridesOf(shape);
    outStrides = stridesOf(outShape);
    n = c.index(shape[axis]);
    k = c.minS(c.index(outShape[axis]), n);
    inStep = c.index(inStrides[axis]);
    outStep = c.index(outStrides[axis]);
    inStrides.erase(inStrides.begin() + axis);
    outStrides.erase(outStrides.begin() + axis);
  }

  Value compare(arith::CmpIPredicate p, Value a, Value z) { return arith::CmpIOp::create(c.b, c.loc, p, a, z); }
  Value elementAt(Value i) { return loadFrom(c, op.getX(), c.mulAdd(i, inStep, inBase), 1); }
  /// Where place p is in the results.
  Value placeAt(Value p) { return c.mulAdd(p, outStep, outBase); }
  /// The value that is kept at place p.
  Value kept(Value p) {
    if (values)
      return c.load(values, element, placeAt(p), 1);
    return elementAt(m.toIndex(c.loadStored(indices, i64, placeAt(p))));
  }
  /// NaN is larger than all numbers, and not larger than another NaN.
  Value greater(Value a, Value z) {
    if (!LaneMath::isFloat(a))
      return m.greater(a, z);
    using F = arith::CmpFPredicate;
    Value isGreater = arith::CmpFOp::create(c.b, c.loc, F::UGT, a, z),
          isNumber = arith::CmpFOp::create(c.b, c.loc, F::ORD, z, z);
    return arith::AndIOp::create(c.b, c.loc, isGreater, isNumber);
  }
  Value better(Value a, Value z) { return op.getLargest() ? greater(a, z) : greater(z, a); }

  Value makePlace(Value v, Value count);
  void offer(Value i);
  void emit(const Exprs &rows);
};

/// The place that v takes among the `count` kept values, made free. It begins behind these, or at the last, whose
/// value is dropped, and moves to the front past all that v is better than.
Value TopKEmitter::makePlace(Value v, Value count) {
  Value start = c.minS(count, c.sub(k, one));
  auto loop = scf::WhileOp::create(
      c.b, c.loc, TypeRange{c.b.getIndexType()}, ValueRange{start},
      [&](OpBuilder &, Location, ValueRange args) {
        // An equal value is not passed: the earlier index stays in front.
        Value above = ifElse(
            c, compare(arith::CmpIPredicate::sgt, args[0], zero), c.b.getI1Type(),
            [&]() { return Values{better(v, kept(c.sub(args[0], one)))}; },
            [&]() { return Values{c.constant(c.b.getI1Type(), 0, 1)}; })[0];
        scf::ConditionOp::create(c.b, c.loc, above, args);
      },
      [&](OpBuilder &, Location, ValueRange args) {
        Value previous = c.sub(args[0], one);
        for (auto [buffer, stored] : {std::pair(values, storageType(element)), std::pair(indices, i64)})
          if (buffer) {
            Value moved = c.loadStored(buffer, stored, placeAt(previous));
            c.storeStored(moved, buffer, placeAt(args[0]));
          }
        scf::YieldOp::create(c.b, c.loc, previous);
      });
  return loop.getResult(0);
}

/// Takes element i of the row in, if it is among the best so far.
void TopKEmitter::offer(Value i) {
  Value v = elementAt(i);
  Value count = c.minS(i, k); // values kept so far
  Value room = compare(arith::CmpIPredicate::slt, count, k);
  Value enters = ifElse(
      c, room, c.b.getI1Type(), [&]() { return Values{room}; },
      [&]() { return Values{better(v, kept(c.sub(k, one)))}; })[0];
  ifThen(c, enters, [&]() {
    Value at = placeAt(makePlace(v, count));
    if (values)
      c.store(v, values, element, at);
    if (indices)
      c.storeStored(m.fromIndex(i, i64), indices, at);
  });
}

/// `rows`: the shape of x without the axis.
void TopKEmitter::emit(const Exprs &rows) {
  ifThen(c, compare(arith::CmpIPredicate::sgt, k, zero), [&]() {
    c.eachUnit([&](Value unit) {
      Values outer = c.delinearize(unit, rows);
      inBase = c.offset(outer, inStrides);
      outBase = c.offset(outer, outStrides);
      c.loop(zero, n, 1, [&](Value i) { offer(i); });
    });
  });
}

class TopKPlan : public KernelPlan {
public:
  TopKPlan(plan::KernelOp kernel, const Machine &target) : KernelPlan(kernel, target) {
    auto op = cast<graph::TopKOp>(kernel.getRootOp());
    rows = shapeOf(op.getX());
    rows.erase(rows.begin() + op.getAxis());
  }

  ScheduleFacts facts() const override {
    return {.text = "scalar loop, insertion into the best k", .hasScalarCode = true};
  }

  void checkSizes(std::vector<SizeCheck> &checks) const override {
    auto op = cast<graph::TopKOp>(kernel.getRootOp());
    AffineExpr k = shapeOf(op->getResult(0))[op.getAxis()], size = shapeOf(op.getX())[op.getAxis()];
    if (k != size && (constantOr(k) < 0 || constantOr(size) < constantOr(k)))
      checks.push_back(
          {op, TENON_COUNT, ("k is {0}, but axis " + Twine(op.getAxis()) + " has {1} elements").str(), k, size, {}});
  }

  WorkSplit split() const override {
    auto op = cast<graph::TopKOp>(kernel.getRootOp());
    return {product(rows, kernel.getContext()), grainFor(4 * constantOr(shapeOf(op.getX())[op.getAxis()]))};
  }

  LogicalResult emit(KernelContext &c) const override {
    TopKEmitter(c, cast<graph::TopKOp>(kernel.getRootOp())).emit(rows);
    return success();
  }

private:
  Exprs rows; // the operand's shape without the axis
};

} // namespace

std::unique_ptr<KernelPlan> planCumSum(plan::KernelOp kernel, const Machine &target, std::string &) {
  return std::make_unique<CumSumPlan>(kernel, target);
}

std::unique_ptr<KernelPlan> planTopK(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  if (!yieldsRootAlone(kernel, reason))
    return nullptr;
  return std::make_unique<TopKPlan>(kernel, target);
}

} // namespace tenon::codegen
