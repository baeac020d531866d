// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Least absolute relative errors, as a sequence of weighted least squares: an error e has
// the weight 1 / max(|e|, small) of the round before, so that the squares sum up to the
// absolute values (iteratively reweighted least squares). Each round is solved coordinate by
// coordinate, which for a convex problem with bounds ends at its minimum.
#include "tenon/Analysis/FitCosts.h"

#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cmath>
#include <set>

namespace tenon {
namespace {

using Matrix = std::vector<std::vector<double>>;

/// Steps of coordinate descent on x' gram x / 2 - right . x over x >= least, from x on.
void descend(const Matrix &gram, const std::vector<double> &right, const std::vector<double> &least,
             std::vector<double> &x) {
  constexpr int kMostSweeps = 1000;
  constexpr double kEnough = 1e-9;
  for (int sweep = 0; sweep < kMostSweeps; ++sweep) {
    double largest = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      if (gram[i][i] <= 0)
        continue;
      double slope = -right[i];
      for (size_t j = 0; j < x.size(); ++j)
        slope += gram[i][j] * x[j];
      double moved = std::max(least[i], x[i] - slope / gram[i][i]);
      largest = std::max(largest, std::abs(moved - x[i]) * std::sqrt(gram[i][i]));
      x[i] = moved;
    }
    if (largest < kEnough)
      return;
  }
}

double errorOf(const std::vector<double> &row, const std::vector<double> &x) {
  double sum = -1;
  for (size_t i = 0; i < x.size(); ++i)
    sum += row[i] * x[i];
  return sum;
}

} // namespace

std::vector<double> fitRelative(const Matrix &rows, const std::vector<double> &counts,
                                const std::vector<double> &least) {
  constexpr int kRounds = 60;
  constexpr double kSmall = 0.01; // errors below one hundredth are squared
  size_t count = least.size();
  // Columns are scaled to like sizes: amounts reach from one launch to billions of operations.
  std::vector<double> scale(count, 0), bound(count), x(count);
  for (const std::vector<double> &row : rows)
    for (size_t i = 0; i < count; ++i)
      scale[i] = std::max(scale[i], row[i]);
  for (size_t i = 0; i < count; ++i)
    x[i] = bound[i] = least[i] * scale[i];
  std::vector<double> weights = counts;
  std::vector<double> scaled(count);
  for (int round = 0; round < kRounds; ++round) {
    Matrix gram(count, std::vector<double>(count, 0));
    std::vector<double> right(count, 0);
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t i = 0; i < count; ++i)
        scaled[i] = scale[i] > 0 ? rows[r][i] / scale[i] : 0;
      for (size_t i = 0; i < count; ++i) {
        if (scaled[i] == 0)
          continue;
        right[i] += weights[r] * scaled[i];
        for (size_t j = 0; j < count; ++j)
          gram[i][j] += weights[r] * scaled[i] * scaled[j];
      }
    }
    descend(gram, right, bound, x);
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t i = 0; i < count; ++i)
        scaled[i] = scale[i] > 0 ? rows[r][i] / scale[i] : 0;
      weights[r] = counts[r] / std::max(kSmall, std::abs(errorOf(scaled, x)));
    }
  }
  for (size_t i = 0; i < count; ++i)
    x[i] = scale[i] > 0 ? x[i] / scale[i] : least[i];
  return x;
}

void fitChip(hw::Device &chip, const std::vector<MeasuredKernel> &kernels) {
  std::set<std::string> names;
  for (const MeasuredKernel &kernel : kernels)
    for (const auto &[term, amount] : kernel.terms)
      if (amount > 0 && secondsPer(term, chip) > 0)
        names.insert(term);
  // Nothing is free, and what the declaration says is right to a factor of ten.
  constexpr double kMostFaster = 10;
  std::vector<double> least;
  for (const std::string &term : names)
    least.push_back(secondsPer(term, chip) / kMostFaster);
  Matrix rows;
  std::vector<double> counts;
  for (const MeasuredKernel &kernel : kernels) {
    if (kernel.seconds <= 0)
      continue;
    // What takes a few microseconds is mostly launch, and matters less to a model's time.
    constexpr double kShort = 20e-6;
    counts.push_back(kernel.seconds / (kernel.seconds + kShort));
    std::vector<double> &row = rows.emplace_back();
    for (const std::string &term : names) {
      auto amount = kernel.terms.find(term);
      row.push_back(amount == kernel.terms.end() ? 0 : amount->second / kernel.seconds);
    }
  }
  std::vector<double> seconds = fitRelative(rows, counts, least);
  for (auto [term, value] : llvm::zip_equal(names, seconds))
    setSecondsPer(term, value, chip);
}

std::vector<double> relativeErrors(const hw::Device &chip, const std::vector<MeasuredKernel> &kernels, double above) {
  std::vector<double> errors;
  for (const MeasuredKernel &kernel : kernels)
    if (kernel.seconds > above)
      errors.push_back(std::abs(secondsOf(kernel.terms, chip) - kernel.seconds) / kernel.seconds);
  std::sort(errors.begin(), errors.end());
  return errors;
}

} // namespace tenon
