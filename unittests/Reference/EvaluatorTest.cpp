// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Functions of graph ops with values worked out by hand; ONNX's node tests
// (test/e2e/reference_node_tests.py) cover the ops one by one.
#include "tenon/Reference/Evaluator.h"

#include "mlir/IR/Builders.h"
#include "mlir/Parser/Parser.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace tenon::reference;

namespace {

struct EvaluatorTest : ::testing::Test {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  Builder b{&context};
  std::vector<std::string> messages;
  ScopedDiagnosticHandler handler{&context, [this](Diagnostic &d) {
                                    messages.push_back(d.str());
                                    return success();
                                  }};

  EvaluatorTest() {
    context.loadDialect<func::FuncDialect, scf::SCFDialect, tensor::TensorDialect, tenon::graph::GraphDialect>();
  }
  Results run(StringRef body, ArrayRef<Tensor> inputs) {
    auto module = parseSourceString<ModuleOp>(body, &context);
    EXPECT_TRUE(module) << (messages.empty() ? "" : messages.front());
    if (!module)
      return failure();
    return Evaluator().evaluate(*module->getOps<func::FuncOp>().begin(), inputs);
  }
  Tensor floats(ArrayRef<int64_t> shape, ArrayRef<double> values) {
    return Tensor::fromDoubles(b.getF32Type(), shape, values);
  }
};

TEST_F(EvaluatorTest, MatMulTransposed) {
  auto results = run(R"(func.func @f(%a: tensor<2x2xf32>, %b: tensor<2x2xf32>) -> tensor<2x2xf32> {
    %0 = graph.matmul %a, %b {transpose_rhs} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
    return %0 : tensor<2x2xf32> })",
                     {floats({2, 2}, {1, 2, 3, 4}), floats({2, 2}, {5, 6, 7, 8})});
  ASSERT_TRUE(succeeded(results));
  EXPECT_EQ((*results)[0].toDoubles(), (std::vector<double>{17, 23, 39, 53}));
}

TEST_F(EvaluatorTest, IfTakesOuterValues) {
  StringRef text = R"(func.func @f(%c: tensor<i1>, %x: tensor<2xf32>) -> tensor<2xf32> {
    %n = graph.unary neg %x : (tensor<2xf32>) -> tensor<2xf32>
    %f = tensor.extract %c[] : tensor<i1>
    %0 = scf.if %f -> tensor<2xf32> { scf.yield %n : tensor<2xf32> } else { scf.yield %x : tensor<2xf32> }
    return %0 : tensor<2xf32> })";
  for (bool condition : {false, true}) {
    auto results = run(text, {Tensor::fromInts(b.getI1Type(), {}, {condition}), floats({2}, {1, 2})});
    ASSERT_TRUE(succeeded(results));
    EXPECT_EQ((*results)[0].toDoubles()[0], condition ? -1 : 1);
  }
}

TEST_F(EvaluatorTest, IntegersAreExact) {
  auto results =
      run(R"(func.func @f(%a: tensor<2xi64>, %b: tensor<2xi64>) -> (tensor<2xi64>, tensor<2xi64>) {
    %0 = graph.binary div %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
    %1 = graph.binary mod %a, %b : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
    return %0, %1 : tensor<2xi64>, tensor<2xi64> })",
          {Tensor::fromInts(b.getI64Type(), {2}, {INT64_MIN, 7}), Tensor::fromInts(b.getI64Type(), {2}, {-1, 0})});
  ASSERT_TRUE(succeeded(results));
  EXPECT_EQ((*results)[0].toInts(), (std::vector<int64_t>{INT64_MIN, 0}));
  EXPECT_EQ((*results)[1].toInts(), (std::vector<int64_t>{0, 0}));
}

TEST_F(EvaluatorTest, ReportsWhatDoesNotFit) {
  auto results = run(R"(func.func @f(%a: tensor<?xf32>) -> tensor<?xf32> { return %a : tensor<?xf32> })",
                     {Tensor::fromInts(b.getI64Type(), {1}, {0})});
  EXPECT_TRUE(failed(results));
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_EQ(messages[0], "[TN3003] input 0 is 'tensor<1xi64>', expected 'tensor<?xf32>'");
}

} // namespace
