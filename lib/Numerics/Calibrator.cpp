// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A value is counted by the highest 19 bits of its float32: sign and exponent choose a page, 10 bits of the
// mantissa a bin of it. With s for a bin's end next to zero, the bin keeps the sums of d = x - s and d^2 over
// its values x. If all of them are rounded to one value q, their square error follows without the values:
//   sum (x - q)^2 = sum d^2 - 2 (q - s) sum d + count (q - s)^2
#include "tenon/Numerics/Calibrator.h"

#include "Choices.h"

namespace tenon::numerics {

namespace {

constexpr unsigned kMantissa = 23;
constexpr double kRounding = 1e-12; // of percent times count, which may be meant as an integer

float magnitudeOfBits(uint32_t bits) {
  return std::bit_cast<float>(std::min(bits, std::bit_cast<uint32_t>(std::numeric_limits<float>::max())));
}

} // namespace

float ValueCounts::inner(unsigned page, unsigned bin) {
  return std::bit_cast<float>(page << kMantissa | bin << (kMantissa - kBits));
}

float ValueCounts::outer(unsigned page, unsigned bin) {
  float magnitude = magnitudeOfBits((page & 255) << kMantissa | (bin + 1) << (kMantissa - kBits));
  // The last bin of an exponent ends where the next exponent begins.
  if (bin + 1 == 1 << kBits)
    magnitude = magnitudeOfBits(((page & 255) + 1) << kMantissa);
  return page & 256 ? -magnitude : magnitude;
}

std::optional<size_t> ValueCounts::add(llvm::ArrayRef<float> values) {
  for (auto [i, x] : llvm::enumerate(values)) {
    uint32_t bits = std::bit_cast<uint32_t>(x);
    unsigned page = bits >> kMantissa, bin = bits >> (kMantissa - kBits) & ((1 << kBits) - 1);
    if ((page & 255) == 255)
      return i;
    if (!pages[page])
      pages[page] = std::make_unique<Page>();
    Bin &counted = (*pages[page])[bin];
    double distance = double(x) - inner(page, bin);
    ++counted.count;
    counted.sum += distance;
    counted.squares += distance * distance;
    low = total ? std::min(low, x) : x;
    high = total ? std::max(high, x) : x;
    ++total;
  }
  return std::nullopt;
}

float ValueCounts::magnitude(double percent) const {
  auto rank = uint64_t(std::ceil(percent / 100 * double(total) * (1 - kRounding)));
  uint64_t seen = 0;
  for (unsigned exponent = 0; exponent < 255; ++exponent)
    for (unsigned bin = 0; bin < 1 << kBits; ++bin) {
      for (unsigned page : {exponent, exponent | 256})
        seen += pages[page] ? (*pages[page])[bin].count : 0;
      if (seen >= rank && seen) // zeros alone have no range to cover
        return inner(exponent, bin) > 0 ? std::min(outer(exponent, bin), largestMagnitude()) : largestMagnitude();
    }
  return largestMagnitude();
}

std::pair<float, float> ValueCounts::range(double percent) const {
  auto cut = uint64_t((100 - percent) / 200 * double(total) * (1 + kRounding));
  // From one end: magnitudes fall on its own side of zero, then grow on the other.
  auto bound = [&](unsigned sign, float extreme) {
    uint64_t seen = 0;
    for (int step = 0; step < 2 * 255 << kBits; ++step) {
      bool own = step < 255 << kBits;
      unsigned at = own ? (255u << kBits) - 1 - step : step - (255u << kBits);
      unsigned page = (at >> kBits) | (own ? sign : sign ^ 256), bin = at & ((1 << kBits) - 1);
      seen += pages[page] ? (*pages[page])[bin].count : 0;
      if (seen > cut)
        return own ? outer(page, bin) : inner(page, bin);
    }
    return extreme;
  };
  return {std::max(bound(256, low), least()), std::min(bound(0, high), most())};
}

double ValueCounts::squareError(FastEncoder &encoder, float scale, float zero) const {
  double error = 0;
  for (auto [number, page] : llvm::enumerate(pages)) {
    if (!page)
      continue;
    for (auto [bin, counted] : llvm::enumerate(*page)) {
      if (!counted.count)
        continue;
      double start = inner(number, bin);
      float quotient = float(start + counted.sum / double(counted.count)) / scale;
      if (zero != 0)
        quotient = std::nearbyint(quotient) + zero;
      double distance = (double(encoder.decode(encoder.encode(quotient, 0))) - zero) * scale - start;
      error +=
          std::max(0.0, counted.squares - 2 * distance * counted.sum + distance * distance * double(counted.count));
    }
  }
  return error;
}

FixedConversion chooseConversion(const ValueCounts &values, const Recipe &recipe, const FormatRegistry &formats) {
  FixedConversion chosen;
  chosen.format = recipe.format;
  if (!recipe.format->isElement()) {
    chosen.bound = bindFormat(*recipe.format, recipe.bias, values.largestMagnitude(), formats,
                              [&](FastEncoder &encoder) { return values.squareError(encoder, 1); });
    chosen.format = chosen.bound.get();
  }
  if (recipe.granularity == Granularity::None)
    return chosen;
  FastEncoder encoder(*chosen.format, 0);
  bool isMse = recipe.calibration == Calibration::Mse, isPercentile = recipe.calibration == Calibration::Percentile;
  if (!takesZeroPoint(*chosen.format)) {
    float covered = isPercentile ? values.magnitude(recipe.percentile) : values.largestMagnitude();
    chosen.scale =
        chooseScale(*chosen.format, covered, isMse, [&](float scale) { return values.squareError(encoder, scale); });
    return chosen;
  }
  auto [least, most] = isPercentile ? values.range(recipe.percentile) : std::pair(values.least(), values.most());
  float low = std::min(0.0f, least), high = std::max(0.0f, most), largest = float(encoder.highest());
  auto bind = [&, low = low, high = high](float factor) {
    chosen.scale = high > low ? std::max((high - low) * factor / largest, std::numeric_limits<float>::min()) : 1.0f;
    chosen.zeroPoint = unsigned(std::min(std::nearbyint(-low * factor / *chosen.scale), largest));
  };
  bind(isMse ? chooseShrinkage([&](float factor) {
    bind(factor);
    return values.squareError(encoder, *chosen.scale, float(*chosen.zeroPoint));
  })
             : 1);
  return chosen;
}

std::optional<FixedConversion> conversionWithoutData(const Recipe &recipe) {
  if (recipe.granularity != Granularity::None || recipe.format->kind() >= FormatKind::Block ||
      (recipe.format->needsBias() && !recipe.bias))
    return std::nullopt;
  FixedConversion conversion;
  conversion.format = recipe.format;
  if (recipe.bias) {
    conversion.bound = recipe.format->withBias(*recipe.bias);
    conversion.format = conversion.bound.get();
  }
  return conversion;
}

void measure(const FixedConversion &conversion, llvm::ArrayRef<float> values, Quality &quality) {
  FastEncoder encoder(*conversion.format, 0);
  float scale = conversion.scale.value_or(1), zero = float(conversion.zeroPoint.value_or(0));
  for (auto [i, x] : llvm::enumerate(values)) {
    float quotient = x / scale;
    if (zero != 0)
      quotient = std::nearbyint(quotient) + zero;
    quality.add(x, (double(encoder.decode(encoder.encode(quotient, i))) - zero) * scale,
                isSaturated(encoder, quotient));
  }
}

} // namespace tenon::numerics
