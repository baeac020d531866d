// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonicalisation of graph ops. Identities hold for every float: x + 0.0 is
// not x where x is -0.0, so only -0.0 is neutral to addition. Results keep the
// recorded dimensions (graph.shape). Ops inside kernels stay as they are:
// how kernels compute is decided already.
#include "Verify.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/PatternMatch.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Num/IR/Num.h"

using namespace mlir;
using namespace tenon::graph;

namespace {

bool isOpen(Operation *op) { return isa_and_nonnull<func::FuncOp, scf::IfOp>(op->getParentOp()); }

/// One type, and surely the same sizes.
bool sameShape(Value a, Value b) {
  auto type = dyn_cast<RankedTensorType>(a.getType());
  if (!type || type != b.getType())
    return false;
  AffineMapAttr shape = recordedShape(a);
  return type.hasStaticShape() || (shape && shape == recordedShape(b));
}

DenseElementsAttr constantOf(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  return constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
}

bool isSplat(Value value, double number) {
  DenseElementsAttr dense = constantOf(value);
  if (!dense || !dense.isSplat())
    return false;
  if (isa<FloatType>(dense.getElementType())) {
    APFloat element = dense.getSplatValue<APFloat>();
    return element.convertToDouble() == number && element.isNegative() == std::signbit(number);
  }
  return isa<IntegerType>(dense.getElementType()) && dense.getSplatValue<APInt>() == uint64_t(number);
}

/// A constant of zeros in a float format, however it is held.
bool isZeroFloat(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  const auto *format = constant ? tenon::num::formatOf(getElementTypeOrSelf(value.getType())) : nullptr;
  if (!format || !format->isFloat() || format->decode(0) != 0)
    return false;
  auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue());
  AsmResourceBlob *blob = resource ? resource.getRawHandle().getBlob() : nullptr;
  return blob ? llvm::all_of(blob->getData(), [](char byte) { return byte == 0; }) : isSplat(value, 0.0);
}

/// Puts `op` in the place of `old`, with its recorded dimensions.
void replaceKeeping(PatternRewriter &rewriter, Operation *old, Operation *op) {
  if (Attribute shape = old->getAttr("graph.shape"))
    op->setAttr("graph.shape", shape);
  rewriter.replaceOp(old, op->getResults());
}

/// Ops that only relabel the dimensions of row-major elements.
Value viewedOperand(Value value) {
  Operation *op = value.getDefiningOp();
  return isa_and_nonnull<ReshapeOp, FlattenOp, SqueezeOp, UnsqueezeOp>(op) ? op->getOperand(0) : Value();
}

//===-- views and movement --------------------------------------------------===//

LogicalResult simplifyTranspose(TransposeOp op, PatternRewriter &rewriter) {
  if (!isOpen(op))
    return failure();
  if (llvm::is_sorted(op.getPerm()) && op.getX().getType() == op.getType()) {
    rewriter.replaceOp(op, op.getX());
    return success();
  }
  auto inner = op.getX().getDefiningOp<TransposeOp>();
  if (!inner || inner.getPerm().size() != op.getPerm().size())
    return failure();
  SmallVector<int64_t> perm;
  for (int64_t axis : op.getPerm())
    perm.push_back(inner.getPerm()[axis]);
  auto loc = rewriter.getFusedLoc({inner.getLoc(), op.getLoc()});
  replaceKeeping(rewriter, op, TransposeOp::create(rewriter, loc, op.getType(), inner.getX(), perm));
  return success();
}

LogicalResult simplifyReshape(ReshapeOp op, PatternRewriter &rewriter) {
  if (!isOpen(op))
    return failure();
  if (sameShape(op.getX(), op.getResult())) {
    rewriter.replaceOp(op, op.getX());
    return success();
  }
  Value source = viewedOperand(op.getX());
  if (!source)
    return failure();
  if (sameShape(source, op.getResult())) {
    rewriter.replaceOp(op, source);
    return success();
  }
  auto loc = rewriter.getFusedLoc({op.getX().getLoc(), op.getLoc()});
  replaceKeeping(rewriter, op, ReshapeOp::create(rewriter, loc, op.getType(), source, op.getShape()));
  return success();
}

