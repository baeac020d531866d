// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The list of exactly rounded ops. unittests/Pipelines/NativeConstantsTest.cpp compares
// each with the reference, bit by bit.
#include "tenon/Dialect/Graph/IR/ExactOps.h"

#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;

namespace tenon::graph {
namespace {

Type elementOf(Value value) { return getElementTypeOrSelf(value.getType()); }

/// Types that are computed with in f32 or in themselves.
bool isPlainFloat(Type type) { return type.isF64() || type.isF32() || type.isF16() || type.isBF16(); }

bool isExact(UnaryOp op) {
  Type element = elementOf(op.getX());
  switch (op.getKind()) {
  case UnaryKind::abs:
  case UnaryKind::neg:
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round_even: return isPlainFloat(element) || isa<IntegerType>(element);
  case UnaryKind::is_nan:
  case UnaryKind::is_inf:
  case UnaryKind::is_pos_inf:
  case UnaryKind::is_neg_inf: return isPlainFloat(element);
  // The root of no float is denormal.
  case UnaryKind::sqrt: return isPlainFloat(element);
  case UnaryKind::reciprocal: return isPlainFloat(element) && !element.isBF16();
  case UnaryKind::logical_not: return element.isInteger(1);
  case UnaryKind::bitwise_not:
  case UnaryKind::sign:
  case UnaryKind::relu: return isa<IntegerType>(element);
  default: return false;
  }
}

bool isExact(BinaryOp op) {
  Type element = elementOf(op.getLhs());
  if (element != elementOf(op.getRhs()))
    return false;
  switch (op.getKind()) {
  // A sum of two f16 or bf16 is exact where it is denormal.
  case BinaryKind::add:
  case BinaryKind::sub:
  case BinaryKind::eq:
  case BinaryKind::ne:
  case BinaryKind::lt:
  case BinaryKind::le:
  case BinaryKind::gt:
  case BinaryKind::ge: return isPlainFloat(element) || isa<IntegerType>(element);
  case BinaryKind::mul:
  case BinaryKind::div: return (isPlainFloat(element) && !element.isBF16()) || isa<IntegerType>(element);
  case BinaryKind::min:
  case BinaryKind::max:
  case BinaryKind::bitwise_and:
  case BinaryKind::bitwise_or:
  case BinaryKind::bitwise_xor:
  case BinaryKind::shift_left:
  case BinaryKind::shift_right: return isa<IntegerType>(element);
  case BinaryKind::logical_and:
  case BinaryKind::logical_or:
  case BinaryKind::logical_xor: return element.isInteger(1);
  default: return false;
  }
}

/// The reference reads integers as f64, which does not hold all of 64 bits.
bool isExact(CastOp op) {
  Type from = elementOf(op.getX()), to = elementOf(op.getResult());
  bool isLong = isa<IntegerType>(from) && from.getIntOrFloatBitWidth() == 64;
  if (num::isCoded(to))
    return !isLong && !op.isStochastic();
  return !(isLong && to.isBF16());
}

/// A code less its zero point has at most 17 bits; times a scale of f16 that fits
/// f32 for codes of up to 8 bits, so that one rounding is left.
bool isExact(DequantizeOp op) {
  const numerics::Format *format = num::formatOf(elementOf(op.getX()));
  Type real = elementOf(op.getResult()), scale = elementOf(op.getScale());
  if (!format || scale != real || (op.getZeroPoint() && elementOf(op.getZeroPoint()) != elementOf(op.getX())))
    return false;
  bool isInteger = isa<IntegerType>(elementOf(op.getX()));
  return (real.isF32() && format->width() <= 16 && isInteger) || (real.isF16() && format->width() <= 8 && isInteger);
}

bool isExact(QuantizeOp op) {
  auto code = dyn_cast<IntegerType>(elementOf(op.getResult()));
  Type real = elementOf(op.getX());
  return code && code.getWidth() <= 16 && (real.isF32() || real.isF16()) && elementOf(op.getScale()) == real;
}

} // namespace

bool movesElements(Operation *op) {
  return isa<TransposeOp, SliceOp, ConcatOp, PadOp, TileOp, ExpandOp, FillOp, GatherOp, ReshapeOp, SqueezeOp,
             UnsqueezeOp, FlattenOp>(op);
}

bool isExactlyRounded(Operation *op) {
  if (isa<SelectOp>(op))
    return true;
  if (auto cast = dyn_cast<CastOp>(op))
    return isExact(cast);
  if (auto unary = dyn_cast<UnaryOp>(op))
    return isExact(unary);
  if (auto binary = dyn_cast<BinaryOp>(op))
    return isExact(binary);
  if (auto dequantize = dyn_cast<DequantizeOp>(op))
    return isExact(dequantize);
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    return isExact(quantize);
  return false;
}

} // namespace tenon::graph
