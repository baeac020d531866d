// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x^y for all signs of x. The magnitude is 2^(y log2 |x|) in f64: for operands of
// 32 bits and less that is exact to far below their last bit, for f64 the
// logarithm and its product with y are sums of two numbers, so that powers that
// are representable (all of whole numbers below 2^53) come out as they are.
#include "tenon/Codegen/Power.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

#include <cmath>

using namespace mlir;

namespace tenon::codegen {
namespace {

/// Constant exponents up to here are products (of a root).
constexpr double kMostProducts = 8, kMostRoots = 4;

/// A sum of two numbers, the second below the first one's last bit.
struct Pair {
  Value high, low;
};

/// Float arithmetic on scalars and vectors alike, rounded where it is written:
/// nothing here may be contracted.
struct Reals {
  OpBuilder &b;
  Location loc;
  Type type;
  bool fma;

  Type with(Type element) const {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(vector.clone(element)) : element;
  }
  Value splat(Type like, Attribute element) const {
    if (auto vector = dyn_cast<VectorType>(like))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, element));
    return arith::ConstantOp::create(b, loc, cast<TypedAttr>(element));
  }
  Value c(double value) const { return splat(type, b.getFloatAttr(getElementTypeOrSelf(type), value)); }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(b, loc, x, y); }
  Value madd(Value x, Value y, Value z) const {
    return fma ? Value(math::FmaOp::create(b, loc, x, y, z)) : add(mul(x, y), z);
  }
  Value abs(Value x) const { return math::AbsFOp::create(b, loc, x); }
  Value floor(Value x) const { return math::FloorOp::create(b, loc, x); }
  Value nearest(Value x) const { return math::RoundEvenOp::create(b, loc, x); }
  Value sqrt(Value x) const { return math::SqrtOp::create(b, loc, x); }
  Value withSign(Value x, Value sign) const { return math::CopySignOp::create(b, loc, x, sign); }
  Value is(arith::CmpFPredicate p, Value x, Value y) const { return arith::CmpFOp::create(b, loc, p, x, y); }
  Value both(Value p, Value q) const { return arith::AndIOp::create(b, loc, p, q); }
  Value either(Value p, Value q) const { return arith::OrIOp::create(b, loc, p, q); }
  Value differ(Value p, Value q) const { return arith::XOrIOp::create(b, loc, p, q); }
  Value select(Value p, Value x, Value y) const { return arith::SelectOp::create(b, loc, p, x, y); }

  // Bit patterns of f64.
  Value bits(int64_t value) const { return splat(with(b.getI64Type()), b.getI64IntegerAttr(value)); }
  Value toBits(Value x) const { return arith::BitcastOp::create(b, loc, with(b.getI64Type()), x); }
  Value fromBits(Value x) const { return arith::BitcastOp::create(b, loc, with(b.getF64Type()), x); }

  /// x + y exactly, for |x| >= |y| or x = 0.
  Pair sumOfSorted(Value x, Value y) const {
    Value sum = add(x, y);
    return {sum, sub(y, sub(sum, x))};
  }
  /// x * y exactly.
  Pair product(Value x, Value y) const {
    Value high = mul(x, y);
    if (fma)
      return {high, madd(x, y, arith::NegFOp::create(b, loc, high))};
    // Products of halves are exact but for the smallest one's last bit.
    auto upper = [&](Value v) { return fromBits(arith::AndIOp::create(b, loc, toBits(v), bits(-(int64_t(1) << 27)))); };
    Value xh = upper(x), xl = sub(x, xh), yh = upper(y), yl = sub(y, yh);
    Value rest = add(add(sub(mul(xh, yh), high), mul(xh, yl)), mul(xl, yh));
    return {high, add(rest, mul(xl, yl))};
  }
  /// coefficient(first) + z (coefficient(first + 1) + z (...)), up to `last`.
  Value polynomial(Value z, int first, int last, llvm::function_ref<double(int)> coefficient) const {
    Value sum = c(coefficient(last));
    for (int k = last - 1; k >= first; --k)
      sum = madd(sum, z, c(coefficient(k)));
    return sum;
  }
};

double inverseOdd(int k) { return 1.0 / (2 * k + 1); }
double inverseFactorial(int n) { return 1 / std::tgamma(n + 1.0); }

/// A positive number as m 2^e with m in [sqrt(1/2), sqrt(2)).
struct Split {
  Value mantissa, exponent;
};

