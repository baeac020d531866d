// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Transposed convolution as a gather: an output pixel sums over the taps that
// reach it, so that no two units write one element. Output pixels of one phase
// (equal remainder by the column stride) use the same taps; four of them share
// each weight. Constant weights are packed to [taps][in channels][out channels
// padded to lanes], and lanes run over output channels.
#include "RowPacking.h"
#include "WindowStrategies.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr StringLiteral kPacked = "taps,ci,co";
constexpr int64_t kPixels = 4;

struct Plan {
  Exprs in, out;
  bool last, packed;
  unsigned rank; // spatial dimensions
  SmallVector<int64_t> kernel;
  int64_t group, inChannels, outChannels; // channels of all groups
  int64_t lanes, vectors;
  int64_t perGroup() const { return outChannels / group; }
  int64_t padded() const { return (perGroup() + lanes - 1) / lanes * lanes; }
  int64_t taps() const {
    int64_t n = 1;
    for (int64_t k : kernel)
      n *= k;
    return n;
  }
  unsigned spatial(unsigned i) const { return last ? i + 1 : i + 2; }
  unsigned channel() const { return last ? rank + 1 : 1; }
};

Plan planFor(plan::KernelOp kernel, const CpuTarget &target) {
  auto op = cast<graph::ConvTransposeOp>(kernel.getRootOp());
  Plan p;
  p.in = shapeOf(op.getX());
  p.out = shapeOf(op.getResult());
  p.last = op.getLayout() == graph::ChannelLayout::last;
  p.rank = p.in.size() - 2;
  p.group = op.getGroup();
  p.packed = isPackedAs(kernel, op.getFilter(), kPacked);
  Exprs filter = shapeOf(op.getFilter());
  for (unsigned i = 0; i < p.rank; ++i)
    p.kernel.push_back(constantOr(filter[p.packed ? i : i + 2]));
  p.inChannels = constantOr(p.in[p.channel()]);
  p.outChannels = constantOr(p.out[p.channel()]);
  p.lanes = lanesFor(target, computeOf(op.getX()), p.outChannels / std::max<int64_t>(1, p.group));
  if (auto filter = dyn_cast<BlockArgument>(op.getFilter()); !p.packed && filter) {
    // Before packConstants the plan speaks of what it will pack.
    if (!kernel.getInputs()[filter.getArgNumber()].getDefiningOp<graph::ConstantOp>())
      p.lanes = 1;
  }
  int64_t perGroup = p.outChannels / std::max<int64_t>(1, p.group);
  p.vectors = std::clamp<int64_t>((perGroup + p.lanes - 1) / p.lanes, 1, 4);
  if (p.lanes == 1)
    p.vectors = 1;
  else if (target.vectorRegisters < 32)
    p.vectors = std::min<int64_t>(p.vectors, 2);
  return p;
}

class ConvTransposeStrategy : public Strategy {
public:
  StringRef name() const override { return "window-conv-transpose"; }
  std::vector<StringRef> roots() const override { return {"conv_transpose"}; }

  bool matches(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) const override {
    Plan p = planFor(kernel, target);
    auto op = cast<graph::ConvTransposeOp>(kernel.getRootOp());
    if (!isa<FloatType>(computeOf(op.getX())))
      reason = "the element type must be floating point";
    else if (p.inChannels < 0 || p.outChannels < 0 || llvm::is_contained(p.kernel, -1))
      reason = "channels and filter size must be static";
    else
      return true;
    return false;
  }
  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    Plan p = planFor(kernel, target);
    if (p.lanes == 1 || (!p.packed && isa<BlockArgument>(cast<graph::ConvTransposeOp>(kernel.getRootOp()).getFilter())))
      return "scalar loop, gather over taps";
    return llvm::formatv("gather over taps, tile {0} pixels x {1} channels, weights packed", kPixels,
                         p.vectors * p.lanes)
        .str();
  }
  LogicalResult packConstants(plan::KernelOp kernel, const CpuTarget &target) const override;
  WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const override {
    Plan p = planFor(kernel, target);
    AffineExpr rows = p.out[0];
    for (unsigned i = 0; i + 1 < p.rank; ++i)
      rows = rows * p.out[p.spatial(i)];
    int64_t width = std::max<int64_t>(1, constantOr(p.out[p.spatial(p.rank - 1)]));
    return {rows, grainFor(width * p.outChannels * p.taps() * p.inChannels / p.group)};
  }
  LogicalResult emit(KernelContext &c) const override;
};

