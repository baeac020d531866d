// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// OutputVerifier on a sum that cancels: 1e8 + 1 - 1e8 + 1 is 2, and 1 where each
// addition is rounded to f32.
#include "tenon/Verify/OutputVerifier.h"

#include "mlir/Parser/Parser.h"
#include "tenon/Pipelines/Compile.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace tenon;
using reference::Tensor;

namespace {

/// The sum, and the sum truncated to an integer.
constexpr const char *kSum = R"(
  func.func @main(%x: tensor<1x4xf32>) -> (tensor<1x1xf32>, tensor<1x1xi32>) {
    %w = graph.constant dense<1.0> : tensor<4x1xf32>
    %y = graph.matmul %x, %w : (tensor<1x4xf32>, tensor<4x1xf32>) -> tensor<1x1xf32>
    %i = graph.cast %y : (tensor<1x1xf32>) -> tensor<1x1xi32>
    return %y, %i : tensor<1x1xf32>, tensor<1x1xi32>
  })";

struct VerifyOutputsTest : ::testing::Test {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  OwningOpRef<ModuleOp> graph;
  SmallVector<Tensor> inputs;
  std::unique_ptr<OutputVerifier> verifier;

  void SetUp() override {
    loadTenonDialects(context);
    graph = parseSourceString<ModuleOp>(kSum, &context);
    ASSERT_TRUE(graph);
  }
  void evaluate(ArrayRef<double> terms) {
    inputs = {Tensor::fromDoubles(Float32Type::get(&context), {1, 4}, terms)};
    verifier = std::make_unique<OutputVerifier>(*graph, inputs, reference::Tolerance());
    ASSERT_TRUE(succeeded(verifier->evaluate()));
  }
  Tensor sum(double value) { return Tensor::fromDoubles(Float32Type::get(&context), {1, 1}, {value}); }
};

TEST_F(VerifyOutputsTest, WithinTheToleranceNothingElseIsAsked) {
  evaluate({1e8, 1, -1e8, 1});
  OutputCheck check = verifier->checkReference(0, "y", sum(2));
  EXPECT_TRUE(check.ok());
  EXPECT_FALSE(check.rounding);
}

TEST_F(VerifyOutputsTest, RoundingErrorsOfF32AreAllowed) {
  evaluate({1e8, 1, -1e8, 1});
  OutputCheck check = verifier->checkReference(0, "y", sum(1));
  EXPECT_FALSE(check.difference.ok());
  ASSERT_TRUE(check.rounding);
  EXPECT_EQ(check.rounding->found, check.rounding->f32);
  EXPECT_EQ(check.rounding->expected, 0);
  EXPECT_EQ(check.rounding->allowed, kRoundingFactor * check.rounding->f32);
  EXPECT_TRUE(check.ok());
}

TEST_F(VerifyOutputsTest, MoreThanThatIsWrong) {
  evaluate({1e8, 1, -1e8, 1});
  EXPECT_FALSE(verifier->checkReference(0, "y", sum(2 + 1.01 * kRoundingFactor)).ok());
  EXPECT_FALSE(verifier->checkReference(0, "y", sum(std::nan(""))).ok());
}

TEST_F(VerifyOutputsTest, WithoutCancellationTheToleranceHolds) {
  evaluate({1, 1, -1, 1});
  OutputCheck check = verifier->checkReference(0, "y", sum(1.9));
  ASSERT_TRUE(check.rounding);
  EXPECT_EQ(check.rounding->allowed, 1);
  EXPECT_FALSE(check.ok());
}

TEST_F(VerifyOutputsTest, ARecordedOutputIsJudgedToo) {
  evaluate({1e8, 1, -1e8, 1});
  EXPECT_TRUE(verifier->checkRecorded(0, "y", sum(2), sum(1)).ok());
  EXPECT_FALSE(verifier->checkRecorded(0, "y", sum(2), sum(9)).ok()) << "the recording is wrong, not rounded";
}

TEST_F(VerifyOutputsTest, IntegersThatRoundingChangesAreNotExcused) {
  evaluate({1e8, 1, -1e8, 1});
  Tensor one = Tensor::fromInts(IntegerType::get(&context, 32), {1, 1}, {1});
  OutputCheck check = verifier->checkReference(1, "i", one);
  ASSERT_TRUE(check.rounding);
  EXPECT_EQ(check.rounding->allowed, 0);
  EXPECT_FALSE(check.ok());
}

} // namespace