Split split(const Reals &m, Value x, bool normal) {
  Value isSmall;
  if (!normal) {
    isSmall = m.is(arith::CmpFPredicate::OLT, x, m.c(0x1p-1022));
    x = m.select(isSmall, m.mul(x, m.c(0x1p54)), x);
  }
  constexpr int64_t one = int64_t(1023) << 52, root = 0x3fe6a09e667f3bcd; // of 1 and sqrt(1/2)
  Value pattern = m.toBits(x);
  Value shifted = arith::AddIOp::create(m.b, m.loc, pattern, m.bits(one - root));
  Value biased = arith::ShRUIOp::create(m.b, m.loc, shifted, m.bits(52));
  Value scale = arith::ShLIOp::create(m.b, m.loc, biased, m.bits(52));
  Value mantissa = m.fromBits(
      arith::SubIOp::create(m.b, m.loc, pattern, Value(arith::SubIOp::create(m.b, m.loc, scale, m.bits(one)))));
  // The bits of 2^52 + biased: no conversion of 64-bit integers is needed.
  Value exponent =
      m.sub(m.fromBits(arith::OrIOp::create(m.b, m.loc, biased, m.bits(int64_t(1075) << 52))), m.c(0x1p52 + 1023));
  if (!normal)
    exponent = m.select(isSmall, m.sub(exponent, m.c(54)), exponent);
  return {mantissa, exponent};
}

/// 2^n for a whole n in [-1022, 1023].
Value exp2OfWhole(const Reals &m, Value n) {
  constexpr double shift = 0x1.8p52; // leaves n in the low bits of the sum
  Value low = arith::AddIOp::create(m.b, m.loc, m.toBits(m.add(n, m.c(shift))), m.bits(1023));
  return m.fromBits(arith::ShLIOp::create(m.b, m.loc, low, m.bits(52)));
}

Value clamp(const Reals &m, Value x, double most) {
  x = m.select(m.is(arith::CmpFPredicate::OLT, x, m.c(most)), x, m.c(most));
  return m.select(m.is(arith::CmpFPredicate::OGT, x, m.c(-most)), x, m.c(-most));
}

constexpr double kLog2eTwiceHigh = 0x1.71547652b82fep+1, kLog2eTwiceLow = 0x1.777d0ffda0d24p-55; // 2 log2(e)
constexpr double kLn2High = 0x1.62e42fefa39efp-1, kLn2Low = 0x1.abc9e3b39803fp-56;

/// x^y for positive finite x and any y that is a number, good to 2^-40; anything otherwise.
Value magnitudeOfSingle(const Reals &m, Value x, Value y) {
  Split parts = split(m, x, true);
  // log2(m) = 2 log2(e) artanh(s), a series in odd powers of s.
  Value s = m.div(m.sub(parts.mantissa, m.c(1)), m.add(parts.mantissa, m.c(1))), z = m.mul(s, s);
  Value log = m.polynomial(z, 0, 7, [](int k) { return kLog2eTwiceHigh * inverseOdd(k); });
  // Beyond float32's range either way; scaling then is one product.
  Value power = clamp(m, m.mul(y, m.madd(s, log, parts.exponent)), 200);
  Value n = m.nearest(power), w = m.mul(m.sub(power, n), m.c(kLn2High));
  return m.mul(m.polynomial(w, 0, 10, inverseFactorial), exp2OfWhole(m, n));
}

/// The same, good to 2^-55 where the result is below 2^53.
Value magnitudeOfDouble(const Reals &m, Value x, Value y) {
  Split parts = split(m, x, false);
  Value one = m.c(1), numerator = m.sub(parts.mantissa, one);
  Pair denominator = {m.add(parts.mantissa, one), {}};
  denominator.low = m.sub(parts.mantissa, m.sub(denominator.high, one));
  Value s = m.div(numerator, denominator.high);
  Pair back = m.product(s, denominator.high);
  Value missing = m.sub(m.sub(m.sub(numerator, back.high), back.low), m.mul(s, denominator.low));
  Value sLow = m.div(missing, denominator.high);
  // log2(m) = a (1 + g) with a = 2 log2(e) s and g = z/3 + z^2/5 + ..., z = s^2.
  Pair a = m.product(s, m.c(kLog2eTwiceHigh)), z = m.product(s, s);
  a.low = m.add(a.low, m.madd(s, m.c(kLog2eTwiceLow), m.mul(sLow, m.c(kLog2eTwiceHigh))));
  z.low = m.add(z.low, m.mul(m.mul(m.c(2), s), sLow));
  Pair g = m.product(z.high, m.c(1.0 / 3));
  Value thirds = m.madd(z.high, m.c(0x1.5555555555555p-56), m.mul(z.low, m.c(1.0 / 3)));
  Value fifths = m.madd(m.mul(z.high, z.high), m.polynomial(z.high, 2, 11, inverseOdd), thirds);
  g = m.sumOfSorted(g.high, m.add(g.low, fifths));
  Pair more = m.product(a.high, g.high);
  more.low = m.add(more.low, m.madd(a.high, g.low, m.mul(a.low, g.high)));
  Pair fraction = m.sumOfSorted(a.high, more.high);
  fraction.low = m.add(fraction.low, m.add(a.low, more.low));
  Pair log = m.sumOfSorted(parts.exponent, fraction.high);
  log.low = m.add(log.low, fraction.low);

  Pair power = m.product(y, log.high);
  power.low = m.madd(y, log.low, power.low);
  Value inRange = m.is(arith::CmpFPredicate::OLT, m.abs(power.high), m.c(1100)),
        low = m.select(inRange, power.low, m.c(0));
  Value high = clamp(m, power.high, 1100);
  Value n = m.nearest(high), f = m.sub(high, n);
  Pair w = m.product(f, m.c(kLn2High));
  w.low = m.add(w.low, m.madd(f, m.c(kLn2Low), m.mul(low, m.c(kLn2High))));
  // e^(w + low) = 1 + w + (w^2 (1/2 + w/6 + ...) + low e^w)
  Value small = m.mul(m.mul(w.high, w.high), m.polynomial(w.high, 2, 15, inverseFactorial));
  small = m.madd(w.low, m.add(one, m.add(w.high, small)), small);
  Pair whole = m.sumOfSorted(one, w.high);
  Value result = m.add(whole.high, m.add(whole.low, small));
  // In two steps, as 2^n itself may be no number.
  Value half = m.nearest(m.mul(n, m.c(0.5)));
  return m.mul(m.mul(result, exp2OfWhole(m, half)), exp2OfWhole(m, m.sub(n, half)));
}