/// Ops that are the identity where they change no size.
template <typename Op>
LogicalResult dropIdentity(Op op, PatternRewriter &rewriter) {
  if (!isOpen(op) || !sameShape(op.getX(), op.getResult()))
    return failure();
  rewriter.replaceOp(op, op.getX());
  return success();
}

LogicalResult simplifySlice(SliceOp op, PatternRewriter &rewriter) {
  // Backwards, every element is there but not in its place.
  if (llvm::any_of(op.getSteps(), [](int64_t step) { return step < 0; }))
    return failure();
  return dropIdentity(op, rewriter);
}

LogicalResult simplifyPad(PadOp op, PatternRewriter &rewriter) {
  return isSplat(op.getPads(), 0) ? dropIdentity(op, rewriter) : failure();
}

LogicalResult simplifyConcat(ConcatOp op, PatternRewriter &rewriter) {
  if (!isOpen(op) || op.getInputs().size() != 1 || op.getInputs().front().getType() != op.getType())
    return failure();
  rewriter.replaceOp(op, op.getInputs().front());
  return success();
}

//===-- elementwise ---------------------------------------------------------===//

LogicalResult simplifyCast(CastOp op, PatternRewriter &rewriter) {
  if (!isOpen(op) || op.getX().getType() != op.getType())
    return failure();
  rewriter.replaceOp(op, op.getX());
  return success();
}

LogicalResult simplifyUnary(UnaryOp op, PatternRewriter &rewriter) {
  auto inner = op.getX().getDefiningOp<UnaryOp>();
  bool undoes = op.getKind() == UnaryKind::neg || op.getKind() == UnaryKind::logical_not ||
                op.getKind() == UnaryKind::bitwise_not;
  if (!isOpen(op) || !inner || inner.getKind() != op.getKind() || !undoes || inner.getX().getType() != op.getType())
    return failure();
  rewriter.replaceOp(op, inner.getX());
  return success();
}

/// Whether `value` at that side of the op leaves the other operand as it is.
bool isNeutral(BinaryKind kind, Value value, bool right) {
  switch (kind) {
  case BinaryKind::add: return isSplat(value, isFloat(value) ? -0.0 : 0.0);
  case BinaryKind::sub: return right && isSplat(value, 0.0);
  case BinaryKind::mul: return isSplat(value, 1.0);
  case BinaryKind::div:
  case BinaryKind::pow: return right && isSplat(value, 1.0);
  default: return false;
  }
}

LogicalResult dropNeutral(BinaryOp op, PatternRewriter &rewriter) {
  if (!isOpen(op))
    return failure();
  for (bool right : {true, false}) {
    Value kept = right ? op.getLhs() : op.getRhs();
    if (!isNeutral(op.getKind(), right ? op.getRhs() : op.getLhs(), right) || !sameShape(kept, op.getResult()))
      continue;
    rewriter.replaceOp(op, kept);
    return success();
  }
  return failure();
}

/// x * sigmoid(x) is one function.
LogicalResult formSwish(BinaryOp op, PatternRewriter &rewriter) {
  if (!isOpen(op) || op.getKind() != BinaryKind::mul || !isFloat(op.getResult()))
    return failure();
  for (auto [x, gate] : {std::make_pair(op.getLhs(), op.getRhs()), std::make_pair(op.getRhs(), op.getLhs())}) {
    auto sigmoid = gate.getDefiningOp<UnaryOp>();
    if (!sigmoid || sigmoid.getKind() != UnaryKind::sigmoid || sigmoid.getX() != x || !sigmoid->hasOneUse())
      continue;
    auto loc = rewriter.getFusedLoc({sigmoid.getLoc(), op.getLoc()});
    replaceKeeping(rewriter, op,
                   UnaryOp::create(rewriter, loc, op.getType(), UnaryKind::swish, x, APFloat(1.0f), APFloat(0.0f)));
    return success();
  }
  return failure();
}

