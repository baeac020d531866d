// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shape rules of contractions, windows, reductions, attention and recurrence.
#include "ShapeContents.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;
using namespace tenon::graph;
using Dims = ShapeAnalysis::Dims;

LogicalResult MatMulOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getLhs()), y = a.getShape(getRhs());
  if (x.empty() || y.empty())
    return emitError("[TN2020] matmul needs operands of rank 1 or more");
  bool vectorX = x.size() == 1, vectorY = y.size() == 1;
  if (vectorX)
    x.insert(x.begin(), a.constant(1));
  else if (getTransposeLhs())
    std::swap(x[x.size() - 1], x[x.size() - 2]);
  if (vectorY)
    y.push_back(a.constant(1));
  else if (getTransposeRhs())
    std::swap(y[y.size() - 1], y[y.size() - 2]);
  AffineExpr k = x.back(), k2 = y[y.size() - 2];
  if (!a.unify(k, k2))
    return emitError("[TN2021] matmul contracts a dimension of ") << text(k) << " with one of " << text(k2);
  Dims batch;
  size_t rank = std::max(x.size(), y.size());
  for (size_t i = 0; i + 2 < rank; ++i) {
    AffineExpr p = i + x.size() >= rank ? x[i + x.size() - rank] : a.constant(1);
    AffineExpr q = i + y.size() >= rank ? y[i + y.size() - rank] : a.constant(1);
    AffineExpr joined = a.broadcast(p, q);
    if (!joined)
      return emitError("[TN2022] matmul batch dimensions ") << text(p) << " and " << text(q) << " do not broadcast";
    batch.push_back(joined);
  }
  if (!vectorX)
    batch.push_back(x[x.size() - 2]);
  if (!vectorY)
    batch.push_back(y.back());
  a.setShape(getResult(), batch);
  return success();
}

namespace {

struct Window {
  int64_t kernel, stride, dilation, begin, end;
};

/// Attributes are checked after shapes are: absurd ones must not overflow here.
int64_t bounded(__int128 value) {
  constexpr int64_t most = int64_t(1) << 60;
  return std::clamp<__int128>(value, -most, most);
}

/// The number of windows along a dimension, which may be 0.
AffineExpr outputSize(AffineExpr in, Window w, AutoPad pad, bool ceilMode, ShapeAnalysis &a) {
  int64_t extent = bounded(__int128(w.kernel - 1) * w.dilation + 1);
  if (pad == AutoPad::same_upper || pad == AutoPad::same_lower)
    return in.ceilDiv(w.stride);
  if (pad == AutoPad::valid)
    w.begin = w.end = 0;
  // A quotient of -1 has no window: rounded down, a span from -stride on, rounded up, above -2 * stride.
  int64_t padding = bounded(__int128(w.begin) + w.end);
  int64_t least = bounded(__int128(extent) - padding - (ceilMode ? 2 * __int128(w.stride) - 1 : w.stride));
  if (least > 0 && !isa<AffineConstantExpr>(in))
    a.assumeAtLeast(in, least);
  AffineExpr span = in + padding - extent;
  if (!ceilMode)
    return span.floorDiv(w.stride) + 1;
  AffineExpr out = span.ceilDiv(w.stride) + 1;
  // The last window must start inside the input or its begin padding. Where
  // the strides may carry it beyond, the padded begin alone decides.
  if (bounded(__int128(w.end) + w.stride - 1) >= extent)
    return (in + w.begin - 1).floorDiv(w.stride) + 1;
  return out;
}

/// A bias has one value an output channel.
LogicalResult checkBias(Operation *op, Value bias, AffineExpr channels, ShapeAnalysis &a) {
  if (!bias)
    return success();
  Dims shape = a.getShape(bias);
  if (shape.size() == 1 && a.unify(shape[0], channels))
    return success();
  return op->emitError("[TN2063] the bias has type ")
         << bias.getType() << ", expected one value for each of " << text(channels) << " output channels";
}

bool negative(AffineExpr e) {
  auto constant = dyn_cast<AffineConstantExpr>(e);
  return constant && constant.getValue() < 0;
}

} // namespace

