// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A static size is in the tensor's type, any other in the affine map that was recorded for the tensor. Both
// become affine expressions over the module's symbols, which fold where they are constant. Affine expressions
// have no maximum; for a size, which is never negative,
//   max(1, size) = size + floor(1 / (size + 1))
#include "tenon/Dialect/Plan/IR/Shapes.h"

#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Plan/IR/Plan.h"

using namespace mlir;

namespace tenon::plan {

AffineMapAttr recordedShape(Value tensor) {
  if (auto argument = dyn_cast<BlockArgument>(tensor))
    if (auto kernel = dyn_cast<KernelOp>(argument.getOwner()->getParentOp()))
      return kernel.getArgShapes() ? cast<AffineMapAttr>((*kernel.getArgShapes())[argument.getArgNumber()])
                                   : AffineMapAttr();
  return graph::recordedShape(tensor);
}

Exprs shapeOf(Value tensor) {
  AffineMapAttr map = recordedShape(tensor);
  Exprs exprs;
  for (auto [i, size] : llvm::enumerate(cast<RankedTensorType>(tensor.getType()).getShape()))
    if (!ShapedType::isDynamic(size))
      exprs.push_back(getAffineConstantExpr(size, tensor.getContext()));
    else
      exprs.push_back(map ? map.getValue().getResult(i) : AffineExpr());
  return exprs;
}

Exprs stridesOf(ArrayRef<AffineExpr> shape) {
  Exprs strides(shape.size());
  if (shape.empty())
    return strides;
  AffineExpr stride = getAffineConstantExpr(1, shape.front().getContext());
  for (int64_t i = shape.size() - 1; i >= 0; --i) {
    strides[i] = stride;
    stride = stride * shape[i];
  }
  return strides;
}

AffineExpr product(ArrayRef<AffineExpr> exprs, MLIRContext *context) {
  AffineExpr result = getAffineConstantExpr(1, context);
  for (AffineExpr expr : exprs)
    result = result * expr;
  return result;
}

AffineExpr atLeastOne(AffineExpr size) {
  if (auto known = dyn_cast<AffineConstantExpr>(size))
    return getAffineConstantExpr(std::max<int64_t>(1, known.getValue()), size.getContext());
  return size + getAffineConstantExpr(1, size.getContext()).floorDiv(size + 1); // 1 is added to 0 alone
}

Value source(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (!isa<ViewOp, AwaitOp>(op))
      break;
    value = op->getOperand(0);
  }
  return value;
}

} // namespace tenon::plan
