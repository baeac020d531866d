// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// num.encode as arithmetic on float32's bits, the mirror of numerics::Format::
// encode: the magnitude is rounded where the format's last mantissa bit lies
// (a carry runs into the exponent, which is right), or, below the smallest
// normal value, as a multiple of the smallest value.
#include "Conversions.h"
#include "LaneArithmetic.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::num;
using numerics::Format;
using numerics::FormatKind;
using numerics::NanEncoding;
using P = arith::CmpIPredicate;
using F = arith::CmpFPredicate;

namespace {

struct FloatEncoder {
  LaneArithmetic m;
  const Format &format;
  EncodeOp op;
  const numerics::FloatFields &f = format.declaration().real;
  Rounding rounding = op.getRounding();
  bool saturate = op.getOverflow() == Overflow::saturate;
  Value negative = {}; ///< flag
  Value random = {};   ///< 24 bits, of stochastic rounding

  /// numerics::philox with 64-bit products.
  Value drawRandom() {
    auto i64 = m.like(m.b.getI64Type());
    auto wide = [&](uint64_t v) { return m.constant(i64, m.b.getI64IntegerAttr(int64_t(v))); };
    Value index = op.getIndex();
    if (getElementTypeOrSelf(index.getType()).getIntOrFloatBitWidth() < 64)
      index = arith::ExtUIOp::create(m.b, m.loc, i64, index);
    auto low32 = [&](Value v) -> Value { return arith::TruncIOp::create(m.b, m.loc, m.i32(), v); };
    auto high32 = [&](Value v) -> Value { return low32(arith::ShRUIOp::create(m.b, m.loc, v, wide(32))); };
    Value low = low32(index), high = high32(index);
    uint32_t key = uint32_t(op.getSeed()) ^ uint32_t(uint64_t(op.getSeed()) >> 32);
    for (int round = 0; round < 10; ++round, key += 0x9e3779b9u) {
      Value product =
          arith::MulIOp::create(m.b, m.loc, Value(arith::ExtUIOp::create(m.b, m.loc, i64, low)), wide(0xd256d193u));
      low = m.bxor(m.bxor(high32(product), m.bits(key)), high);
      high = low32(product);
    }
    return m.shr(low, 8);
  }

  /// Rounds bits at `shift`; the result's bits below are to be dropped.
  Value roundBits(Value magnitude, unsigned shift) {
    if (shift == 0)
      return magnitude;
    uint32_t unit = uint32_t(1) << shift, half = unit >> 1;
    switch (rounding) {
    case Rounding::nearest_even: {
      // Without mantissa bits the digit in front of the point is 1: odd.
      Value odd = f.mantissa ? m.band(m.shr(magnitude, shift), 1) : m.bits(1);
      return m.add(m.add(magnitude, half - 1), odd);
    }
    case Rounding::nearest_away: return m.add(magnitude, half);
    case Rounding::toward_zero: return magnitude;
    case Rounding::toward_positive: return m.select(negative, magnitude, m.add(magnitude, unit - 1));
    case Rounding::toward_negative: return m.select(negative, m.add(magnitude, unit - 1), magnitude);
    case Rounding::stochastic: {
      Value rest = m.shl(m.band(magnitude, unit - 1), 24 - shift);
      Value up = arith::CmpIOp::create(m.b, m.loc, P::ugt, rest, random);
      return m.add(magnitude, m.shl(m.extend(up), shift));
    }
    }
    return magnitude;
  }

  /// Rounds a small non-negative real to an integer.
  Value roundReal(Value t) {
    if (rounding == Rounding::nearest_even)
      return math::RoundEvenOp::create(m.b, m.loc, t);
    Value whole = math::FloorOp::create(m.b, m.loc, t);
    if (rounding == Rounding::toward_zero)
      return whole;
    Value rest = arith::SubFOp::create(m.b, m.loc, t, whole), up;
    if (rounding == Rounding::nearest_away) {
      up = m.cmpf(F::OGE, rest, m.real(0.5));
    } else if (rounding == Rounding::stochastic) {
      up = m.cmpf(F::OGT, m.scale(rest, 24), arith::UIToFPOp::create(m.b, m.loc, m.f32(), random));
    } else {
      Value some = m.cmpf(F::OGT, rest, m.real(0));
      Value flags =
          rounding == Rounding::toward_negative
              ? negative
              : arith::XOrIOp::create(m.b, m.loc, negative, m.constant(m.like(m.b.getI1Type()), m.b.getBoolAttr(true)));
      up = m.both(some, flags);
    }
    return m.select(up, arith::AddFOp::create(m.b, m.loc, whole, m.real(1)), whole);
  }

  /// Codes below the smallest normal value.
  Value encodeSmall(Value magnitude) {
    int digits = f.subnormals ? int(f.mantissa) : 0;
    Value t = m.scale(m.asReal(magnitude), digits - format.minExponent());
    // Lanes that another case decides may be anything: keep the conversion defined.
    t = m.select(m.cmpf(F::OLE, t, m.real(std::ldexp(1, digits))), t, m.real(0));
    if (rounding != Rounding::nearest_even && rounding != Rounding::nearest_away && rounding != Rounding::toward_zero) {
      // What scaling rounded to zero is not zero, and may be rounded up.
      Value tiny = m.select(m.cmp(P::ne, magnitude, 0), m.real(0x1p-100), m.real(0));
      t = arith::MaximumFOp::create(m.b, m.loc, t, tiny);
    }
    Value whole = arith::FPToUIOp::create(m.b, m.loc, m.i32(), roundReal(t));
    return f.subnormals ? whole : m.shl(whole, f.mantissa);
  }