LogicalResult ConvTransposeStrategy::packConstants(plan::KernelOp kernel, const CpuTarget &target) const {
  auto op = cast<graph::ConvTransposeOp>(kernel.getRootOp());
  Plan p = planFor(kernel, target);
  if (p.packed || p.lanes == 1 || !canPack(kernel, op, op.getFilter()))
    return success();
  SmallVector<int64_t> shape(p.kernel);
  shape.append({p.inChannels, p.padded()});
  packConstant(kernel, op.getFilter(), kPacked, shape, [&](int64_t i) -> int64_t {
    int64_t co = i % p.padded(), ci = i / p.padded() % p.inChannels, tap = i / p.padded() / p.inChannels;
    return co < p.perGroup() ? (ci * p.perGroup() + co) * p.taps() + tap : -1;
  });
  return success();
}

struct TransposeEmitter {
  KernelContext &c;
  graph::ConvTransposeOp op;
  Plan p;
  LaneMath m;
  Type element, compute;
  Exprs inStrides;
  Values pads; // begins
  ElementEmitter emitter;
  LogicalResult status = success();
  Value zero;

  TransposeEmitter(KernelContext &c, graph::ConvTransposeOp op, Plan plan)
      : c(c), op(op), p(plan), m{c}, element(elementOf(op.getX())), compute(computeOf(op.getX())),
        inStrides(stridesOf(plan.in)), emitter(c, plan.out), zero(c.index(int64_t(0))) {
    using A = graph::AutoPad;
    for (unsigned i = 0; i < p.rank; ++i) {
      bool derived = op.getOutputShape() || op.getAutoPad() == A::same_upper || op.getAutoPad() == A::same_lower;
      if (!derived) {
        pads.push_back(op.getAutoPad() == A::valid || op.getPads().empty() ? zero : c.index(op.getPads()[i]));
        continue;
      }
      int64_t extra = op.getOutputPadding().empty() ? 0 : op.getOutputPadding()[i];
      Value full = c.add(c.mul(c.index(stride(i)), c.sub(c.index(p.in[p.spatial(i)]), c.index(1))),
                         c.index(extra + (p.kernel[i] - 1) * dilation(i) + 1));
      // Negative where the filter does not reach every output: halves round down.
      Value total = c.sub(full, c.index(p.out[p.spatial(i)]));
      Value half = c.b.createOrFold<arith::FloorDivSIOp>(c.loc, total, c.index(2));
      pads.push_back(op.getAutoPad() == A::same_upper ? half : c.sub(total, half));
    }
  }
  int64_t stride(unsigned i) { return op.getStrides().empty() ? 1 : op.getStrides()[i]; }
  int64_t dilation(unsigned i) { return op.getDilations().empty() ? 1 : op.getDilations()[i]; }

  Value weight(Value tap, Value inChannel, Value outChannel) {
    if (!isa<BlockArgument>(op.getFilter())) // one value throughout
      return loadFrom(c, op.getFilter(), zero, p.lanes);
    Value buffer = c.buffer(op.getFilter());
    if (p.packed) {
      Value row = c.mulAdd(tap, c.index(p.inChannels), inChannel);
      return c.load(buffer, element, c.mulAdd(row, c.index(p.padded()), outChannel), p.lanes);
    }
    Value row = c.mulAdd(inChannel, c.index(p.perGroup()), outChannel);
    return c.load(buffer, element, c.mulAdd(row, c.index(p.taps()), tap), 1);
  }

