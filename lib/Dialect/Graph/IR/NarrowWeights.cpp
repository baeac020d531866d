// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which narrow weights and values a kernel can decode by itself.
#include "tenon/Dialect/Graph/IR/NarrowWeights.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tenon::graph {
namespace {

/// The static shape of a tensor, or nothing.
std::optional<ArrayRef<int64_t>> staticShape(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? std::optional(type.getShape()) : std::nullopt;
}

bool isFloatOfWord(Value value) {
  Type element = getElementTypeOrSelf(value.getType());
  return element.isF32() || element.isF16() || element.isBF16();
}

} // namespace

std::optional<NarrowWeights> narrowWeights(MatMulOp op) {
  auto dequantize = op.getRhs().getDefiningOp<DequantizeOp>();
  if (!dequantize || !isFloatOfWord(op.getLhs()) || !isFloatOfWord(op.getRhs()) || !isFloatOfWord(op.getResult()))
    return std::nullopt;
  // A weight of 16 bits is rounded once where a code times its scale is exact in f32.
  Type real = getElementTypeOrSelf(op.getRhs().getType());
  if (!real.isF32() && getElementTypeOrSelf(dequantize.getScale().getType()) != real)
    return std::nullopt;
  auto codes = staticShape(dequantize.getX()), scale = staticShape(dequantize.getScale());
  Type element = getElementTypeOrSelf(dequantize.getX().getType());
  const numerics::Format *format = num::formatOf(element);
  if (!codes || codes->size() != 2 || !scale || !format || format->width() < 2 || format->width() > 8)
    return std::nullopt;
  unsigned kAxis = op.getTransposeRhs() ? 1 : 0, nAxis = 1 - kAxis;
  NarrowWeights weights{dequantize, (*codes)[kAxis], (*codes)[nAxis], (*codes)[kAxis], op.getTransposeRhs()};
  if (weights.k < 1 || weights.n < 1)
    return std::nullopt;
  auto isSingle = [](ArrayRef<int64_t> shape) { return llvm::all_of(shape, [](int64_t size) { return size == 1; }); };
  int64_t axis = int64_t(dequantize.getAxis()), block = int64_t(dequantize.getBlockSize());
  axis += axis < 0 ? 2 : 0;
  SmallVector<int64_t> expected;
  if (block > 0) {
    bool isAligned = llvm::isPowerOf2_64(block) || block % 32 == 0 || block >= weights.k;
    if (axis != kAxis || !isAligned)
      return std::nullopt;
    expected = {weights.n, weights.n};
    expected[kAxis] = llvm::divideCeil(weights.k, block);
    weights.block = std::min(block, weights.k);
  } else if (!isSingle(*scale)) {
    if (axis != nAxis)
      return std::nullopt;
    expected = {weights.n};
  }
  auto fits = [&](ArrayRef<int64_t> shape) { return isSingle(shape) || shape == ArrayRef(expected); };
  if (!fits(*scale))
    return std::nullopt;
  if (Value zero = dequantize.getZeroPoint()) {
    auto shape = staticShape(zero);
    if (!isa<IntegerType>(element) || !shape || !fits(*shape) ||
        (getElementTypeOrSelf(zero.getType()) != element && !isFloatOfWord(zero)))
      return std::nullopt;
  }
  return weights;
}

std::optional<NarrowWeights> narrowWeights(DequantizeOp op) {
  std::optional<NarrowWeights> weights;
  for (OpOperand &use : op.getResult().getUses()) {
    auto product = dyn_cast<MatMulOp>(use.getOwner());
    weights = product && use.getOperandNumber() == 1 ? narrowWeights(product) : std::nullopt;
    if (!weights)
      return std::nullopt;
  }
  return weights;
}

bool widensWeights(CastOp op) {
  auto shape = staticShape(op.getX());
  Type element = getElementTypeOrSelf(op.getX().getType());
  if (!shape || shape->size() != 2 || !(element.isF16() || element.isBF16()) ||
      !getElementTypeOrSelf(op.getResult().getType()).isF32())
    return false;
  return llvm::all_of(op->getUses(), [](OpOperand &use) {
    auto product = dyn_cast<MatMulOp>(use.getOwner());
    return product && use.getOperandNumber() == 1 && !product.getAccumulator() && isFloatOfWord(product.getLhs());
  });
}

bool decodesNarrowCodes(Operation *op) {
  auto dequantize = dyn_cast_or_null<DequantizeOp>(op);
  if (dequantize ? !dequantize.isElementwise() : !isa_and_nonnull<CastOp>(op))
    return false;
  Type element = getElementTypeOrSelf(op->getOperand(0).getType());
  const numerics::Format *format = num::formatOf(element);
  bool isCode = num::isCoded(element) || (isa<IntegerType>(element) && !element.isInteger(1));
  return isCode && format && format->width() <= 8 && isFloatOfWord(op->getResult(0));
}

} // namespace tenon::graph