LogicalResult ConvOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), w = a.getShape(getFilter());
  size_t spatial = getStrides().size();
  if (x.size() != spatial + 2 || w.size() != spatial + 2 || getPads().size() != 2 * spatial ||
      getDilations().size() != spatial)
    return emitError("[TN2023] conv has ")
           << x.size() << "-D data, a " << w.size() << "-D filter and " << spatial << " strides";
  bool last = getLayout() == ChannelLayout::last;
  AffineExpr channels = x[last ? spatial + 1 : 1], wanted = w[1] * int64_t(getGroup());
  if (!a.unify(channels, wanted))
    return emitError("[TN2056] conv's data has ") << text(channels) << " channels, its filter needs " << text(wanted);
  if (failed(checkBias(*this, getBias(), w[0], a)))
    return failure();
  Dims out(x.size());
  out[0] = x[0];
  out[last ? spatial + 1 : 1] = w[0];
  for (size_t i = 0; i < spatial; ++i) {
    auto kernel = dyn_cast<AffineConstantExpr>(w[2 + i]);
    if (!kernel)
      return emitError("[TN2024] conv needs a filter of static spatial size");
    size_t d = (last ? 1 : 2) + i;
    out[d] =
        outputSize(x[d], {kernel.getValue(), getStrides()[i], getDilations()[i], getPads()[i], getPads()[spatial + i]},
                   getAutoPad(), false, a);
    if (negative(out[d]))
      return emitError("[TN2025] conv's window is larger than its padded input along spatial dimension ") << i;
  }
  a.setShape(getResult(), out);
  return success();
}

LogicalResult ConvTransposeOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), w = a.getShape(getFilter());
  size_t spatial = getStrides().size();
  if (x.size() != spatial + 2 || w.size() != spatial + 2 || getPads().size() != 2 * spatial)
    return emitError("[TN2023] conv_transpose has ")
           << x.size() << "-D data, a " << w.size() << "-D filter and " << spatial << " strides";
  bool last = getLayout() == ChannelLayout::last;
  AffineExpr channels = x[last ? spatial + 1 : 1];
  if (!a.unify(channels, w[0]))
    return emitError("[TN2056] conv_transpose's data has ")
           << text(channels) << " channels, its filter needs " << text(w[0]);
  if (failed(checkBias(*this, getBias(), w[1] * getGroup(), a)))
    return failure();
  Dims out(x.size());
  out[0] = x[0];
  out[last ? spatial + 1 : 1] = w[1] * getGroup();
  for (size_t i = 0; i < spatial; ++i) {
    size_t d = (last ? 1 : 2) + i;
    auto kernel = dyn_cast<AffineConstantExpr>(w[2 + i]);
    if (!kernel)
      return emitError("[TN2024] conv_transpose needs a filter of static spatial size");
    int64_t extra = getOutputPadding().empty() ? 0 : getOutputPadding()[i];
    if (getOutputShape())
      out[d] = a.constant((*getOutputShape())[i]);
    else if (getAutoPad() == AutoPad::same_upper || getAutoPad() == AutoPad::same_lower)
      out[d] = x[d] * getStrides()[i];
    else
      out[d] =
          (x[d] - 1) * getStrides()[i] + bounded(__int128(extra) + __int128(kernel.getValue() - 1) * getDilations()[i] +
                                                 1 - getPads()[i] - getPads()[spatial + i]);
  }
  a.setShape(getResult(), out);
  return success();
}

LogicalResult PoolOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX());
  size_t spatial = getKernel().size();
  if (x.size() != spatial + 2)
    return emitError("[TN2026] pool has ") << x.size() << "-D data and a " << spatial << "-D kernel";
  Dims out = x;
  for (size_t i = 0; i < spatial; ++i) {
    size_t d = (getLayout() == ChannelLayout::last ? 1 : 2) + i;
    out[d] =
        outputSize(x[d], {getKernel()[i], getStrides()[i], getDilations()[i], getPads()[i], getPads()[spatial + i]},
                   getAutoPad(), getCeilMode(), a);
    if (negative(out[d]))
      return emitError("[TN2025] pool's window is larger than its padded input along spatial dimension ") << i;
  }
  a.setShape(getResult(), out);
  return success();
}

static Dims reduced(const Dims &x, ArrayRef<int64_t> axes, bool keep, ShapeAnalysis &a) {
  Dims out;
  for (size_t i = 0; i < x.size(); ++i)
    if (!llvm::is_contained(axes, int64_t(i)))
      out.push_back(x[i]);
    else if (keep)
      out.push_back(a.constant(1));
  return out;
}

LogicalResult ReduceOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX());
  for (int64_t axis : getAxes())
    if (axis < 0 || size_t(axis) >= x.size())
      return emitError("[TN2027] reduce axis ") << axis << " is outside rank " << x.size();
  std::optional<BinaryKind> step;
  switch (getKind()) {
  case ReduceKind::prod: step = BinaryKind::mul; break;
  case ReduceKind::sum: step = BinaryKind::add; break;
  case ReduceKind::min: step = BinaryKind::min; break;
  case ReduceKind::max: step = BinaryKind::max; break;
  default: break;
  }
  Type element = getElementTypeOrSelf(getX().getType());
  auto contents = isa<IntegerType>(element) ? a.getContents(getX()) : std::nullopt;
  // Over all axes: the number of elements of a shape, a sum of sizes, the smallest.
  if (contents && getAxes().size() == x.size() && step && !contents->empty()) {
    AffineExpr total = contents->front();
    for (AffineExpr e : ArrayRef(*contents).drop_front())
      total = evaluate(*step, total, e, element, a);
    a.setContents(getResult(), {total});
  }
  a.setShape(getResult(), reduced(x, getAxes(), getKeepDims(), a));
  return success();
}

