// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Arithmetic on i32 and f32 lanes, scalars and vectors alike.
#ifndef TENON_DIALECT_NUM_TRANSFORMS_LANEARITHMETIC_H
#define TENON_DIALECT_NUM_TRANSFORMS_LANEARITHMETIC_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Builders.h"
#include <bit>

namespace tenon::num {

struct LaneArithmetic {
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::Type shape; ///< a type with the lanes of every value

  using Value = mlir::Value;
  using P = mlir::arith::CmpIPredicate;
  using F = mlir::arith::CmpFPredicate;

  mlir::Type like(mlir::Type scalar) const {
    auto vector = mlir::dyn_cast<mlir::VectorType>(shape);
    return vector ? mlir::Type(vector.clone(scalar)) : scalar;
  }
  mlir::Type i32() const { return like(b.getI32Type()); }
  mlir::Type f32() const { return like(b.getF32Type()); }
  Value constant(mlir::Type type, mlir::Attribute scalar) const {
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(type))
      scalar = mlir::DenseElementsAttr::get(vector, scalar);
    return mlir::arith::ConstantOp::create(b, loc, mlir::cast<mlir::TypedAttr>(scalar));
  }
  Value bits(uint32_t value) const { return constant(i32(), b.getIntegerAttr(b.getI32Type(), int32_t(value))); }
  Value real(double value) const { return constant(f32(), b.getF32FloatAttr(float(value))); }

  Value band(Value x, uint32_t mask) const { return mlir::arith::AndIOp::create(b, loc, x, bits(mask)); }
  Value bor(Value x, Value y) const { return mlir::arith::OrIOp::create(b, loc, x, y); }
  Value bxor(Value x, Value y) const { return mlir::arith::XOrIOp::create(b, loc, x, y); }
  Value add(Value x, Value y) const { return mlir::arith::AddIOp::create(b, loc, x, y); }
  Value add(Value x, uint32_t y) const { return y ? add(x, bits(y)) : x; }
  Value shl(Value x, unsigned n) const { return n ? Value(mlir::arith::ShLIOp::create(b, loc, x, bits(n))) : x; }
  Value shr(Value x, unsigned n) const { return n ? Value(mlir::arith::ShRUIOp::create(b, loc, x, bits(n))) : x; }
  Value sar(Value x, unsigned n) const { return n ? Value(mlir::arith::ShRSIOp::create(b, loc, x, bits(n))) : x; }
  Value cmp(P p, Value x, uint32_t y) const { return mlir::arith::CmpIOp::create(b, loc, p, x, bits(y)); }
  Value cmpf(F p, Value x, Value y) const { return mlir::arith::CmpFOp::create(b, loc, p, x, y); }
  Value both(Value x, Value y) const { return mlir::arith::AndIOp::create(b, loc, x, y); }
  Value select(Value c, Value x, Value y) const { return mlir::arith::SelectOp::create(b, loc, c, x, y); }
  Value mul(Value x, Value y) const { return mlir::arith::MulFOp::create(b, loc, x, y); }
  Value asBits(Value x) const { return mlir::arith::BitcastOp::create(b, loc, i32(), x); }
  Value asReal(Value x) const { return mlir::arith::BitcastOp::create(b, loc, f32(), x); }
  Value extend(Value flag) const { return mlir::arith::ExtUIOp::create(b, loc, i32(), flag); }
  /// x * 2^exponent in steps that float32 holds.
  Value scale(Value x, int exponent) const {
    for (; exponent > 127; exponent -= 127)
      x = mul(x, real(0x1p127));
    for (; exponent < -126; exponent += 126)
      x = mul(x, real(0x1p-126));
    return exponent ? mul(x, real(std::ldexp(1, exponent))) : x;
  }
  /// Codes of any integer width as i32 with the bits above `width` cleared.
  Value codes(Value x, unsigned width) const {
    unsigned have = mlir::getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
    if (have < 32)
      x = mlir::arith::ExtUIOp::create(b, loc, i32(), x);
    else if (have > 32)
      x = mlir::arith::TruncIOp::create(b, loc, i32(), x);
    return width < have && width < 32 ? band(x, (uint32_t(1) << width) - 1) : x;
  }
  Value toCodes(Value x, mlir::Type type) const {
    unsigned want = mlir::getElementTypeOrSelf(type).getIntOrFloatBitWidth();
    if (want < 32)
      return mlir::arith::TruncIOp::create(b, loc, type, x);
    return want > 32 ? Value(mlir::arith::ExtUIOp::create(b, loc, type, x)) : x;
  }
};

} // namespace tenon::num

#endif // TENON_DIALECT_NUM_TRANSFORMS_LANEARITHMETIC_H
