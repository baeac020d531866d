// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Access by index tensors. With `indices` J, and [i] meaning all coordinates of a position:
//
//   gather_elements    result[i] = x[i], the coordinate along the axis replaced by J[i]
//   gather_nd          result[b.., p.., s..] = x[b.., J[b.., p.., 0], J[b.., p.., 1], .., s..]
//                      b: batch dimensions; the last dimension of J is a tuple that leads to a slice of x, at s
//   scatter_elements   result = x; then for each i in order: result[i, the coordinate along the axis replaced by J[i]]
//                      takes updates[i]
//   scatter_nd         result = x; then for each p in order: the slice of result at the tuple J[p] takes updates[p]
//
// "Takes" is one of: is replaced, +, *, max, min. What is not combined moves as it is stored (Mover.h).
//
// The gathers are runs of the result (RowSchedule.h). A slice of gather_nd moves in vectors, for which one tuple is
// read; single elements go one by one, as neighbours come from anywhere:
//
//     | slice of tuple 0 | slice of tuple 1 | ..      units: the tuples, or parts of long slices
//
// A scatter is one unit, a copy and then the updates one after the other, so that repeated indices give the same result
// under any number of threads. Slices of scatter_nd are combined in vectors.
//
// Indices outside their axis are reported (IndexCheck.h), and nothing is read or written there.
#include "IndexCheck.h"
#include "Mover.h"
#include "RunSchedule.h"

#include "tenon/Codegen/GenericStrategies.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// Whole slices are runs with lanes; where every result is an element of its own, the run is scalar.
RunSchedule gatherSchedule(plan::KernelOp kernel, const Machine &target) {
  Operation *op = kernel.getRootOp();
  Type type = elementOf(op->getResult(0));
  unsigned rank = shapeOf(op->getResult(0)).size();
  if (isa<graph::GatherElementsOp>(op))
    return RunSchedule::get(kernel, target, rank ? rank - 1 : 0, type, true);
  unsigned outer = shapeOf(op->getOperand(1)).size() - 1;
  return RunSchedule::get(kernel, target, outer < rank ? outer : rank ? rank - 1 : 0, type, outer >= rank);
}

/// gather_elements and gather_nd.
class GatherElementsPlan : public RunPlan {
public:
  GatherElementsPlan(plan::KernelOp kernel, const Machine &target)
      : RunPlan(kernel, target, gatherSchedule(kernel, target)) {}

  WorkSplit split() const override {
    if (auto op = dyn_cast<graph::GatherNDOp>(kernel.getRootOp()))
      return withElements(shapeOf(op.getIndices()).size() - 1).split(kernel.getContext());
    return RunPlan::split();
  }
  LogicalResult emit(KernelContext &c) const override {
    if (auto op = dyn_cast<graph::GatherElementsOp>(kernel.getRootOp()))
      return emitElements(c, op);
    return emitND(c, cast<graph::GatherNDOp>(kernel.getRootOp()));
  }

private:
  /// The schedule of gather_nd's units. `outer` is how many dimensions of the result are of tuples. A slice without
  /// elements has a unit, too, in which its tuple is checked. If runs are of the `outer` dimensions, an empty one has
  /// no tuples.
  RunSchedule withElements(unsigned outer) const {
    RunSchedule units = s;
    if (s.suffix >= outer)
      units.run = atLeastOne(s.run);
    return units;
  }

  LogicalResult emitElements(KernelContext &c, graph::GatherElementsOp op) const {
    Exprs shape = c.shape(op.getX()), strides = stridesOf(shape), indexStrides = stridesOf(c.shape(op.getIndices()));
    int64_t axis = resolvedAxis(op.getAxis(), shape.size());
    IndexCheck check(c, op, op.getIndices(), shape[axis]);
    LogicalResult result = success();
    auto copy = [&]() {
      result = s.emit(c, op.getResult(), [&](ArrayRef<Value> row, Value i, Value) {
        Values point(row);
        point.push_back(i);
        point[axis] = check.load(c.offset(point, indexStrides));
        return loadFrom(c, op.getX(), c.offset(point, strides), 1);
      });
    };
    // If x has no elements though there are indices, it is the axis that has none, and all indices are wrong.
    ifNotEmpty(c, shape, copy,
               [&]() { c.eachUnit([&](Value unit) { check.load(c.offset(s.firstOf(c, unit), indexStrides)); }); });
    check.finish();
    return result;
  }

