// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Floats of up to 8 bits as float16, which a target converts to f32: a few
// instructions on 16-bit lanes put the fields of a code where float16 has its
// own. They serve twice the codes that f32 lanes hold, and float16's subnormals need no case.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_HALFCODES_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_HALFCODES_H

#include "mlir/IR/Types.h"
#include <cstdint>
#include <optional>

namespace tenon::cpu {

/// How a format's codes become float16. Two formats of one width differ by the unit and by
/// what is no number.
struct HalfCodes {
  static constexpr int kExponent = 5, kMantissa = 10; ///< bits of float16's fields

  int width = 0;    ///< bits of a code
  int exponent = 0; ///< bits of its exponent, at most float16's
  /// Whether the exponent of all ones is an ordinary one, which float16 does not have: half of
  /// the value is taken.
  bool isHalved = false;
  bool isMinusZeroNan = false;
  int firstSpecial = 0;     ///< lowest size, as float16, that is infinite or NaN; 0: none needs care
  bool hasInfinity = false; ///< at firstSpecial; NaN follow
  double unit = 1;          ///< the value of a code is the float16's times this

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
  /// `on` has the instructions: numbers here, vectors in a kernel.
  template <typename Lanes>
  typename Lanes::Value bits(const Lanes &on, typename Lanes::Value code) const {
    constexpr int kSign = 0x8000, kSize = 0x7FFF;
    int shift = kExponent - exponent, size = kSize & -(1 << (16 - width)); // where the code has bits
    auto half = on.bitAnd(shift ? on.shiftRight(code, shift) : code, kSign | size >> shift);
    if (isHalved) // as a subnormal below twice the least normal number, else with an exponent less by one
      half = on.bitOr(
          on.larger(on.shiftRight(on.bitAnd(half, kSize), 1), on.subtract(on.bitAnd(half, kSize), 1 << kMantissa)),
          on.bitAnd(half, kSign));
    if (isMinusZeroNan)
      half = on.bitOr(half, on.isEqual(half, kSign));
    if (firstSpecial) {
      auto isSpecial = on.isAbove(on.bitAnd(half, kSize), firstSpecial - 1);
      half = on.bitOr(half, hasInfinity ? on.bitAnd(isSpecial, ((1 << kExponent) - 1) << kMantissa) : isSpecial);
    }
    return half;
  }
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_HALFCODES_H
