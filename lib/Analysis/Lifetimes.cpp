// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Positions count the ops of a function in the order of its text, branches included:
// of two branches one runs, and what lives in the one may share memory with what
// lives in the other. A device's queue executes what it is given in the order of the text,
// too, but later: what it reads of the host's memory is in use until a wait that every run
// comes to which has given it the command.
#include "tenon/Analysis/Lifetimes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Num/IR/Num.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"

using namespace mlir;

namespace tenon::plan {
namespace {

class Positions {
public:
  explicit Positions(func::FuncOp func) {
    func.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (op->getParentOfType<KernelOp>())
        return;
      positions[op] = end++;
    });
  }

  unsigned of(Operation *op) const { return positions.lookup(op); }

  unsigned lastUse(Value value) const {
    unsigned last = 0;
    for (Operation *user : value.getUsers()) {
      last = std::max(last, of(user));
      if (isa<ViewOp, AwaitOp, arith::SelectOp>(user))
        last = std::max(last, lastUse(user->getResult(0)));
      if (auto transfer = dyn_cast<TransferOp>(user))
        last = std::max(last, completion(transfer));
      if (auto yield = dyn_cast<scf::YieldOp>(user))
        for (auto [i, operand] : llvm::enumerate(yield.getOperands()))
          if (operand == value)
            last = std::max(last, lastUse(yield->getParentOp()->getResult(i)));
    }
    return last;
  }

  unsigned end = 0;

private:
  /// Where the host knows that the copy of its memory is done: at the first wait for what
  /// the queue was given later.
  ///
  ///   %1 = plan.transfer %0 from "host" to "toy"       reads %0 some time until ...
  ///   %2 = plan.submit @toy_0 on "toy" (%1)
  ///   %3 = plan.transfer %2 from "toy" to "host"
  ///   %4 = plan.await %3                               ... here
  unsigned completion(TransferOp transfer) const {
    if (transfer.getSource() != kHostSpace) // the queue itself keeps the order
      return of(transfer);
    Operation *behind = transfer;
    while (!isa<func::FuncOp>(behind)) {
      for (Operation *op = behind->getNextNode(); op; op = op->getNextNode())
        if (waitsFor(transfer, op))
          return lastIn(op);
      behind = behind->getParentOp();
    }
    return end;
  }

  /// Whether a run that has come through `op`, behind the transfer, has waited for it: an
  /// scf.if must have done so on either way.
  bool waitsFor(TransferOp transfer, Operation *op) const {
    if (auto await = dyn_cast<AwaitOp>(op)) {
      auto awaited = await.getX().getDefiningOp<TransferOp>();
      return awaited.getSource() == transfer.getDestination() && of(awaited) > of(transfer);
    }
    auto branch = dyn_cast<scf::IfOp>(op);
    return branch && branch.elseBlock() && llvm::all_of(branch->getRegions(), [&](Region &region) {
             return llvm::any_of(region.front(), [&](Operation &inner) { return waitsFor(transfer, &inner); });
           });
  }

  /// The position of an op, or of the last op in it.
  unsigned lastIn(Operation *op) const {
    unsigned last = of(op);
    op->walk([&](Operation *inner) { last = std::max(last, of(inner)); });
    return last;
  }

  DenseMap<Operation *, unsigned> positions;
};

} // namespace

Lifetimes lifetimesOf(func::FuncOp func) {
  Lifetimes lifetimes;
  Positions positions(func);
  lifetimes.end = positions.end;
  func.walk([&](func::ReturnOp ret) { // none in a declaration
    for (auto [i, value] : llvm::enumerate(ret.getOperands()))
      lifetimes.outputOf.try_emplace(source(value), i);
  });
  func.walk([&](Operation *op) {
    if (writesBuffers(op))
      for (unsigned i = 0; i < op->getNumResults(); ++i)
        lifetimes.results.push_back(
            {op, i, positions.of(op), std::max(positions.of(op), positions.lastUse(op->getResult(i)))});
  });
  return lifetimes;
}

AffineExpr bytesOf(Value tensor) {
  Type element = getElementTypeOrSelf(tensor.getType());
  unsigned bits = num::isCoded(element) ? num::codeType(element).getWidth() : element.getIntOrFloatBitWidth();
  AffineExpr bytes = getAffineConstantExpr(std::max(1u, (bits + 7) / 8), tensor.getContext());
  for (AffineExpr size : shapeOf(tensor))
    bytes = bytes * size;
  return bytes;
}

} // namespace tenon::plan
