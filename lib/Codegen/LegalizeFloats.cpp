// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Float operations without an instruction of the target, as vector arithmetic.
#include "tenon/Codegen/Passes.h"

#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

using namespace mlir;

namespace tenon::codegen {
#define GEN_PASS_DEF_LEGALIZEFLOATSPASS
#include "tenon/Codegen/Passes.h.inc"

namespace {

/// `type` with another element type; scalars and vectors alike.
Type withElement(Type type, Type element) {
  auto vector = dyn_cast<VectorType>(type);
  return vector ? Type(vector.clone(element)) : element;
}

/// Bit patterns of floats, computed with over scalars or vectors of `like`'s shape.
struct Bits {
  OpBuilder &b;
  Location loc;
  Type like;

  Type integer(unsigned width) const { return withElement(like, b.getIntegerType(width)); }
  Value constant(uint32_t value) const {
    Type type = integer(32);
    IntegerAttr element = b.getIntegerAttr(b.getI32Type(), APInt(32, value));
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, element.getValue()));
    return arith::ConstantOp::create(b, loc, element);
  }
  Value to(Type type, Value x) const { return arith::BitcastOp::create(b, loc, type, x); }
  Value f32(Value x) const { return to(withElement(like, b.getF32Type()), x); }
  Value i32(Value x) const { return to(integer(32), x); }
  Value both(Value x, Value y) const { return arith::AndIOp::create(b, loc, x, y); }
  Value either(Value x, Value y) const { return arith::OrIOp::create(b, loc, x, y); }
  Value add(Value x, Value y) const { return arith::AddIOp::create(b, loc, x, y); }
  Value left(Value x, uint32_t n) const { return arith::ShLIOp::create(b, loc, x, constant(n)); }
  Value right(Value x, uint32_t n) const { return arith::ShRUIOp::create(b, loc, x, constant(n)); }
  Value above(Value x, uint32_t limit) const {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, x, constant(limit));
  }
  Value choose(Value condition, Value x, Value y) const { return arith::SelectOp::create(b, loc, condition, x, y); }
};

struct ExpandFma final : OpRewritePattern<math::FmaOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(math::FmaOp op, PatternRewriter &rewriter) const override {
    Value product = arith::MulFOp::create(rewriter, op.getLoc(), op.getA(), op.getB());
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op.getC());
    return success();
  }
};

struct ExpandVectorFma final : OpRewritePattern<vector::FMAOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(vector::FMAOp op, PatternRewriter &rewriter) const override {
    Value product = arith::MulFOp::create(rewriter, op.getLoc(), op.getLhs(), op.getRhs());
    rewriter.replaceOpWithNewOp<arith::AddFOp>(op, product, op.getAcc());
    return success();
  }
};

/// f16 and bf16 reach f64 by way of f32, which holds all their values.
struct WidenInSteps final : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    if (getElementTypeOrSelf(op.getIn()).getIntOrFloatBitWidth() != 16 || !getElementTypeOrSelf(op.getOut()).isF64())
      return failure();
    Type single = withElement(op.getType(), rewriter.getF32Type());
    Value x = arith::ExtFOp::create(rewriter, op.getLoc(), single, op.getIn());
    rewriter.replaceOpWithNewOp<arith::ExtFOp>(op, op.getType(), x);
    return success();
  }
};

/// Of the two f32 next to an inexact value takes the one with an odd last bit: the
/// second rounding then sees on which side of a tie the value was.
struct NarrowInSteps final : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF64() || getElementTypeOrSelf(op.getOut()).getIntOrFloatBitWidth() != 16)
      return failure();
    Location loc = op.getLoc();
    Bits bits{rewriter, loc, op.getType()};
    Value x = op.getIn();
    Value nearest = arith::TruncFOp::create(rewriter, loc, withElement(op.getType(), rewriter.getF32Type()), x);
    Value back = arith::ExtFOp::create(rewriter, loc, x.getType(), nearest);
    auto compare = [&](arith::CmpFPredicate predicate, Value a, Value b) -> Value {
      return arith::CmpFOp::create(rewriter, loc, predicate, a, b);
    };
    Value inexact = compare(arith::CmpFPredicate::ONE, back, x);
    Value away = compare(arith::CmpFPredicate::OGT, math::AbsFOp::create(rewriter, loc, back),
                         math::AbsFOp::create(rewriter, loc, x));
    Value pattern = bits.i32(nearest);
    Value towardsZero = bits.choose(away, bits.add(pattern, bits.constant(~0u)), pattern);
    Value odd = bits.either(towardsZero, bits.constant(1));
    Value single = bits.f32(bits.choose(inexact, odd, pattern));
    rewriter.replaceOpWithNewOp<arith::TruncFOp>(op, op.getType(), single);
    return success();
  }
};