/// Division by powers of two is exactly multiplication by their inverses.
LogicalResult multiplyInstead(BinaryOp op, PatternRewriter &rewriter) {
  DenseElementsAttr divisors = constantOf(op.getRhs());
  if (!isOpen(op) || op.getKind() != BinaryKind::div || !divisors || !isa<FloatType>(divisors.getElementType()))
    return failure();
  if (!divisors.isSplat() && divisors.getNumElements() > 4096)
    return failure();
  SmallVector<APFloat> inverses;
  auto invert = [&](const APFloat &value) {
    APFloat inverse(value.getSemantics());
    if (!value.getExactInverse(&inverse))
      return false;
    inverses.push_back(inverse);
    return true;
  };
  if (divisors.isSplat() ? !invert(divisors.getSplatValue<APFloat>())
                         : !llvm::all_of(divisors.getValues<APFloat>(), invert))
    return failure();
  auto values = DenseElementsAttr::get(divisors.getType(), inverses);
  auto constant = ConstantOp::create(rewriter, op.getRhs().getLoc(), divisors.getType(), values);
  replaceKeeping(rewriter, op,
                 BinaryOp::create(rewriter, op.getLoc(), op.getType(), BinaryKind::mul, op.getLhs(), constant));
  return success();
}

/// The square is a product, rounded once either way.
LogicalResult squareByProduct(BinaryOp op, PatternRewriter &rewriter) {
  if (!isOpen(op) || op.getKind() != BinaryKind::pow || !isSplat(op.getRhs(), 2.0) ||
      !sameShape(op.getLhs(), op.getResult()))
    return failure();
  replaceKeeping(rewriter, op,
                 BinaryOp::create(rewriter, op.getLoc(), op.getType(), BinaryKind::mul, op.getLhs(), op.getLhs()));
  return success();
}

/// Floats have a zero point of zero, if any; products keep weights narrow that have none.
LogicalResult dropZeroPoint(DequantizeOp op, PatternRewriter &rewriter) {
  Value zero = op.getZeroPoint();
  if (!isOpen(op) || !zero || !isZeroFloat(zero))
    return failure();
  rewriter.modifyOpInPlace(op, [&]() { op.getZeroPointMutable().clear(); });
  return success();
}

/// A product reads a transposed matrix as it lies.
LogicalResult readTransposed(MatMulOp op, PatternRewriter &rewriter) {
  if (!isOpen(op))
    return failure();
  auto swapped = [](Value operand) -> TransposeOp {
    auto transpose = operand.getDefiningOp<TransposeOp>();
    if (!transpose || transpose.getPerm().size() < 2)
      return nullptr;
    SmallVector<int64_t> perm(transpose.getPerm());
    std::swap(perm[perm.size() - 2], perm.back());
    return llvm::equal(perm, llvm::seq<int64_t>(0, perm.size())) ? transpose : nullptr;
  };
  TransposeOp lhs = swapped(op.getLhs()), rhs = swapped(op.getRhs());
  if (!lhs && !rhs)
    return failure();
  rewriter.modifyOpInPlace(op, [&]() {
    if (lhs) {
      op.getLhsMutable().assign(lhs.getX());
      op.setTransposeLhs(!op.getTransposeLhs());
    }
    if (rhs) {
      op.getRhsMutable().assign(rhs.getX());
      op.setTransposeRhs(!op.getTransposeRhs());
    }
  });
  return success();
}

} // namespace

void MatMulOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(readTransposed); }
void DequantizeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(dropZeroPoint);
}
void TransposeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(simplifyTranspose);
}
void ReshapeOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(simplifyReshape);
}
void ExpandOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(dropIdentity<ExpandOp>);
}
void TileOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(dropIdentity<TileOp>);
}
void SliceOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(simplifySlice); }
void PadOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(simplifyPad); }
void ConcatOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(simplifyConcat); }
void CastOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(simplifyCast); }
void UnaryOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) { patterns.add(simplifyUnary); }
void BinaryOp::getCanonicalizationPatterns(RewritePatternSet &patterns, MLIRContext *) {
  patterns.add(dropNeutral);
  patterns.add(formSwish);
  patterns.add(multiplyInstead);
  patterns.add(squareByProduct);
}
