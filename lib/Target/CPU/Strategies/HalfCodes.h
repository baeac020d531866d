// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floats of up to 8 bits as float16, which a target converts to f32: a few
// instructions on 16-bit lanes put the fields of a code where float16 has its
// own. They serve twice the codes that f32 lanes hold, and the conversion takes
// float16's subnormals with the rest. With e exponent bits of bias B in the code,
//
//   value of the code = value of the float16 * unit,   unit = 2^(15 - B), 15 being float16's bias
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_HALFCODES_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_HALFCODES_H

#include "mlir/IR/Types.h"
#include <cstdint>
#include <optional>

namespace tenon::cpu {

/// How a format's codes become float16. Formats with the same fields differ by the unit and by which codes are
/// infinite or NaN.
struct HalfCodes {
  static constexpr int kExponent = 5, kMantissa = 10; ///< bits of float16's fields

  int width = 0;    ///< bits of a code
  int exponent = 0; ///< bits of its exponent, at most float16's
  /// Whether the exponent is five ones in ordinary numbers, which in float16 are infinite or NaN: the float16 is half
  /// of what the fields say, and the unit twice as large.
  bool isHalved = false;
  bool isMinusZeroNan = false; ///< the code of only the sign bit is NaN
  int firstSpecial = 0;        ///< lowest size, as float16, that is infinite or NaN; 0: none needs care
  bool hasInfinity = false;    ///< at firstSpecial; NaN follow
  double unit = 1;             ///< the value of a code is the float16's times this

  /// Nothing where a format does not fit float16. All codes are tried.
  static std::optional<HalfCodes> of(mlir::Type element);

  /// The same for codes of which none is infinite or NaN: no instruction looks for them.
  HalfCodes finite() const {
    HalfCodes codes = *this;
    codes.isMinusZeroNan = false;
    codes.firstSpecial = 0;
    return codes;
  }

  /// The float16's bits for a code in the highest bits of a 16-bit lane, with anything below.
  /// `on` has the instructions: numbers in HalfCodes.cpp, vectors in a kernel. For f8E4M3FN:
  ///
  ///     lane                 s e e e e m m m . . . . . . . .     the code in the highest 8 bits
  ///     shifted right by 1   s s e e e e m m m . . . . . . .     5 - 4 places, with copies of the sign
  ///     masked               s 0 e e e e m m m 0 0 0 0 0 0 0     float16: sign, 5 bits of exponent, 10 of mantissa
  template <typename Lanes>
  typename Lanes::Value bits(const Lanes &on, typename Lanes::Value code) const {
    constexpr int kSign = 0x8000, kSize = 0x7FFF;
    int shift = kExponent - exponent, size = kSize & -(1 << (16 - width)); // size: bits of the code but the sign
    auto half = on.bitAnd(shift ? on.shiftRight(code, shift) : code, kSign | size >> shift);
    // Half of a number: below twice the least normal one its bits shifted by one, from there on an exponent less by
    // one. The right one is the larger.
    if (isHalved)
      half = on.bitOr(
          on.larger(on.shiftRight(on.bitAnd(half, kSize), 1), on.subtract(on.bitAnd(half, kSize), 1 << kMantissa)),
          on.bitAnd(half, kSign));
    if (isMinusZeroNan) // all ones are a NaN
      half = on.bitOr(half, on.isEqual(half, kSign));
    // All bits become ones, a NaN; in a format with an infinity only the exponent, as its mantissa tells the two apart.
    if (firstSpecial) {
      auto isSpecial = on.isAbove(on.bitAnd(half, kSize), firstSpecial - 1);
      half = on.bitOr(half, hasInfinity ? on.bitAnd(isSpecial, ((1 << kExponent) - 1) << kMantissa) : isSpecial);
    }
    return half;
  }
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_HALFCODES_H