/// Shifted into place, an f16's bits are its value times 2^-112, denormals included;
/// infinities and NaNs need f32's largest exponent on top.
struct ExpandHalfToSingle final : OpRewritePattern<arith::ExtFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::ExtFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF16() || !getElementTypeOrSelf(op.getOut()).isF32())
      return failure();
    Location loc = op.getLoc();
    Bits bits{rewriter, loc, op.getType()};
    Value half = arith::ExtUIOp::create(rewriter, loc, bits.integer(32), bits.to(bits.integer(16), op.getIn()));
    Value magnitude = bits.both(half, bits.constant(0x7fff));
    Value sign = bits.left(bits.both(half, bits.constant(0x8000)), 16);
    Value scaled = arith::MulFOp::create(rewriter, loc, bits.f32(bits.left(magnitude, 13)),
                                         bits.f32(bits.constant(0x77800000))); // 2^112
    Value special = bits.choose(bits.above(magnitude, 0x7bff), bits.constant(0x7f800000), bits.constant(0));
    rewriter.replaceOp(op, bits.f32(bits.either(bits.either(bits.i32(scaled), special), sign)));
    return success();
  }
};

/// Normal results: rebias the exponent and round the 13 bits that go. Denormal
/// ones: adding 0.5 leaves the f16's bits at the end of the sum, rounded by the
/// addition.
struct ExpandSingleToHalf final : OpRewritePattern<arith::TruncFOp> {
  using OpRewritePattern::OpRewritePattern;
  LogicalResult matchAndRewrite(arith::TruncFOp op, PatternRewriter &rewriter) const override {
    if (!getElementTypeOrSelf(op.getIn()).isF32() || !getElementTypeOrSelf(op.getOut()).isF16())
      return failure();
    Location loc = op.getLoc();
    Bits bits{rewriter, loc, op.getType()};
    Value single = bits.i32(op.getIn());
    Value magnitude = bits.both(single, bits.constant(0x7fffffff));
    Value sign = bits.both(bits.right(single, 16), bits.constant(0x8000));

    Value last = bits.both(bits.right(magnitude, 13), bits.constant(1));
    Value rounded = bits.add(bits.add(magnitude, last), bits.constant(0xfff - (112u << 23)));
    Value normal = arith::MinUIOp::create(rewriter, loc, bits.right(rounded, 13), bits.constant(0x7c00));

    Value half = bits.constant(0x3f000000); // 0.5
    Value sum = arith::AddFOp::create(rewriter, loc, bits.f32(magnitude), bits.f32(half));
    Value denormal = arith::SubIOp::create(rewriter, loc, bits.i32(sum), half);

    Value payload = bits.both(bits.right(magnitude, 13), bits.constant(0x1ff));
    Value nan = bits.either(payload, bits.constant(0x7e00));

    Value result = bits.choose(bits.above(magnitude, 0x387fffff), normal, denormal);
    result = bits.either(bits.choose(bits.above(magnitude, 0x7f800000), nan, result), sign);
    Value narrow = arith::TruncIOp::create(rewriter, loc, bits.integer(16), result);
    rewriter.replaceOp(op, bits.to(op.getType(), narrow));
    return success();
  }
};

class LegalizeFloats : public impl::LegalizeFloatsPassBase<LegalizeFloats> {
public:
  using LegalizeFloatsPassBase::LegalizeFloatsPassBase;

  void runOnOperation() override {
    arith::ArithEmulateUnsupportedFloatsOptions narrow;
    narrow.sourceTypeStrs = {"bf16"};
    if (!half)
      narrow.sourceTypeStrs.push_back("f16");
    OpPassManager emulation(ModuleOp::getOperationName());
    emulation.addPass(arith::createArithEmulateUnsupportedFloats(narrow));
    if (failed(runPipeline(emulation, getOperation())))
      return signalPassFailure();

    RewritePatternSet patterns(&getContext());
    patterns.add<WidenInSteps, NarrowInSteps>(&getContext());
    if (!fma)
      patterns.add<ExpandFma, ExpandVectorFma>(&getContext());
    if (!half)
      patterns.add<ExpandHalfToSingle, ExpandSingleToHalf>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace tenon::codegen
