// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Fits whose right answer is known.
#include "tenon/Analysis/FitCosts.h"

#include "gtest/gtest.h"
#include <random>

using namespace tenon;

namespace {

using Random = std::mt19937_64;
double uniform(Random &random, double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(random);
}

double sumOfErrors(const std::vector<std::vector<double>> &rows, const std::vector<double> &x) {
  double sum = 0;
  for (const std::vector<double> &row : rows) {
    double error = -1;
    for (size_t i = 0; i < x.size(); ++i)
      error += row[i] * x[i];
    sum += std::abs(error);
  }
  return sum;
}

TEST(FitCosts, FindsWhatMadeTheTimes) {
  Random random(1);
  for (int round = 0; round < 50; ++round) {
    std::vector<double> truth;
    for (double size : {1e-6, 1e-9, 1e-11, 3e-10})
      truth.push_back(size * uniform(random, 1, 10));
    std::vector<std::vector<double>> rows;
    for (int r = 0; r < 60; ++r) {
      std::vector<double> row{1, uniform(random, 1, 1e4), uniform(random, 0, 1e7), r % 3 ? 0 : uniform(random, 1, 1e5)};
      double seconds = 0;
      for (size_t i = 0; i < row.size(); ++i)
        seconds += row[i] * truth[i];
      // One in six took longer by a factor that has nothing to do with the terms.
      if (r % 6 == 0)
        seconds *= uniform(random, 2, 20);
      for (double &amount : row)
        amount /= seconds;
      rows.push_back(row);
    }
    std::vector<double> found = fitRelative(rows, std::vector<double>(rows.size(), 1), {0, 0, 0, 0});
    for (size_t i = 0; i < truth.size(); ++i)
      EXPECT_NEAR(found[i] / truth[i], 1, 0.1) << "round " << round << ", term " << i;
  }
}

/// No change of one or two unknowns within the bounds makes the sum smaller by more than
/// what the last rounding of absolute values to squares allows.
TEST(FitCosts, IsLeastWithinItsBounds) {
  Random random(2);
  for (int round = 0; round < 50; ++round) {
    std::vector<std::vector<double>> rows(40, std::vector<double>(5));
    for (std::vector<double> &row : rows)
      for (double &amount : row)
        amount = random() % 3 ? uniform(random, 0, 2) : 0;
    std::vector<double> least{0, 0.1, 0, 0.3, 0};
    std::vector<double> x = fitRelative(rows, std::vector<double>(rows.size(), 1), least);
    double best = sumOfErrors(rows, x);
    for (size_t i = 0; i < x.size(); ++i)
      for (double step : {-0.3, -0.05, 0.05, 0.3})
        for (size_t j = 0; j < x.size(); ++j) {
          std::vector<double> other = x;
          other[i] = std::max(least[i], other[i] + step);
          other[j] = std::max(least[j], other[j] - step / 2);
          EXPECT_GE(sumOfErrors(rows, other), best * 0.99) << "round " << round;
        }
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_GE(x[i], least[i]);
  }
}

TEST(FitCosts, NothingMeasuredChangesNothing) {
  hw::Device chip;
  chip.units = {{"core", 2, 1000, {{"f32", 8}}}};
  chip.memories = {{"dram", 0, 500, 1, 1}};
  chip.kernelLaunchNs = 70;
  hw::Device same = chip;
  fitChip(chip, {});
  EXPECT_EQ(chip.rates, same.rates);
  EXPECT_EQ(chip.kernelLaunchNs, 70);
  EXPECT_TRUE(relativeErrors(chip, {}, 0).empty());
}

/// A chip's own predictions are fitted without an error, from numbers that are far off.
TEST(FitCosts, AChipIsFoundAgain) {
  hw::Device truth;
  truth.units = {{"core", 1, 1000, {{"f32", 8}}}};
  truth.memories = {{"l2", 1 << 20, 50000, 1, 1}, {"dram", 0, 9000, 1, 1}};
  truth.rates = {{"contraction", {{"f32", 40000}, {"i8", 60000}}}, {"function", {{"f32", 900}}}};
  truth.kernelLaunchNs = 250;
  Random random(3);
  std::vector<MeasuredKernel> kernels;
  for (int i = 0; i < 80; ++i) {
    CostTerms terms{{"launch", 1}, {i % 2 ? "bytes.l2" : "bytes.dram", uniform(random, 1e3, 1e6)}};
    terms[i % 3 == 0 ? "contraction.f32" : i % 3 == 1 ? "contraction.i8" : "function.f32"] = uniform(random, 1e4, 1e7);
    kernels.push_back({terms, secondsOf(terms, truth)});
  }
  hw::Device chip = truth;
  chip.rates.clear();
  chip.kernelLaunchNs = 1000;
  chip.memories[0].mbPerS = 7000;
  ASSERT_GT(relativeErrors(chip, kernels, 0)[kernels.size() / 2], 0.1);
  fitChip(chip, kernels);
  EXPECT_LT(relativeErrors(chip, kernels, 0).back(), 0.03);
  EXPECT_NEAR(secondsPer("contraction.i8", chip) / secondsPer("contraction.i8", truth), 1, 0.03);
  EXPECT_NEAR(double(chip.kernelLaunchNs), 250, 10);
}

} // namespace
