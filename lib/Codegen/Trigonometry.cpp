// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sine and cosine: x less the nearest multiple of pi (of odd halves of it for the
// cosine) is at most pi / 2 large, where one odd polynomial of degree 9 is good to
// 5e-9; the sign alternates with the multiples. No conversion to an integer is
// needed: a sum with 1.5 * 2^23 rounds, and its last bit is that of the multiple.
// Of large numbers the multiple is found in integers.
#include "tenon/Codegen/Trigonometry.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include <limits>

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr double kInversePi = 0.31830988618379067154;
/// Beyond these, multiples of pi have more bits than the sums below are exact for.
constexpr double kLargeFused = 65536, kLargeShort = 8192;
constexpr double kRounder = 12582912; // 1.5 * 2^23

/// pi as a sum of numbers with as many bits as products of them are exact for: all
/// where products are not rounded, else few. None is negative, so that zero times
/// each of them leaves -0 as it is.
constexpr double kPiFused[] = {0x1.921fb4p+1, 0x1.4442dp-23, 0x1.846988p-47};
constexpr double kPiShort[] = {0x1.92p+1, 0x1.fbp-11, 0x1.51p-21, 0x1.0b461p-33};
/// 1 / pi in words of 32 bits, the first of which is its whole part.
constexpr uint64_t kInversePiWords[] = {0,          0x517cc1b7, 0x27220a94, 0xfe13abe8,
                                        0xfa9a6ee0, 0x6db14acc, 0x9e21c820, 0xff28b1d5};
/// (sin(r) / r - 1) / r^2 as a polynomial of r^2, from the highest power down.
constexpr double kSine[] = {2.6089039693033556e-06, -0.00019811101083178073, 0.008333087898790836,
                            -0.16666659712791443};

struct Trigonometry {
  OpBuilder &b;
  Location loc;
  Type type;
  bool fma;