  /// Tap `k` of an axis reaches output position y from input (y + pad - k *
  /// dilation) / stride, if that divides and lies inside.
  void reach(unsigned axis, Value y, Value tap, Value &index, Value &valid) {
    using P = arith::CmpIPredicate;
    Value t = c.sub(c.add(y, pads[axis]), c.mul(tap, c.index(dilation(axis))));
    Value nonNegative = arith::CmpIOp::create(c.b, c.loc, P::sge, t, zero);
    Value safe = c.maxS(t, zero);
    index = c.divU(safe, c.index(stride(axis)));
    Value exact = arith::CmpIOp::create(c.b, c.loc, P::eq, c.remU(safe, c.index(stride(axis))), zero);
    Value inside = arith::CmpIOp::create(c.b, c.loc, P::slt, index, c.index(p.in[p.spatial(axis)]));
    valid = arith::AndIOp::create(c.b, c.loc, nonNegative, Value(arith::AndIOp::create(c.b, c.loc, exact, inside)));
  }

  /// kPixels output columns from `column` on, `stride` apart, by `vectors`
  /// vectors of output channels from `first` (within the group).
  void tile(ArrayRef<Value> row, Value column, Value group, Value first, int64_t vectors);
  void storePixel(ArrayRef<Value> row, Value column, Value group, Value first, ArrayRef<Value> acc);
  void emit();
};

void TransposeEmitter::tile(ArrayRef<Value> row, Value column, Value group, Value first, int64_t vectors) {
  unsigned w = p.rank - 1;
  Value width = c.index(p.out[p.spatial(w)]);
  Value groupIn = c.index(p.inChannels / p.group);
  Value firstIn = c.mul(group, groupIn);
  Values columns;
  for (int64_t i = 0; i < kPixels; ++i)
    columns.push_back(c.add(column, c.index(i * stride(w))));
  Values init(kPixels * vectors, c.constant(compute, 0, p.lanes));
  Value batch = c.mul(row[0], c.index(inStrides[0]));

  auto channels = [&](Value tap, Value base, ArrayRef<Value> offsets, ArrayRef<Value> valid, Values acc) {
    return c.loop(zero, groupIn, 1, acc, [&](Value ci, ValueRange args) {
      Value channel = c.add(firstIn, ci);
      Value at = c.mulAdd(channel, c.index(inStrides[p.channel()]), base);
      Values weights, next;
      for (int64_t j = 0; j < vectors; ++j)
        weights.push_back(weight(tap, channel, c.add(first, c.index(j * p.lanes))));
      for (int64_t i = 0; i < kPixels; ++i) {
        Value v = loadFrom(c, op.getX(), c.add(at, offsets[i]), 1);
        v = c.broadcast(m.select(valid[i], v, c.constant(compute, 0, 1)), p.lanes);
        for (int64_t j = 0; j < vectors; ++j)
          next.push_back(m.madd(v, weights[j], args[i * vectors + j]));
      }
      return next;
    });
  };
  std::function<Values(unsigned, Value, Value, Values)> axis = [&](unsigned i, Value tap, Value base,
                                                                   Values acc) -> Values {
    return c.loop(zero, c.index(p.kernel[i]), 1, acc, [&](Value k, ValueRange args) {
      Values current(args);
      Value nextTap = c.mulAdd(tap, c.index(p.kernel[i]), k);
      Value step = c.index(inStrides[p.spatial(i)]);
      if (i < w) {
        Value index, valid;
        reach(i, row[i + 1], k, index, valid);
        return ifElse(
            c, valid, TypeRange(ValueRange(current)),
            [&]() { return axis(i + 1, nextTap, c.mulAdd(index, step, base), current); }, [&]() { return current; });
      }
      Values offsets, valid;
      Value any;
      for (Value y : columns) {
        Value index, inside;
        reach(w, y, k, index, inside);
        // An invalid pixel reads element 0 of the row and multiplies zero.
        offsets.push_back(c.mul(m.select(inside, index, zero), step));
        valid.push_back(inside);
        any = any ? Value(arith::OrIOp::create(c.b, c.loc, any, inside)) : inside;
      }
      return ifElse(
          c, any, TypeRange(ValueRange(current)), [&]() { return channels(nextTap, base, offsets, valid, current); },
          [&]() { return current; });
    });
  };
  Values acc = axis(0, zero, batch, init);
  for (int64_t i = 0; i < kPixels; ++i) {
    Value inside = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, columns[i], width);
    ifThen(c, inside, [&]() { storePixel(row, columns[i], group, first, ArrayRef(acc).slice(i * vectors, vectors)); });
  }
}

