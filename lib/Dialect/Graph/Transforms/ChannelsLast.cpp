// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Chooses channels-last once for the whole graph: windows become channels-last
// between two transposes, and transposes sink through what does not care about
// the order of dimensions, until they meet their inverse.
#include "tenon/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;

namespace tenon::graph {
#define GEN_PASS_DEF_CHANNELSLASTPASS
#include "tenon/Dialect/Graph/Transforms/Passes.h.inc"

namespace {

SmallVector<int64_t> toLast(int64_t rank) {
  SmallVector<int64_t> perm;
  perm.push_back(0);
  for (int64_t i = 2; i < rank; ++i)
    perm.push_back(i);
  perm.push_back(1);
  return perm;
}

SmallVector<int64_t> inverse(ArrayRef<int64_t> perm) {
  SmallVector<int64_t> result(perm.size());
  for (auto [i, p] : llvm::enumerate(perm))
    result[p] = i;
  return result;
}

int64_t rankOf(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type ? type.getRank() : -1;
}

Type permuted(Value value, ArrayRef<int64_t> perm, Type element = {}) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> sizes;
  for (int64_t p : perm)
    sizes.push_back(type.getDimSize(p));
  return RankedTensorType::get(sizes, element ? element : type.getElementType());
}

Value transpose(OpBuilder &b, Location loc, Value value, ArrayRef<int64_t> perm) {
  return TransposeOp::create(b, loc, permuted(value, perm), value, b.getDenseI64ArrayAttr(perm));
}

/// A windowed op between transposes, in channels-last layout.
template <typename Op>
struct WindowToLast : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &b) const override {
    int64_t rank = rankOf(op.getX());
    if (op.getLayout() != ChannelLayout::first || rank < 3 || rank > 4 || rankOf(op.getResult()) != rank)
      return b.notifyMatchFailure(op, "it is channels-last already or not one- or two-dimensional");
    SmallVector<int64_t> perm = toLast(rank);
    Value x = transpose(b, op.getLoc(), op.getX(), perm);
    IRMapping mapping;
    mapping.map(op.getX(), x);
    auto copy = cast<Op>(b.clone(*op, mapping));
    copy.setLayout(ChannelLayout::last);
    copy->removeAttr("graph.shape");
    copy.getResult().setType(cast<RankedTensorType>(permuted(op.getResult(), perm)));
    b.replaceOp(op, transpose(b, op.getLoc(), copy.getResult(), inverse(perm)));
    return success();
  }
};

/// The permutation of an operand that is a channels-last value seen channels-first.
std::optional<SmallVector<int64_t>> sinkable(Value value) {
  auto op = value.getDefiningOp<TransposeOp>();
  if (!op || op.getPerm().size() < 3 || inverse(toLast(op.getPerm().size())) != SmallVector<int64_t>(op.getPerm()))
    return std::nullopt;
  return SmallVector<int64_t>(op.getPerm());
}

/// Few elements against the data: transposing it costs nothing that matters.
bool isSmall(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type)
    return false;
  int64_t wide = 0;
  for (int64_t size : type.getShape())
    wide += size != 1;
  return wide <= type.getRank() - 2;
}

/// How many of an elementwise op's operands broadcast to its result; the scale
/// and zero point after them are single values. 0 for other ops.
unsigned dataOperands(Operation *op) {
  auto quantize = dyn_cast<QuantizeOp>(op);
  auto dequantize = dyn_cast<DequantizeOp>(op);
  if ((quantize && quantize.isElementwise()) || (dequantize && dequantize.isElementwise()))
    return 1;
  return isa<UnaryOp, BinaryOp, SelectOp, CastOp>(op) ? op->getNumOperands() : 0;
}

