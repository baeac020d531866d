// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The arithmetic of quantize and dequantize on registers, for any schedule.
#include "tenon/Codegen/KernelContext.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "tenon/Numerics/Integer.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

Type elementOf(Value tensor) { return getElementTypeOrSelf(tensor.getType()); }

int64_t lanesOf(Value value) {
  auto vector = dyn_cast<VectorType>(value.getType());
  return vector ? vector.getNumElements() : 1;
}
Type shapedLike(Value value, Type scalar) {
  auto vector = dyn_cast<VectorType>(value.getType());
  return vector ? Type(vector.clone(scalar)) : scalar;
}

/// A loaded integer as i32, or as it is if that wide; decoded codes stay f32.
Value widened(KernelContext &c, Value value, Type element) {
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || integer.getWidth() == 32)
    return value;
  Type wide = shapedLike(value, c.b.getI32Type());
  return integer.isUnsigned() ? Value(arith::ExtUIOp::create(c.b, c.loc, wide, value))
                              : Value(arith::ExtSIOp::create(c.b, c.loc, wide, value));
}

Value toF32(KernelContext &c, Value value, bool isUnsigned = false) {
  Type element = getElementTypeOrSelf(value.getType()), f32 = shapedLike(value, c.b.getF32Type());
  if (element.isF32())
    return value;
  return isUnsigned ? Value(arith::UIToFPOp::create(c.b, c.loc, f32, value))
                    : Value(arith::SIToFPOp::create(c.b, c.loc, f32, value));
}

/// An f32 value rounded to a 16-bit element type, if it is one.
Value roundedTo(KernelContext &c, Value value, Type element) {
  if (!element.isF16() && !element.isBF16())
    return value;
  return arith::ExtFOp::create(c.b, c.loc, value.getType(),
                               Value(arith::TruncFOp::create(c.b, c.loc, shapedLike(value, element), value)));
}

/// A whole number as an integer of `integer`, in its compute type, by the rule of
/// numerics::IntegerRange: NaN fails the first comparison.
Value toInteger(KernelContext &c, Value value, IntegerType integer) {
  bool isUnsigned = integer.isUnsigned();
  unsigned width = integer.getWidth();
  auto range = numerics::IntegerRange::of(width, !isUnsigned);
  auto limited = [&](Value x, double limit, arith::CmpFPredicate keeps) {
    Value bound = c.constant(c.b.getF32Type(), limit, lanesOf(x));
    return arith::SelectOp::create(c.b, c.loc, Value(arith::CmpFOp::create(c.b, c.loc, keeps, x, bound)), x, bound)
        .getResult();
  };
  value = limited(value, range.low, arith::CmpFPredicate::OGT);
  if (width < 32) // the largest of 32 bits is no float32; the conversion itself saturates there
    value = limited(value, range.high, arith::CmpFPredicate::OLT);
  Type whole = shapedLike(value, c.b.getI32Type()), target = computeType(integer);
  value = isUnsigned && width == 32 ? Value(arith::FPToUIOp::create(c.b, c.loc, whole, value))
                                    : Value(arith::FPToSIOp::create(c.b, c.loc, whole, value));
  return target.isInteger(32) ? value : Value(arith::TruncIOp::create(c.b, c.loc, shapedLike(value, target), value));
}

} // namespace

Value emitDequantize(KernelContext &c, graph::DequantizeOp op, Value x, Value scale, Value zeroPoint) {
  Type element = elementOf(op.getX());
  x = widened(c, x, element);
  bool isUnsigned = element.isUnsignedInteger() && element.isInteger(32) && !zeroPoint;
  if (zeroPoint) {
    zeroPoint = widened(c, zeroPoint, elementOf(op.getZeroPoint()));
    if (isa<FloatType>(getElementTypeOrSelf(x.getType())) || isa<FloatType>(getElementTypeOrSelf(zeroPoint.getType())))
      x = arith::SubFOp::create(c.b, c.loc, toF32(c, x), toF32(c, zeroPoint));
    else
      x = arith::SubIOp::create(c.b, c.loc, x, zeroPoint);
  }
  Value value = arith::MulFOp::create(c.b, c.loc, toF32(c, x, isUnsigned), scale);
  return roundedTo(c, value, elementOf(op.getResult()));
}

Value emitQuantize(KernelContext &c, graph::QuantizeOp op, Value x, Value scale, Value zeroPoint) {
  Type stored = elementOf(op.getResult());
  // x, which may come from within the kernel, and the quotient are of x's element type.
  Type real = elementOf(op.getX());
  Value value = roundedTo(c, arith::DivFOp::create(c.b, c.loc, roundedTo(c, toF32(c, x), real), scale), real);
  if (zeroPoint)
    zeroPoint = toF32(c, widened(c, zeroPoint, elementOf(op.getZeroPoint())));
  if (!num::isCoded(stored)) {
    value = math::RoundEvenOp::create(c.b, c.loc, value);
    if (zeroPoint)
      value = arith::AddFOp::create(c.b, c.loc, value, zeroPoint);
    return toInteger(c, value, cast<IntegerType>(stored));
  }
  if (zeroPoint)
    value = arith::AddFOp::create(c.b, c.loc, value, zeroPoint);
  numerics::Encoding how;
  if (!op.getSaturate())
    how.overflow = numerics::Overflow::NonFinite;
  Value codes = c.encode(value, stored, how);
  return num::DecodeOp::create(c.b, c.loc, value.getType(), codes, TypeAttr::get(stored));
}

} // namespace tenon::codegen