void TransposeEmitter::storePixel(ArrayRef<Value> row, Value column, Value group, Value first, ArrayRef<Value> acc) {
  Value perGroup = c.index(p.perGroup());
  auto write = [&](Value channel, int64_t lanes, Value mask, Value v) {
    if (op.getBias()) {
      Value bias = loadFrom(c, op.getBias(), channel, lanes, mask);
      v = m.add(v, bias);
    }
    Values point(row);
    point.push_back(column);
    point.insert(p.last ? point.end() : point.begin() + 1, channel);
    emitter.setPoint(point, lanes, mask);
    emitter.define(op.getResult(), v);
    if (failed(emitter.storeYields()))
      status = failure();
  };
  for (auto [j, v] : llvm::enumerate(acc)) {
    Value inGroup = c.add(first, c.index(int64_t(j) * p.lanes));
    Value channel = c.mulAdd(group, perGroup, inGroup);
    if (p.last || p.lanes == 1) {
      Value mask = p.perGroup() % p.lanes == 0 ? Value() : m.laneMask(inGroup, perGroup, p.lanes);
      write(channel, p.lanes, mask, v);
      continue;
    }
    // Channels first: the lanes of one pixel lie a plane apart.
    for (int64_t l = 0; l < p.lanes; ++l) {
      Value lane = c.add(inGroup, c.index(l));
      auto store = [&]() { write(c.add(channel, c.index(l)), 1, {}, vector::ExtractOp::create(c.b, c.loc, v, l)); };
      if (p.perGroup() % p.lanes == 0)
        store();
      else
        ifThen(c, arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, lane, perGroup), store);
    }
  }
}

void TransposeEmitter::emit() {
  Exprs units{p.out[0]};
  for (unsigned i = 0; i + 1 < p.rank; ++i)
    units.push_back(p.out[p.spatial(i)]);
  unsigned w = p.rank - 1;
  Value width = c.index(p.out[p.spatial(w)]);
  int64_t block = p.vectors * p.lanes, perGroup = p.perGroup(), full = perGroup / block * block;
  c.loop(c.begin, c.end, 1, [&](Value unit) {
    Values row = c.delinearize(unit, units);
    c.loop(zero, c.index(p.group), 1, [&](Value group) {
      auto pixels = [&](Value first, int64_t vectors) {
        c.loop(zero, c.index(stride(w)), 1, [&](Value phase) {
          c.loop(phase, width, kPixels * stride(w), [&](Value column) { tile(row, column, group, first, vectors); });
        });
      };
      if (full > 0)
        c.loop(zero, c.index(full), block, [&](Value first) { pixels(first, p.vectors); });
      if (full < perGroup)
        c.loop(c.index(full), c.index(perGroup), p.lanes, [&](Value first) { pixels(first, 1); });
    });
  });
}

LogicalResult ConvTransposeStrategy::emit(KernelContext &c) const {
  auto op = cast<graph::ConvTransposeOp>(c.kernel.getRootOp());
  Plan p = planFor(c.kernel, c.target);
  if (!p.packed && isa<BlockArgument>(op.getFilter())) { // packing was not possible: weights as they are
    p.lanes = 1;
    p.vectors = 1;
  }
  TransposeEmitter e(c, op, p);
  e.emit();
  return e.status;
}

} // namespace

std::unique_ptr<Strategy> makeConvTransposeStrategy() { return std::make_unique<ConvTransposeStrategy>(); }

} // namespace tenon::cpu