/// Powers that a few products and square roots make: multiples of 1/4.
Value powerByProducts(const Reals &m, Value x, double exponent) {
  double size = std::fabs(exponent), whole = std::floor(size), quarters = (size - whole) * 4;
  if (quarters != std::floor(quarters) || size > (quarters ? kMostRoots : kMostProducts))
    return {};
  if (exponent == 0)
    return m.c(1);
  if (quarters) { // roots know no negative zero and no negative infinity, powers take them as positive
    x = m.add(x, m.c(0));
    x = m.select(m.is(arith::CmpFPredicate::OEQ, x, m.c(-INFINITY)), m.c(INFINITY), x);
  }
  // The inverse of a product could be infinite where the product of inverses is none;
  // a root's cannot, but the inverse of its operand.
  if (exponent < 0 && !quarters)
    x = m.div(m.c(1), x);
  Value result;
  auto times = [&](Value factor) { result = result ? m.mul(result, factor) : factor; };
  Value power = x;
  for (int64_t left = int64_t(whole); left; left >>= 1) {
    if (left & 1)
      times(power);
    if (left > 1)
      power = m.mul(power, power);
  }
  if (quarters) {
    Value root = m.sqrt(x);
    if (quarters >= 2)
      times(root);
    if (quarters != 2)
      times(m.sqrt(root));
    if (exponent < 0)
      result = m.div(m.c(1), result);
  }
  return result;
}

} // namespace

Value emitPower(OpBuilder &b, Location loc, Value x, Value y, bool fma) {
  using P = arith::CmpFPredicate;
  Reals m{b, loc, x.getType(), fma};
  APFloat constant(0.0);
  if (matchPattern(y, m_ConstantFloat(&constant)))
    if (Value products = powerByProducts(m, x, constant.convertToDouble()))
      return products;

  Value size = m.abs(x), zero = m.c(0), one = m.c(1), infinity = m.c(INFINITY);
  Value result;
  if (getElementTypeOrSelf(m.type).isF64()) {
    result = magnitudeOfDouble(m, size, y);
  } else {
    Reals wide = m;
    wide.type = m.with(b.getF64Type());
    auto widened = [&](Value v) -> Value { return arith::ExtFOp::create(b, loc, wide.type, v); };
    result = arith::TruncFOp::create(b, loc, m.type, magnitudeOfSingle(wide, widened(size), widened(y)));
  }
  Value isZero = m.is(P::OEQ, size, zero), isInfinite = m.is(P::OEQ, size, infinity);
  Value grows = m.differ(isZero, m.is(P::OGT, y, zero));
  result = m.select(m.either(isZero, isInfinite), m.select(grows, infinity, zero), result);
  result = m.select(m.is(P::OEQ, size, one), one, result); // also to infinite powers
  // Negative numbers have whole powers; infinities are whole and even.
  Value half = m.mul(y, m.c(0.5)), isWhole = m.is(P::OEQ, m.floor(y), y);
  Value isOdd = m.both(isWhole, m.is(P::ONE, m.floor(half), half));
  result = m.select(isOdd, m.withSign(result, x), result);
  Value isNegative = m.both(m.is(P::OLT, x, zero), m.is(P::OLT, size, infinity));
  Value notWhole = m.is(P::ONE, m.floor(y), y);
  result = m.select(m.both(isNegative, notWhole), m.c(NAN), result);
  result = m.select(m.is(P::UNO, x, y), m.c(NAN), result);
  return m.select(m.either(m.is(P::OEQ, y, zero), m.is(P::OEQ, x, one)), one, result);
}

} // namespace tenon::codegen
