// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Extents, window and padding of a convolution.
#include "tenon/Codegen/ConvShape.h"

#include "tenon/Codegen/OperandReader.h"

using namespace mlir;

namespace tenon::codegen {

AffineExpr convPadding(graph::ConvOp op, size_t d, AffineExpr in, AffineExpr out, int64_t window) {
  MLIRContext *context = op.getContext();
  graph::AutoPad mode = op.getAutoPad();
  if (mode == graph::AutoPad::notset)
    return getAffineConstantExpr(op.getPads()[d], context);
  if (mode == graph::AutoPad::valid)
    return getAffineConstantExpr(0, context);
  AffineExpr total = (out - 1) * op.getStrides()[d] + ((window - 1) * op.getDilations()[d] + 1) - in;
  // max(0, total). It lies in (-bound, bound) and is negative only where the
  // stride exceeds the window. Affine expressions have no maximum; the factor
  // floor((total + bound) / bound) is 0 for negative totals and 1 for others.
  int64_t bound = op.getStrides()[d] + window * op.getDilations()[d];
  if (auto constant = dyn_cast<AffineConstantExpr>(total))
    total = getAffineConstantExpr(std::max<int64_t>(0, constant.getValue()), context);
  else if (op.getStrides()[d] > (window - 1) * op.getDilations()[d] + 1)
    total = total * (total + bound).floorDiv(bound);
  return mode == graph::AutoPad::same_upper ? total.floorDiv(2) : total.ceilDiv(2);
}

Value ConvShape::biasAt(KernelContext &c, Value column, int64_t lanes, Value mask) const {
  Value bias = op.getBias();
  if (isa<BlockArgument>(bias))
    return c.load(c.buffer(bias), getElementTypeOrSelf(bias.getType()), column, lanes, mask);
  ElementEmitter splat(c, {});
  splat.setPoint({}, lanes);
  return splat.get(bias);
}

Value ceilDiv(KernelContext &c, Value value, int64_t divisor) {
  return divisor == 1 ? value : Value(c.b.createOrFold<arith::CeilDivSIOp>(c.loc, value, c.index(divisor)));
}

ConvRow ConvShape::rowAt(KernelContext &c, Value row) const {
  ConvRow at{c.divU(row, c.index(oh)), c.remU(row, c.index(oh)), {}, {}, {}};
  at.top = c.sub(c.mul(at.oh, c.index(strideH)), c.index(padTop));
  // top + kh * dilation lies in [0, h).
  Value zero = c.index(int64_t(0));
  at.firstKh = c.maxS(zero, ceilDiv(c, c.sub(zero, at.top), dilationH));
  at.lastKh = c.minS(c.index(kh), ceilDiv(c, c.sub(c.index(h), at.top), dilationH));
  return at;
}

Value ConvShape::lineOf(KernelContext &c, const ConvRow &row, Value kh) const {
  Value ih = c.add(row.top, c.mul(kh, c.index(dilationH)));
  return c.mul(c.add(c.mul(row.image, c.index(h)), ih), c.index(w));
}

/// Extents of the filter in space. Packing changes its shape, and records the one that it has in the model.
static SmallVector<int64_t> windowOf(plan::KernelOp kernel, graph::ConvOp op) {
  if (auto original = kernel->getAttrOfType<DenseI64ArrayAttr>("conv.filter_shape"))
    return llvm::to_vector(original.asArrayRef().drop_front(2));
  return llvm::to_vector(cast<RankedTensorType>(op.getFilter().getType()).getShape().drop_front(2));
}

static void exchangeAxes(ConvShape &p) {
  std::swap(p.h, p.w);
  std::swap(p.oh, p.ow);
  std::swap(p.kh, p.kw);
  std::swap(p.strideH, p.strideW);
  std::swap(p.dilationH, p.dilationW);
  std::swap(p.padTop, p.padLeft);
}

std::optional<ConvShape> analyzeConv(plan::KernelOp kernel, std::string &reason) {
  ConvShape p;
  p.op = cast<graph::ConvOp>(kernel.getRootOp());
  auto fail = [&](const char *why) {
    reason = why;
    return std::nullopt;
  };
  if (p.op.getLayout() != graph::ChannelLayout::last)
    return fail("the layout is channels-first");
  if (!areReadable({p.op.getX(), p.op.getFilter()}, reason) || !accumulatesInF32(p.op, reason))
    return std::nullopt;
  if (!isa<BlockArgument>(p.op.getFilter()))
    return fail("the filter is decoded inside the kernel");
  if (Value bias = p.op.getBias();
      bias && !bias.getDefiningOp<graph::ConstantOp>() && (!isa<BlockArgument>(bias) || !areReadable(bias, reason)))
    return fail("the bias is computed inside the kernel");
  size_t spatial = p.op.getStrides().size();
  if (spatial > 2)
    return fail("it has three spatial dimensions");
  p.filter = cast<BlockArgument>(p.op.getFilter()).getArgNumber();
  MLIRContext *context = kernel.getContext();
  auto one = getAffineConstantExpr(1, context);
  Exprs x = shapeOf(p.op.getX());
  p.result = shapeOf(p.op.getResult());
  p.group = p.op.getGroup();
  p.channels = constantOr(x.back());
  p.outputs = constantOr(p.result.back());
  SmallVector<int64_t> window = windowOf(kernel, p.op);
  if (p.channels < 0 || p.outputs < 0 || llvm::any_of(window, ShapedType::isDynamic))
    return fail("channels or filter size are not static");
  bool flat = spatial == 1;
  p.n = x[0];
  p.h = flat ? one : x[1];
  p.w = x[x.size() - 2];
  p.oh = flat ? one : p.result[1];
  p.ow = p.result[p.result.size() - 2];
  p.kh = flat ? 1 : window[0];
  p.kw = window.back();
  p.strideH = flat ? 1 : p.op.getStrides()[0];
  p.strideW = p.op.getStrides().back();
  p.dilationH = flat ? 1 : p.op.getDilations()[0];
  p.dilationW = p.op.getDilations().back();
  p.padTop = flat ? getAffineConstantExpr(0, context) : convPadding(p.op, 0, p.h, p.oh, p.kh);
  p.padLeft = convPadding(p.op, spatial - 1, p.w, p.ow, p.kw);
  p.tall = !flat && p.w == 1 && p.ow == 1 && p.kw == 1 && p.padLeft == 0;
  if (p.tall)
    exchangeAxes(p);
  return p;
}

SmallVector<Value> ConvShape::pixelIndex(Value image, Value row, Value column) const {
  if (result.size() == 3)
    return {image, column};
  return tall ? SmallVector<Value>{image, column, row} : SmallVector<Value>{image, row, column};
}

} // namespace tenon::codegen
