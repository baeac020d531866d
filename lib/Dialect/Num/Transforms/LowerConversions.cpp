// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The pass num-lower-conversions: one walk, which replaces each num.decode and num.encode by the arithmetic
// that Decode.cpp and Encode.cpp create in its place. That arithmetic holds no further conversions, so no
// rewrite driver is needed.
#include "tenon/Dialect/Num/Transforms/Passes.h"

#include "Conversions.h"

using namespace mlir;

namespace tenon::num {

#define GEN_PASS_DEF_LOWERCONVERSIONSPASS
#include "tenon/Dialect/Num/Transforms/Passes.h.inc"

namespace {

struct LowerConversions : impl::LowerConversionsPassBase<LowerConversions> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      OpBuilder b(op);
      Value result;
      if (auto decode = dyn_cast<DecodeOp>(op))
        result = lowerDecode(b, decode);
      else if (auto encode = dyn_cast<EncodeOp>(op))
        result = lowerEncode(b, encode);
      else
        return;
      op->replaceAllUsesWith(ValueRange{result});
      op->erase();
    });
  }
};

} // namespace
} // namespace tenon::num
