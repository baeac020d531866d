// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compilation of what is in memory.
#include "tenon/Pipelines/Compile.h"

#include "mlir/IR/Diagnostics.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace tenon;

namespace {

constexpr const char *kGraph = R"(
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %y = graph.unary relu %x : (tensor<4xf32>) -> tensor<4xf32>
    return %y : tensor<4xf32>
  })";

TEST(CompileTest, BytesAreIrWhereAStageIsNamed) {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  CompileOptions options;
  options.startFrom = Stage::Numerics;
  options.stopAfter = Stage::Place;
  FailureOr<CompileResult> result = compileModelBytes(context, kGraph, "", options);
  ASSERT_TRUE(succeeded(result));
  EXPECT_NE(result->text.find("plan.kernel"), std::string::npos) << result->text;
}

TEST(CompileTest, ModelsAreNoIr) {
  MLIRContext context{MLIRContext::Threading::DISABLED};
  std::string text;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) { text += diagnostic.str(); });
  CompileOptions options;
  options.startFrom = Stage::Graph;
  EXPECT_TRUE(failed(compileModelBytes(context, "\x08\x09\x12\x00", "", options)));
  EXPECT_NE(text.find("TN8011"), std::string::npos) << text;
  text.clear();
  options.startFrom.reset();
  EXPECT_TRUE(failed(compileModelBytes(context, kGraph, "", options)));
  EXPECT_NE(text.find("TN1001"), std::string::npos) << text;
}

} // namespace
