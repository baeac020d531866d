// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Depthwise convolution on channels-last data, where each channel has a filter of its own:
//
//   y[n, oh, ow, c] = bias[c] + sum over kh, kw of
//                     x[n, oh * strideH - padTop + kh * dilationH, ow * strideW - padLeft + kw * dilationW, c]
//                     * filter[c, kh, kw]
//
// Vectors run over channels. A tile is some adjacent columns of an output row times one vector of channels, with an
// accumulator for each column; the loops over kh and kw carry them, and each vector of the filter serves all columns.
// The filter is packed as f32 [kh][kw][channels], the channels in whole vectors: that of (c, kh, kw) lies at
// (kh * KW + kw) * width + c. A unit of work is one row of the output, all channels:
//
//     columns   0 .. low - 1    low .. high - 1               high .. ow - 1
//               one by one,     every tap inside the image:   one by one,
//               some taps out   tiles of tileColumns          some taps out
//
// Columns at the sides run over the filter columns [firstKw, lastKw) that lie inside the image.
#include "ConvPacking.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr int64_t kMostColumns = 7; // of a tile

/// Columns of a tile: the interior [low, high) divided evenly where it is known.
int64_t columnsOf(const ConvShape &p) {
  int64_t ow = constantOr(p.ow, -1), w = constantOr(p.w, -1), left = constantOr(p.padLeft, -1);
  if (ow < 0 || w < 0 || left < 0)
    return kMostColumns - 1;
  int64_t low = std::min(ow, (left + p.strideW - 1) / p.strideW), reach = w + left - (p.kw - 1) * p.dilationW;
  int64_t high = std::min(ow, reach <= 0 ? 0 : (reach + p.strideW - 1) / p.strideW),
          interior = std::max<int64_t>(1, high - low);
  int64_t tiles = (interior + kMostColumns - 1) / kMostColumns;
  return (interior + tiles - 1) / tiles;
}

/// Emits one kernel.
struct DepthwiseEmitter {
  KernelContext &c;
  const ConvShape &p;
  int64_t lanes, packedChannels; // of the filter as it is packed
  OperandReader input;
  Value zero, w, channels;
  ElementEmitter emitter;
  LogicalResult status = success();

  DepthwiseEmitter(KernelContext &c, const ConvShape &conv, int64_t lanes, int64_t packedChannels)
      : c(c), p(conv), lanes(lanes), packedChannels(packedChannels), input(c, p.op.getX()), zero(c.index(int64_t(0))),
        w(c.index(p.w)), channels(c.index(p.channels)), emitter(c, p.result) {}

  /// Columns [first, first + count) of a row and one vector of channels.
  struct Tile {
    const ConvRow &row;
    Value first;
    int64_t count;
    Value channel, mask;
    Value left; // the image's column under the first tap of the first column
  };
  SmallVector<Value> addTap(const Tile &t, Value kh, Value kw, Value line, ValueRange acc);
  SmallVector<Value> accumulate(const Tile &t, bool guarded);
  void store(const Tile &t, ArrayRef<Value> acc);
  void columns(const ConvRow &row, Value first, int64_t count, bool guarded);
  void emitRow(const ConvRow &row, int64_t tileColumns);
};

/// Adds a tap to the accumulators, of which there is one for each column. The tap's row of the image begins at pixel
/// `line`.
SmallVector<Value> DepthwiseEmitter::addTap(const Tile &t, Value kh, Value kw, Value line, ValueRange acc) {
  Value weight = c.load(c.inputBuffer(p.filter), c.b.getF32Type(),
                        c.add(c.mul(c.mulAdd(kh, c.index(p.kw), kw), c.index(packedChannels)), t.channel), lanes);
  SmallVector<Value> next;
  for (int64_t j = 0; j < t.count; ++j) {
    Value x = c.add(c.add(t.left, c.index(j * p.strideW)), c.mul(kw, c.index(p.dilationW)));
    Value data = input.load(c.mulAdd(c.add(line, x), channels, t.channel), lanes, t.mask);
    next.push_back(vector::FMAOp::create(c.b, c.loc, data, weight, acc[j]));
  }
  return next;
}

SmallVector<Value> DepthwiseEmitter::accumulate(const Tile &t, bool guarded) {
  SmallVector<Value> init(t.count, c.constant(c.b.getF32Type(), 0, lanes));
  Value firstKw = zero, lastKw = c.index(p.kw);
  if (guarded) {
    firstKw = c.maxS(zero, ceilDiv(c, c.sub(zero, t.left), p.dilationW));
    lastKw = c.minS(lastKw, ceilDiv(c, c.sub(w, t.left), p.dilationW));
  }
  return c.loop(t.row.firstKh, t.row.lastKh, 1, init, [&](Value kh, ValueRange rowAcc) {
    Value line = p.lineOf(c, t.row, kh);
    if (guarded || p.kw > 7) // else unrolled
      return c.loop(firstKw, lastKw, 1, rowAcc, [&](Value kw, ValueRange acc) { return addTap(t, kh, kw, line, acc); });
    SmallVector<Value> next = llvm::to_vector_of<Value>(rowAcc);
    for (int64_t kw = 0; kw < p.kw; ++kw)
      next = addTap(t, kh, c.index(kw), line, next);
    return next;
  });
}