  LogicalResult emitND(KernelContext &c, graph::GatherNDOp op) const {
    Exprs shape = c.shape(op.getX()), strides = stridesOf(shape), indexShape = c.shape(op.getIndices());
    Exprs indexStrides = stridesOf(indexShape);
    int64_t batch = op.getBatchDims(), count = constantOr(indexShape.back());
    unsigned outer = indexShape.size() - 1;
    IndexCheck check(c, op, op.getIndices(), ArrayRef(shape).slice(batch, count));
    // Offset in x of the slice at the tuple of these coordinates.
    auto slice = [&](ArrayRef<Value> tuple) {
      Value at = c.offset(tuple.take_front(batch), ArrayRef(strides).take_front(batch));
      Values indices = check.loadTuple(c.offset(tuple, ArrayRef(indexStrides).take_front(outer)));
      for (int64_t k = 0; k < count; ++k)
        at = c.mulAdd(indices[k], c.index(strides[batch + k]), at);
      return at;
    };
    bool isSlice = s.suffix >= outer; // else the run is of tuples, whose slices are single elements
    Value begin;                      // of the run in work, in x
    LogicalResult result = success();
    auto copy = [&]() {
      result = s.emit(
          c, op.getResult(),
          [&](ArrayRef<Value> row, Value i, Value mask) {
            if (isSlice)
              return loadFrom(c, op.getX(), c.add(begin, i), s.lanes, mask);
            Values point(row);
            point.push_back(i);
            return loadFrom(c, op.getX(), slice(point), 1);
          },
          [&](ArrayRef<Value> row) {
            if (!isSlice)
              return;
            begin = slice(row.take_front(outer));
            // The slice's dimensions before the run.
            for (unsigned d = outer; d < row.size(); ++d)
              begin = c.mulAdd(row[d], c.index(strides[batch + count + d - outer]), begin);
          });
    };
    ifNotEmpty(c, shape, copy, [&]() {
      RunSchedule units = withElements(outer);
      c.eachUnit([&](Value unit) { slice(ArrayRef(units.firstOf(c, unit)).take_front(outer)); });
    });
    check.finish();
    return result;
  }
};

class ScatterPlan : public KernelPlan {
public:
  using KernelPlan::KernelPlan;
  ScheduleFacts facts() const override {
    return {.text = "one unit: copy, then scalar updates in order", .hasScalarCode = true};
  }
  WorkSplit split() const override { return {getAffineConstantExpr(1, kernel.getContext()), 1}; }

  LogicalResult emit(KernelContext &c) const override {
    Operation *op = kernel.getRootOp();
    Value x = op->getOperand(0), indices = op->getOperand(1);
    Exprs shape = c.shape(x), along;
    if (auto elements = dyn_cast<graph::ScatterElementsOp>(op))
      along.push_back(shape[resolvedAxis(elements.getAxis(), shape.size())]);
    else
      along.append(shape.begin(), shape.begin() + constantOr(c.shape(indices).back()));
    IndexCheck check(c, op, indices, along);
    c.eachUnit([&](Value) {
      emitCopy(c, x, product(shape, op->getContext()));
      if (auto elements = dyn_cast<graph::ScatterElementsOp>(op))
        emitElements(c, elements, check);
      else
        emitSlices(c, cast<graph::ScatterNDOp>(op), check);
    });
    check.finish();
    return success();
  }

private:
  static void emitCopy(KernelContext &c, Value x, AffineExpr total) {
    Value zero = c.index(int64_t(0));
    Mover(c, x).run(c.buffer(x), zero, c.outputBuffer(0), zero, c.index(total), constantOr(total));
  }

  /// Updates at indices outside are left out: position 0 need not exist either.
  static void emitElements(KernelContext &c, graph::ScatterElementsOp op, IndexCheck &check) {
    Value updates = op.getUpdates();
    Exprs shape = c.shape(op.getX()), strides = stridesOf(shape), updateShape = c.shape(updates),
          updateStrides = stridesOf(updateShape);
    int64_t axis = resolvedAxis(op.getAxis(), shape.size());
    nest(c, updateShape, [&](ArrayRef<Value> at) {
      Values point(at);
      Value offset = c.offset(at, updateStrides), inside;
      point[axis] = check.load(offset, &inside);
      ifThen(c, inside, [&]() {
        Value to = c.offset(point, strides);
        if (op.getKind() == graph::ScatterKind::none)
          return Mover(c, updates).element(c.buffer(updates), offset, c.outputBuffer(0), to);
        combine(c, op.getKind(), elementOf(updates), loadFrom(c, updates, offset, 1), to, {});
      });
    });
  }

