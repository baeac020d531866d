// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Comparison of computed tensors with what the reference says they should be.
#ifndef TENON_REFERENCE_COMPARE_H
#define TENON_REFERENCE_COMPARE_H

#include "tenon/Reference/Tensor.h"
#include <optional>
#include <string>

namespace tenon::reference {

/// An element is right if |found - expected| <= absolute + relative * |expected|,
/// if both are NaN, or if both are the same infinity. Integers and booleans must
/// be equal. What is not set depends on the element type: 1e-4 and 1e-3, for
/// floats of 16 bits and less 1e-2 and 1e-2. With `scaled`, the absolute part
/// shrinks in proportion where all expected values are below 1, so that wrong
/// small values are not taken for rounding errors, and is at least a millionth
/// of the largest expected value.
struct Tolerance {
  std::optional<double> absolute, relative;
  bool scaled = false;

  double absoluteFor(mlir::Type element) const;
  double relativeFor(mlir::Type element) const;
};

struct Difference {
  std::string problem;         ///< types or shapes differ; nothing was compared
  uint64_t elements = 0;       ///< compared
  uint64_t wrong = 0;          ///< beyond the tolerance
  double excess = 0;           ///< the largest difference as a multiple of what is allowed
  double absolute = 0;         ///< largest |found - expected|
  double relative = 0;         ///< |found - expected| / |expected| where `excess` is
  Shape index;                 ///< where `excess` is
  std::string found, expected; ///< the values there

  bool ok() const { return problem.empty() && wrong == 0; }
};

Difference compare(const Tensor &found, const Tensor &expected, const Tolerance &tolerance);

} // namespace tenon::reference

#endif // TENON_REFERENCE_COMPARE_H
