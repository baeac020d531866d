// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A chip's speeds from times that were measured on it (`tenon bench --fit-target`).
#ifndef TENON_ANALYSIS_FITCOSTS_H
#define TENON_ANALYSIS_FITCOSTS_H

#include "tenon/Interfaces/Cost.h"
#include <vector>

namespace tenon {

/// A kernel that was run.
struct MeasuredKernel {
  CostTerms terms;
  double seconds = 0;
};

/// The x with least sum of weight * |row . x - 1| for rows of amounts divided by times, so
/// that relative errors count, with no x[i] below least[i]. Absolute values, and not squares:
/// some kernels are not what their terms say, and must not pull at the others.
std::vector<double> fitRelative(const std::vector<std::vector<double>> &rows, const std::vector<double> &weights,
                                const std::vector<double> &least);

/// Gives the chip the speeds that predict the kernels' times best. Speeds of what no kernel
/// does stay as they are.
void fitChip(hw::Device &chip, const std::vector<MeasuredKernel> &kernels);

/// |predicted - measured| / measured of kernels that take longer than `above` seconds, ascending.
std::vector<double> relativeErrors(const hw::Device &chip, const std::vector<MeasuredKernel> &kernels, double above);

} // namespace tenon

#endif // TENON_ANALYSIS_FITCOSTS_H
