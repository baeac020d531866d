// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Access by index tensors: gather_elements and gather_nd by runs; scatter_nd
// and scatter_elements as one unit (a copy, then the updates in order), so that
// repeated indices give the same result under any number of threads. Indices
// out of range clamp to the dimension instead of reading beyond the buffer.
#include "MiscRuns.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

class GatherElementsStrategy : public RunStrategy {
public:
  StringRef name() const override { return "misc-gather"; }
  std::vector<StringRef> roots() const override { return {"gather_elements", "gather_nd"}; }
  bool matches(plan::KernelOp kernel, const CpuTarget &, std::string &reason) const override {
    auto op = dyn_cast<graph::GatherNDOp>(kernel.getRootOp());
    if (!op || constantOr(shapeOf(kernel, op.getIndices()).back()) >= 0)
      return true;
    reason = "the last dimension of the indices must be static";
    return false;
  }

  RunPlan planFor(plan::KernelOp kernel, const CpuTarget &target) const override {
    Operation *op = kernel.getRootOp();
    Type type = elementOf(op->getResult(0));
    unsigned rank = shapeOf(kernel, op->getResult(0)).size();
    if (isa<graph::GatherElementsOp>(op))
      return RunPlan::get(kernel, target, rank ? rank - 1 : 0, type, true);
    unsigned outer = shapeOf(kernel, op->getOperand(1)).size() - 1;
    // Whole slices are runs; single elements go one by one.
    return RunPlan::get(kernel, target, outer < rank ? outer : rank ? rank - 1 : 0, type, outer >= rank);
  }
  LogicalResult emit(KernelContext &c) const override {
    LogicalResult result = success();
    ifNotEmpty(c, c.shape(c.kernel.getRootOp()->getOperand(0)), [&]() { result = emitRuns(c); });
    return result;
  }

private:
  LogicalResult emitRuns(KernelContext &c) const {
    Operation *op = c.kernel.getRootOp();
    RunPlan p = planFor(c.kernel, c.target);
    Value x = op->getOperand(0), indices = op->getOperand(1);
    Exprs shape = c.shape(x), strides = stridesOf(shape), indexStrides = stridesOf(c.shape(indices));
    if (auto elements = dyn_cast<graph::GatherElementsOp>(op)) {
      int64_t axis = resolvedAxis(elements.getAxis(), shape.size());
      return p.emit(c, op->getResult(0), [&](ArrayRef<Value> row, Value i, Value) {
        Values point(row);
        if (!p.space.empty())
          point.push_back(i);
        point[axis] = boundedIndex(c, indices, c.offset(point, indexStrides), c.index(shape[axis]));
        return loadFrom(c, x, c.offset(point, strides), 1);
      });
    }
    auto gather = cast<graph::GatherNDOp>(op);
    int64_t batch = gather.getBatchDims();
    Exprs indexShape = c.shape(indices);
    int64_t count = constantOr(indexShape.back());
    unsigned outer = indexShape.size() - 1;
    return p.emit(c, op->getResult(0), [&](ArrayRef<Value> row, Value i, Value mask) {
      Values point(row);
      if (!p.space.empty())
        point.push_back(i);
      Value at = c.index(int64_t(0));
      for (int64_t d = 0; d < batch; ++d)
        at = c.mulAdd(point[d], c.index(strides[d]), at);
      Value first = c.offset(ArrayRef(point).take_front(outer), ArrayRef(indexStrides).take_front(outer));
      for (int64_t k = 0; k < count; ++k) {
        Value index = boundedIndex(c, indices, c.add(first, c.index(k)), c.index(shape[batch + k]));
        at = c.mulAdd(index, c.index(strides[batch + k]), at);
      }
      // Dimensions of the slice: separate ones before the run, then the run.
      for (unsigned d = outer; d < point.size(); ++d) {
        bool isRun = d + 1 == point.size();
        at = isRun ? c.add(at, point[d]) : c.mulAdd(point[d], c.index(strides[batch + count + d - outer]), at);
      }
      return loadFrom(c, x, at, p.lanes, mask);
    });
  }
};

