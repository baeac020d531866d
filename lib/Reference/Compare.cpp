// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Element by element comparison of two tensors.
#include "tenon/Reference/Compare.h"

#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"
#include <cmath>

using namespace mlir;
using namespace tenon::reference;

static bool isNarrow(Type element) {
  auto real = dyn_cast<FloatType>(element);
  return real && real.getWidth() <= 16;
}

double Tolerance::absoluteFor(Type element) const { return absolute.value_or(isNarrow(element) ? 1e-2 : 1e-4); }
double Tolerance::relativeFor(Type element) const { return relative.value_or(isNarrow(element) ? 1e-2 : 1e-3); }

namespace {

/// Where all expected values are (nearly) zero, rounding errors of what cancelled are not.
constexpr double kSmallestScale = 1e-3;
/// Kernels sum in f32, so a sum that cancels is off in proportion to its terms.
constexpr double kSumError = 1e-6;
constexpr double kInfinite = std::numeric_limits<double>::infinity();

Shape coordinates(int64_t linear, ArrayRef<int64_t> shape) {
  Shape index(shape.size());
  for (size_t i = shape.size(); i-- > 0; linear /= shape[i])
    index[i] = linear % shape[i];
  return index;
}

std::string textOf(double value) {
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.9g", value);
  return text;
}

void compareFloats(const Tensor &found, const Tensor &expected, const Tolerance &tolerance, Difference &result) {
  double atol = tolerance.absoluteFor(found.getElementType()), rtol = tolerance.relativeFor(found.getElementType());
  std::vector<double> a = found.toDoubles(), b = expected.toDoubles();
  if (tolerance.scaled) {
    double largest = 0;
    for (double value : b)
      largest = std::isfinite(value) ? std::max(largest, std::fabs(value)) : largest;
    atol = std::max(atol * std::clamp(largest, kSmallestScale, 1.0), kSumError * largest);
  }
  size_t worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])))
      continue;
    double difference = std::fabs(a[i] - b[i]), allowed = atol + rtol * std::fabs(b[i]), excess = kInfinite;
    if (std::isfinite(a[i]) && std::isfinite(b[i])) {
      result.absolute = std::max(result.absolute, difference);
      excess = allowed > 0 ? difference / allowed : kInfinite;
    }
    result.wrong += excess > 1;
    if (excess <= result.excess)
      continue;
    result.excess = excess;
    result.relative = difference / std::fabs(b[i]);
    worst = i;
  }
  if (result.excess > 0) {
    result.index = coordinates(worst, found.getShape());
    result.found = textOf(a[worst]);
    result.expected = textOf(b[worst]);
  }
}

void compareIntegers(const Tensor &found, const Tensor &expected, Difference &result) {
  std::vector<int64_t> a = found.toInts(), b = expected.toInts();
  size_t worst = 0;
  // Differences of 64-bit values need more bits than int64_t has.
  auto real = [&](int64_t value) { return found.isUnsigned() ? double(uint64_t(value)) : double(value); };
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i])
      continue;
    ++result.wrong;
    double difference = std::fabs(real(a[i]) - real(b[i]));
    if (result.wrong > 1 && difference <= result.absolute)
      continue;
    result.absolute = difference;
    worst = i;
  }
  if (!result.wrong)
    return;
  auto text = [&](int64_t value) {
    return found.isUnsigned() ? std::to_string(uint64_t(value)) : std::to_string(value);
  };
  result.excess = kInfinite;
  result.relative = result.absolute / std::fabs(real(b[worst]));
  result.index = coordinates(worst, found.getShape());
  result.found = text(a[worst]);
  result.expected = text(b[worst]);
}

} // namespace

Difference tenon::reference::compare(const Tensor &found, const Tensor &expected, const Tolerance &tolerance) {
  Difference result;
  if (found.getType() != expected.getType()) {
    llvm::raw_string_ostream(result.problem) << "is " << found.getType() << ", expected " << expected.getType();
    return result;
  }
  result.elements = found.getNumElements();
  if (found.isFloat())
    compareFloats(found, expected, tolerance, result);
  else
    compareIntegers(found, expected, result);
  return result;
}
