// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Resampling, one axis after the other: each output position is a weighted sum
// of neighbouring input positions, computed in double.
#include "Families.h"
#include "Movement.h"

#include <cmath>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// The input coordinate of an output position. Where the sizes are the scale, it is one
/// quotient of whole numbers.
double sourceOf(graph::CoordinateMode mode, double at, double scale, int64_t in, int64_t out, bool isGiven) {
  double resized = scale * double(in);
  if (!isGiven)
    switch (mode) {
    case graph::CoordinateMode::asymmetric: return at * double(in) / double(out);
    case graph::CoordinateMode::align_corners: return out == 1 ? 0 : at * double(in - 1) / double(out - 1);
    case graph::CoordinateMode::pytorch_half_pixel:
      if (out == 1)
        return 0;
      [[fallthrough]];
    default: return ((2 * at + 1) * double(in) - double(out)) / (2 * double(out));
    }
  switch (mode) {
  case graph::CoordinateMode::half_pixel: return (at + 0.5) / scale - 0.5;
  case graph::CoordinateMode::half_pixel_symmetric:
    return double(in) / 2 * (1 - double(out) / resized) + (at + 0.5) / scale - 0.5;
  case graph::CoordinateMode::pytorch_half_pixel: return out == 1 ? 0 : (at + 0.5) / scale - 0.5;
  case graph::CoordinateMode::align_corners: return out == 1 ? 0 : at * double(in - 1) / (resized - 1);
  default: return at / scale;
  }
}

int64_t nearest(graph::NearestMode mode, double x) {
  switch (mode) {
  case graph::NearestMode::round_prefer_floor: return int64_t(std::ceil(x - 0.5));
  case graph::NearestMode::round_prefer_ceil: return int64_t(std::floor(x + 0.5));
  case graph::NearestMode::floor: return int64_t(std::floor(x));
  case graph::NearestMode::ceil: return int64_t(std::ceil(x));
  }
  return 0;
}

