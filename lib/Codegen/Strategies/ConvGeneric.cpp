// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Convolutions that the register tiles do not take: channels-first data, a
// filter computed at run time, three spatial dimensions, f64 and integers,
// accumulators other than f32. With spatial positions p and taps t of one to three coordinates:
//
//   y[n, o, p] = bias[o] + sum over c, t of x[n, g * C + c, p * stride - pad + t * dilation] * filter[o, c, t]
//
// where g is the group of output channel o and C the input channels of a group. One sum at a time runs through loops
// over c and the coordinates of t, in this order, which carry it. The loops over taps have just those inside the image.
// With channels first and stride 1, a vector of sums runs along the last spatial dimension where all taps are inside:
//
//     columns   0 .. low - 1    low .. high - 1    high .. extent - 1
//               one by one      vectors            one by one
//
// A unit of work is all that varies in the result's last dimension alone: a row of an image of one output channel or,
// with channels last, all output channels of a pixel.
#include "Accumulator.h"
#include "tenon/Codegen/ConvShape.h"
#include "tenon/Codegen/GenericStrategies.h"
#include "tenon/Codegen/OperandReader.h"
#include "tenon/Codegen/RowSchedule.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

class Emitter {
public:
  Emitter(KernelContext &context)
      : c(context), op(cast<graph::ConvOp>(c.kernel.getRootOp())), x(shapeOf(op.getX())),
        filter(shapeOf(op.getFilter())), space(shapeOf(op.getResult())), xStrides(stridesOf(x)),
        filterStrides(stridesOf(filter)), first(op.getLayout() == graph::ChannelLayout::first),
        spatial(op.getStrides().size()), emitter(c, space), input(c, op.getX()), weights(c, op.getFilter()),
        accumulator(c, op.getResult(), op.getAccumulator()) {
    if (op.getBias())
      bias.emplace(c, op.getBias());
  }

  LogicalResult run() {
    Value groupOutputs = c.index(filter[0].floorDiv(op.getGroup()));
    c.eachUnit([&](Value unit) {
      at = c.delinearize(unit, ArrayRef(space).drop_back());
      at.push_back({});
      Value zero = c.index(int64_t(0)), extent = c.index(space.back());
      if (!first) {
        c.loop(zero, extent, 1, [&](Value o) { element(o, c.divU(o, groupOutputs), spatial, o, 1, {}); });
        return;
      }
      Value o = at[1], group = c.divU(o, groupOutputs);
      auto each = [&](Value lo, Value hi) {
        c.loop(lo, hi, 1, [&](Value w) { element(o, group, spatial, w, 1, {}); });
      };
      int64_t lanes = lanesFor(c.target, accumulator.computeType(), -1);
      if (op.getStrides().back() != 1)
        return each(zero, extent);
      // Columns [low, high), whose every filter column lies inside the image, in vectors.
      AffineExpr pad = convPadding(op, spatial - 1, x.back(), space.back(), constantOr(filter.back(), 1));
      Value window = c.mul(c.sub(c.index(filter.back()), c.index(int64_t(1))), c.index(op.getDilations().back()));
      Value low = c.minS(extent, c.maxS(zero, c.index(pad)));
      Value high = c.maxS(low, c.minS(extent, c.sub(c.index(x.back() + pad), window)));
      each(zero, low);
      c.vectorLoop(low, high, lanes, -1, [&](Value w, Value mask) { element(o, group, spatial - 1, w, lanes, mask); });
      each(high, extent);
    });
    return result;
  }

private:
  /// Which dimension of x and of the result the spatial dimension d is.
  size_t dimension(size_t d) const { return d + (first ? 2 : 1); }

  /// The result at `at` with last coordinate `last` for output channel o, or a vector of `lanes` from there on; the
  /// filter is clipped to the image in the first `clipped` spatial dimensions, in the others it is inside.
  void element(Value o, Value group, size_t clipped, Value last, int64_t lanes, Value mask) {
    at.back() = last;
    Value groupChannels = c.index(filter[1]);
    Value xBase = c.mul(at[0], c.index(xStrides[0])), filterBase = c.mul(o, c.index(filterStrides[0]));
    AffineExpr channelStride = first ? xStrides[1] : xStrides.back();
    Value sum = accumulator.zero(lanes);
    if (bias)
      sum = accumulator.add(sum, c.broadcast(bias->load(o, 1), lanes));
    sum = c.loop(c.index(int64_t(0)), groupChannels, 1, sum, [&](Value channel, ValueRange sums) {
      Value xAt = c.add(xBase, c.mul(c.add(c.mul(group, groupChannels), channel), c.index(channelStride)));
      Value filterAt = c.add(filterBase, c.mul(channel, c.index(filterStrides[1])));
      return SmallVector<Value>{window(0, xAt, filterAt, sums[0], clipped, lanes, mask)};
    })[0];
    emitter.setPoint(at, lanes, mask);
    emitter.define(op.getResult(), accumulator.result(sum));
    if (failed(emitter.storeYields()))
      result = failure();
  }

