// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Results that are made of little more than their positions, as runs (RunSchedule.h). Of a result with coordinates o,
// the last two being o[-2] and o[-1]:
//
//   fill       result[o] = value
//   range      result[i] = start + i * delta
//   trilu      result[o] = x[o] where o[-1] - o[-2] >= k (upper) or <= k (lower), else 0
//   one_hot    result[o] = on where indices[o without the axis] = o[axis], else off; an index may count from the end
//   shape      result[i] = the size of dimension start + i of x
//   size       result = the number of elements of x
#include "RunSchedule.h"

#include "tenon/Codegen/GenericStrategies.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// A row of trilu is a line of a matrix, whose number it compares with. The run of one_hot is the axis alone, where
/// that is last, else what is behind it: so an index is the same throughout, or each element has one of its own. The
/// lanes of one_hot are of its comparison, in i64.
RunSchedule creationSchedule(plan::KernelOp kernel, const Machine &target) {
  Operation *op = kernel.getRootOp();
  Type type = elementOf(op->getResult(0));
  unsigned rank = shapeOf(op->getResult(0)).size();
  if (isa<graph::TriluOp>(op))
    return RunSchedule::get(kernel, target, rank - 1, type);
  if (auto oneHot = dyn_cast<graph::OneHotOp>(op)) {
    unsigned axis = resolvedAxis(oneHot.getAxis(), rank);
    return RunSchedule::get(kernel, target, axis + 1 == rank ? axis : axis + 1,
                            Type(IntegerType::get(op->getContext(), 64)));
  }
  return RunSchedule::get(kernel, target, 0, type, isa<graph::ShapeOp, graph::SizeOp>(op));
}

class CreationPlan : public RunPlan {
public:
  CreationPlan(plan::KernelOp kernel, const Machine &target)
      : RunPlan(kernel, target, creationSchedule(kernel, target)) {}

  LogicalResult emit(KernelContext &c) const override {
    Operation *op = kernel.getRootOp();
    LaneMath m{c};
    Type i64 = c.b.getI64Type(), compute = computeOf(op->getResult(0));
    Value zero = c.index(int64_t(0));
    auto wide = [&](Type scalar) { return s.lanes == 1 ? scalar : Type(VectorType::get({s.lanes}, scalar)); };
    Type position = positionType(op->getContext(), constantOr(s.run));
    auto positions = [&](Value i) -> Value {
      Value numbers = m.laneNumbers(i, s.lanes, position);
      return position == i64 ? numbers : arith::ExtSIOp::create(c.b, c.loc, wide(i64), numbers);
    };
    if (auto fill = dyn_cast<graph::FillOp>(op)) {
      Value v = c.broadcast(loadFrom(c, fill.getValue(), zero, 1), s.lanes);
      return s.emit(c, fill.getResult(), [&](ArrayRef<Value>, Value, Value) { return v; });
    }
    if (auto range = dyn_cast<graph::RangeOp>(op)) {
      Value start = c.broadcast(loadFrom(c, range.getStart(), zero, 1), s.lanes);
      Value delta = c.broadcast(loadFrom(c, range.getDelta(), zero, 1), s.lanes);
      return s.emit(c, range.getResult(), [&](ArrayRef<Value>, Value i, Value) -> Value {
        Value n = positions(i);
        if (isa<FloatType>(compute))
          n = m.toFloat(n, compute);
        else if (compute.getIntOrFloatBitWidth() < 64)
          n = arith::TruncIOp::create(c.b, c.loc, wide(compute), n);
        return m.madd(n, delta, start);
      });
    }
    if (auto trilu = dyn_cast<graph::TriluOp>(op)) {
      Exprs strides = stridesOf(s.space);
      Value k = c.broadcast(diagonal(c, trilu.getK()), s.lanes);
      return s.emit(c, trilu.getResult(), [&](ArrayRef<Value> row, Value i, Value mask) -> Value {
        Value at = c.add(c.offset(row, ArrayRef(strides).drop_back()), i);
        Value v = loadFrom(c, trilu.getX(), at, s.lanes, mask);
        Value line = c.broadcast(m.fromIndex(row.back(), i64), s.lanes);
        Value distance = m.sub(positions(i), line);
        Value keep = trilu.getUpper() ? m.greater(distance, k, true) : m.greater(k, distance, true);
        return m.select(keep, v, m.like(v, 0));
      });
    }
    if (auto oneHot = dyn_cast<graph::OneHotOp>(op))
      return emitOneHot(c, oneHot, positions);
    // shape and size have one value a position, which is chosen by comparisons: there are few.
    Exprs dims;
    if (auto shape = dyn_cast<graph::ShapeOp>(op)) {
      Exprs all = c.shape(shape.getX());
      for (int64_t d = shape.getStart(), e = std::min<int64_t>(shape.getEnd(), all.size()); d < e; ++d)
        dims.push_back(all[d]);
    } else {
      dims.push_back(product(c.shape(op->getOperand(0)), op->getContext()));
    }
    return s.emit(c, op->getResult(0), [&](ArrayRef<Value>, Value i, Value) {
      Value v = m.fromIndex(zero, i64);
      for (auto [d, expr] : llvm::enumerate(dims)) {
        Value here = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, i, c.index(int64_t(d)));
        v = m.select(here, m.fromIndex(c.index(expr), i64), v);
      }
      return v;
    });
  }