  /// What is too large, of either sign.
  uint32_t overflowCode() {
    if (saturate || (!f.infinity && !format.hasNan()))
      return uint32_t(format.largestCode());
    return uint32_t(f.infinity ? format.infinityCode() : format.nanCode());
  }

  Value encode(Value x) {
    Value all = m.asBits(x), magnitude = m.band(all, 0x7fffffff);
    negative = m.cmp(P::slt, all, 0);
    if (rounding == Rounding::stochastic)
      random = drawRandom();
    unsigned shift = 23 - f.mantissa;
    uint32_t rebias = uint32_t(127 - *f.bias) << f.mantissa;
    Value code;
    if (isExponentScale(format)) {
      // float32's subnormals lose their leading zero: [2^-127, 2^-126) reads as exponent 1.
      Value subnormal = m.cmp(P::ult, magnitude, 0x00800000);
      Value normalised = m.select(subnormal, m.shl(magnitude, 1), magnitude);
      code = m.shr(roundBits(normalised, shift), shift);
      code = m.select(subnormal, m.add(code, uint32_t(-1)), code);
      code = m.select(m.cmp(P::ult, magnitude, 0x00400000), m.bits(0), code);
    } else {
      code = m.add(m.shr(roundBits(magnitude, shift), shift), -rebias);
      bool sameExponents = f.exponent == 8 && *f.bias == 127 && f.subnormals;
      if (!sameExponents) {
        uint32_t smallestNormal = uint32_t(format.minExponent() + 127) << 23;
        code = m.select(m.cmp(P::ult, magnitude, smallestNormal), encodeSmall(magnitude), code);
      }
    }
    uint32_t largest = uint32_t(format.largestCode()), beyond = overflowCode();
    Value tooLarge = m.bits(beyond);
    if (beyond != largest && rounding != Rounding::nearest_even && rounding != Rounding::nearest_away &&
        rounding != Rounding::stochastic) {
      // Directed rounding towards zero stops at the largest value; an infinity does not.
      Value infinite = m.cmp(P::eq, magnitude, 0x7f800000), inwards = m.bits(largest);
      if (rounding == Rounding::toward_positive)
        inwards = m.select(negative, inwards, tooLarge);
      else if (rounding == Rounding::toward_negative)
        inwards = m.select(negative, tooLarge, inwards);
      tooLarge = m.select(infinite, tooLarge, inwards);
    }
    code = m.select(m.cmp(P::sgt, code, largest), tooLarge, code);
    bool zeroLess = !f.zero && !f.subnormals;
    uint32_t refused = saturate || !format.hasNan() ? 0 : uint32_t(format.nanCode());
    if (zeroLess && refused)
      code = m.select(m.cmp(P::eq, magnitude, 0), m.bits(refused), code);
    if (!f.sign) {
      Value below = negative;
      if (!zeroLess)
        below = m.both(below, m.cmp(P::ne, magnitude, 0));
      code = m.select(below, m.bits(refused), code);
    } else {
      Value sign = m.shl(m.shr(all, 31), format.width() - 1);
      if (!f.signedZero)
        sign = m.select(m.cmp(P::eq, code, 0), m.bits(0), sign);
      if (f.nan == NanEncoding::NegativeZero)
        sign = m.select(m.cmp(P::eq, code, uint32_t(format.nanCode())), m.bits(0), sign);
      code = m.bor(code, sign);
    }
    return m.select(m.cmp(P::ugt, magnitude, 0x7f800000), nanCode(all), code);
  }

  Value nanCode(Value all) {
    if (!format.hasNan()) // zero of the opposite sign
      return f.signedZero ? m.select(negative, m.bits(0), m.bits(uint32_t(format.signBit()))) : m.bits(0);
    Value nan = m.bits(uint32_t(format.nanCode()));
    if (!f.sign || f.nan == NanEncoding::NegativeZero)
      return nan;
    return m.bor(nan, m.shl(m.shr(all, 31), format.width() - 1));
  }
};

/// Counts the midpoints below the value.
Value encodeBySearch(const LaneArithmetic &m, ArrayRef<double> values, Value x) {
  x = m.select(m.cmpf(F::UNO, x, x), m.real(0), x);
  Value code = m.bits(0);
  for (size_t i = 1; i < values.size(); ++i) {
    double middle = float(values[i - 1] + (values[i] - values[i - 1]) / 2);
    code = m.add(code, m.extend(m.cmpf(i % 2 ? F::OGT : F::OGE, x, m.real(middle)))); // ties to the even code
  }
  return code;
}

/// numerics::IntegerRange::saturated, then rounded.
Value encodeInteger(const LaneArithmetic &m, const Format &format, Value x) {
  Value low = m.real(format.lowest()), high = m.real(format.largest());
  x = m.select(m.cmpf(F::OGT, x, low), x, low);
  x = m.select(m.cmpf(F::OLT, x, high), x, high);
  Value whole = arith::FPToSIOp::create(m.b, m.loc, m.i32(), Value(math::RoundEvenOp::create(m.b, m.loc, x)));
  return m.band(whole, (uint32_t(1) << format.width()) - 1);
}

} // namespace

Value num::lowerEncode(OpBuilder &b, EncodeOp op) {
  const Format &format = *formatOf(op.getFormat());
  LaneArithmetic m{b, op.getLoc(), op.getValues().getType()};
  Value code;
  if (format.isFloat())
    code = FloatEncoder{m, format, op}.encode(op.getValues());
  else if (format.kind() == FormatKind::Integer)
    code = encodeInteger(m, format, op.getValues());
  else
    code = encodeBySearch(m, format.declaration().values, op.getValues());
  return m.toCodes(code, op.getCodes().getType());
}
