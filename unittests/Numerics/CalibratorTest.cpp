// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scales and biases chosen on counted values, against the values themselves.
#include "tenon/Numerics/Calibrator.h"

#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <random>

using namespace tenon::numerics;

namespace {

struct CalibratorTest : ::testing::Test {
  FormatRegistry formats;
  Recipe recipe(const char *text) {
    llvm::Expected<Recipe> parsed = Recipe::parse(text, formats);
    EXPECT_TRUE(bool(parsed)) << text;
    if (parsed->granularity == Granularity::Channel)
      parsed->granularity = Granularity::Tensor;
    return *parsed;
  }
  FixedConversion choose(const char *text, llvm::ArrayRef<float> values) {
    ValueCounts counts;
    EXPECT_FALSE(counts.add(values));
    return chooseConversion(counts, recipe(text), formats);
  }
  static double noise(const FixedConversion &conversion, llvm::ArrayRef<float> values) {
    Quality quality;
    measure(conversion, values, quality);
    return quality.noise;
  }
};

std::vector<float> normal(size_t count, float scale, unsigned seed = 1) {
  std::mt19937 engine(seed);
  std::normal_distribution<float> distribution(0, scale);
  std::vector<float> values(count);
  for (float &x : values)
    x = distribution(engine);
  return values;
}

TEST_F(CalibratorTest, RangeIsExactAndInAnyOrder) {
  std::vector<float> values = normal(5000, 3);
  ValueCounts whole, parts;
  EXPECT_FALSE(whole.add(values));
  std::reverse(values.begin(), values.end());
  for (size_t i = 0; i < values.size(); i += 100)
    EXPECT_FALSE(parts.add(llvm::ArrayRef(values).slice(i, 100)));
  auto [least, most] = std::minmax_element(values.begin(), values.end());
  for (const ValueCounts *counts : {&whole, &parts}) {
    EXPECT_EQ(counts->count(), 5000u);
    EXPECT_EQ(counts->least(), *least);
    EXPECT_EQ(counts->most(), *most);
    EXPECT_EQ(counts->largestMagnitude(), std::max(-*least, *most));
  }
  EXPECT_EQ(whole.magnitude(99), parts.magnitude(99));
}

TEST_F(CalibratorTest, SaysWhichValueIsNotFinite) {
  ValueCounts counts;
  EXPECT_EQ(counts.add({1, 2, NAN, 3}), std::optional<size_t>(2));
  EXPECT_EQ(counts.add({-INFINITY}), std::optional<size_t>(0));
  EXPECT_EQ(counts.count(), 2u);
  EXPECT_EQ(counts.most(), 2);
}

TEST_F(CalibratorTest, PercentilesAreThoseOfSortedValues) {
  std::vector<float> values = normal(20000, 1), sorted = values;
  ValueCounts counts;
  EXPECT_FALSE(counts.add(values));
  std::sort(sorted.begin(), sorted.end());
  auto [low, high] = counts.range(99);
  // 0.5 % of 20000 at either end; a bin is 1/1024 wide, and bounds lie outwards.
  EXPECT_LE(low, sorted[100]);
  EXPECT_GE(low, sorted[100] * (1 + 0x1p-9f));
  EXPECT_GE(high, sorted[20000 - 101]);
  EXPECT_LE(high, sorted[20000 - 101] * (1 + 0x1p-9f));
  for (float &x : sorted)
    x = std::fabs(x);
  std::sort(sorted.begin(), sorted.end());
  float exact = sorted[size_t(0.999 * 20000) - 1];
  EXPECT_GE(counts.magnitude(99.9), exact);
  EXPECT_LE(counts.magnitude(99.9), exact * (1 + 0x1p-9f));
}

TEST_F(CalibratorTest, RangesOfOneSideOnly) {
  std::vector<float> values(1000, 5);
  values[3] = 9;
  ValueCounts positive, negative, zeros;
  EXPECT_FALSE(positive.add(values));
  EXPECT_EQ(positive.range(90).first, 5);
  EXPECT_NEAR(positive.range(90).second, 5, 5e-3);
  for (float &x : values)
    x = -x;
  EXPECT_FALSE(negative.add(values));
  EXPECT_NEAR(negative.range(90).first, -5, 5e-3);
  EXPECT_EQ(negative.range(90).second, -5);
  EXPECT_FALSE(zeros.add({0.0f, -0.0f, 0.0f}));
  EXPECT_EQ(zeros.magnitude(50), 0);
  EXPECT_EQ(zeros.range(50), std::pair(0.0f, 0.0f));
}

/// No bin holds values of two codes, so the choice is that of the values themselves.
TEST_F(CalibratorTest, BiasIsTheBestOfAll) {
  for (const char *name : {"cFP8E4M3", "cFP8E5M2", "cFP8E3M4"})
    for (float scale : {1e-4f, 0.03f, 1.0f, 7.0f, 900.0f}) {
      std::vector<float> values = normal(3000, scale);
      values[17] = 25 * scale; // an outlier: to saturate it may be best
      FixedConversion chosen = choose(name, values);
      double mine = noise(chosen, values);
      const Format &format = *formats.find(name);
      for (int bias = format.declaration().real.minBias; bias <= format.declaration().real.maxBias; ++bias) {
        FixedConversion other;
        other.bound = format.withBias(bias);
        other.format = other.bound.get();
        EXPECT_LE(mine, noise(other, values) * (1 + 1e-12)) << name << " bias " << bias << " scale " << scale;
      }
      EXPECT_EQ(chosen.format->declaration().real.bias, std::optional<int>(chooseBias(format, values)))
          << name << " scale " << scale;
    }
}

TEST_F(CalibratorTest, ChosenBiasIsNoWorseThanFixedFormats) {
  const std::pair<const char *, std::vector<const char *>> pairs[] = {
      {"cFP8E4M3", {"f8E4M3", "f8E4M3FN", "f8E4M3FNUZ", "f8E4M3B11FNUZ"}},
      {"cFP8E5M2", {"f8E5M2", "f8E5M2FNUZ"}},
      {"cFP8E3M4", {"f8E3M4"}}};
  std::vector<float> values = normal(4000, 2);
  for (float &x : values)
    x = std::max(x, 0.0f); // as behind a Relu
  double family = noise(choose("cFP8", values), values);
  for (auto &[open, fixed] : pairs) {
    double mine = noise(choose(open, values), values);
    EXPECT_LE(family, mine);
    for (const char *name : fixed)
      EXPECT_LE(mine, noise(choose(name, values), values)) << open << " and " << name;
  }
}

TEST_F(CalibratorTest, IntegersCoverTheRange) {
  FixedConversion i8 = choose("i8", {-4, 1, 2});
  EXPECT_FLOAT_EQ(*i8.scale, 4.0f / 127);
  EXPECT_FALSE(i8.zeroPoint);
  FixedConversion relu = choose("ui8", {0, 1, 5.1f});
  EXPECT_FLOAT_EQ(*relu.scale, 5.1f / 255);
  EXPECT_EQ(relu.zeroPoint, std::optional<unsigned>(0));
  FixedConversion mixed = choose("ui8", {-1, 3});
  EXPECT_FLOAT_EQ(*mixed.scale, 4.0f / 255);
  EXPECT_EQ(mixed.zeroPoint, std::optional<unsigned>(64));
  // A range that does not reach zero is widened to it: zeros stay exact.
  FixedConversion above = choose("ui8", {10, 20});
  EXPECT_EQ(above.zeroPoint, std::optional<unsigned>(0));
  EXPECT_FLOAT_EQ(*above.scale, 20.0f / 255);
  FixedConversion zeros = choose("i8", {0, 0});
  EXPECT_EQ(*zeros.scale, 1);
  EXPECT_EQ(*choose("ui8", {0, 0}).scale, 1);
}

TEST_F(CalibratorTest, RecipesDifferWhereThereIsAnOutlier) {
  std::vector<float> values = normal(10000, 1);
  values[5] = 60;
  for (auto [wide, cut, best] :
       {std::tuple("i4", "i4:percentile=99", "i4:mse"), std::tuple("ui4", "ui4:percentile=99", "ui4:mse")}) {
    FixedConversion max = choose(wide, values), percentile = choose(cut, values), mse = choose(best, values);
    EXPECT_LT(*percentile.scale, *max.scale / 10);
    EXPECT_LT(*mse.scale, *max.scale);
    EXPECT_LT(noise(mse, values), noise(max, values));
  }
}

TEST_F(CalibratorTest, MeasuresWhatSaturatesAndVanishes) {
  FixedConversion conversion = choose("f8E4M3FN", {1});
  Quality quality;
  measure(conversion, {448, 500, -1000, 0, 1e-4f, 1}, quality);
  EXPECT_EQ(quality.count, 6);
  EXPECT_EQ(quality.saturated, 2);
  EXPECT_EQ(quality.underflowed, 1);
  EXPECT_EQ(quality.largestError, 552);
}

TEST_F(CalibratorTest, KnowsWhatNeedsNoData) {
  EXPECT_TRUE(conversionWithoutData(recipe("bf16")));
  EXPECT_TRUE(conversionWithoutData(recipe("cFP8E4M3:bias=9")));
  for (const char *text : {"cFP8E4M3", "cFP8", "i8", "f8E4M3FN:tensor"})
    EXPECT_FALSE(conversionWithoutData(recipe(text))) << text;
}

} // namespace
