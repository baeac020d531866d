// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions on 16-bit floats read f32: a register tile broadcasts each
// element of its data many times, and would widen it as often. The values stay
// what 16 bits hold; only where they are stored changes.
#include "tenon/Target/CPU/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;

namespace tenon::cpu {
#define GEN_PASS_DEF_WIDENCONVOLUTIONSPASS
#include "tenon/Target/CPU/Passes.h.inc"

namespace {

bool isNarrow(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isF16() || element.isBF16();
}

bool isRanked(Operation *op) {
  auto ranked = [](Type type) { return isa<RankedTensorType>(type); };
  return llvm::all_of(op->getOperandTypes(), ranked) && llvm::all_of(op->getResultTypes(), ranked);
}

Value castTo(OpBuilder &b, Location loc, Value value, Type element) {
  if (!value || getElementTypeOrSelf(value.getType()) == element)
    return value;
  return graph::CastOp::create(b, loc, cast<RankedTensorType>(value.getType()).clone(element), value);
}

/// `op` with its 16-bit operands and result as f32.
Operation *widened(OpBuilder &b, Operation *op) {
  Operation *copy = b.clone(*op);
  b.setInsertionPoint(copy);
  for (OpOperand &operand : copy->getOpOperands())
    if (isNarrow(operand.get().getType()))
      operand.set(castTo(b, op->getLoc(), operand.get(), b.getF32Type()));
  Value result = copy->getResult(0);
  result.setType(cast<RankedTensorType>(result.getType()).clone(b.getF32Type()));
  b.setInsertionPointAfter(copy);
  return copy;
}

template <typename Conv>
LogicalResult widenConvolution(Conv op, PatternRewriter &b) {
  if (!isNarrow(op.getType()) || !isRanked(op))
    return b.notifyMatchFailure(op, "not on 16-bit floats of known rank");
  Operation *copy = widened(b, op);
  b.replaceOp(op, castTo(b, op.getLoc(), copy->getResult(0), getElementTypeOrSelf(op.getType())));
  return success();
}

/// Whether every value of the result is one of the operands', or zero.
bool keepsValues(Operation *op) {
  if (auto pool = dyn_cast<graph::PoolOp>(op))
    return pool.getKind() == graph::PoolKind::max;
  if (auto unary = dyn_cast<graph::UnaryOp>(op))
    return unary.getKind() == graph::UnaryKind::relu;
  return isa<graph::ConcatOp, graph::SliceOp, graph::TransposeOp, graph::ReshapeOp, graph::SqueezeOp,
             graph::UnsqueezeOp, graph::FlattenOp>(op);
}

/// A value that is only ever widened is widened before it is moved: the
/// widening then meets the rounding of the convolution that made it.
LogicalResult widenEarlier(graph::CastOp op, PatternRewriter &b) {
  Operation *source = op.getX().getDefiningOp();
  if (!isNarrow(op.getX().getType()) || !getElementTypeOrSelf(op.getType()).isF32() || !source ||
      !keepsValues(source) || !isRanked(source))
    return failure();
  if (source->getNumResults() != 1 || llvm::any_of(source->getUsers(), [&](Operation *user) {
        return !isa<graph::CastOp>(user) || user->getResult(0).getType() != op.getType();
      }))
    return b.notifyMatchFailure(op, "the 16-bit value itself is used");
  b.setInsertionPoint(source);
  Operation *copy = widened(b, source);
  for (Operation *user : llvm::make_early_inc_range(source->getUsers()))
    b.replaceOp(user, copy->getResults());
  b.eraseOp(source);
  return success();
}

class WidenConvolutions : public impl::WidenConvolutionsPassBase<WidenConvolutions> {
public:
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add(widenConvolution<graph::ConvOp>).add(widenConvolution<graph::ConvTransposeOp>).add(widenEarlier);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tenon::cpu
