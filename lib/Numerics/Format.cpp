// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What follows from a declaration: widths, limits, the table of values.
#include "tenon/Numerics/Format.h"

#include <algorithm>
#include <cmath>

namespace tenon::numerics {

unsigned Format::width() const {
  switch (decl.kind) {
  case FormatKind::Float: return unsigned(decl.real.sign) + decl.real.exponent + decl.real.mantissa;
  case FormatKind::Integer: return decl.integer.width;
  case FormatKind::Codebook: return std::max(1u, unsigned(std::ceil(std::log2(double(decl.values.size())))));
  case FormatKind::Block:
  case FormatKind::Family: break;
  }
  return 0;
}

unsigned Format::storageBytes() const {
  unsigned bytes = 1;
  while (bytes * 8 < std::max(width(), decl.storage.bits))
    bytes *= 2;
  return bytes;
}

std::unique_ptr<Format> Format::withBias(int bias) const {
  Declaration bound = decl;
  bound.real.bias = bias;
  bound.name += (bias < 0 ? "_bm" : "_b") + std::to_string(std::abs(bias));
  bound.aliases.clear();
  llvm::Expected<std::unique_ptr<Format>> format = create(std::move(bound));
  if (!format) {
    llvm::consumeError(format.takeError());
    return nullptr;
  }
  return std::move(*format);
}

int Format::minExponent() const {
  bool ordinary = !decl.real.zero && !decl.real.subnormals; // exponent field 0 is one more power of two
  return (ordinary ? 0 : 1) - decl.real.bias.value_or(0);
}

uint64_t Format::infinityCode() const { return ((uint64_t(1) << decl.real.exponent) - 1) << decl.real.mantissa; }

uint64_t Format::nanCode() const {
  switch (decl.real.nan) {
  case NanEncoding::Ieee: // quiet: the mantissa's first bit
    return infinityCode() | uint64_t(1) << (decl.real.mantissa - 1);
  case NanEncoding::AllOnes: return (uint64_t(1) << (decl.real.exponent + decl.real.mantissa)) - 1;
  case NanEncoding::NegativeZero: return signBit();
  case NanEncoding::None: break;
  }
  return 0;
}

uint64_t Format::largestCode() const {
  uint64_t allOnes = (uint64_t(1) << (decl.real.exponent + decl.real.mantissa)) - 1;
  if (decl.real.infinity || decl.real.nan == NanEncoding::Ieee)
    return infinityCode() - 1;
  return decl.real.nan == NanEncoding::AllOnes ? allOnes - 1 : allOnes;
}

double Format::largest() const {
  switch (decl.kind) {
  case FormatKind::Float: return decode(largestCode());
  case FormatKind::Integer: return std::ldexp(1, decl.integer.width - decl.integer.isSigned) - 1;
  case FormatKind::Codebook: return decl.values.back();
  case FormatKind::Block:
  case FormatKind::Family: break;
  }
  return 0;
}

double Format::lowest() const {
  switch (decl.kind) {
  case FormatKind::Float: return decl.real.sign ? -largest() : decl.real.zero ? 0 : decode(0);
  case FormatKind::Integer:
    return decl.integer.isSigned ? -std::ldexp(1, decl.integer.width - 1) + decl.integer.narrow : decl.integer.narrow;
  case FormatKind::Codebook: return decl.values.front();
  case FormatKind::Block:
  case FormatKind::Family: break;
  }
  return 0;
}

double Format::smallestPositive() const {
  switch (decl.kind) {
  case FormatKind::Float:
    return decl.real.subnormals ? std::ldexp(1, minExponent() - int(decl.real.mantissa)) : smallestNormal();
  case FormatKind::Integer: return 1;
  case FormatKind::Codebook: {
    auto it = std::upper_bound(decl.values.begin(), decl.values.end(), 0.0);
    return it == decl.values.end() ? 0 : *it;
  }
  case FormatKind::Block:
  case FormatKind::Family: break;
  }
  return 0;
}

double Format::smallestNormal() const { return isFloat() ? std::ldexp(1, minExponent()) : smallestPositive(); }

double Format::epsilon() const { return isFloat() ? std::ldexp(1, -int(decl.real.mantissa)) : 1; }

llvm::ArrayRef<double> Format::values() const {
  std::call_once(tabulated, [&] {
    if (width() > 16)
      return;
    table.resize(size_t(1) << width());
    for (size_t code = 0; code < table.size(); ++code)
      table[code] = decode(code);
  });
  return table;
}

llvm::StringRef kindName(FormatKind kind) {
  switch (kind) {
  case FormatKind::Float: return "float";
  case FormatKind::Integer: return "integer";
  case FormatKind::Codebook: return "codebook";
  case FormatKind::Block: return "block";
  case FormatKind::Family: return "family";
  }
  return "";
}

static constexpr const char *kRoundings[] = {"nearest_even",    "nearest_away",    "toward_zero",
                                             "toward_positive", "toward_negative", "stochastic"};

llvm::StringRef roundingName(Rounding rounding) { return kRoundings[int(rounding)]; }

std::optional<Rounding> parseRounding(llvm::StringRef name) {
  for (auto [i, known] : llvm::enumerate(kRoundings))
    if (name == known)
      return Rounding(i);
  return std::nullopt;
}

} // namespace tenon::numerics