LogicalResult ArgReduceOp::inferShapes(ShapeAnalysis &a) {
  getResult().setType(UnrankedTensorType::get(IntegerType::get(getContext(), 64)));
  a.setShape(getResult(), reduced(a.getShape(getX()), {int64_t(getAxis())}, getKeepDims(), a));
  return success();
}

LogicalResult AttentionOp::inferShapes(ShapeAnalysis &a) {
  Dims q = a.getShape(getQ()), v = a.getShape(getV());
  Dims k = a.getShape(getK());
  if (q.size() != 4 || v.size() != 4 || k.size() != 4)
    return emitError("[TN2028] attention needs 4-D operands");
  if (!a.unify(q[3], k[3]) || !a.unify(k[2], v[2]))
    return emitError("[TN2057] attention's key is ")
           << text(k[2]) << " by " << text(k[3]) << ", its query and value need " << text(v[2]) << " by " << text(q[3]);
  Dims scores{q[0], q[1], q[2], k[2]}, mask = getMask() ? a.getShape(getMask()) : Dims();
  for (size_t i = 0; i < mask.size(); ++i)
    if (mask.size() > 4 || !a.broadcastsTo(mask[i], scores[i + 4 - mask.size()]))
      return emitError("[TN2057] attention's mask does not broadcast to the scores: dimension ")
             << i << " is " << text(mask[i]);
  a.setShape(getResult(), {q[0], q[1], q[2], v[3]});
  return success();
}

/// An operand of a recurrence, if it is there, has a shape.
static LogicalResult checkOperand(Operation *op, StringRef name, Value operand, ArrayRef<AffineExpr> expected,
                                  ShapeAnalysis &a) {
  if (!operand)
    return success();
  Dims shape = a.getShape(operand);
  bool fits = shape.size() == expected.size();
  for (size_t i = 0; fits && i < shape.size(); ++i)
    fits = bool(a.unify(shape[i], expected[i]));
  if (fits)
    return success();
  auto report = op->emitError("[TN2064] ") << name << " has type " << operand.getType() << ", expected a shape of";
  for (AffineExpr dim : expected)
    report << ' ' << text(dim);
  return report;
}

template <typename Op>
static LogicalResult recurrentShape(Op op, int64_t gates, ShapeAnalysis &a) {
  Dims x = a.getShape(op.getX());
  if (x.size() != 3)
    return op.emitError("[TN2029] recurrence needs 3-D data [sequence, batch, features]");
  AffineExpr directions = a.constant(op.getDirection() == RnnDirection::bidirectional ? 2 : 1),
             hidden = a.constant(op.getHiddenSize());
  AffineExpr rows = hidden * gates;
  if (failed(checkOperand(op, "W", op.getW(), {directions, rows, x[2]}, a)) ||
      failed(checkOperand(op, "R", op.getR(), {directions, rows, hidden}, a)) ||
      failed(checkOperand(op, "B", op.getB(), {directions, rows * 2}, a)) ||
      failed(checkOperand(op, "sequence_lens", op.getSequenceLens(), {x[1]}, a)) ||
      failed(checkOperand(op, "initial_h", op.getInitialH(), {directions, x[1], hidden}, a)))
    return failure();
  a.setShape(op.getY(), {x[0], directions, x[1], hidden});
  a.setShape(op.getYH(), {directions, x[1], hidden});
  return success();
}
LogicalResult LstmOp::inferShapes(ShapeAnalysis &a) {
  if (failed(recurrentShape(*this, 4, a)))
    return failure();
  Dims state = a.getShape(getYH());
  if (failed(checkOperand(*this, "initial_c", getInitialC(), state, a)) ||
      failed(checkOperand(*this, "P", getP(), {state[0], state[2] * 3}, a)))
    return failure();
  a.setShape(getYC(), state);
  return success();
}
LogicalResult GruOp::inferShapes(ShapeAnalysis &a) { return recurrentShape(*this, 3, a); }
LogicalResult RnnOp::inferShapes(ShapeAnalysis &a) { return recurrentShape(*this, 1, a); }
