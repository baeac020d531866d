// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which quantize and dequantize ops kernels may treat as elementwise ones.
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Num/IR/Num.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::graph;

namespace {

/// Whether arithmetic on the element type is done in f32.
bool isComputedInF32(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  return num::isCoded(element) || element.isF32() || element.isF16() || element.isBF16();
}

/// Whether a parameter is one value that broadcasts to x.
bool isSingle(Value parameter, Value x) {
  auto type = dyn_cast<RankedTensorType>(parameter.getType()), whole = dyn_cast<RankedTensorType>(x.getType());
  return type && whole && type.getRank() <= whole.getRank() &&
         llvm::all_of(type.getShape(), [](int64_t size) { return size == 1; });
}

template <typename Op>
bool isElementwiseOf(Op op, Value real, Value codes) {
  Type element = getElementTypeOrSelf(codes.getType());
  auto integer = dyn_cast<IntegerType>(element);
  bool isCode = num::isCoded(element) || (integer && integer.getWidth() > 1 && integer.getWidth() <= 32);
  return isCode && op.getBlockSize() == 0 && isComputedInF32(real) && isComputedInF32(op.getScale()) &&
         isSingle(op.getScale(), op.getX()) && (!op.getZeroPoint() || isSingle(op.getZeroPoint(), op.getX()));
}

} // namespace

bool QuantizeOp::isElementwise() { return isElementwiseOf(*this, getX(), getResult()); }
bool DequantizeOp::isElementwise() { return isElementwiseOf(*this, getResult(), getX()); }
