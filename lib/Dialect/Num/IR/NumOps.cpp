// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of num.decode and num.encode.
#include "tenon/Dialect/Num/IR/Num.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::num;

#define GET_OP_CLASSES
#include "tenon/Dialect/Num/IR/NumOps.cpp.inc"

namespace {

bool sameShape(Type a, Type b) {
  auto x = dyn_cast<VectorType>(a), y = dyn_cast<VectorType>(b);
  return x && y ? x.getShape() == y.getShape() && x.getScalableDims() == y.getScalableDims() : !x && !y;
}

LogicalResult verifyConversion(Operation *op, Type type, Type codes, Type values) {
  const numerics::Format *format = formatOf(type);
  if (!format)
    return op->emitOpError("C1: ") << type << " is no number format";
  if (format->width() > 32)
    return op->emitOpError("C1: codes of ") << nameOf(type) << " have " << format->width() << " bits; values are f32";
  if (unsigned bits = getElementTypeOrSelf(codes).getIntOrFloatBitWidth(); bits < format->width())
    return op->emitOpError("C1: codes of ")
           << nameOf(type) << " have " << format->width() << " bits, the integers " << bits;
  if (!sameShape(codes, values))
    return op->emitOpError("C2: codes are ") << codes << ", values " << values;
  return success();
}

} // namespace

LogicalResult DecodeOp::verify() {
  return verifyConversion(*this, getFormat(), getCodes().getType(), getValues().getType());
}

LogicalResult EncodeOp::verify() {
  if (failed(verifyConversion(*this, getFormat(), getCodes().getType(), getValues().getType())))
    return failure();
  bool stochastic = getRounding() == Rounding::stochastic;
  if (stochastic != bool(getIndex()))
    return emitOpError("C3: stochastic rounding needs the values' index, other rounding has none");
  if (stochastic && !sameShape(getIndex().getType(), getValues().getType()))
    return emitOpError("C3: index is ") << getIndex().getType() << ", values " << getValues().getType();
  if (!formatOf(getFormat())->isFloat() && getRounding() != Rounding::nearest_even)
    return emitOpError("C4: ") << nameOf(getFormat()) << " rounds to the nearest even value only";
  return success();
}
