// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Transposed convolution. As ONNX defines it, every input pixel adds to the output pixels i * stride - pad + k *
// dilation. Here it is a gather, so that no two units write one element: an output pixel y sums over the filter's taps
// k that reach it,
//
//   out[n, y, o] = bias[o] + sum over k, c of x[n, (y + pad - k * dilation) / stride, c] * filter[c, o, k]
//
// over those k for which the division is exact and its result inside the image, in each of one to three spatial
// dimensions, and over the input channels c of the group of o.
//
// Output columns of one phase (equal remainder by the column stride) are reached by the same taps. So a tile is four
// columns that are `stride` apart, times some vectors of output channels. With stride 2 the columns of two tiles:
//
//     phase 0   0 . 2 . 4 . 6 .                     vector 0   vector 1
//     phase 1   . 1 . 3 . 5 . 7         column y    |  acc 0  |  acc 1  |     each step (a tap, an input channel)
//                                       y + 2       |  acc 2  |  acc 3  |     loads the weights' vectors, which all
//                                       y + 4       |  acc 4  |  acc 5  |     four columns share, and broadcasts an
//                                       y + 6       |  acc 6  |  acc 7  |     element of x for each column
//
// The accumulators are carried through the loops over taps, the rows' first, and input channels, the innermost. A tap
// that reaches no column of the tile, or not its row, is left out; a column that it does not reach adds zero. Columns
// beyond the width are computed and not stored.
//
// Lanes run over output channels. Constant weights are packed for that:
//
//     [tap][input channel of all groups][output channel of a group, in whole vectors]
//
// Others are read where they lie, one output channel at a time. A unit is an output row of all channels: loops over
// groups, blocks of channels (whole tiles, then single vectors), phases and tiles.
#include "WindowStrategies.h"
#include "tenon/Codegen/ConstantPacking.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr StringLiteral kPacked = "taps,ci,co";
constexpr int64_t kPixels = 4;

struct Schedule {
  Exprs in, out;
  bool last, packed;
  unsigned rank; // spatial dimensions
  SmallVector<int64_t> kernel;
  int64_t group, inChannels, outChannels; // channels of all groups
  int64_t packedLanes;                    // lanes once the weights are packed
  int64_t lanes, vectors;                 // with the weights as they lie now: lanes, and vectors of a tile
  int64_t perGroup() const { return outChannels / group; }
  int64_t padded() const { return (perGroup() + packedLanes - 1) / packedLanes * packedLanes; }
  int64_t taps() const {
    int64_t n = 1;
    for (int64_t k : kernel)
      n *= k;
    return n;
  }
  unsigned spatial(unsigned i) const { return last ? i + 1 : i + 2; }
  unsigned channel() const { return last ? rank + 1 : 1; }
};

Schedule scheduleOf(plan::KernelOp kernel, const Machine &target) {
  auto op = cast<graph::ConvTransposeOp>(kernel.getRootOp());
  Schedule s;
  s.in = shapeOf(op.getX());
  s.out = shapeOf(op.getResult());
  s.last = op.getLayout() == graph::ChannelLayout::last;
  s.rank = s.in.size() - 2;
  s.group = op.getGroup();
  s.packed = isPackedAs(kernel, op.getFilter(), kPacked);
  Exprs filter = shapeOf(op.getFilter());
  for (unsigned i = 0; i < s.rank; ++i)
    s.kernel.push_back(constantOr(filter[s.packed ? i : i + 2]));
  s.inChannels = constantOr(s.in[s.channel()]);
  s.outChannels = constantOr(s.out[s.channel()]);
  int64_t perGroup = s.outChannels / std::max<int64_t>(1, s.group);
  s.packedLanes = lanesFor(target, computeOf(op.getX()), perGroup);
  s.lanes = s.packed || !isa<BlockArgument>(op.getFilter()) ? s.packedLanes : 1;
  s.vectors = std::clamp<int64_t>((perGroup + s.lanes - 1) / s.lanes, 1, 4);
  if (s.lanes == 1)
    s.vectors = 1;
  else if (target.vectorRegisters < 32)
    s.vectors = std::min<int64_t>(s.vectors, 2);
  return s;
}

struct TransposeEmitter {
  KernelContext &c;
  graph::ConvTransposeOp op;
  const Schedule &s;
  LaneMath m;
  Type element, compute;
  Exprs inStrides;
  Values pads; // begins
  ElementEmitter emitter;
  LogicalResult status = success();
  Value zero;