private:
  static Value diagonal(KernelContext &c, Value k) { return loadFrom(c, k, c.index(int64_t(0)), 1); }

  /// `positions` gives the vector i, i + 1, ..
  LogicalResult emitOneHot(KernelContext &c, graph::OneHotOp op, function_ref<Value(Value)> positions) const {
    LaneMath m{c, elementOf(op.getIndices()).isUnsignedInteger()};
    Type i64 = c.b.getI64Type();
    int64_t rank = s.space.size(), axis = resolvedAxis(op.getAxis(), rank);
    Exprs shape = c.shape(op.getIndices()), strides = stridesOf(shape);
    Value depth = m.fromIndex(c.index(s.space[axis]), i64), zero = c.index(int64_t(0));
    Value off = c.broadcast(loadFrom(c, op.getValues(), zero, 1), s.lanes);
    Value on = c.broadcast(loadFrom(c, op.getValues(), c.index(1), 1), s.lanes);
    // Indices as i64, negative ones counted from the end.
    auto indices = [&](Value at, int64_t lanes, Value mask) {
      Value v = loadFrom(c, op.getIndices(), at, lanes, mask);
      Type type = lanes == 1 ? i64 : Type(VectorType::get({lanes}, i64));
      if (LaneMath::isFloat(v))
        v = arith::FPToSIOp::create(c.b, c.loc, type, v);
      else if (getElementTypeOrSelf(v.getType()).getIntOrFloatBitWidth() < 64)
        v = m.isUnsigned ? Value(arith::ExtUIOp::create(c.b, c.loc, type, v))
                         : Value(arith::ExtSIOp::create(c.b, c.loc, type, v));
      LaneMath asSigned{c};
      return asSigned.select(asSigned.greater(asSigned.like(v, 0), v), asSigned.add(v, c.broadcast(depth, lanes)), v);
    };
    return s.emit(c, op.getResult(), [&](ArrayRef<Value> row, Value i, Value mask) -> Value {
      if (axis + 1 == rank) {
        Value index = indices(c.offset(row, strides), 1, {});
        return m.select(m.equal(c.broadcast(index, s.lanes), positions(i)), on, off);
      }
      Values outer(row);
      outer.erase(outer.begin() + axis);
      Value at = c.add(c.offset(outer, ArrayRef(strides).take_front(outer.size())), i);
      Value level = c.broadcast(m.fromIndex(row[axis], i64), s.lanes);
      return m.select(m.equal(indices(at, s.lanes, mask), level), on, off);
    });
  }
};

std::unique_ptr<KernelPlan> planCreation(plan::KernelOp kernel, const Machine &target, std::string &) {
  return std::make_unique<CreationPlan>(kernel, target);
}

} // namespace

void registerCreationStrategy(StrategyRegistry &registry) {
  registry.add({"misc-creation", {"fill", "range", "trilu", "one_hot", "shape", "size"}, planCreation});
}

} // namespace tenon::codegen