struct SinkElementwise : RewritePattern {
  SinkElementwise(MLIRContext *context) : RewritePattern(MatchAnyOpTypeTag(), 1, context) {}
  LogicalResult matchAndRewrite(Operation *op, PatternRewriter &b) const override {
    unsigned count = dataOperands(op);
    if (count == 0)
      return failure();
    if (auto cast = dyn_cast<CastOp>(op); cast && cast.isStochastic())
      return b.notifyMatchFailure(op, "the draws belong to the elements' places in this layout");
    OperandRange data = op->getOperands().take_front(count);
    int64_t rank = rankOf(op->getResult(0));
    std::optional<SmallVector<int64_t>> perm;
    for (Value operand : data)
      // A small value's transpose is no reason to move a large one in rank 3:
      // it has one permutation for both directions, and the two would chase
      // each other.
      if (auto found = sinkable(operand); found && int64_t(found->size()) == rank && (rank > 3 || !isSmall(operand)))
        perm = found;
    if (!perm)
      return b.notifyMatchFailure(op, "no operand is a transposed channels-last value");
    for (Value operand : data) {
      bool constant = operand.getDefiningOp<ConstantOp>() != nullptr;
      if (sinkable(operand) != perm && !(rankOf(operand) == rank && (isSmall(operand) || constant)) &&
          !(constant && rankOf(operand) < rank) && rankOf(operand) != 0)
        return b.notifyMatchFailure(op, "another operand is large and not channels-last");
    }
    SmallVector<Value> operands;
    for (Value operand : data) {
      if (sinkable(operand) == perm) {
        operands.push_back(operand.getDefiningOp<TransposeOp>().getX());
        continue;
      }
      if (rankOf(operand) == 0) {
        operands.push_back(operand);
        continue;
      }
      if (rankOf(operand) < rank) {
        auto type = cast<RankedTensorType>(operand.getType());
        SmallVector<int64_t> axes, sizes(rank - type.getRank(), 1);
        for (int64_t i = 0; i < rank - type.getRank(); ++i)
          axes.push_back(i);
        sizes.append(type.getShape().begin(), type.getShape().end());
        operand = UnsqueezeOp::create(b, op->getLoc(), RankedTensorType::get(sizes, type.getElementType()), operand,
                                      b.getDenseI64ArrayAttr(axes));
      }
      operands.push_back(transpose(b, op->getLoc(), operand, inverse(*perm)));
    }
    llvm::append_range(operands, op->getOperands().drop_front(count));
    Operation *copy = b.clone(*op);
    copy->setOperands(operands);
    copy->removeAttr("graph.shape");
    copy->getResult(0).setType(permuted(op->getResult(0), inverse(*perm)));
    b.replaceOp(op, transpose(b, op->getLoc(), copy->getResult(0), *perm));
    return success();
  }
};

struct SinkConcat : OpRewritePattern<ConcatOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ConcatOp op, PatternRewriter &b) const override {
    std::optional<SmallVector<int64_t>> perm = sinkable(op.getInputs().front());
    if (rankOf(op.getResult()) < 0)
      return b.notifyMatchFailure(op, "the result has no rank");
    SmallVector<Value> inputs;
    for (Value input : op.getInputs()) {
      if (!perm || sinkable(input) != perm)
        return b.notifyMatchFailure(op, "not all inputs are channels-last");
      inputs.push_back(input.getDefiningOp<TransposeOp>().getX());
    }
    auto copy =
        ConcatOp::create(b, op.getLoc(), permuted(op.getResult(), inverse(*perm)), inputs, (*perm)[op.getAxis()]);
    b.replaceOp(op, transpose(b, op.getLoc(), copy, *perm));
    return success();
  }
};

