// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a block to a problem's items and values. An op with regions reads what the ops in
// them read.
#include "BlockItems.h"

#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tenon::partition {

bool isEverywhere(Operation *op) {
  if (isa_and_nonnull<graph::ConstantOp>(op))
    return true;
  // Of sizes: graph.squeeze of graph.shape of a view of a constant.
  return isa_and_nonnull<plan::ViewOp, graph::ShapeOp, graph::SqueezeOp>(op) &&
         (isa<graph::SqueezeOp>(op) ? isa_and_nonnull<graph::ShapeOp>(op->getOperand(0).getDefiningOp())
          : isa<graph::ShapeOp>(op) ? isa_and_nonnull<plan::ViewOp>(op->getOperand(0).getDefiningOp())
                                    : true) &&
         isEverywhere(op->getOperand(0).getDefiningOp());
}

BlockItems::BlockItems(Block &block) {
  for (BlockArgument argument : block.getArguments())
    add(argument, -1);
  for (Operation &op : block.without_terminator()) {
    if (isEverywhere(&op))
      continue;
    llvm::SetVector<unsigned> reads;
    op.walk([&](Operation *nested) {
      for (Value operand : nested->getOperands())
        if (auto it = numbers.find(operand); it != numbers.end())
          reads.insert(it->second);
    });
    for (Value result : op.getResults())
      add(result, int(ops.size()));
    problem.items.push_back({{}, {reads.begin(), reads.end()}});
    ops.push_back(&op);
  }
  for (Value value : block.getTerminator()->getOperands())
    if (auto it = numbers.find(value); it != numbers.end())
      problem.values[it->second].isReturned = true;
}

void BlockItems::add(Value value, int by) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  const numerics::Format *format = type ? num::formatOf(type.getElementType()) : nullptr;
  double bytes = format && type.hasStaticShape()
                     ? double(type.getNumElements()) * double(llvm::divideCeil(format->width(), 8))
                     : 0;
  numbers[value] = problem.values.size();
  problem.values.push_back({by, bytes, false});
}

} // namespace tenon::partition
