// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How a real number becomes an integer of a few bits: the one rule that the codec,
// the reference and the kernels (which write it as two comparisons) follow.
#ifndef TENON_NUMERICS_INTEGER_H
#define TENON_NUMERICS_INTEGER_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

namespace tenon::numerics {

/// The least and the largest integer of a type or format.
struct IntegerRange {
  double low, high;

  static IntegerRange of(unsigned width, bool isSigned) {
    if (isSigned)
      return {-std::ldexp(1.0, int(width) - 1), std::ldexp(1.0, int(width) - 1) - 1};
    return {0, std::ldexp(1.0, int(width)) - 1};
  }
  /// Quantization: what is out of range saturates, and NaN becomes the least integer.
  double saturated(double value) const { return value > low ? std::min(value, high) : low; }
};

/// ONNX's Cast of a float, whose result is undefined out of range: here the fraction
/// is dropped, types of 32 and 64 bits saturate and take NaN for the least integer,
/// negative numbers become unsigned ones as signed integers of that width do, and
/// narrower types take the low bits of an int32. The result is a bit pattern.
inline int64_t castToInteger(double value, unsigned width, bool isSigned) {
  if (width < 32)
    return castToInteger(value, 32, true);
  IntegerRange range = IntegerRange::of(width, isSigned || value < 0);
  if (!(value > range.low))
    return int64_t(range.low);
  if (value >= std::ldexp(1.0, int(width) - (range.low < 0)))
    return range.low < 0 ? std::numeric_limits<int64_t>::max() >> (64 - width) : int64_t(~uint64_t(0) >> (64 - width));
  return range.low < 0 ? int64_t(value) : int64_t(uint64_t(value));
}

} // namespace tenon::numerics

#endif // TENON_NUMERICS_INTEGER_H
