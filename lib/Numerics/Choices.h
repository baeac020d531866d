// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The search for a scale, a bias, and a member of a family. What is searched is
// the same for values at hand (weights) and for counted ones (activations): they
// differ in how an error is summed, which is a parameter.
#ifndef TENON_LIB_NUMERICS_CHOICES_H
#define TENON_LIB_NUMERICS_CHOICES_H

#include "FastEncoder.h"
#include "tenon/Numerics/FormatRegistry.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <limits>

namespace tenon::numerics {

/// Unsigned codes of up to 8 bits reach negative values by a zero point.
inline bool takesZeroPoint(const Format &element) {
  const IntegerFields &integer = element.declaration().integer;
  return element.kind() == FormatKind::Integer && !integer.isSigned && integer.zeroPoint && integer.width <= 8;
}

/// The largest value itself may lie a rounding of its quotient beyond.
inline bool isSaturated(const FastEncoder &encoder, float quotient) {
  return quotient > encoder.highest() * (1 + 0x1p-20f) || quotient < encoder.lowest() * (1 + 0x1p-20f);
}

/// Of `first` and 24 ranges inside of it, down to 0.52 of it, the factor with
/// the least error; the widest of equal ones.
template <typename Error>
float chooseShrinkage(Error &&error) {
  float best = 1;
  double least = error(1.0f);
  for (int step = 1; step <= 24; ++step) {
    float factor = 1 - 0.02f * step;
    if (double found = error(factor); found < least) {
      least = found;
      best = factor;
    }
  }
  return best;
}

/// The scale by which the largest code stands for `covered`, 1 for zero; with
/// `shrinks`, the smaller one with the least error(scale).
template <typename Error>
float chooseScale(const Format &element, float covered, bool shrinks, Error &&error) {
  if (covered == 0)
    return 1;
  double largest =
      element.kind() == FormatKind::Integer ? element.largest() : std::max(element.largest(), -element.lowest());
  auto shrunken = [&, scale = float(covered / largest)](float factor) {
    return std::max(scale * factor, std::numeric_limits<float>::min());
  };
  return shrunken(shrinks ? chooseShrinkage([&](float factor) { return error(shrunken(factor)); }) : 1);
}

/// The bias with the least error(encoder of the bound format); see Quantizer.h.
template <typename Error>
int chooseBias(const Format &format, float most, Error &&error) {
  const FloatFields &f = format.declaration().real;
  int lowest = std::clamp(0, f.minBias, f.maxBias);
  if (most > 0) {
    int exponent;
    std::frexp(most, &exponent);
    // With this bias the highest exponent field is that of the largest value.
    lowest = (1 << f.exponent) - 1 - (exponent - 1) - 1;
  }
  std::vector<int> candidates;
  for (int bias = lowest - 1; bias <= lowest + 8; ++bias)
    candidates.push_back(bias);
  for (int fixed : {1, 3, 7, 8, 11, 15, 16}) // of the formats that cannot choose
    candidates.push_back(fixed);
  llvm::sort(candidates);
  candidates.erase(llvm::unique(candidates), candidates.end());
  int best = std::clamp(lowest, f.minBias, f.maxBias);
  double least = std::numeric_limits<double>::infinity();
  for (int bias : candidates) {
    if (bias < f.minBias || bias > f.maxBias)
      continue;
    std::unique_ptr<Format> bound = format.withBias(bias);
    FastEncoder encoder(*bound, 0);
    if (double found = error(encoder); found < least) {
      least = found;
      best = bias;
    }
  }
  return best;
}

/// A format with its bias bound (to `bias` or the best one), or the family
/// member with the least error.
template <typename Error>
std::shared_ptr<Format> bindFormat(const Format &format, std::optional<int> bias, float most,
                                   const FormatRegistry &formats, Error &&error) {
  if (format.needsBias())
    return format.withBias(bias ? *bias : chooseBias(format, most, error));
  std::shared_ptr<Format> best;
  double least = 0;
  for (const std::string &name : format.declaration().members) {
    const Format *member = formats.find(name);
    std::shared_ptr<Format> bound =
        member->needsBias() ? std::shared_ptr<Format>(member->withBias(chooseBias(*member, most, error)))
                            : std::shared_ptr<Format>(llvm::cantFail(Format::create(member->declaration())));
    FastEncoder encoder(*bound, 0);
    if (double found = error(encoder); !best || found < least) {
      least = found;
      best = std::move(bound);
    }
  }
  return best;
}

} // namespace tenon::numerics

#endif // TENON_LIB_NUMERICS_CHOICES_H
