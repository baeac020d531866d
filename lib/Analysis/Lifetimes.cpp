// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Positions count the ops of a function in the order of its text, branches included:
// of two branches one runs, and what lives in the one may share memory with what
// lives in the other.
#include "tenon/Analysis/Lifetimes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Num/IR/Num.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"

using namespace mlir;

namespace tenon::plan {
namespace {

using Positions = DenseMap<Operation *, unsigned>;

unsigned lastUse(Value value, const Positions &positions) {
  unsigned last = 0;
  for (Operation *user : value.getUsers()) {
    last = std::max(last, positions.lookup(user));
    if (isa<ViewOp, arith::SelectOp>(user))
      last = std::max(last, lastUse(user->getResult(0), positions));
    if (auto yield = dyn_cast<scf::YieldOp>(user))
      for (auto [i, operand] : llvm::enumerate(yield.getOperands()))
        if (operand == value)
          last = std::max(last, lastUse(yield->getParentOp()->getResult(i), positions));
  }
  return last;
}

} // namespace

Lifetimes lifetimesOf(func::FuncOp func) {
  Lifetimes lifetimes;
  Positions positions;
  func.walk<WalkOrder::PreOrder>([&](Operation *op) {
    if (!op->getParentOfType<KernelOp>())
      positions[op] = lifetimes.end++;
  });
  func.walk([&](func::ReturnOp ret) { // none in a declaration
    for (auto [i, value] : llvm::enumerate(ret.getOperands()))
      lifetimes.outputOf.try_emplace(source(value), i);
  });
  func.walk([&](KernelOp kernel) {
    for (auto [i, result] : llvm::enumerate(kernel.getResults()))
      lifetimes.results.push_back(
          {kernel, unsigned(i), positions[kernel], std::max(positions[kernel], lastUse(result, positions))});
  });
  return lifetimes;
}

AffineExpr bytesOf(Value result) {
  Type element = getElementTypeOrSelf(result.getType());
  unsigned bits = num::isCoded(element) ? num::codeType(element).getWidth() : element.getIntOrFloatBitWidth();
  AffineExpr bytes = getAffineConstantExpr(std::max(1u, (bits + 7) / 8), result.getContext());
  for (AffineExpr size : shapeOf(result))
    bytes = bytes * size;
  return bytes;
}

} // namespace tenon::plan
