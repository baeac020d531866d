// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Slots are taken and given back in the order of a kernel's ops: an argument is loaded
// before its first use, a result stored as soon as it is there.
#include "Schedule.h"

#include "tenon/Dialect/Graph/IR/Graph.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace tenon;

namespace toy {

Schedule::Schedule(plan::KernelOp kernel) : kernel(kernel) {
  Block &body = kernel.getBody().front();
  Operation *yield = body.getTerminator();
  for (Operation &op : body.without_terminator()) {
    for (Value operand : op.getOperands())
      fetch(operand);
    unsigned lhs = slots.lookup(op.getOperand(0)), rhs = slots.lookup(op.getOperand(op.getNumOperands() - 1));
    // The result may take the place of an operand that is read no more.
    for (Value operand : llvm::SetVector<Value>(op.operand_begin(), op.operand_end()))
      release(operand, &op);
    Value result = op.getResult(0);
    slots[result] = take();
    steps.push_back({isa<graph::BinaryOp>(op) ? Step::Add : Step::Relu, slots[result], lhs, rhs});
    store(result);
    release(result, &op);
  }
  for (auto [i, value] : llvm::enumerate(yield->getOperands()))
    if (isa<BlockArgument>(value)) { // a copy
      fetch(value);
      steps.push_back({Step::Store, slots[value], 0, 0, kernel.getResult(unsigned(i))});
    }
}

void Schedule::fetch(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  if (!argument || slots.contains(value))
    return;
  slots[value] = take();
  steps.push_back({Step::Load, slots[value], 0, 0, kernel.getInputs()[argument.getArgNumber()]});
}

void Schedule::store(Value value) {
  for (OpOperand &use : value.getUses())
    if (isa<plan::YieldOp>(use.getOwner()))
      steps.push_back({Step::Store, slots[value], 0, 0, kernel.getResult(use.getOperandNumber())});
}

unsigned Schedule::take() {
  if (!free.empty())
    return free.pop_back_val();
  return count++;
}

void Schedule::release(Value value, Operation *last) {
  bool isNeeded = llvm::any_of(value.getUsers(), [&](Operation *user) {
    return isa<plan::YieldOp>(user) ? isa<BlockArgument>(value) : last->isBeforeInBlock(user);
  });
  if (!isNeeded)
    free.push_back(slots[value]);
}

} // namespace toy
