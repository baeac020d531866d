// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A device's queue and the host run side by side as long as the host does not wait: so
// the queue gets its commands as early, and is waited for as late, as the data allow.
#include "tenon/Transforms/Partition/Passes.h"

#include "mlir/IR/Dominance.h"

using namespace mlir;

namespace tenon::partition {
#define GEN_PASS_DEF_SCHEDULETRANSFERSPASS
#include "tenon/Transforms/Partition/Passes.h.inc"

namespace {

class ScheduleTransfers : public impl::ScheduleTransfersPassBase<ScheduleTransfers> {
public:
  void runOnOperation() override {
    if (getOperation().isExternal())
      return;
    getOperation().walk([](Block *block) {
      if (isa<plan::KernelOp>(block->getParentOp()))
        return;
      moveCommandsUp(*block);
      moveWaitsDown(*block);
    });
  }

private:
  /// The device whose queue executes an op; empty for the host's own.
  static StringRef queueOf(Operation *op) {
    if (auto submit = dyn_cast<plan::SubmitOp>(op))
      return submit.getDevice();
    if (auto transfer = dyn_cast<plan::TransferOp>(op))
      return transfer.getSource() == plan::kHostSpace ? transfer.getDestination() : transfer.getSource();
    return {};
  }

  /// Each command to behind its operands and the queue's command before it, which may be in
  /// a branch.
  static void moveCommandsUp(Block &block) {
    llvm::StringMap<Operation *> lastOf;
    for (Operation &op : llvm::make_early_inc_range(block)) {
      op.walk([&](Operation *inner) {
        if (StringRef queue = queueOf(inner); inner != &op && !queue.empty())
          lastOf[queue] = &op;
      });
      StringRef queue = queueOf(&op);
      if (queue.empty())
        continue;
      Operation *after = lastOf.lookup(queue);
      for (Value operand : op.getOperands())
        if (Operation *def = operand.getDefiningOp();
            def && def->getBlock() == &block && (!after || after->isBeforeInBlock(def)))
          after = def;
      if (after)
        op.moveAfter(after);
      else
        op.moveBefore(&block, block.begin());
      lastOf[queue] = &op;
    }
  }

  static void moveWaitsDown(Block &block) {
    SmallVector<plan::AwaitOp> waits(block.getOps<plan::AwaitOp>());
    for (plan::AwaitOp wait : llvm::reverse(waits)) {
      Operation *first = block.getTerminator();
      for (Operation *user : wait->getUsers())
        if (Operation *here = block.findAncestorOpInBlock(*user); here && here->isBeforeInBlock(first))
          first = here;
      wait->moveBefore(first);
    }
  }
};

} // namespace
} // namespace tenon::partition
