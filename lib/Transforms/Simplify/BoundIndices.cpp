// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Bounds of constant indices, which code that reads them as data does not see.
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/IR/IndexBounds.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Transforms/Simplify/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tenon::simplify {
#define GEN_PASS_DEF_BOUNDINDICESPASS
#include "tenon/Transforms/Simplify/Passes.h.inc"

namespace {

/// The indices of a gather or scatter, and whether they are tuples along the last dimension.
std::pair<Value, bool> indicesOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::pair<Value, bool>>(op)
      .Case<graph::GatherOp, graph::GatherElementsOp, graph::ScatterElementsOp>(
          [](auto each) { return std::pair(Value(each.getIndices()), false); })
      .Case<graph::GatherNDOp, graph::ScatterNDOp>([](auto each) { return std::pair(Value(each.getIndices()), true); })
      .Default([](Operation *) { return std::pair(Value(), false); });
}

/// What a value is, which within a kernel is an argument.
graph::ConstantOp constantOf(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    if (auto kernel = dyn_cast<plan::KernelOp>(argument.getOwner()->getParentOp()))
      value = kernel.getInputs()[argument.getArgNumber()];
  return value.getDefiningOp<graph::ConstantOp>();
}

class BoundIndices : public impl::BoundIndicesPassBase<BoundIndices> {
  void runOnOperation() override {
    getOperation().walk([&](Operation *op) {
      auto [indices, isTuple] = indicesOf(op);
      // What an earlier pass, or a hand, wrote of other indices may not be trusted.
      op->removeAttr(graph::kIndexBounds);
      auto constant = indices ? constantOf(indices) : graph::ConstantOp();
      auto stored = constant ? reference::Tensor::fromAttribute(constant.getValue()) : std::nullopt;
      if (!stored || !stored->getNumElements())
        return;
      size_t axes = isTuple ? stored->getShape().back() : 1;
      std::vector<int64_t> values = stored->toInts();
      SmallVector<int64_t> bounds;
      for (size_t axis = 0; axis < axes; ++axis) {
        bounds.append({values[axis], values[axis]});
        for (size_t i = axis; i < values.size(); i += axes) {
          bounds[2 * axis] = std::min(bounds[2 * axis], values[i]);
          bounds[2 * axis + 1] = std::max(bounds[2 * axis + 1], values[i]);
        }
      }
      op->setAttr(graph::kIndexBounds, DenseI64ArrayAttr::get(op->getContext(), bounds));
      ++bounded;
    });
  }
};

} // namespace
} // namespace tenon::simplify