  TransposeEmitter(KernelContext &c, graph::ConvTransposeOp op, const Schedule &schedule)
      : c(c), op(op), s(schedule), m{c}, element(elementOf(op.getX())), compute(computeOf(op.getX())),
        inStrides(stridesOf(s.in)), emitter(c, s.out), zero(c.index(int64_t(0))) {
    using A = graph::AutoPad;
    for (unsigned i = 0; i < s.rank; ++i) {
      bool derived = op.getOutputShape() || op.getAutoPad() == A::same_upper || op.getAutoPad() == A::same_lower;
      if (!derived) {
        pads.push_back(op.getAutoPad() == A::valid || op.getPads().empty() ? zero : c.index(op.getPads()[i]));
        continue;
      }
      int64_t extra = op.getOutputPadding().empty() ? 0 : op.getOutputPadding()[i];
      Value full = c.add(c.mul(c.index(stride(i)), c.sub(c.index(s.in[s.spatial(i)]), c.index(1))),
                         c.index(extra + (s.kernel[i] - 1) * dilation(i) + 1));
      // The padding is what the full result has more than the given one. That is negative where the filter does not
      // reach every output, so its half is rounded down.
      Value total = c.sub(full, c.index(s.out[s.spatial(i)]));
      Value half = c.b.createOrFold<arith::FloorDivSIOp>(c.loc, total, c.index(2));
      pads.push_back(op.getAutoPad() == A::same_upper ? half : c.sub(total, half));
    }
  }
  int64_t stride(unsigned i) { return op.getStrides().empty() ? 1 : op.getStrides()[i]; }
  int64_t dilation(unsigned i) { return op.getDilations().empty() ? 1 : op.getDilations()[i]; }

  /// A vector of weights: of output channels from `outChannel` of the group on.
  Value weight(Value tap, Value inChannel, Value outChannel) {
    if (!isa<BlockArgument>(op.getFilter())) // one value throughout
      return loadFrom(c, op.getFilter(), zero, s.lanes);
    Value buffer = c.buffer(op.getFilter());
    if (s.packed) {
      Value row = c.mulAdd(tap, c.index(s.inChannels), inChannel);
      return c.load(buffer, element, c.mulAdd(row, c.index(s.padded()), outChannel), s.lanes);
    }
    Value row = c.mulAdd(inChannel, c.index(s.perGroup()), outChannel);
    return c.load(buffer, element, c.mulAdd(row, c.index(s.taps()), tap), 1);
  }

  /// From which input position `index` a tap of an axis reaches output position y, if it does (`valid`):
  ///   index = (y + pad - tap * dilation) / stride
  void reach(unsigned axis, Value y, Value tap, Value &index, Value &valid) {
    using P = arith::CmpIPredicate;
    Value t = c.sub(c.add(y, pads[axis]), c.mul(tap, c.index(dilation(axis))));
    Value nonNegative = arith::CmpIOp::create(c.b, c.loc, P::sge, t, zero);
    Value safe = c.maxS(t, zero);
    index = c.divU(safe, c.index(stride(axis)));
    Value exact = arith::CmpIOp::create(c.b, c.loc, P::eq, c.remU(safe, c.index(stride(axis))), zero);
    Value inside = arith::CmpIOp::create(c.b, c.loc, P::slt, index, c.index(s.in[s.spatial(axis)]));
    valid = arith::AndIOp::create(c.b, c.loc, nonNegative, Value(arith::AndIOp::create(c.b, c.loc, exact, inside)));
  }

  /// kPixels columns and `vectors` vectors of output channels.
  struct Tile {
    ArrayRef<Value> row;    // the batch entry and the output row
    Value first;            // output channel, of the group
    Value firstIn, groupIn; // the group's input channels: the first, and how many
    int64_t vectors;
    Values columns;
  };
  Values addTap(const Tile &t, Value tap, Value base, ArrayRef<Value> offsets, ArrayRef<Value> valid, Values acc);
  Values addTaps(const Tile &t, unsigned i, Value tap, Value base, Values acc);
  /// The tile of the columns from `column` on and output channels from `first` of the group on.
  void emitTile(ArrayRef<Value> row, Value column, Value group, Value first, int64_t vectors);
  void storePixel(ArrayRef<Value> row, Value column, Value group, Value first, ArrayRef<Value> acc);
  void emit();
};

