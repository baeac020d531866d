// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// num.decode as arithmetic. A float format's fields are moved to float32's
// places and the biases' difference is added to the exponent; subnormal codes
// are integers times the smallest value, so that no float32 subnormal, which
// processors are slow with, is met on the way.
#include "Conversions.h"
#include "LaneArithmetic.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/SymbolTable.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::num;
using numerics::Format;
using numerics::FormatKind;
using numerics::NanEncoding;

bool num::isExponentScale(const Format &format) {
  const numerics::FloatFields &f = format.declaration().real;
  return format.isFloat() && !f.sign && f.mantissa == 0 && !f.zero && format.minExponent() == -127;
}

namespace {

Value decodeFloat(const LaneArithmetic &m, const Format &format, Value codes) {
  const numerics::FloatFields &f = format.declaration().real;
  int bias = *f.bias;
  uint32_t signBit = uint32_t(format.signBit()), infinity = uint32_t(format.infinityCode());
  Value code = m.codes(codes, format.width());
  Value magnitude = f.sign ? m.band(code, signBit - 1) : code;
  unsigned shift = 23 - f.mantissa;
  Value aligned = m.shl(magnitude, shift);
  Value result = m.add(aligned, uint32_t(127 - bias) << 23);
  if (isExponentScale(format)) {
    result = m.select(m.cmp(LaneArithmetic::P::eq, code, 0), m.bits(0x00400000), result);
  } else if (bias == 127 && f.exponent == 8 && f.subnormals) {
    // float32's own exponents: subnormal codes are subnormal there, too.
  } else if (f.subnormals || f.zero) {
    Value below = m.cmp(LaneArithmetic::P::ult, magnitude, uint32_t(1) << f.mantissa);
    Value small = m.bits(0);
    if (f.subnormals)
      small = m.asBits(m.scale(arith::UIToFPOp::create(m.b, m.loc, m.f32(), magnitude), 1 - bias - int(f.mantissa)));
    result = m.select(below, small, result);
  }
  if (f.nan == NanEncoding::Ieee && !(f.exponent == 8 && bias == 127))
    result = m.select(m.cmp(LaneArithmetic::P::uge, magnitude, infinity), m.bor(aligned, m.bits(0x7f800000)), result);
  else if (f.nan == NanEncoding::AllOnes)
    result = m.select(m.cmp(LaneArithmetic::P::eq, magnitude, uint32_t(format.nanCode())), m.bits(0x7fc00000), result);
  if (f.sign) {
    Value sign = m.shl(m.band(code, signBit), 32 - format.width());
    if (!f.signedZero && f.nan != NanEncoding::NegativeZero)
      sign = m.select(m.cmp(LaneArithmetic::P::eq, magnitude, 0), m.bits(0), sign);
    result = m.bor(result, sign);
  }
  if (f.nan == NanEncoding::NegativeZero)
    result = m.select(m.cmp(LaneArithmetic::P::eq, code, signBit), m.bits(0x7fc00000), result);
  return m.asReal(result);
}

/// By halves: the code's highest bit chooses between two tables.
Value selectInTable(const LaneArithmetic &m, ArrayRef<double> values, Value code, unsigned bit) {
  if (values.size() == 1)
    return m.real(values.front());
  size_t half = values.size() / 2;
  Value low = selectInTable(m, values.take_front(half), code, bit - 1);
  Value high = selectInTable(m, values.drop_front(half), code, bit - 1);
  Value set = m.cmp(LaneArithmetic::P::ne, m.band(code, uint32_t(1) << (bit - 1)), 0);
  return m.select(set, high, low);
}

/// A constant table in the module, shared by all conversions of the format.
Value tableInMemory(const LaneArithmetic &m, DecodeOp op, const Format &format) {
  auto module = op->getParentOfType<ModuleOp>();
  std::string name = "num.table." + format.name().str();
  auto type = MemRefType::get({int64_t(format.values().size())}, m.b.getF32Type());
  if (!SymbolTable::lookupSymbolIn(module, name)) {
    OpBuilder::InsertionGuard guard(m.b);
    m.b.setInsertionPointToStart(module.getBody());
    SmallVector<float> values(format.values().begin(), format.values().end());
    auto data = DenseElementsAttr::get(RankedTensorType::get(type.getShape(), type.getElementType()), ArrayRef(values));
    memref::GlobalOp::create(m.b, m.loc, name, m.b.getStringAttr("private"), type, data, /*constant=*/true,
                             /*alignment=*/IntegerAttr());
  }
  return memref::GetGlobalOp::create(m.b, m.loc, type, name);
}

Value lookUp(const LaneArithmetic &m, DecodeOp op, const Format &format) {
  Value code = m.codes(op.getCodes(), format.width());
  ArrayRef<double> values = format.values();
  if (values.size() <= 16)
    return selectInTable(m, values, code, format.width());
  Value table = tableInMemory(m, op, format);
  auto vector = dyn_cast<VectorType>(m.shape);
  if (!vector) {
    Value at = arith::IndexCastUIOp::create(m.b, m.loc, m.b.getIndexType(), code);
    return memref::LoadOp::create(m.b, m.loc, table, at);
  }
  Value zero = arith::ConstantIndexOp::create(m.b, m.loc, 0);
  Value all = m.constant(m.like(m.b.getI1Type()), m.b.getBoolAttr(true));
  return vector::GatherOp::create(m.b, m.loc, vector.clone(m.b.getF32Type()), table, ValueRange{zero}, code, all,
                                  m.real(0));
}

} // namespace

Value num::lowerDecode(OpBuilder &b, DecodeOp op) {
  const Format &format = *formatOf(op.getFormat());
  LaneArithmetic m{b, op.getLoc(), op.getCodes().getType()};
  if (format.isFloat())
    return decodeFloat(m, format, op.getCodes());
  if (format.kind() != FormatKind::Integer)
    return lookUp(m, op, format);
  Value code = m.codes(op.getCodes(), format.width());
  unsigned shift = 32 - format.width();
  if (!format.declaration().integer.isSigned)
    return arith::UIToFPOp::create(b, op.getLoc(), m.f32(), code);
  return arith::SIToFPOp::create(b, op.getLoc(), m.f32(), m.sar(m.shl(code, shift), shift));
}