struct SinkReduce : OpRewritePattern<ReduceOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(ReduceOp op, PatternRewriter &b) const override {
    auto perm = sinkable(op.getX());
    if (!perm || !op.getKeepDims() || rankOf(op.getResult()) < 0)
      return b.notifyMatchFailure(op, "the operand is not channels-last or the rank changes");
    SmallVector<int64_t> axes;
    for (int64_t axis : op.getAxes())
      axes.push_back((*perm)[axis]);
    llvm::sort(axes);
    auto copy = ReduceOp::create(b, op.getLoc(), permuted(op.getResult(), inverse(*perm)), op.getKind(),
                                 op.getX().getDefiningOp<TransposeOp>().getX(), axes, true);
    b.replaceOp(op, transpose(b, op.getLoc(), copy, *perm));
    return success();
  }
};

/// A tensor with one element for each dimension (`runs` of them), reordered
/// from the order of a transposed value to that of the value itself.
Value reordered(OpBuilder &b, Value tensor, ArrayRef<int64_t> perm, int64_t runs = 1) {
  SmallVector<int64_t> order;
  for (int64_t run = 0; run < runs; ++run)
    for (int64_t position : inverse(perm))
      order.push_back(run * perm.size() + position);
  if (auto constant = tensor.getDefiningOp<ConstantOp>()) // shape inference reads constants, not gathers of them
    if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue())) {
      auto values = llvm::to_vector(dense.getValues<Attribute>());
      auto moved = llvm::map_to_vector(order, [&](int64_t position) { return values[position]; });
      return ConstantOp::create(b, tensor.getLoc(), tensor.getType(), DenseElementsAttr::get(dense.getType(), moved));
    }
  auto type = RankedTensorType::get({int64_t(order.size())}, b.getI64Type());
  Value indices = ConstantOp::create(b, tensor.getLoc(), type, DenseElementsAttr::get(type, ArrayRef(order)));
  return GatherOp::create(b, tensor.getLoc(), tensor.getType(), tensor, indices, 0);
}

/// An op whose first operand is data, moved before the transposition of its
/// operand; `adapt` changes what else refers to dimensions.
template <typename Op>
struct SinkData : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;
  LogicalResult matchAndRewrite(Op op, PatternRewriter &b) const override {
    auto perm = sinkable(op.getX());
    if (!perm || rankOf(op.getResult()) != int64_t(perm->size()))
      return b.notifyMatchFailure(op, "the operand is not channels-last");
    auto copy = cast<Op>(b.clone(*op));
    b.setInsertionPoint(copy);
    copy.getXMutable().assign(op.getX().template getDefiningOp<TransposeOp>().getX());
    adapt(copy, *perm, b);
    copy->removeAttr("graph.shape");
    copy.getResult().setType(cast<RankedTensorType>(permuted(op.getResult(), inverse(*perm))));
    b.setInsertionPointAfter(copy);
    b.replaceOp(op, transpose(b, op.getLoc(), copy.getResult(), *perm));
    return success();
  }

  static void adapt(SliceOp op, ArrayRef<int64_t> perm, OpBuilder &) {
    SmallVector<int64_t> axes;
    for (int64_t axis : op.getAxes())
      axes.push_back(perm[axis]);
    op.setAxes(axes);
  }
  static void adapt(ResizeOp op, ArrayRef<int64_t> perm, OpBuilder &b) {
    if (op.getScales())
      op.getScalesMutable().assign(reordered(b, op.getScales(), perm));
    if (op.getSizes())
      op.getSizesMutable().assign(reordered(b, op.getSizes(), perm));
  }
  static void adapt(PadOp op, ArrayRef<int64_t> perm, OpBuilder &b) {
    op.getPadsMutable().assign(reordered(b, op.getPads(), perm, 2));
  }
};

class ChannelsLast : public impl::ChannelsLastPassBase<ChannelsLast> {
public:
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<WindowToLast<ConvOp>, WindowToLast<PoolOp>, WindowToLast<ConvTransposeOp>, SinkElementwise, SinkConcat,
                 SinkReduce, SinkData<SliceOp>, SinkData<ResizeOp>, SinkData<PadOp>>(&getContext());
    TransposeOp::getCanonicalizationPatterns(patterns, &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tenon::graph