void DepthwiseEmitter::store(const Tile &t, ArrayRef<Value> acc) {
  for (int64_t j = 0; j < t.count; ++j) {
    SmallVector<Value> index = p.pixelIndex(t.row.image, t.row.oh, c.add(t.first, c.index(j)));
    index.push_back(t.channel);
    Value value = acc[j];
    if (p.op.getBias())
      value = arith::AddFOp::create(c.b, c.loc, value, p.biasAt(c, t.channel, lanes, t.mask));
    emitter.setPoint(index, lanes, t.mask);
    emitter.define(p.op.getResult(), value);
    if (failed(emitter.storeYields()))
      status = failure();
  }
}

/// Columns [first, first + count), all channels. If guarded, taps may leave the image at the left or right; count is 1.
void DepthwiseEmitter::columns(const ConvRow &row, Value first, int64_t count, bool guarded) {
  c.vectorLoop(zero, channels, lanes, p.channels, [&](Value channel, Value mask) {
    Value left = c.sub(c.mul(first, c.index(p.strideW)), c.index(p.padLeft));
    Tile t{row, first, count, channel, mask, left};
    store(t, accumulate(t, guarded));
  });
}

void DepthwiseEmitter::emitRow(const ConvRow &row, int64_t tileColumns) {
  Value ow = c.index(p.ow);
  auto single = [&](Value column) { columns(row, column, 1, true); };
  // Interior columns [low, high): every tap is inside, low * stride >= padLeft and (high - 1) * stride < reach.
  Value padLeft = c.index(p.padLeft);
  Value low = c.minS(ow, c.maxS(zero, ceilDiv(c, padLeft, p.strideW)));
  Value reach = c.sub(c.add(w, padLeft), c.index((p.kw - 1) * p.dilationW));
  Value high = c.maxS(low, c.minS(ow, ceilDiv(c, reach, p.strideW)));
  c.loop(zero, low, 1, single);
  // The last interior tile moves up to end with the interior, and computes some columns again. An interior of less
  // than a tile goes column by column.
  Value enough = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sge, c.sub(high, low), c.index(tileColumns));
  auto choice = scf::IfOp::create(c.b, c.loc, enough, /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(choice.thenBlock());
    c.loop(low, high, tileColumns,
           [&](Value column) { columns(row, c.minS(column, c.sub(high, c.index(tileColumns))), tileColumns, false); });
    c.b.setInsertionPointToStart(choice.elseBlock());
    c.loop(low, high, 1, single);
  }
  c.loop(high, ow, 1, single);
}

class DepthwisePlan : public KernelPlan {
public:
  DepthwisePlan(plan::KernelOp kernel, const CpuTarget &target, ConvShape conv)
      : KernelPlan(kernel, target), p(std::move(conv)), lanes(target.f32Lanes()),
        width((p.channels + lanes - 1) / lanes * lanes), tileColumns(columnsOf(p)) {}

  ScheduleFacts facts() const override {
    std::string tile = llvm::formatv("{0} pixels", tileColumns);
    return {llvm::formatv("tile {0}, channels in {1}-bit vectors, filter packed as f32{2}", tile, target.vectorBits,
                          operandSource(p.op.getX())->text(target)),
            tile, target.vectorBits};
  }

  LogicalResult pack() override {
    if (isFilterPacked(kernel))
      return success();
    FailureOr<std::vector<float>> values = filterValues(kernel, p);
    if (failed(values))
      return failure();
    int64_t window = p.kh * p.kw;
    std::vector<float> packed(window * width, 0.0f);
    for (int64_t ch = 0; ch < p.channels; ++ch)
      for (int64_t k = 0; k < window; ++k)
        packed[k * width + ch] = (*values)[ch * window + k];
    packFilter(kernel, p, {window, width}, std::move(packed), "taps");
    return success();
  }

  WorkSplit split() const override {
    int64_t work = constantOr(p.ow, 64) * p.channels * p.kh * p.kw;
    return {p.n * p.oh, std::max<int64_t>(1, 65536 / std::max<int64_t>(1, work))};
  }

  LogicalResult emit(KernelContext &c) const override {
    DepthwiseEmitter e(c, p, lanes, width);
    c.eachUnit([&](Value unit) { e.emitRow(p.rowAt(c, unit), tileColumns); });
    return e.status;
  }

private:
  ConvShape p;
  int64_t lanes;
  int64_t width; // of the packed filter: the channels in whole vectors
  int64_t tileColumns;
};

std::unique_ptr<KernelPlan> planDepthwise(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) {
  std::optional<ConvShape> p = analyzeConv(kernel, reason);
  if (!p)
    return nullptr;
  if (!p->isDepthwise())
    reason = "it is not depthwise";
  else if (hasPackableFilter(kernel, *p, reason))
    return std::make_unique<DepthwisePlan>(kernel, target, std::move(*p));
  return nullptr;
}

} // namespace

void registerDepthwiseConv(StrategyRegistry &registry) { registry.add({"depthwise-conv", {"conv"}, planDepthwise}); }

} // namespace tenon::cpu
