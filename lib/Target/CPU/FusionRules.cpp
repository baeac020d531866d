// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Beside what the generic strategies take in, products decode constant weights
// (GemmDecoded.cpp).
#include "FusionRules.h"

#include "tenon/Dialect/Graph/IR/NarrowWeights.h"

using namespace mlir;

namespace tenon::cpu {

bool CpuFusionRules::takesDecode(OpOperand &use) const {
  Operation *op = use.get().getDefiningOp(), *user = use.getOwner();
  if (!op->getOperand(0).getDefiningOp<graph::ConstantOp>())
    return GenericFusionRules::takesDecode(use);
  auto dequantize = dyn_cast<graph::DequantizeOp>(op);
  if (!dequantize)
    return graph::widensWeights(cast<graph::CastOp>(op));
  return llvm::all_of(op->getOperands(), [](Value v) { return v.getDefiningOp<graph::ConstantOp>(); }) &&
         isa<graph::MatMulOp>(user) && graph::narrowWeights(dequantize);
}

} // namespace tenon::cpu
