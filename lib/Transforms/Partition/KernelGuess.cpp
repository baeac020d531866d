// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An elementwise op computed where its operand is made costs neither a launch nor the way of
// that operand through memory. The rules are those of plan-form-kernels, but for paths that
// leave a kernel and come back, which are rare and cost a launch. Where an operand turns
// out to be on another device, the estimate is too low by as much.
#include "KernelGuess.h"

#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Transforms/Fusion/Passes.h"

using namespace mlir;

namespace tenon::partition {

static bool isElementwise(Operation *op) {
  if (auto quantize = dyn_cast<graph::QuantizeOp>(op))
    return quantize.isElementwise();
  if (auto dequantize = dyn_cast<graph::DequantizeOp>(op))
    return dequantize.isElementwise();
  return fusion::isElementwise(op->getName());
}

/// Whether its only user decodes it as it reads.
bool KernelGuess::joinsUser(Operation *op) const {
  return isa<graph::CastOp, graph::DequantizeOp>(op) && op->getResult(0).hasOneUse() &&
         (*op->getUsers().begin())->getBlock() == op->getBlock() &&
         target.fusionRules().takesDecode(*op->getResult(0).use_begin());
}

KernelGuess::Kernel *KernelGuess::kernelToJoin(Operation *op) const {
  Kernel *best = nullptr;
  for (Value operand : op->getOperands()) {
    Kernel *kernel = operand.getDefiningOp() ? kernelOf.lookup(operand.getDefiningOp()) : nullptr;
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!kernel || !type || type.getShape() != cast<RankedTensorType>(op->getResult(0).getType()).getShape() ||
        (kernel->root && !target.fusionRules().takesEpilogue(kernel->root)))
      continue;
    if (!best || (kernel->root && !best->root))
      best = kernel;
  }
  return best;
}

double KernelGuess::add(Operation *op) {
  if (fusion::isView(op->getName()) || joinsUser(op)) // a decode is priced with its user
    return 0;
  bool simple = isElementwise(op);
  Kernel *kernel = simple ? kernelToJoin(op) : nullptr;
  if (!kernel) {
    kernel = &kernels.emplace_back();
    kernel->root = simple ? nullptr : op;
    for (Value operand : op->getOperands())
      if (Operation *decode = operand.getDefiningOp(); decode && joinsUser(decode))
        kernel->ops.push_back(decode);
  }
  kernel->ops.push_back(op);
  kernelOf[op] = kernel;
  double before = kernel->seconds;
  kernel->seconds = target.estimate(kernel->ops);
  return kernel->seconds - before;
}

} // namespace tenon::partition
