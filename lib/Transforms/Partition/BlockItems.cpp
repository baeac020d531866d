// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From blocks to the items and values of problems. An op with branches reads what the ops in
// them read; in the branches these values are there before.
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

BlockItems::BlockItems(Block &block, const BlockItems *outer) : block(block) {
  Problem &own = problem.problem;
  for (BlockArgument argument : block.getArguments())
    add(argument, -1);
  for (Operation &op : block.without_terminator()) {
    if (isEverywhere(&op))
      continue;
    std::vector<unsigned> reads = readsOf(op, outer);
    for (Value result : op.getResults())
      add(result, int(ops.size()));
    own.items.push_back({{}, std::move(reads), isa<scf::IfOp>(op)});
    ops.push_back(&op);
  }
  for (unsigned value : readsOf(*block.getTerminator(), outer))
    own.values[value].isReturned = true;
}

std::vector<unsigned> BlockItems::readsOf(Operation &op, const BlockItems *outer) {
  llvm::SetVector<unsigned> reads;
  op.walk([&](Operation *nested) {
    for (Value operand : nested->getOperands()) {
      if (!numbers.contains(operand) && outer && outer->numbers.contains(operand)) {
        problem.outside.emplace_back(problem.problem.values.size(), outer->numbers.lookup(operand));
        add(operand, -1);
      }
      if (auto it = numbers.find(operand); it != numbers.end())
        reads.insert(it->second);
    }
  });
  return {reads.begin(), reads.end()};
}

void BlockItems::add(Value value, int by) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  const numerics::Format *format = type ? num::formatOf(type.getElementType()) : nullptr;
  double bytes = format && type.hasStaticShape()
                     ? double(type.getNumElements()) * double(llvm::divideCeil(format->width(), 8))
                     : 0;
  std::vector<Produced> &values = problem.problem.values;
  numbers[value] = values.size();
  values.push_back({by, bytes, false});
}

static void addBranches(size_t around, std::deque<BlockItems> &blocks) {
  for (Operation *op : blocks[around].ops)
    if (auto branch = dyn_cast<scf::IfOp>(op))
      for (Region &region : branch->getRegions()) {
        if (region.empty())
          continue;
        BlockItems &inner = blocks.emplace_back(region.front(), &blocks[around]);
        inner.problem.around = int(around);
        inner.problem.share = blocks[around].problem.share / 2;
        addBranches(blocks.size() - 1, blocks);
      }
}

std::deque<BlockItems> itemsOf(func::FuncOp func) {
  std::deque<BlockItems> blocks; // whose addresses stay
  blocks.emplace_back(func.getBody().front());
  addBranches(0, blocks);
  return blocks;
}

} // namespace tenon::partition
