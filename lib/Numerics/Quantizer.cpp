// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The choice of scales and biases, and the conversion of whole tensors. Values
// are divided by their scale in float32, as ONNX's QuantizeLinear does.
#include "tenon/Numerics/Quantizer.h"

#include "Choices.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include <algorithm>
#include <limits>

namespace tenon::numerics {

double Quality::sqnr() const {
  return noise == 0 ? std::numeric_limits<double>::infinity() : 10 * std::log10(signal / noise);
}
double Quality::cosine() const {
  if (signal == 0 || restored == 0) // no direction, unless both are zero
    return signal == restored;
  return cross / std::sqrt(signal) / std::sqrt(restored); // the product of the sums may leave double
}
void Quality::add(double x, double y, bool isSaturated) {
  signal += x * x;
  noise += (x - y) * (x - y);
  cross += x * y;
  restored += y * y;
  largestError = std::max(largestError, std::fabs(x - y));
  ++count;
  saturated += isSaturated;
  underflowed += x != 0 && y == 0;
}

namespace {

double squareError(FastEncoder &encoder, llvm::ArrayRef<float> values, float scale) {
  double sum = 0;
  for (auto [i, x] : llvm::enumerate(values)) {
    double error = double(encoder.decode(encoder.encode(x / scale, i))) * scale - x;
    sum += error * error;
  }
  return sum;
}

float largestMagnitude(llvm::ArrayRef<float> values) {
  float most = 0;
  for (float x : values)
    most = std::max(most, std::fabs(x));
  return most;
}

/// The magnitude that the scale must still represent.
float coveredMagnitude(llvm::ArrayRef<float> values, const Recipe &recipe) {
  if (recipe.calibration != Calibration::Percentile || values.empty())
    return largestMagnitude(values);
  std::vector<float> magnitudes(values.size());
  llvm::transform(values, magnitudes.begin(), [](float x) { return std::fabs(x); });
  size_t rank =
      std::min<size_t>(values.size() - 1, size_t(std::ceil(recipe.percentile / 100 * double(values.size()))) - 1);
  std::nth_element(magnitudes.begin(), magnitudes.begin() + rank, magnitudes.end());
  // A group of zeros but for some: their scale must not be zero.
  return magnitudes[rank] > 0 ? magnitudes[rank] : largestMagnitude(values);
}

/// Scale of a group; 1 for a group of zeros.
float scaleOf(llvm::ArrayRef<float> group, const Recipe &recipe, const Format &element, FastEncoder &encoder,
              bool powerOfTwo) {
  float covered = coveredMagnitude(group, recipe);
  if (!powerOfTwo)
    return chooseScale(element, covered, recipe.calibration == Calibration::Mse,
                       [&](float scale) { return squareError(encoder, group, scale); });
  if (covered == 0)
    return 1;
  int own, most;
  std::frexp(covered, &own);
  std::frexp(element.largest(), &most);
  return float(std::ldexp(1.0, std::max(own - most, -126)));
}

/// The groups of values that share a scale, as strided runs.
struct Grouping {
  std::vector<int64_t> scaleShape;
  int64_t axis = 0, blockSize = 0;
  int64_t outer = 1, extent = 1, inner = 1; ///< around the axis
  int64_t groupsOnAxis = 1;
  bool isWhole = true; ///< one group

