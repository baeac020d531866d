// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A decode by one scale, or by none, gives an element the same value wherever the element lies, so it can
// change places with an op that only reorders or reshapes. The pattern is applied until no decode moves any
// further: it passes a chain of such ops one by one.
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Dialect/Graph/IR/NarrowWeights.h"
#include "tenon/Transforms/Fusion/Passes.h"

using namespace mlir;

namespace tenon::fusion {
#define GEN_PASS_DEF_SINKDECODESPASS
#include "tenon/Transforms/Fusion/Passes.h.inc"

namespace {

/// move(decode(codes)) as decode(move(codes)), where `move` reorders or reshapes
/// its first operand.
struct SinkBehindMove : RewritePattern {
  SinkBehindMove(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}

  LogicalResult matchAndRewrite(Operation *move, PatternRewriter &b) const override {
    if (!isView(move->getName()) && !isa<graph::TransposeOp>(move))
      return failure();
    Operation *decode = move->getOperand(0).getDefiningOp();
    if (!graph::decodesNarrowCodes(decode) || !decode->getResult(0).hasOneUse() ||
        decode->getBlock() != move->getBlock())
      return b.notifyMatchFailure(move, "its operand is no decode of its own");
    Value codes = decode->getOperand(0);
    auto shape = cast<ShapedType>(move->getResult(0).getType());
    // A scale of rank 1 does not broadcast to a scalar.
    for (Value parameter : decode->getOperands().drop_front())
      if (!shape.hasRank() || cast<RankedTensorType>(parameter.getType()).getRank() > shape.getRank())
        return b.notifyMatchFailure(move, "the scale has a higher rank than the result");
    Operation *moved = b.clone(*move);
    moved->setOperand(0, codes);
    moved->getResult(0).setType(shape.clone(getElementTypeOrSelf(codes.getType())));
    Operation *decoded = b.clone(*decode);
    decoded->setOperand(0, moved->getResult(0));
    decoded->getResult(0).setType(shape);
    if (Attribute sizes = move->getAttr("graph.shape"))
      decoded->setAttr("graph.shape", sizes);
    else
      decoded->removeAttr("graph.shape");
    b.replaceOp(move, decoded);
    return success();
  }
};

struct SinkDecodes : impl::SinkDecodesPassBase<SinkDecodes> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<SinkBehindMove>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tenon::fusion