  /// Adds the taps of spatial dimensions d and after to the sum; xAt and filterAt are the offsets that the channel and
  /// the dimensions before d give.
  Value window(size_t d, Value xAt, Value filterAt, Value sum, size_t clipped, int64_t lanes, Value mask) {
    if (d == spatial) {
      return accumulator.add(sum, input.load(xAt, lanes, mask), c.broadcast(weights.load(filterAt, 1), lanes));
    }
    size_t xd = dimension(d);
    Value extent = c.index(x[xd]), size = c.index(filter[d + 2]), zero = c.index(int64_t(0));
    // Tap t reads position start + t * dilation, which must lie in [0, extent).
    int64_t dilation = op.getDilations()[d];
    AffineExpr pad = convPadding(op, d, x[xd], space[xd], constantOr(filter[d + 2], 1));
    Value start = c.sub(c.mul(at[xd], c.index(op.getStrides()[d])), c.index(pad));
    Value low = zero, high = size;
    if (d < clipped) {
      low = c.maxS(zero, ceilDiv(c, c.sub(zero, start), dilation));
      high = c.minS(size, ceilDiv(c, c.sub(extent, start), dilation));
    }
    return c.loop(low, high, 1, sum, [&](Value tap, ValueRange sums) {
      Value position = c.mulAdd(tap, c.index(dilation), start);
      Value next = c.add(xAt, c.mul(position, c.index(xStrides[xd])));
      Value filterNext = c.add(filterAt, c.mul(tap, c.index(filterStrides[d + 2])));
      return SmallVector<Value>{window(d + 1, next, filterNext, sums[0], clipped, lanes, mask)};
    })[0];
  }

  KernelContext &c;
  graph::ConvOp op;
  Exprs x, filter, space, xStrides, filterStrides;
  bool first;
  size_t spatial;
  ElementEmitter emitter;
  OperandReader input, weights;
  std::optional<OperandReader> bias;
  Accumulator accumulator;
  SmallVector<Value> at;
  LogicalResult result = success();
};

class GenericConvPlan : public KernelPlan {
public:
  using KernelPlan::KernelPlan;

  ScheduleFacts facts() const override {
    auto op = cast<graph::ConvOp>(kernel.getRootOp());
    bool alongRow = op.getLayout() == graph::ChannelLayout::first && op.getStrides().back() == 1;
    StringRef loops = alongRow ? "vectors along the image's rows, scalar at their ends, filter not packed"
                               : "scalar loops, filter not packed";
    return {.text = loops.str() + operandsText({op.getX(), op.getFilter()}, target), .hasScalarCode = true};
  }

  WorkSplit split() const override {
    Exprs space = shapeOf(kernel.getRootOp()->getResult(0));
    return {product(ArrayRef(space).drop_back(), kernel.getContext()), 1};
  }

  LogicalResult emit(KernelContext &c) const override { return Emitter(c).run(); }
};

std::unique_ptr<KernelPlan> planGenericConv(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  auto op = cast<graph::ConvOp>(kernel.getRootOp());
  for (Value operand : op->getOperands())
    if (!isReadableOrSplat(operand, reason))
      return nullptr;
  ArrayRef<int64_t> window = cast<RankedTensorType>(op.getFilter().getType()).getShape().drop_front(2);
  if (op.getAutoPad() != graph::AutoPad::notset && llvm::any_of(window, ShapedType::isDynamic)) {
    reason = "auto_pad needs a filter of known size";
    return nullptr;
  }
  return std::make_unique<GenericConvPlan>(kernel, target);
}

} // namespace

void registerGenericConv(StrategyRegistry &registry) { registry.add({"conv-generic", {"conv"}, planGenericConv}); }

} // namespace tenon::codegen
