// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scales and biases of activations, chosen once on the values that a model has
// on sample data. The values of all runs are counted, not kept.
#ifndef TENON_NUMERICS_CALIBRATOR_H
#define TENON_NUMERICS_CALIBRATOR_H

#include "tenon/Numerics/Quantizer.h"
#include <array>

namespace tenon::numerics {

class FastEncoder;

/// Counts float32 values by sign, exponent and the first 10 bits of the mantissa,
/// with the sums that square errors need. Memory is bounded (24 KiB for each
/// exponent that occurs), and nothing depends on the order of the values but the
/// rounding of double sums.
///
/// Square errors are exact for formats that round to nearest, have up to 9 bits
/// of mantissa and no scale, or a power of two for one: no bin holds values of
/// two codes. With other scales a bin is rounded as a whole, by its mean.
class ValueCounts {
public:
  /// Index of the first value that is NaN or infinite, if one is; those before
  /// it were counted.
  std::optional<size_t> add(llvm::ArrayRef<float> values);

  uint64_t count() const { return total; }
  float least() const { return total ? low : 0; }
  float most() const { return total ? high : 0; }
  float largestMagnitude() const { return std::max(std::max(low, -low), std::max(high, -high)); }
  /// What `percent` of the magnitudes do not exceed, to 1/1024 upwards; the
  /// largest one where that would be zero.
  float magnitude(double percent) const;
  /// The range without (100 - percent) / 2 percent of the values at either end,
  /// to 1/1024 outwards.
  std::pair<float, float> range(double percent) const;
  /// Sum of (x - (decode(encode(x / scale + zero)) - zero) * scale)^2.
  double squareError(FastEncoder &encoder, float scale, float zero = 0) const;

private:
  static constexpr unsigned kBits = 10;
  struct Bin {
    uint64_t count = 0;
    double sum = 0, squares = 0; ///< of distances from the end next to zero
  };
  using Page = std::array<Bin, 1 << kBits>;
  /// The end of a bin next to zero, and the other one.
  static float inner(unsigned page, unsigned bin);
  static float outer(unsigned page, unsigned bin);

  std::array<std::unique_ptr<Page>, 512> pages; ///< by sign and exponent
  uint64_t total = 0;
  float low = 0, high = 0;
};

/// How a tensor's values become codes, the same in all runs.
struct FixedConversion {
  const Format *format = nullptr; ///< of the codes
  std::shared_ptr<Format> bound;  ///< holds `format` if its bias was bound here
  std::optional<float> scale;     ///< none: the value is the code's
  std::optional<unsigned> zeroPoint;
};

/// Chooses by the recipe. Its granularity is None or Tensor.
FixedConversion chooseConversion(const ValueCounts &values, const Recipe &recipe, const FormatRegistry &formats);
/// What a recipe without scale and with its bias given needs no data for; nothing otherwise.
std::optional<FixedConversion> conversionWithoutData(const Recipe &recipe);
/// Adds what the conversion costs these values.
void measure(const FixedConversion &conversion, llvm::ArrayRef<float> values, Quality &quality);

} // namespace tenon::numerics

#endif // TENON_NUMERICS_CALIBRATOR_H