class ScatterStrategy : public Strategy {
public:
  StringRef name() const override { return "scatter"; }
  std::vector<StringRef> roots() const override { return {"scatter_nd", "scatter_elements"}; }
  bool matches(plan::KernelOp kernel, const CpuTarget &, std::string &reason) const override {
    auto nd = dyn_cast<graph::ScatterNDOp>(kernel.getRootOp());
    if (!nd || constantOr(shapeOf(kernel, nd.getIndices()).back()) >= 0)
      return yieldsRootAlone(kernel, reason);
    reason = "the last dimension of the indices must be static";
    return false;
  }
  std::string describe(plan::KernelOp, const CpuTarget &) const override { return "one unit: copy, then scalar updates in order"; }
  WorkSplit split(plan::KernelOp kernel, const CpuTarget &) const override {
    return {getAffineConstantExpr(1, kernel.getContext()), 1};
  }

  LogicalResult emit(KernelContext &c) const override {
    ifNotEmpty(c, c.shape(c.kernel.getRootOp()->getOperand(0)), [&]() { emitUpdates(c); });
    return success();
  }

private:
  static void emitUpdates(KernelContext &c) {
    Operation *op = c.kernel.getRootOp();
    Value x = op->getOperand(0), indices = op->getOperand(1), updates = op->getOperand(2);
    Exprs shape = c.shape(x), strides = stridesOf(shape);
    Exprs updateShape = c.shape(updates), updateStrides = stridesOf(updateShape), indexShape = c.shape(indices);
    Exprs indexStrides = stridesOf(indexShape);
    Type element = elementOf(x);
    Value out = c.outputBuffer(0), zero = c.index(int64_t(0));
    MLIRContext *context = op->getContext();
    AffineExpr total = product(shape, context);
    c.loop(c.begin, c.end, 1, [&](Value) {
      if (isa<BlockArgument>(x)) {
        copyRun(c, c.buffer(x), zero, out, zero, total, element);
      } else {
        int64_t lanes = lanesFor(c.target, computeType(element), constantOr(total));
        c.vectorLoop(zero, c.index(total), lanes, constantOr(total), [&](Value i, Value mask) {
          c.store(loadFrom(c, x, i, lanes, mask), out, element, i, mask);
        });
      }
      if (auto elements = dyn_cast<graph::ScatterElementsOp>(op)) {
        int64_t axis = resolvedAxis(elements.getAxis(), shape.size());
        nest(c, updateShape, [&](ArrayRef<Value> at) {
          Values point(at);
          Value offset = c.offset(at, updateStrides);
          if (!point.empty())
            point[axis] = boundedIndex(c, indices, offset, c.index(shape[axis]));
          apply(c, elements.getKind(), element, loadFrom(c, updates, offset, 1), c.offset(point, strides), {});
        });
        return;
      }
      auto nd = cast<graph::ScatterNDOp>(op);
      int64_t count = constantOr(indexShape.back());
      Exprs outer(ArrayRef(indexShape).drop_back());
      AffineExpr run = product(ArrayRef(shape).drop_front(count), context);
      int64_t extent = constantOr(run), lanes = lanesFor(c.target, computeType(element), extent);
      nest(c, outer, [&](ArrayRef<Value> at) {
        Value first = c.offset(at, ArrayRef(indexStrides).take_front(at.size()));
        Value from = c.offset(at, ArrayRef(updateStrides).take_front(at.size())), to = zero;
        for (int64_t k = 0; k < count; ++k)
          to = c.mulAdd(boundedIndex(c, indices, c.add(first, c.index(k)), c.index(shape[k])), c.index(strides[k]), to);
        c.vectorLoop(zero, c.index(run), lanes, extent, [&](Value i, Value mask) {
          apply(c, nd.getKind(), element, loadFrom(c, updates, c.add(from, i), lanes, mask), c.add(to, i), mask);
        });
      });
    });
  }

  static void apply(KernelContext &c, graph::ScatterKind kind, Type element, Value update, Value at, Value mask) {
    using K = graph::ScatterKind;
    LaneMath m{c, element.isUnsignedInteger()};
    Value out = c.outputBuffer(0);
    if (kind != K::none) {
      Value old = c.load(out, element, at, LaneMath::lanesOf(update), mask);
      switch (kind) {
      case K::add: update = m.add(old, update); break;
      case K::mul: update = m.mul(old, update); break;
      case K::max: update = m.max(old, update); break;
      default: update = m.min(old, update); break;
      }
    }
    c.store(update, out, element, at, mask);
  }
};

} // namespace

std::unique_ptr<Strategy> makeGatherElementsStrategy() { return std::make_unique<GatherElementsStrategy>(); }
std::unique_ptr<Strategy> makeScatterStrategy() { return std::make_unique<ScatterStrategy>(); }

} // namespace tenon::cpu
