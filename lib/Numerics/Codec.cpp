// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes to values and back. Everything is exact in double until the one
// rounding: scaling by powers of two, and quotients of fewer than 53 bits.
#include "tenon/Numerics/Format.h"

#include "tenon/Numerics/Integer.h"
#include <algorithm>
#include <cmath>
#include <limits>

namespace tenon::numerics {

uint32_t philox(uint64_t seed, uint64_t index) {
  uint32_t key = uint32_t(seed) ^ uint32_t(seed >> 32), low = uint32_t(index), high = uint32_t(index >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t product = uint64_t(0xd256d193u) * low;
    low = uint32_t(product >> 32) ^ key ^ high;
    high = uint32_t(product);
    key += 0x9e3779b9u;
  }
  return low;
}

double roundMagnitude(double q, bool negative, const Encoding &how) {
  double whole = std::floor(q), rest = q - whole;
  auto up = [&]() -> bool {
    switch (how.rounding) {
    case Rounding::NearestEven: return rest > 0.5 || (rest == 0.5 && std::fmod(whole, 2) != 0);
    case Rounding::NearestAway: return rest >= 0.5;
    case Rounding::TowardZero: return false;
    case Rounding::TowardPositive: return !negative && rest > 0;
    case Rounding::TowardNegative: return negative && rest > 0;
    case Rounding::Stochastic: // 24 bits, which float32 arithmetic holds exactly
      return std::ldexp(rest, 24) > double(philox(how.seed, how.index) >> 8);
    }
    return false;
  };
  return whole + up();
}

double Format::decode(uint64_t code) const {
  code &= width() >= 64 ? ~uint64_t(0) : (uint64_t(1) << width()) - 1;
  if (decl.kind == FormatKind::Codebook)
    return decl.values[std::min<uint64_t>(code, decl.values.size() - 1)];
  if (decl.kind == FormatKind::Integer) {
    unsigned shift = 64 - decl.integer.width;
    return decl.integer.isSigned ? double(int64_t(code << shift) >> shift) : double(code);
  }
  const FloatFields &f = decl.real;
  uint64_t magnitude = code & ~signBit();
  bool negative = f.sign && (code & signBit());
  uint64_t mantissa = magnitude & ((uint64_t(1) << f.mantissa) - 1), exponent = magnitude >> f.mantissa;
  bool topExponent = exponent == (uint64_t(1) << f.exponent) - 1;
  bool isNan = (f.nan == NanEncoding::Ieee && topExponent && mantissa) ||
               (f.nan == NanEncoding::AllOnes && magnitude == nanCode()) ||
               (f.nan == NanEncoding::NegativeZero && code == nanCode());
  if (isNan)
    return std::copysign(std::numeric_limits<double>::quiet_NaN(), negative ? -1.0 : 1.0);
  if (f.infinity && topExponent && !mantissa)
    return negative ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  int bias = f.bias.value_or(0);
  double value;
  if (exponent == 0 && (f.zero || f.subnormals))
    value = f.subnormals ? std::ldexp(double(mantissa), 1 - bias - int(f.mantissa)) : 0;
  else
    value = std::ldexp(double(mantissa | uint64_t(1) << f.mantissa), int(exponent) - bias - int(f.mantissa));
  if (value == 0 && !f.signedZero)
    return 0;
  return negative ? -value : value;
}

uint64_t Format::encode(double value, const Encoding &how) const {
  switch (decl.kind) {
  case FormatKind::Float: return encodeFloat(value, how);
  case FormatKind::Integer: return encodeInteger(value, how);
  case FormatKind::Codebook: return encodeCodebook(value);
  case FormatKind::Block:
  case FormatKind::Family: break; // not formats of single values
  }
  return 0;
}

uint64_t Format::encodeFloat(double value, const Encoding &how) const {
  const FloatFields &f = decl.real;
  bool negative = std::signbit(value);
  bool saturate = how.overflow == Overflow::Saturate;
  uint64_t sign = negative ? signBit() : 0;
  if (std::isnan(value)) {
    if (!hasNan())
      return f.signedZero && !negative ? signBit() : 0;
    return f.nan == NanEncoding::NegativeZero ? nanCode() : nanCode() | sign;
  }
  double magnitude = std::fabs(value);
  if ((!f.sign && negative && magnitude != 0) || (!f.zero && !f.subnormals && magnitude == 0))
    return saturate || !hasNan() ? 0 : nanCode();
  auto tooLarge = [&]() -> uint64_t {
    if (saturate || (!f.infinity && !hasNan()))
      return largestCode() | sign;
    if (f.infinity)
      return infinityCode() | sign;
    return f.nan == NanEncoding::NegativeZero ? nanCode() : nanCode() | sign;
  };
  if (std::isinf(value))
    return tooLarge();
  int exponent;
  std::frexp(magnitude, &exponent);
  exponent = magnitude == 0 ? minExponent() : std::max(exponent - 1, minExponent());
  bool below = magnitude < smallestNormal();
  // Without subnormals, nothing lies between zero (or the smallest value) and the smallest normal value.
  int digits = below && !f.subnormals ? 0 : int(f.mantissa);
  double quantum = std::ldexp(1, exponent - digits);
  double rounded = roundMagnitude(magnitude / quantum, negative, how) * quantum;
  if (rounded > largest()) {
    bool inwards = how.rounding == Rounding::TowardZero ||
                   how.rounding == (negative ? Rounding::TowardPositive : Rounding::TowardNegative);
    return inwards ? largestCode() | sign : tooLarge();
  }
  if (rounded < smallestNormal()) {
    if (!f.zero && !f.subnormals)
      return sign; // the smallest value
    uint64_t code = f.subnormals ? uint64_t(std::ldexp(rounded, int(f.mantissa) - minExponent())) : 0;
    return code == 0 && !f.signedZero ? 0 : code | sign;
  }
  std::frexp(rounded, &exponent);
  uint64_t field = uint64_t(exponent - 1 + f.bias.value_or(0));
  uint64_t mantissa =
      uint64_t(std::ldexp(rounded, int(f.mantissa) - (exponent - 1))) & ((uint64_t(1) << f.mantissa) - 1);
  return field << f.mantissa | mantissa | sign;
}

uint64_t Format::encodeInteger(double value, const Encoding &how) const {
  IntegerRange range{lowest(), largest()};
  double clamped = range.saturated(value);
  double rounded = std::copysign(roundMagnitude(std::fabs(clamped), clamped < 0, how), clamped);
  int64_t whole = int64_t(range.saturated(rounded));
  return uint64_t(whole) & (width() >= 64 ? ~uint64_t(0) : (uint64_t(1) << width()) - 1);
}

uint64_t Format::encodeCodebook(double value) const {
  const std::vector<double> &values = decl.values;
  if (std::isnan(value))
    value = 0;
  size_t above = std::upper_bound(values.begin(), values.end(), value) - values.begin();
  if (above == 0)
    return 0;
  size_t below = above - 1;
  if (above == values.size() || values[below] == value)
    return below;
  // Decided at the float32 midpoint, as compiled code does; ties to the even code.
  double middle = double(float(values[below] + (values[above] - values[below]) / 2));
  bool up = value > middle || (value == middle && above % 2 == 0);
  return up ? above : below;
}

} // namespace tenon::numerics
