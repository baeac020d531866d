// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Format::encode for many float32 values: the same results (the suite
// formats-accuracy compares them), without double arithmetic.
#ifndef TENON_LIB_NUMERICS_FASTENCODER_H
#define TENON_LIB_NUMERICS_FASTENCODER_H

#include "tenon/Numerics/Format.h"
#include "tenon/Numerics/Integer.h"
#include <bit>
#include <cmath>

namespace tenon::numerics {

class FastEncoder {
public:
  FastEncoder(const Format &format, uint64_t seed)
      : format(format), how{format.declaration().rounding, Overflow::Saturate, seed, 0}, values(format.values()) {
    const FloatFields &f = format.declaration().real;
    nearest = how.rounding == Rounding::NearestEven;
    ordinary = format.isFloat() && nearest && f.zero && f.subnormals && f.sign && f.signedZero &&
               format.minExponent() >= -126 && format.width() <= 16;
    integer = format.kind() == FormatKind::Integer && nearest && format.width() <= 16;
    low = float(format.lowest());
    high = float(format.largest());
    if (!ordinary)
      return;
    shift = 23 - f.mantissa;
    rebias = uint32_t(127 - *f.bias) << f.mantissa;
    smallestNormal = uint32_t(format.minExponent() + 127) << 23;
    perSubnormal = std::ldexp(1.0, int(f.mantissa) - format.minExponent());
    largest = uint32_t(format.largestCode());
    signShift = 31 - (format.width() - 1);
  }

  /// Finite values only.
  uint32_t encode(float x, uint64_t index) {
    if (ordinary) {
      uint32_t bits = std::bit_cast<uint32_t>(x), magnitude = bits & 0x7fffffff;
      uint32_t odd = shift < 23 ? magnitude >> shift & 1 : 1;
      uint32_t code = magnitude < smallestNormal
                          ? uint32_t(std::nearbyint(double(std::bit_cast<float>(magnitude)) * perSubnormal))
                          : ((magnitude + (uint32_t(1) << shift >> 1) - 1 + odd) >> shift) - rebias;
      return std::min(code, largest) | (bits & 0x80000000) >> signShift;
    }
    if (integer)
      return uint32_t(int32_t(std::nearbyint(IntegerRange{low, high}.saturated(x)))) & ((1u << format.width()) - 1);
    how.index = index;
    return uint32_t(format.encode(x, how));
  }
  float decode(uint32_t code) const { return values.empty() ? float(format.decode(code)) : float(values[code]); }
  float lowest() const { return low; }
  float highest() const { return high; }

private:
  const Format &format;
  Encoding how;
  llvm::ArrayRef<double> values;
  bool nearest = false, ordinary = false, integer = false;
  float low = 0, high = 0;
  unsigned shift = 0, signShift = 0;
  uint32_t rebias = 0, smallestNormal = 0, largest = 0;
  double perSubnormal = 0;
};

} // namespace tenon::numerics

#endif // TENON_LIB_NUMERICS_FASTENCODER_H