  /// The run is the slice: the dimensions of x behind those of the tuple.
  static void emitSlices(KernelContext &c, graph::ScatterNDOp op, IndexCheck &check) {
    Value updates = op.getUpdates(), zero = c.index(int64_t(0));
    Exprs shape = c.shape(op.getX()), strides = stridesOf(shape), updateStrides = stridesOf(c.shape(updates));
    Exprs indexShape = c.shape(op.getIndices()), indexStrides = stridesOf(indexShape);
    Type element = elementOf(updates);
    int64_t count = constantOr(indexShape.back());
    AffineExpr run = product(ArrayRef(shape).drop_front(count), op.getContext());
    int64_t extent = constantOr(run), lanes = lanesFor(c.target, computeType(element), extent);
    nest(c, ArrayRef(indexShape).drop_back(), [&](ArrayRef<Value> at) {
      Value first = c.offset(at, ArrayRef(indexStrides).take_front(at.size()));
      Value from = c.offset(at, ArrayRef(updateStrides).take_front(at.size())), to = zero, inside;
      Values indices = check.loadTuple(first, &inside);
      for (int64_t k = 0; k < count; ++k)
        to = c.mulAdd(indices[k], c.index(strides[k]), to);
      ifThen(c, inside, [&]() {
        if (op.getKind() == graph::ScatterKind::none)
          return Mover(c, updates).run(c.buffer(updates), from, c.outputBuffer(0), to, c.index(run), extent);
        c.vectorLoop(zero, c.index(run), lanes, extent, [&](Value i, Value mask) {
          combine(c, op.getKind(), element, loadFrom(c, updates, c.add(from, i), lanes, mask), c.add(to, i), mask);
        });
      });
    });
  }

  /// Combines `update`, one element or lanes, with the result at `at`.
  static void combine(KernelContext &c, graph::ScatterKind kind, Type element, Value update, Value at, Value mask) {
    using K = graph::ScatterKind;
    LaneMath m{c, element.isUnsignedInteger()};
    Value out = c.outputBuffer(0), old = c.load(out, element, at, LaneMath::lanesOf(update), mask);
    switch (kind) {
    case K::add: update = m.add(old, update); break;
    case K::mul: update = m.mul(old, update); break;
    case K::max: update = m.max(old, update); break;
    default: update = m.min(old, update); break;
    }
    if ((kind == K::max || kind == K::min) && LaneMath::isFloat(old)) // LaneMath's keep a NaN of the update alone
      update = m.select(arith::CmpFOp::create(c.b, c.loc, arith::CmpFPredicate::UNO, old, old), old, update);
    c.store(update, out, element, at, mask);
  }
};

std::unique_ptr<KernelPlan> planGatherElements(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  auto nd = dyn_cast<graph::GatherNDOp>(kernel.getRootOp());
  if (!nd || constantOr(shapeOf(nd.getIndices()).back()) >= 0)
    return std::make_unique<GatherElementsPlan>(kernel, target);
  reason = "the last dimension of the indices must be static";
  return nullptr;
}

std::unique_ptr<KernelPlan> planScatter(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  auto nd = dyn_cast<graph::ScatterNDOp>(kernel.getRootOp());
  if (nd && constantOr(shapeOf(nd.getIndices()).back()) < 0) {
    reason = "the last dimension of the indices must be static";
    return nullptr;
  }
  if (!yieldsRootAlone(kernel, reason))
    return nullptr;
  return std::make_unique<ScatterPlan>(kernel, target);
}

} // namespace

void registerScatterGatherStrategies(StrategyRegistry &registry) {
  registry.add({"misc-gather", {"gather_elements", "gather_nd"}, planGatherElements});
  registry.add({"scatter", {"scatter_nd", "scatter_elements"}, planScatter});
}

} // namespace tenon::codegen