/// The interpolation kernel at a distance.
double weightAt(graph::ResizeMode mode, double distance, double a) {
  double x = std::fabs(distance);
  if (mode == graph::ResizeMode::linear)
    return std::max(1 - x, 0.0);
  if (x <= 1)
    return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

struct Taps {
  std::vector<int64_t> index;
  std::vector<double> weight;
};

Taps tapsOf(graph::ResizeOp op, double x, double scale, int64_t in) {
  double shrink = op.getAntialias() ? std::min(scale, 1.0) : 1.0; // widens the kernel when downsampling
  double radius = op.getMode() == graph::ResizeMode::linear ? 1 : 2;
  double base = std::ceil(x) - 1, ratio = x - base; // ratio in (0, 1]
  int64_t first = int64_t(std::floor(-radius / shrink)) + 1;
  Taps taps;
  double sum = 0;
  for (int64_t i = first; i < 2 - first; ++i) {
    int64_t index = int64_t(base) + i;
    double weight = weightAt(op.getMode(), (double(i) - ratio) * shrink, op.getCubicCoefficient().convertToFloat());
    if (op.getExcludeOutside() && (index < 0 || index >= in))
      continue;
    taps.index.push_back(std::clamp<int64_t>(index, 0, in - 1));
    taps.weight.push_back(weight);
    sum += weight;
  }
  if (op.getAntialias() || op.getExcludeOutside())
    for (double &weight : taps.weight)
      weight /= sum;
  return taps;
}

/// The result's shape, and the scale of each axis.
struct Resizing {
  Shape shape;
  std::vector<double> scales;
  bool isScaleGiven;
};

Resizing resizingOf(const Tensor &x, const Tensor *scales, const Tensor *sizes) {
  int64_t rank = x.getRank();
  Resizing result{Shape(x.getShape()), std::vector<double>(rank), scales != nullptr};
  for (int64_t d = 0; d < rank; ++d) {
    double in = double(x.getShape()[d]);
    if (scales) {
      result.scales[d] = scales->toDoubles()[d];
      result.shape[d] = int64_t(std::floor(static_cast<float>(in * result.scales[d])));
    }
    if (sizes) {
      result.shape[d] = sizes->toInts()[d];
      if (!scales)
        result.scales[d] = double(result.shape[d]) / in;
    }
  }
  return result;
}

Tensor takeNearest(graph::ResizeOp op, const Tensor &x, const Resizing &resizing) {
  SmallVector<std::vector<int64_t>> indices(x.getRank());
  for (int64_t d = 0; d < x.getRank(); ++d)
    for (int64_t i = 0, in = x.getShape()[d], out = resizing.shape[d]; i < out; ++i) {
      double source = sourceOf(op.getCoordinate(), double(i), resizing.scales[d], in, out, resizing.isScaleGiven);
      indices[d].push_back(std::clamp<int64_t>(nearest(op.getNearest(), source), 0, in - 1));
    }
  return gatherAxes(x, indices);
}

std::vector<double> interpolate(graph::ResizeOp op, const Tensor &x, const Resizing &resizing) {
  std::vector<double> values = x.toDoubles();
  Shape current(x.getShape());
  for (int64_t d = 0; d < x.getRank(); ++d) {
    int64_t in = current[d], out = resizing.shape[d];
    double scale = resizing.scales[d];
    if (in == out && scale == 1)
      continue;
    AxisSplit split(current, d);
    std::vector<double> next(split.outer * out * split.inner);
    for (int64_t i = 0; i < out; ++i) {
      double source = sourceOf(op.getCoordinate(), double(i), scale, in, out, resizing.isScaleGiven);
      Taps taps = tapsOf(op, source, scale, in);
      for (int64_t o = 0; o < split.outer; ++o)
        for (auto [index, weight] : llvm::zip(taps.index, taps.weight))
          for (int64_t j = 0; j < split.inner; ++j)
            next[(o * out + i) * split.inner + j] += weight * values[(o * in + index) * split.inner + j];
    }
    values = std::move(next);
    current[d] = out;
  }
  return values;
}

/// Cubic weights overshoot; integers end at their limits.
void clampToType(Type element, std::vector<double> &values) {
  if (auto integer = dyn_cast<IntegerType>(element); integer && integer.getWidth() < 64) { // 64 bits saturate anyway
    bool isUnsigned = integer.isUnsigned();
    double low = isUnsigned ? 0 : -std::ldexp(1.0, integer.getWidth() - 1);
    double high = std::ldexp(1.0, integer.getWidth() - !isUnsigned) - 1;
    for (double &value : values)
      value = std::clamp(value, low, high);
  } else if (element.isUnsignedInteger()) {
    for (double &value : values)
      value = std::max(value, 0.0);
  }
}

Results evaluateResize(graph::ResizeOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0], *scales = operand(op, inputs, 1), *sizes = operand(op, inputs, 2);
  int64_t rank = x.getRank();
  if ((!scales && !sizes) || (scales && scales->getNumElements() != rank) ||
      (!scales && sizes->getNumElements() != rank))
    return op.emitError("[TN3100] resize needs a scale or a size for each of ") << rank << " axes";
  if (op.getCoordinate() == graph::CoordinateMode::tf_crop_and_resize)
    return op.emitError("[TN3101] resize without a region of interest cannot crop");
  Resizing resizing = resizingOf(x, scales, sizes);
  if (x.getNumElements() == 0)
    return one(Tensor(x.getElementType(), resizing.shape));
  if (op.getMode() == graph::ResizeMode::nearest)
    return one(takeNearest(op, x, resizing));
  std::vector<double> values = interpolate(op, x, resizing);
  Type element = resultElement(op);
  clampToType(element, values);
  return one(Tensor::fromDoubles(element, resizing.shape, values));
}

} // namespace

void tenon::reference::registerResize(Registry &registry) { registry.add<graph::ResizeOp>(evaluateResize); }
