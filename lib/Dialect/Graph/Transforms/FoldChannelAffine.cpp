// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Folds a constant factor and offset of each output channel into the
// convolution that computes the channel: an exported batch normalisation costs
// nothing then, and factors too small to matter make weights zero instead of
// slow denormal sums.
#include "tenon/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Support/Provenance.h"

using namespace mlir;

namespace tenon::graph {
#define GEN_PASS_DEF_FOLDCHANNELAFFINEPASS
#include "tenon/Dialect/Graph/Transforms/Passes.h.inc"

namespace {

/// `value` with `size` elements along dimension `axis` of `rank`, 1 along the others.
Value alongAxis(OpBuilder &b, Value value, int64_t size, int64_t rank, int64_t axis) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> sizes(rank, 1);
  sizes[axis] = size;
  if (type.getShape() == ArrayRef(sizes))
    return value;
  auto shapeType = RankedTensorType::get({rank}, b.getI64Type());
  Value shape = ConstantOp::create(b, value.getLoc(), shapeType, DenseElementsAttr::get(shapeType, ArrayRef(sizes)));
  return ReshapeOp::create(b, value.getLoc(), RankedTensorType::get(sizes, type.getElementType()), value, shape);
}

/// A constant, or what becomes one when constants are evaluated: this pass makes
/// products of products, but never deep ones.
bool isKnown(Value value, unsigned depth = 8) {
  Operation *op = value.getDefiningOp();
  if (!isa<RankedTensorType>(value.getType()) || !depth)
    return false;
  return isa_and_nonnull<ConstantOp>(op) ||
         (isa_and_nonnull<BinaryOp, ReshapeOp>(op) &&
          llvm::all_of(op->getOperands(), [&](Value v) { return isKnown(v, depth - 1); }));
}

/// The convolution and the per-channel constant of a binary op.
template <typename Conv>
struct Affine {
  Conv conv;
  Value constant;
  int64_t channels;

  static std::optional<Affine> match(BinaryOp op) {
    Affine found{op.getLhs().getDefiningOp<Conv>(), op.getRhs(), -1};
    if (!found.conv)
      found = {op.getRhs().getDefiningOp<Conv>(), op.getLhs(), -1};
    if (!found.conv || !found.conv->hasOneUse() || !isKnown(found.constant))
      return std::nullopt;
    if (found.conv.getBias() && !isKnown(found.conv.getBias()))
      return std::nullopt;
    // A channel of a grouped transposed convolution is no dimension of its filter.
    if (isa<ConvTransposeOp>(found.conv) && found.conv.getGroup() != 1)
      return std::nullopt;
    auto type = cast<RankedTensorType>(found.constant.getType()),
         result = dyn_cast<RankedTensorType>(found.conv.getType());
    if (!result || result.getRank() < 3)
      return std::nullopt;
    // A product of 16-bit weights would be rounded to 16 bits once more.
    if (!result.getElementType().isF32() && !result.getElementType().isF64())
      return std::nullopt;
    int64_t rank = result.getRank(), axis = found.conv.getLayout() == ChannelLayout::first ? 1 : rank - 1;
    found.channels = result.getDimSize(axis);
    if (type.getRank() > rank || ShapedType::isDynamic(found.channels))
      return std::nullopt;
    for (int64_t d = 0; d < type.getRank(); ++d)
      if (type.getDimSize(d) != (d + rank - type.getRank() == axis ? found.channels : 1))
        return std::nullopt;
    // Without the channel dimension there is one element only.
    if (type.getRank() < rank - axis)
      return std::nullopt;
    return found;
  }

  void replace(BinaryOp op, Value filter, Value bias, PatternRewriter &b) {
    b.setInsertionPoint(op);
    auto copy = cast<Conv>(b.clone(*conv));
    copy->setLoc(b.getFusedLoc({conv.getLoc(), op.getLoc()}));
    copy.getFilterMutable().assign(filter);
    if (bias)
      copy.getBiasMutable().assign(bias);
    b.replaceOp(op, copy->getResults());
    b.eraseOp(conv);
  }
};

template <typename Conv>
LogicalResult foldFactor(BinaryOp op, PatternRewriter &b) {
  if (op.getKind() != BinaryKind::mul)
    return failure();
  auto affine = Affine<Conv>::match(op);
  if (!affine || !isKnown(affine->conv.getFilter()))
    return b.notifyMatchFailure(op, "not a convolution with a constant filter times a constant of its channels");
  Value filter = affine->conv.getFilter(), bias = affine->conv.getBias();
  int64_t rank = cast<RankedTensorType>(filter.getType()).getRank(), axis = isa<ConvTransposeOp>(affine->conv) ? 1 : 0;
  auto times = [&](Value value, int64_t rank, int64_t axis) -> Value {
    Value factor = alongAxis(b, affine->constant, affine->channels, rank, axis);
    return BinaryOp::create(b, op.getLoc(), value.getType(), BinaryKind::mul, value, factor);
  };
  op->setLoc(withNote(op.getLoc(), "TN4020",
                      "a constant factor of the channels is multiplied into the filter, which is rounded anew"));
  affine->replace(op, times(filter, rank, axis), bias ? times(bias, 1, 0) : Value(), b);
  return success();
}

template <typename Conv>
LogicalResult foldOffset(BinaryOp op, PatternRewriter &b) {
  if (op.getKind() != BinaryKind::add)
    return failure();
  auto affine = Affine<Conv>::match(op);
  if (!affine)
    return b.notifyMatchFailure(op, "not a convolution plus a constant of its channels");
  Value offset = alongAxis(b, affine->constant, affine->channels, 1, 0);
  if (Value bias = affine->conv.getBias())
    offset = BinaryOp::create(b, op.getLoc(), bias.getType(), BinaryKind::add, bias, offset);
  affine->replace(op, affine->conv.getFilter(), offset, b);
  return success();
}

class FoldChannelAffine : public impl::FoldChannelAffinePassBase<FoldChannelAffine> {
public:
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add(foldFactor<ConvOp>).add(foldOffset<ConvOp>);
    patterns.add(foldFactor<ConvTransposeOp>).add(foldOffset<ConvTransposeOp>);
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tenon::graph
