// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The canonicalisation patterns of the graph dialect as a pass of its own.
#include "tenon/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;

namespace tenon::graph {
#define GEN_PASS_DEF_SIMPLIFYPASS
#include "tenon/Dialect/Graph/Transforms/Passes.h.inc"

namespace {

class Simplify : public impl::SimplifyPassBase<Simplify> {
public:
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet all(context);
    for (RegisteredOperationName name : context->getRegisteredOperations())
      if (name.getDialectNamespace() == GraphDialect::getDialectNamespace())
        name.getCanonicalizationPatterns(all, context);
    patterns = std::move(all);
    return success();
  }
  void runOnOperation() override { (void)applyPatternsGreedily(getOperation(), patterns); }

private:
  FrozenRewritePatternSet patterns;
};

} // namespace
} // namespace tenon::graph
