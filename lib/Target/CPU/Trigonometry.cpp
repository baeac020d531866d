// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sine and cosine: x less the nearest multiple of pi (of odd halves of it for the
// cosine) is at most pi / 2 large, where one odd polynomial of degree 9 is good to
// 5e-9; the sign alternates with the multiples. No conversion to an integer is
// needed: a sum with 1.5 * 2^23 rounds, and its last bit is that of the multiple.
#include "Trigonometry.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr double kInversePi = 0.31830988618379067154, kFarthest = 2;
constexpr double kRounder = 12582912; // 1.5 * 2^23

/// pi as a sum of numbers with as many bits as products of them are exact for: all
/// where products are not rounded, else few. None is negative, so that zero times
/// each of them leaves -0 as it is.
constexpr double kPiFused[] = {0x1.921fb4p+1, 0x1.4442dp-23, 0x1.846988p-47};
constexpr double kPiShort[] = {0x1.92p+1, 0x1.fbp-11, 0x1.51p-21, 0x1.0b461p-33};
/// (sin(r) / r - 1) / r^2 as a polynomial of r^2, from the highest power down.
constexpr double kSine[] = {2.6089039693033556e-06, -0.00019811101083178073, 0.008333087898790836, -0.16666659712791443};

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
  Value madd(Value x, Value y, Value z) const { return fma ? Value(math::FmaOp::create(b, loc, x, y, z)) : add(mul(x, y), z); }
  Value bits(Value x) const { return arith::BitcastOp::create(b, loc, integers(), x); }
  Value select(arith::CmpFPredicate p, Value x, Value y, Value yes, Value no) const {
    return arith::SelectOp::create(b, loc, Value(arith::CmpFOp::create(b, loc, p, x, y)), yes, no);
  }

  /// Multiples n of pi away from zero, or n - 1/2 with `half`: sin(x) or cos(x) is
  /// sin(x - n pi), with the sign of (-1)^n.
  Value emit(Value x, bool half) const {
    Value shifted = half ? madd(x, c(kInversePi), c(0.5)) : mul(x, c(kInversePi));
    Value rounded = half ? add(shifted, c(kRounder)) : madd(x, c(kInversePi), c(kRounder));
    Value multiple = sub(rounded, c(kRounder));
    if (half)
      multiple = sub(multiple, c(0.5));
    Value rest = x;
    for (double part : fma ? ArrayRef<double>(kPiFused) : ArrayRef<double>(kPiShort))
      rest = madd(multiple, c(-part), rest);
    // Large multiples are not the nearest ones, and leave more: the polynomial is
    // good to 6e-6 up to 2. NaN passes, as both comparisons fail.
    using P = arith::CmpFPredicate;
    rest = select(P::OGT, rest, c(kFarthest), c(kFarthest), rest);
    rest = select(P::OLT, rest, c(-kFarthest), c(-kFarthest), rest);
    Value square = mul(rest, rest), series = c(kSine[0]);
    for (double factor : ArrayRef(kSine).drop_front())
      series = madd(series, square, c(factor));
    // Rounding may pass 1 by a bit, and the sum loses the sign of zeros.
    Value size = math::AbsFOp::create(b, loc, madd(mul(series, square), rest, rest));
    Value sine = math::CopySignOp::create(b, loc, select(P::OGT, size, c(1), c(1), size), rest);
    Value sign = arith::ShLIOp::create(b, loc, bits(rounded), constant(integers(), b.getI32IntegerAttr(31)));
    return arith::BitcastOp::create(b, loc, type, Value(arith::XOrIOp::create(b, loc, bits(sine), sign)));
  }
};

} // namespace

Value emitSine(OpBuilder &b, Location loc, Value x, bool fma) { return Trigonometry{b, loc, x.getType(), fma}.emit(x, false); }
Value emitCosine(OpBuilder &b, Location loc, Value x, bool fma) { return Trigonometry{b, loc, x.getType(), fma}.emit(x, true); }

} // namespace tenon::cpu
