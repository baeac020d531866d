// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A copy of an op among operands of other types, outside of the program.
#include "NominalOp.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/IR/NominalSizes.h"

using namespace mlir;

namespace tenon::partition {

static bool isOpen(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && !type.hasStaticShape();
}

static Type typeAt(Value value, ArrayRef<int64_t> symbols) {
  return graph::typeAt(cast<RankedTensorType>(value.getType()), graph::recordedShape(value), symbols);
}

NominalOp::NominalOp(Operation *original, ArrayRef<int64_t> symbols) : op(original) {
  if (original->getNumRegions()) // control flow, which has no cost of its own
    return;
  if (llvm::none_of(original->getOperands(), isOpen) && llvm::none_of(original->getResults(), isOpen))
    return;
  OpBuilder b(original->getContext());
  b.setInsertionPointToEnd(&scratch);
  IRMapping mapping;
  for (Value operand : original->getOperands())
    if (isOpen(operand))
      mapping.map(operand, UnrealizedConversionCastOp::create(b, original->getLoc(),
                                                              TypeRange(typeAt(operand, symbols)), ValueRange())
                               .getResult(0));
  op = b.clone(*original, mapping);
  for (auto [result, known] : llvm::zip_equal(op->getResults(), original->getResults()))
    if (isOpen(known))
      result.setType(typeAt(known, symbols));
}

} // namespace tenon::partition
