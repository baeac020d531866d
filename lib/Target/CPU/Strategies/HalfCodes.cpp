// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The declaration of a format tells which instructions its codes would need. Whether these are right is tried:
// all codes, at most 256, are converted by the template that writes a kernel's instructions, on numbers in
// place of vectors, and compared with the format's values. A format that differs anywhere is not converted
// this way.
#include "HalfCodes.h"

#include "tenon/Dialect/Num/IR/Num.h"

#include "llvm/ADT/APFloat.h"
#include <algorithm>
#include <cmath>

namespace tenon::cpu {
namespace {

/// One 16-bit lane.
struct Lane {
  using Value = uint16_t;
  Value bitAnd(Value x, int y) const { return x & y; }
  Value bitOr(Value x, Value y) const { return x | y; }
  Value shiftRight(Value x, int by) const { return int16_t(x) >> by; }
  Value subtract(Value x, int y) const { return x - y; }
  Value larger(Value x, Value y) const { return std::max(int16_t(x), int16_t(y)); }
  Value isEqual(Value x, int y) const { return x == y ? 0xFFFF : 0; }
  Value isAbove(Value x, int y) const { return int16_t(x) > y ? 0xFFFF : 0; }
};

double fromHalf(uint16_t bits) {
  return llvm::APFloat(llvm::APFloat::IEEEhalf(), llvm::APInt(16, bits)).convertToDouble();
}

} // namespace

std::optional<HalfCodes> HalfCodes::of(mlir::Type element) {
  const numerics::Format &format = *num::formatOf(element);
  const numerics::FloatFields &fields = format.declaration().real;
  if (!format.isFloat() || format.width() > 8 || !fields.sign || fields.exponent > unsigned(kExponent))
    return std::nullopt;
  HalfCodes codes;
  codes.width = format.width();
  codes.exponent = fields.exponent;
  codes.isMinusZeroNan = fields.nan == numerics::NanEncoding::NegativeZero;
  codes.hasInfinity = fields.infinity;
  bool isIeee = fields.infinity && fields.nan == numerics::NanEncoding::Ieee;
  codes.isHalved = codes.exponent == kExponent && !isIeee;
  auto half = [&](uint64_t code) { return codes.bits(Lane(), uint16_t(code << (16 - codes.width))); };
  if (!isIeee || codes.exponent < kExponent)
    for (uint64_t code = format.signBit(); code-- > 0 && !std::isfinite(format.decode(code));)
      codes.firstSpecial = half(code);
  codes.unit = format.largest() / fromHalf(half(format.largestCode()));
  for (uint64_t code = 0; code < uint64_t(1) << format.width(); ++code) {
    double value = format.decode(code), mine = fromHalf(half(code)) * codes.unit;
    if (std::isnan(value) ? !std::isnan(mine) : mine != value || std::signbit(mine) != std::signbit(value))
      return std::nullopt;
  }
  return codes;
}

} // namespace tenon::cpu
