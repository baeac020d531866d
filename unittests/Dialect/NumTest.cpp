// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Number formats and the builtin types that stand for them.
#include "tenon/Dialect/Num/IR/Num.h"

#include "mlir/AsmParser/AsmParser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace tenon;

namespace {

TEST(NumTest, BuiltinTypesAreFoundByWhatMlirCallsThem) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  unsigned builtin = 0;
  for (const std::unique_ptr<numerics::Format> &format : num::formatsOf(&context).formats()) {
    const std::string &text = format->declaration().mlir;
    if (text.empty())
      continue;
    ++builtin;
    EXPECT_EQ(num::formatOf(parseType(text, &context)), format.get()) << text;
    EXPECT_EQ(num::formatOf(num::typeOf(&context, *format)), format.get()) << text;
  }
  EXPECT_GT(builtin, 15u);
}

TEST(NumTest, OtherTypesAreNoFormats) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  num::formatsOf(&context); // loads the dialect
  for (const char *text : {"index", "complex<f32>", "i128", "f80", "vector<4xf32>"})
    EXPECT_EQ(num::formatOf(parseType(text, &context)), nullptr) << text;
}

} // namespace
