// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registration and verifiers of the plan dialect.
#include "mlir/IR/Builders.h"
#include "tenon/Dialect/Plan/IR/Plan.h"

using namespace mlir;
using namespace tenon::plan;

#include "tenon/Dialect/Plan/IR/PlanDialect.cpp.inc"
#define GET_OP_CLASSES
#include "tenon/Dialect/Plan/IR/PlanOps.cpp.inc"

void PlanDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "tenon/Dialect/Plan/IR/PlanOps.cpp.inc"
      >();
}

LogicalResult KernelOp::verify() {
  Block &block = getBody().front();
  if (block.getArgumentTypes() != TypeRange(getInputs()))
    return emitOpError("has operand types that differ from its block arguments'");
  auto yield = cast<YieldOp>(block.getTerminator());
  if (TypeRange(yield.getValues()) != getResultTypes())
    return emitOpError("has result types that differ from its yield's operand types");
  if (getArgShapes() && getArgShapes()->size() != getInputs().size())
    return emitOpError("has ") << getArgShapes()->size() << " arg_shapes for " << getInputs().size() << " operands";
  if (getArgShapes() && !llvm::all_of(*getArgShapes(), llvm::IsaPred<AffineMapAttr>))
    return emitOpError("has an arg_shape that is no map");
  if (getPacked() && getPacked()->size() != getInputs().size())
    return emitOpError("has ") << getPacked()->size() << " packed layouts for " << getInputs().size() << " operands";
  if (getRoot() != "elementwise" && !getRootOp())
    return emitOpError("names root \"") << getRoot() << "\", which none of its ops is";
  return success();
}

LogicalResult ViewOp::verify() {
  RankedTensorType x = getX().getType(), result = getResult().getType();
  if (x.getElementType() != result.getElementType())
    return emitOpError("has element types ") << x.getElementType() << " and " << result.getElementType();
  if (x.hasStaticShape() && result.hasStaticShape() && x.getNumElements() != result.getNumElements())
    return emitOpError("views ") << x.getNumElements() << " elements as " << result.getNumElements();
  return success();
}

Operation *KernelOp::getRootOp() {
  for (Operation &op : getBody().front())
    if (op.getName().stripDialect() == getRoot())
      return &op;
  return nullptr;
}