  Type integers() const {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(vector.clone(b.getI32Type())) : b.getI32Type();
  }
  Value constant(Type like, Attribute element) const {
    if (auto vector = dyn_cast<VectorType>(like))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, element));
    return arith::ConstantOp::create(b, loc, cast<TypedAttr>(element));
  }
  Value c(double value) const { return constant(type, b.getF32FloatAttr(value)); }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value madd(Value x, Value y, Value z) const {
    return fma ? Value(math::FmaOp::create(b, loc, x, y, z)) : add(mul(x, y), z);
  }
  Value bits(Value x) const { return arith::BitcastOp::create(b, loc, integers(), x); }
  Value isAny(Value condition) const {
    return isa<VectorType>(type) ? Value(vector::ReductionOp::create(b, loc, vector::CombiningKind::OR, condition))
                                 : condition;
  }
  Value select(arith::CmpFPredicate p, Value x, Value y, Value yes, Value no) const {
    return arith::SelectOp::create(b, loc, Value(arith::CmpFOp::create(b, loc, p, x, y)), yes, no);
  }

  /// What is left of x, and the multiple's parity as a sign bit.
  struct Reduced {
    Value rest, sign;
  };

  /// The same of a large x = m * 2^e, m of 24 bits, exactly but for 2^-62: of the
  /// words of 2^e / pi only those matter whose products with m are below 2.
  ///
  ///   bit of weight 1 is the first of a:  a * 2^-31 + b * 2^-63 + c * 2^-95
  ///   x / pi mod 2, in units of 2^-63:    (m * a << 32) + m * b + (m * c >> 32)
  Reduced reduceLarge(Value x, bool half) const {
    Type wide = b.getI64Type();
    if (auto vector = dyn_cast<VectorType>(type))
      wide = vector.clone(wide);
    auto n = [&](uint64_t value) { return constant(wide, b.getI64IntegerAttr(int64_t(value))); };
    auto shl = [&](Value v, Value by) -> Value { return arith::ShLIOp::create(b, loc, v, by); };
    auto shr = [&](Value v, Value by) -> Value { return arith::ShRUIOp::create(b, loc, v, by); };
    auto plus = [&](Value v, Value w) -> Value { return arith::AddIOp::create(b, loc, v, w); };
    auto times = [&](Value v, Value w) -> Value { return arith::MulIOp::create(b, loc, v, w); };
    auto both = [&](Value v, Value w) -> Value { return arith::AndIOp::create(b, loc, v, w); };
    Value number = arith::ExtUIOp::create(b, loc, wide, bits(x));
    Value m = arith::OrIOp::create(b, loc, both(number, n(0x7fffff)), n(0x800000));
    // The place of the first bit in kInversePiWords: 31 + e, where e is the exponent's
    // field less 127 and the 23 bits of the fraction.
    Value first = arith::SubIOp::create(b, loc, both(shr(number, n(23)), n(0xff)), n(119));
    Value word = shr(first, n(5)), within = both(first, n(31));
    SmallVector<Value> words; // the four from `word` on
    for (unsigned i = 0; i < 4; ++i) {
      Value chosen = n(kInversePiWords[i]);
      for (unsigned j = 1; j + i < std::size(kInversePiWords); ++j) {
        Value isHere = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, word, n(j));
        chosen = arith::SelectOp::create(b, loc, isHere, n(kInversePiWords[i + j]), chosen);
      }
      words.push_back(chosen);
    }
    auto window = [&](unsigned i) {
      Value two = arith::OrIOp::create(b, loc, shl(words[i], n(32)), words[i + 1]);
      return shr(shl(two, within), n(32));
    };
    Value turns = plus(plus(shl(times(m, window(0)), n(32)), times(m, window(1))), shr(times(m, window(2)), n(32)));
    if (half)
      turns = plus(turns, n(uint64_t(1) << 62));
    Value parity = shr(plus(turns, n(uint64_t(1) << 62)), n(63));
    Value rest = arith::SubIOp::create(b, loc, turns, shl(parity, n(63)));
    Type wideFloat = b.getF64Type();
    if (auto vector = dyn_cast<VectorType>(type))
      wideFloat = vector.clone(wideFloat);
    rest = arith::SIToFPOp::create(b, loc, wideFloat, rest);
    rest = arith::MulFOp::create(b, loc, rest,
                                 constant(wideFloat, b.getF64FloatAttr(0x1.921fb54442d18p-62))); // pi * 2^-63
    rest = arith::TruncFOp::create(b, loc, type, rest);
    if (!half) // the sine is odd, and m has no sign
      rest = math::CopySignOp::create(b, loc, rest,
                                      arith::MulFOp::create(b, loc, rest, math::CopySignOp::create(b, loc, c(1), x)));
    Value narrow = arith::TruncIOp::create(b, loc, integers(), parity);
    return {rest, arith::ShLIOp::create(b, loc, narrow, constant(integers(), b.getI32IntegerAttr(31)))};
  }

  /// Multiples n of pi away from zero, or n - 1/2 with `half`: sin(x) or cos(x) is
  /// sin(x - n pi), with the sign of (-1)^n.
  Reduced reduce(Value x, bool half) const {
    Value shifted = half ? madd(x, c(kInversePi), c(0.5)) : mul(x, c(kInversePi));
    Value rounded = half ? add(shifted, c(kRounder)) : madd(x, c(kInversePi), c(kRounder));
    Value multiple = sub(rounded, c(kRounder));
    if (half)
      multiple = sub(multiple, c(0.5));
    Value rest = x;
    for (double part : fma ? ArrayRef<double>(kPiFused) : ArrayRef<double>(kPiShort))
      rest = madd(multiple, c(-part), rest);
    Value sign = arith::ShLIOp::create(b, loc, bits(rounded), constant(integers(), b.getI32IntegerAttr(31)));

    // Few numbers are large, infinity is none of them: it stays NaN.
    using P = arith::CmpFPredicate;
    Value size = math::AbsFOp::create(b, loc, x);
    Value isLarge = arith::CmpFOp::create(b, loc, P::OGE, size, c(fma ? kLargeFused : kLargeShort));
    auto any =
        scf::IfOp::create(b, loc, TypeRange{rest.getType(), sign.getType()}, isAny(isLarge), /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(any.thenBlock());
    Reduced large = reduceLarge(x, half);
    Value isFinite = arith::CmpFOp::create(b, loc, P::OLT, size, c(std::numeric_limits<float>::infinity()));
    isLarge = arith::AndIOp::create(b, loc, isLarge, isFinite);
    scf::YieldOp::create(b, loc,
                         ValueRange{arith::SelectOp::create(b, loc, isLarge, large.rest, rest),
                                    arith::SelectOp::create(b, loc, isLarge, large.sign, sign)});
    b.setInsertionPointToStart(any.elseBlock());
    scf::YieldOp::create(b, loc, ValueRange{rest, sign});
    return {any.getResult(0), any.getResult(1)};
  }

  Value emit(Value x, bool half) const {
    auto [rest, sign] = reduce(x, half);
    Value square = mul(rest, rest), series = c(kSine[0]);
    for (double factor : ArrayRef(kSine).drop_front())
      series = madd(series, square, c(factor));
    // Rounding may pass 1 by a bit, and the sum loses the sign of zeros.
    using P = arith::CmpFPredicate;
    Value size = math::AbsFOp::create(b, loc, madd(mul(series, square), rest, rest));
    Value sine = math::CopySignOp::create(b, loc, select(P::OGT, size, c(1), c(1), size), rest);
    return arith::BitcastOp::create(b, loc, type, Value(arith::XOrIOp::create(b, loc, bits(sine), sign)));
  }
};

} // namespace

Value emitSine(OpBuilder &b, Location loc, Value x, bool fma) {
  return Trigonometry{b, loc, x.getType(), fma}.emit(x, false);
}
Value emitCosine(OpBuilder &b, Location loc, Value x, bool fma) {
  return Trigonometry{b, loc, x.getType(), fma}.emit(x, true);
}

} // namespace tenon::codegen
