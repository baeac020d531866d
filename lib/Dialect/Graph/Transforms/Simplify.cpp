// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonicalisation that knows what graphs say about an scf.if. MLIR's own patterns
// for it rebuild it without its assumptions, or with the shapes of results that
// are gone: a check would be lost.
#include "tenon/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;

namespace tenon::graph {
#define GEN_PASS_DEF_SIMPLIFYPASS
#include "tenon/Dialect/Graph/Transforms/Passes.h.inc"

namespace {

/// Takes away results of an scf.if that nothing uses, so that what computes them
/// in its branches goes, too. An scf.if without used results is left to the
/// driver, which erases what has no effect.
struct DropUnusedResults : OpRewritePattern<scf::IfOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(scf::IfOp branch, PatternRewriter &rewriter) const override {
    SmallVector<unsigned> used;
    SmallVector<Type> types;
    for (OpResult result : branch.getResults())
      if (!result.use_empty()) {
        used.push_back(result.getResultNumber());
        types.push_back(result.getType());
      }
    if (used.empty() || used.size() == branch.getNumResults())
      return failure();
    auto smaller = scf::IfOp::create(rewriter, branch.getLoc(), types, branch.getCondition(), /*withElseRegion=*/true);
    smaller->setDiscardableAttrs(branch->getDiscardableAttrDictionary());
    keepShapes(smaller, used);
    for (auto [from, to] : llvm::zip(branch->getRegions(), smaller->getRegions())) {
      rewriter.eraseBlock(&to.front());
      rewriter.inlineRegionBefore(from, to, to.end());
      Operation *yield = to.front().getTerminator();
      SmallVector<Value> yields;
      for (unsigned i : used)
        yields.push_back(yield->getOperand(i));
      rewriter.modifyOpInPlace(yield, [&] { yield->setOperands(yields); });
    }
    for (auto [i, result] : llvm::enumerate(used))
      rewriter.replaceAllUsesWith(branch.getResult(result), smaller.getResult(i));
    rewriter.eraseOp(branch);
    return success();
  }

private:
  /// `graph.shapes` has a map for each of several results, `graph.shape` that of one.
  static void keepShapes(scf::IfOp branch, ArrayRef<unsigned> used) {
    auto all = branch->getAttrOfType<ArrayAttr>("graph.shapes");
    if (!all)
      return;
    SmallVector<Attribute> kept;
    for (unsigned i : used)
      kept.push_back(all[i]);
    branch->removeAttr("graph.shapes");
    if (kept.size() == 1)
      branch->setAttr("graph.shape", kept.front());
    else
      branch->setAttr("graph.shapes", ArrayAttr::get(branch.getContext(), kept));
  }
};

class Simplify : public impl::SimplifyPassBase<Simplify> {
public:
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet all(context);
    for (Dialect *dialect : context->getLoadedDialects())
      dialect->getCanonicalizationPatterns(all);
    for (RegisteredOperationName name : context->getRegisteredOperations())
      if (name.getStringRef() != scf::IfOp::getOperationName())
        name.getCanonicalizationPatterns(all, context);
    all.add<DropUnusedResults>(context);
    patterns = std::move(all);
    // As MLIR's canonicalize does.
    config.setUseTopDownTraversal(true).setRegionSimplificationLevel(GreedySimplifyRegionLevel::Normal);
    return success();
  }
  void runOnOperation() override { (void)applyPatternsGreedily(getOperation(), patterns, config); }

private:
  FrozenRewritePatternSet patterns;
  GreedyRewriteConfig config;
};

} // namespace
} // namespace tenon::graph
