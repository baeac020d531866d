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

// graph.squeeze of graph.shape of a view of a constant, and each part of that.
bool isEverywhere(Operation *op) {
  auto skip = [&]<typename Op>(Op) {
    if (auto known = dyn_cast_or_null<Op>(op))
      op = known.getX().getDefiningOp();
  };
  bool isSqueeze = isa_and_nonnull<graph::SqueezeOp>(op);
  skip(graph::SqueezeOp());
  bool isShape = isa_and_nonnull<graph::ShapeOp>(op);
  skip(graph::ShapeOp());
  bool isView = isa_and_nonnull<plan::ViewOp>(op);
  skip(plan::ViewOp());
  return isa_and_nonnull<graph::ConstantOp>(op) && (!isSqueeze || isShape) && (!isShape || isView);
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