  static Grouping get(const Values &values, const Recipe &recipe) {
    Grouping g;
    if (recipe.granularity == Granularity::None || recipe.granularity == Granularity::Tensor || values.shape.empty())
      return g;
    bool block = recipe.granularity == Granularity::Block;
    g.isWhole = false;
    g.axis = block ? values.blockAxis : values.channelAxis;
    g.extent = values.shape[g.axis];
    for (int64_t d = 0; d < int64_t(values.shape.size()); ++d)
      (d < g.axis ? g.outer : d > g.axis ? g.inner : g.groupsOnAxis) *= d == g.axis ? 1 : values.shape[d];
    if (!block) {
      g.groupsOnAxis = g.extent;
      g.scaleShape = {g.extent};
      return g;
    }
    g.blockSize = recipe.blockSize;
    g.groupsOnAxis = (g.extent + g.blockSize - 1) / g.blockSize;
    g.scaleShape.assign(values.shape.begin(), values.shape.end());
    g.scaleShape[g.axis] = g.groupsOnAxis;
    return g;
  }
  int64_t count() const { return isWhole ? 1 : blockSize ? outer * groupsOnAxis * inner : groupsOnAxis; }
  /// Calls body(index of a value) for the values of a group, in memory order.
  template <typename Body>
  void forEach(int64_t group, int64_t total, Body &&body) const {
    if (isWhole) {
      for (int64_t i = 0; i < total; ++i)
        body(i);
    } else if (!blockSize) {
      for (int64_t o = 0; o < outer; ++o)
        for (int64_t i = 0; i < inner; ++i)
          body((o * extent + group) * inner + i);
    } else {
      int64_t i = group % inner, b = group / inner % groupsOnAxis, o = group / inner / groupsOnAxis;
      for (int64_t k = b * blockSize, e = std::min(k + blockSize, extent); k < e; ++k)
        body((o * extent + k) * inner + i);
    }
  }
};

/// Stores scales in their format; the scales become what their codes say.
void encodeScales(Quantized &q, const Format &format, const std::optional<std::string> &global, double largestElement,
                  const FormatRegistry &formats) {
  if (global) {
    float most = largestMagnitude(q.scales);
    q.globalScale = most > 0 ? std::max(float(most / format.largest()), std::numeric_limits<float>::min()) : 1.0f;
  }
  if (format.name() == "f32")
    return;
  q.scaleFormat = &format;
  q.scaleCodes.resize(q.scales.size() * format.storageBytes());
  for (auto [i, scale] : llvm::enumerate(q.scales)) {
    double value = q.globalScale ? scale / *q.globalScale : scale;
    // A scale of zero would lose the block.
    uint64_t code = format.encode(std::max(value, format.smallestPositive()));
    for (unsigned b = 0; b < format.storageBytes(); ++b)
      q.scaleCodes[i * format.storageBytes() + b] = uint8_t(code >> 8 * b);
    scale = float(format.decode(code)) * q.globalScale.value_or(1);
  }
}

/// The format of the codes; what is open in it is bound to what suits the values.
void chooseElement(Quantized &q, llvm::ArrayRef<float> values, const Recipe &recipe, const FormatRegistry &formats) {
  const Format *format = recipe.format;
  q.element = format->kind() == FormatKind::Block ? formats.find(format->declaration().block.element) : format;
  if (q.element->isElement())
    return;
  q.bound = bindFormat(*q.element, recipe.bias, largestMagnitude(values), formats,
                       [&](FastEncoder &encoder) { return squareError(encoder, values, 1); });
  q.element = q.bound.get();
}

/// The scale of a group that has a zero point, and that: they span its values and 0.
std::pair<float, uint8_t> spanOf(llvm::ArrayRef<float> group, const Format &element) {
  auto [least, most] = std::minmax_element(group.begin(), group.end());
  float low = std::min(0.0f, *least), high = std::max(0.0f, *most);
  float scale =
      high > low ? std::max(float((high - low) / element.largest()), std::numeric_limits<float>::min()) : 1.0f;
  return {scale, uint8_t(std::min(std::nearbyint(-low / scale), float(element.largest())))};
}

void chooseScales(Quantized &q, llvm::ArrayRef<float> values, const Recipe &recipe, const Grouping &groups,
                  const FormatRegistry &formats, FastEncoder &encoder) {
  bool isBlock = recipe.format->kind() == FormatKind::Block, isAsymmetric = takesZeroPoint(*q.element);
  const BlockFields &fields = recipe.format->declaration().block;
  q.scales.resize(groups.count());
  std::vector<float> group;
  for (int64_t g = 0; g < groups.count(); ++g) {
    group.clear();
    groups.forEach(g, int64_t(values.size()), [&](int64_t i) { group.push_back(values[i]); });
    if (isAsymmetric) {
      auto [scale, zeroPoint] = spanOf(group, *q.element);
      q.scales[g] = scale;
      q.zeroPoints.push_back(zeroPoint);
    } else {
      q.scales[g] = scaleOf(group, recipe, *q.element, encoder, isBlock && fields.rule == ScaleRule::PowerOfTwo);
    }
  }
  if (isBlock)
    encodeScales(q, *formats.find(fields.scale), fields.globalScale, q.element->largest(), formats);
}

/// Makes the codes, and measures what is lost.
void encodeValues(Quantized &q, llvm::ArrayRef<float> values, const Grouping &groups, FastEncoder &encoder) {
  unsigned bytes = q.element->storageBytes(), unusedBits = 32 - q.element->width();
  bool isSigned = q.element->kind() == FormatKind::Integer && q.element->declaration().integer.isSigned;
  q.codes.resize(values.size() * bytes);
  for (int64_t g = 0; g < groups.count(); ++g) {
    float scale = q.scales.empty() ? 1 : q.scales[g];
    float zero = q.zeroPoints.empty() ? 0 : q.zeroPoints[g];
    groups.forEach(g, int64_t(values.size()), [&](int64_t i) {
      float x = values[i], quotient = x / scale;
      if (zero != 0)
        quotient = std::nearbyint(quotient) + zero;
      uint32_t code = encoder.encode(quotient, uint64_t(i));
      q.quality.add(x, (double(encoder.decode(code)) - zero) * scale, isSaturated(encoder, quotient));
      // Integers below a byte are kept sign-extended in theirs.
      uint32_t stored = isSigned ? uint32_t(int32_t(code << unusedBits) >> unusedBits) : code;
      for (unsigned b = 0; b < bytes; ++b)
        q.codes[size_t(i) * bytes + b] = uint8_t(stored >> 8 * b);
    });
  }
}

} // namespace

int chooseBias(const Format &format, llvm::ArrayRef<float> values) {
  return chooseBias(format, largestMagnitude(values),
                    [&](FastEncoder &encoder) { return squareError(encoder, values, 1); });
}

llvm::Expected<Quantized> quantize(const Values &values, const Recipe &recipe, const FormatRegistry &formats,
                                   uint64_t seed) {
  for (auto [i, x] : llvm::enumerate(values.data))
    if (!std::isfinite(x))
      return llvm::createStringError(
          llvm::formatv("[TN4106] value {0} is {1}; only finite weights are converted", i, x).str());
  Quantized q;
  chooseElement(q, values.data, recipe, formats);
  FastEncoder encoder(*q.element, seed);
  Grouping groups = Grouping::get(values, recipe);
  q.axis = groups.axis;
  q.blockSize = groups.blockSize;
  q.scaleShape = groups.scaleShape;
  if (recipe.granularity != Granularity::None)
    chooseScales(q, values.data, recipe, groups, formats, encoder);
  encodeValues(q, values.data, groups, encoder);
  return q;
}

} // namespace tenon::numerics
