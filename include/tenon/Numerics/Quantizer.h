// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Tensors into number formats: which scale, bias or block scales a format gets
// for given values, the codes, and what the conversion cost.
#ifndef TENON_NUMERICS_QUANTIZER_H
#define TENON_NUMERICS_QUANTIZER_H

#include "tenon/Numerics/FormatRegistry.h"

namespace tenon::numerics {

/// What shares a scale.
enum class Granularity { None, Tensor, Channel, Block };

/// How the range that a scale must cover is chosen.
enum class Calibration {
  Max,        ///< the largest magnitude
  Percentile, ///< the magnitude that a share of the values does not exceed
  Mse         ///< the shrunken largest magnitude with the least mean square error
};

/// A format and how it is applied: `FORMAT[:OPTION...]` with the options none,
/// tensor, channel, blockN, bias=N, max, percentile=P, mse.
struct Recipe {
  const Format *format = nullptr;
  Granularity granularity = Granularity::None;
  int64_t blockSize = 0;
  std::optional<int> bias;
  Calibration calibration = Calibration::Max;
  double percentile = 99.9;

  /// Without options: integers scale by channel, codebooks by blocks of 64,
  /// block formats as declared, floats not at all.
  static llvm::Expected<Recipe> parse(llvm::StringRef text, const FormatRegistry &formats);
  std::string text() const;
};

/// Values with the dimension that channels and the dimension that blocks run along.
struct Values {
  llvm::ArrayRef<float> data;
  llvm::ArrayRef<int64_t> shape;
  int64_t channelAxis = 0, blockAxis = 0;
};

/// What a conversion cost, over all values of a tensor.
struct Quality {
  double signal = 0, noise = 0, cross = 0, restored = 0; ///< sums of x^2, (x-y)^2, x*y, y^2
  double largestError = 0;
  int64_t count = 0, saturated = 0, underflowed = 0; ///< beyond the largest value; nonzero and became zero

  double sqnr() const;   ///< 10 log10(signal / noise) in dB; infinite without noise
  double cosine() const; ///< of the angle between x and y
  void add(double x, double y, bool isSaturated);
};

struct Quantized {
  const Format *element = nullptr;     ///< of the codes
  std::shared_ptr<Format> bound;       ///< holds `element` if its bias was chosen here
  std::vector<uint8_t> codes;          ///< one code in storageBytes of the element, little endian
  std::vector<int64_t> scaleShape;     ///< empty: one scale
  std::vector<float> scales;           ///< empty: no scale
  const Format *scaleFormat = nullptr; ///< null: float32
  std::vector<uint8_t> scaleCodes;     ///< if scaleFormat is given; scales are their values
  std::optional<float> globalScale;    ///< scales the scales
  std::vector<uint8_t> zeroPoints;     ///< like scales; empty: none
  int64_t axis = 0, blockSize = 0;     ///< of the scales; blockSize 0: one per axis entry, or one in all
  Quality quality;
};

/// Chooses scales (and the format's open bias, and the member of a family) and
/// encodes. Fails on values that the format has no code for (NaN, infinities).
llvm::Expected<Quantized> quantize(const Values &values, const Recipe &recipe, const FormatRegistry &formats,
                                   uint64_t seed = 0);

/// The bias with the least mean square error; for equal errors the smaller one.
/// Candidates are all from where nothing saturates up to where half of the
/// range does, and those of the common fixed formats.
int chooseBias(const Format &format, llvm::ArrayRef<float> values);

} // namespace tenon::numerics

#endif // TENON_NUMERICS_QUANTIZER_H