/// Adds one tap's sum over the input channels. Column i reads x at base + offsets[i] plus the channel's offset, and
/// adds zero where valid[i] does not hold.
Values TransposeEmitter::addTap(const Tile &t, Value tap, Value base, ArrayRef<Value> offsets, ArrayRef<Value> valid,
                                Values acc) {
  return c.loop(zero, t.groupIn, 1, acc, [&](Value ci, ValueRange args) {
    Value channel = c.add(t.firstIn, ci);
    Value at = c.mulAdd(channel, c.index(inStrides[s.channel()]), base);
    Values weights, next;
    for (int64_t j = 0; j < t.vectors; ++j)
      weights.push_back(weight(tap, channel, c.add(t.first, c.index(j * s.lanes))));
    for (int64_t i = 0; i < kPixels; ++i) {
      Value v = loadFrom(c, op.getX(), c.add(at, offsets[i]), 1);
      v = c.broadcast(m.select(valid[i], v, c.constant(compute, 0, 1)), s.lanes);
      for (int64_t j = 0; j < t.vectors; ++j)
        next.push_back(m.madd(v, weights[j], args[i * t.vectors + j]));
    }
    return next;
  });
}

/// The loops over the taps of axis i and those behind it. `tap` counts the taps of the axes before as one number,
/// `base` is the offset in x that they reach.
Values TransposeEmitter::addTaps(const Tile &t, unsigned i, Value tap, Value base, Values acc) {
  return c.loop(zero, c.index(s.kernel[i]), 1, acc, [&](Value k, ValueRange args) {
    Values current(args);
    Value nextTap = c.mulAdd(tap, c.index(s.kernel[i]), k);
    Value step = c.index(inStrides[s.spatial(i)]);
    if (i + 1 < s.rank) {
      Value index, valid;
      reach(i, t.row[i + 1], k, index, valid);
      return ifElse(
          c, valid, TypeRange(ValueRange(current)),
          [&]() { return addTaps(t, i + 1, nextTap, c.mulAdd(index, step, base), current); },
          [&]() { return current; });
    }
    Values offsets, valid;
    Value any;
    for (Value y : t.columns) {
      Value index, inside;
      reach(i, y, k, index, inside);
      // A column that the tap does not reach reads pixel 0 of the row, and multiplies zero instead.
      offsets.push_back(c.mul(m.select(inside, index, zero), step));
      valid.push_back(inside);
      any = any ? Value(arith::OrIOp::create(c.b, c.loc, any, inside)) : inside;
    }
    return ifElse(
        c, any, TypeRange(ValueRange(current)), [&]() { return addTap(t, nextTap, base, offsets, valid, current); },
        [&]() { return current; });
  });
}

void TransposeEmitter::emitTile(ArrayRef<Value> row, Value column, Value group, Value first, int64_t vectors) {
  unsigned w = s.rank - 1;
  Value width = c.index(s.out[s.spatial(w)]);
  Value groupIn = c.index(s.inChannels / s.group);
  Tile t{row, first, c.mul(group, groupIn), groupIn, vectors, {}};
  for (int64_t i = 0; i < kPixels; ++i)
    t.columns.push_back(c.add(column, c.index(i * stride(w))));
  Values init(kPixels * vectors, c.constant(compute, 0, s.lanes));
  Values acc = addTaps(t, 0, zero, c.mul(row[0], c.index(inStrides[0])), init);
  for (int64_t i = 0; i < kPixels; ++i) {
    Value inside = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, t.columns[i], width);
    ifThen(c, inside,
           [&]() { storePixel(row, t.columns[i], group, first, ArrayRef(acc).slice(i * vectors, vectors)); });
  }
}

void TransposeEmitter::storePixel(ArrayRef<Value> row, Value column, Value group, Value first, ArrayRef<Value> acc) {
  Value perGroup = c.index(s.perGroup());
  auto write = [&](Value channel, int64_t lanes, Value mask, Value v) {
    if (op.getBias()) {
      Value bias = loadFrom(c, op.getBias(), channel, lanes, mask);
      v = m.add(v, bias);
    }
    Values point(row);
    point.push_back(column);
    point.insert(s.last ? point.end() : point.begin() + 1, channel);
    emitter.setPoint(point, lanes, mask);
    emitter.define(op.getResult(), v);
    if (failed(emitter.storeYields()))
      status = failure();
  };
  for (auto [j, v] : llvm::enumerate(acc)) {
    Value inGroup = c.add(first, c.index(int64_t(j) * s.lanes));
    Value channel = c.mulAdd(group, perGroup, inGroup);
    if (s.last || s.lanes == 1) {
      Value mask = s.perGroup() % s.lanes == 0 ? Value() : m.laneMask(inGroup, perGroup, s.lanes);
      write(channel, s.lanes, mask, v);
      continue;
    }
    // Channels first: the lanes of a pixel lie a plane apart, so they are stored one by one.
    for (int64_t l = 0; l < s.lanes; ++l) {
      Value lane = c.add(inGroup, c.index(l));
      auto store = [&]() { write(c.add(channel, c.index(l)), 1, {}, vector::ExtractOp::create(c.b, c.loc, v, l)); };
      if (s.perGroup() % s.lanes == 0)
        store();
      else
        ifThen(c, arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, lane, perGroup), store);
    }
  }
}

void TransposeEmitter::emit() {
  Exprs units{s.out[0]};
  for (unsigned i = 0; i + 1 < s.rank; ++i)
    units.push_back(s.out[s.spatial(i)]);
  unsigned w = s.rank - 1;
  Value width = c.index(s.out[s.spatial(w)]);
  int64_t block = s.vectors * s.lanes, perGroup = s.perGroup(), full = perGroup / block * block;
  c.eachUnit([&](Value unit) {
    Values row = c.delinearize(unit, units);
    c.loop(zero, c.index(s.group), 1, [&](Value group) {
      auto pixels = [&](Value first, int64_t vectors) {
        c.loop(zero, c.index(stride(w)), 1, [&](Value phase) {
          c.loop(phase, width, kPixels * stride(w),
                 [&](Value column) { emitTile(row, column, group, first, vectors); });
        });
      };
      if (full > 0)
        c.loop(zero, c.index(full), block, [&](Value first) { pixels(first, s.vectors); });
      if (full < perGroup)
        c.loop(c.index(full), c.index(perGroup), s.lanes, [&](Value first) { pixels(first, 1); });
    });
  });
}

class ConvTransposePlan : public KernelPlan {
public:
  ConvTransposePlan(plan::KernelOp kernel, const Machine &target, Schedule schedule)
      : KernelPlan(kernel, target), s(std::move(schedule)) {}

  ScheduleFacts facts() const override {
    if (s.lanes == 1)
      return {.text = "scalar loop, gather over taps", .hasScalarCode = true};
    std::string tile = llvm::formatv("{0} pixels x {1} channels", kPixels, s.vectors * s.lanes);
    ScheduleFacts facts = inLanes(s.lanes, computeOf(kernel.getRootOp()->getOperand(0)));
    facts.text =
        "gather over taps, tile " + tile + ", " + facts.text + (s.packed ? ", weights packed" : ", one weight");
    facts.tile = tile;
    return facts;
  }

  LogicalResult pack() override {
    auto op = cast<graph::ConvTransposeOp>(kernel.getRootOp());
    if (s.packed || s.packedLanes == 1 || !canPack(kernel, op, op.getFilter()))
      return success();
    SmallVector<int64_t> shape(s.kernel);
    shape.append({s.inChannels, s.padded()});
    packConstant(kernel, op.getFilter(), kPacked, shape, [&](int64_t i) -> int64_t {
      int64_t co = i % s.padded(), ci = i / s.padded() % s.inChannels, tap = i / s.padded() / s.inChannels;
      return co < s.perGroup() ? (ci * s.perGroup() + co) * s.taps() + tap : -1;
    });
    return success();
  }

  WorkSplit split() const override {
    AffineExpr rows = s.out[0];
    for (unsigned i = 0; i + 1 < s.rank; ++i)
      rows = rows * s.out[s.spatial(i)];
    int64_t width = std::max<int64_t>(1, constantOr(s.out[s.spatial(s.rank - 1)]));
    return {rows, grainFor(width * s.outChannels * s.taps() * s.inChannels / s.group)};
  }

  LogicalResult emit(KernelContext &c) const override {
    TransposeEmitter e(c, cast<graph::ConvTransposeOp>(kernel.getRootOp()), s);
    e.emit();
    return e.status;
  }

private:
  Schedule s;
};

} // namespace

std::unique_ptr<KernelPlan> planConvTranspose(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  auto op = cast<graph::ConvTransposeOp>(kernel.getRootOp());
  if (!isa<FloatType>(computeOf(op.getX()))) {
    reason = "the element type must be floating point";
    return nullptr;
  }
  Schedule s = scheduleOf(kernel, target);
  if (s.inChannels < 0 || s.outChannels < 0 || llvm::is_contained(s.kernel, -1)) {
    reason = "channels and filter size must be static";
    return nullptr;
  }
  return std::make_unique<ConvTransposePlan>(kernel, target, std::move(s));
}

} // namespace tenon::codegen
