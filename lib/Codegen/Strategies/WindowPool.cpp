// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Max, average and Lp pooling over one to three spatial dimensions. With output position o and tap t, both a coordinate
// for each of them:
//
//   y[n, o, c] = finish(fold over the taps t inside the image of x[n, o * stride - begin + t * dilation, c])
//
//     max       the largest, NaN if one is NaN
//     average   sum / count of taps; count_include_pad counts those in the padding, too
//     lp        (sum of |x|^p)^(1 / p)
//
// begin and end are the padding of a dimension. Along it, the window that starts at s = o * stride - begin has the taps
//
//   low = ceil(-s / dilation) <= t < high = ceil((size - s) / dilation)       limited to [0, kernel]
//
// Channels last: lanes run over channels, and every tap is a contiguous load. A unit is an output row (all dimensions
// but columns and channels), with a loop over its pixels and, of each, over blocks of channels:
//
//       channels   | 4 vectors | 4 vectors | .. | vector | vector | rest, masked |
//
// A block's accumulators pass through all taps before it is stored. A pixel whose window is inside the image has the
// taps unrolled, if they are few enough; one at the border has loops over [low, high), which carry the accumulators.
// The kernel chooses between the two for each pixel when it runs.
//
// Channels first: lanes run over output columns, which are adjacent in x if the column stride is 1, and every other
// one of two adjacent vectors if it is 2. With other strides the code is scalar. A unit is a row of one channel:
//
//       columns   0 .. first - 1   first .. second - 1                      second .. width - 1
//                 scalar,          vectors: every tap of the row is         scalar,
//                 some taps out    inside for all lanes; taps unrolled      some taps out, or few columns left
//
// Loops over the taps of the dimensions before the columns have just those inside, and carry the accumulator.
#include "WindowStrategies.h"

#include "tenon/Codegen/Logarithm.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr int64_t kMaxUnrolled = 49; // taps whose code is unrolled

/// The padding [begin, end] of a spatial axis. With same_upper and same_lower the result has ceil(in / stride)
/// elements; the padding that these need is halved, and what is odd goes to the end (upper) or to the beginning.
Values windowPads(KernelContext &c, graph::AutoPad mode, ArrayRef<int64_t> pads, AffineExpr in, int64_t kernel,
                  int64_t stride, int64_t dilation, unsigned axis, unsigned rank) {
  using A = graph::AutoPad;
  if (mode == A::valid)
    return {c.index(int64_t(0)), c.index(int64_t(0))};
  if (mode == A::notset)
    return {c.index(pads[axis]), c.index(pads[axis + rank])};
  Value size = c.index(in);
  Value out = c.divU(c.add(size, c.index(stride - 1)), c.index(stride));
  Value needed = c.add(c.mul(c.sub(out, c.index(1)), c.index(stride)), c.index((kernel - 1) * dilation + 1));
  Value total = c.maxS(c.sub(needed, size), c.index(int64_t(0)));
  Value half = c.divU(total, c.index(2)), rest = c.sub(total, half);
  return mode == A::same_upper ? Values{half, rest} : Values{rest, half};
}

class PoolPlan : public KernelPlan {
public:
  PoolPlan(plan::KernelOp kernel, const Machine &target) : KernelPlan(kernel, target) {
    auto op = cast<graph::PoolOp>(kernel.getRootOp());
    last = op.getLayout() == graph::ChannelLayout::last;
    if (last || op.getStrides().back() <= 2)
      lanes = lanesFor(target, computeOf(op.getX()), constantOr(shapeOf(op.getResult()).back()));
  }

  ScheduleFacts facts() const override {
    ScheduleFacts facts = inLanes(lanes, computeOf(kernel.getRootOp()->getOperand(0)),
                                  last ? " over channels" : " over columns, scalar at the border");
    facts.hasScalarCode |= !last;
    return facts;
  }
  WorkSplit split() const override {
    auto op = cast<graph::PoolOp>(kernel.getRootOp());
    Exprs out = shapeOf(op.getResult());
    // A unit is a row: all dimensions but the columns, and the channels if these are last.
    unsigned inner = last ? 2 : 1;
    int64_t work = constantOr(product(ArrayRef(out).take_back(inner), kernel.getContext()));
    for (int64_t k : op.getKernel())
      work *= k;
    return {product(ArrayRef(out).drop_back(inner), kernel.getContext()), grainFor(work)};
  }
  LogicalResult emit(KernelContext &c) const override;

private:
  bool last; // channels are the last dimension
  int64_t lanes = 1;
};

struct PoolEmitter {
  KernelContext &c;
  graph::PoolOp op;
  LaneMath m;
  bool last;
  unsigned rank; // spatial dimensions
  Exprs in, out, inStrides;
  SmallVector<unsigned> dims; // operand dimension of each spatial axis
  unsigned channel;
  Type element, compute;
  Values begins, ends; // pads
  ElementEmitter emitter;
  LogicalResult status = success();

  PoolEmitter(KernelContext &c, graph::PoolOp op)
      : c(c), op(op), m{c, elementOf(op.getX()).isUnsignedInteger()},
        last(op.getLayout() == graph::ChannelLayout::last), rank(op.getKernel().size()), in(c.shape(op.getX())),
        out(c.shape(op.getResult())), inStrides(stridesOf(in)), element(elementOf(op.getX())),
        compute(computeOf(op.getX())), emitter(c, out) {
    channel = last ? rank + 1 : 1;
    for (unsigned i = 0; i < rank; ++i) {
      dims.push_back(last ? i + 1 : i + 2);
      Values pads = windowPads(c, op.getAutoPad(), op.getPads(), in[dims[i]], op.getKernel()[i], op.getStrides()[i],
                               dilation(i), i, rank);
      begins.push_back(pads[0]);
      ends.push_back(pads[1]);
    }
  }
  int64_t dilation(unsigned i) { return op.getDilations().empty() ? 1 : op.getDilations()[i]; }
  bool isMax() { return op.getKind() == graph::PoolKind::max; }

  Value neutral(int64_t lanes) { return isMax() ? m.extreme(compute, true, lanes) : c.constant(compute, 0, lanes); }
  Value step(Value v, Value acc) {
    if (isMax())
      return m.max(v, acc); // keeps a NaN in acc, and passes over one in v: see Run
    if (op.getKind() == graph::PoolKind::average)
      return m.add(v, acc);
    int64_t p = op.getP();
    Value a = m.abs(v);
    if (p == 2)
      return m.madd(v, v, acc);
    Value power;
    for (; p > 0; p /= 2, a = p > 0 ? m.mul(a, a) : a) // squares, of which the bits of p choose the factors
      if (p % 2)
        power = power ? m.mul(power, a) : a;
    return m.add(power, acc);
  }
  /// Elements that are folded one after another. The maximum of LaneMath, which is one instruction, passes over a NaN;
  /// whether there is one is asked of two elements with one comparison, and the accumulator becomes NaN at the end.
  /// `single` is an element that waits for a second one (null: none does), `areNumbers` has the lanes in which none of
  /// the elements asked so far is NaN (null: none was asked).
  struct Run {
    Value acc, single, areNumbers;
  };
  void take(Run &run, Value v) {
    run.acc = step(v, run.acc);
    if (!isMax() || !LaneMath::isFloat(v))
      return;
    if (run.single)
      areNumbers(run, std::exchange(run.single, {}), v);
    else
      run.single = v;
  }
  void areNumbers(Run &run, Value a, Value z) {
    Value both = arith::CmpFOp::create(c.b, c.loc, arith::CmpFPredicate::ORD, a, z);
    run.areNumbers = run.areNumbers ? Value(arith::AndIOp::create(c.b, c.loc, run.areNumbers, both)) : both;
  }
  Value end(Run run) {
    if (run.single)
      areNumbers(run, run.single, run.single);
    return run.areNumbers ? m.select(run.areNumbers, run.acc, m.like(run.acc, NAN)) : run.acc;
  }
  /// A run of one element.
  Value foldOne(Value v, Value acc) {
    Run run{acc, {}, {}};
    take(run, v);
    return end(run);
  }
  Value finish(Value acc, Value inverseCount) {
    if (isMax())
      return acc;
    if (op.getKind() == graph::PoolKind::average)
      return m.mul(acc, c.broadcast(inverseCount, LaneMath::lanesOf(acc)));
    if (op.getP() == 1)
      return acc;
    if (op.getP() == 2)
      return m.sqrt(acc);
    return m.exp(m.mul(emitLogarithm(c.b, c.loc, acc), m.like(acc, 1.0 / double(op.getP()))));
  }
  /// max(0, ceil(x / d)).
  Value ceilTap(Value x, int64_t d) {
    Value positive = c.maxS(x, c.index(int64_t(0)));
    return d == 1 ? positive : c.divU(c.add(positive, c.index(d - 1)), c.index(d));
  }
  /// 1 / count, and 1 for a window without taps.
  Value inverse(Value count) {
    return m.div(c.constant(compute, 1, 1), m.indexToFloat(c.maxS(count, c.index(1)), compute));
  }

  /// Of the window that starts at `start` of an axis: {low, high, count}. The taps [low, high) are inside the image;
  /// count is what the average counts.
  Values tapRange(unsigned axis, Value start) {
    int64_t k = op.getKernel()[axis], d = dilation(axis);
    Value size = c.index(in[dims[axis]]), taps = c.index(k);
    Value lo = c.minS(ceilTap(c.sub(c.index(int64_t(0)), start), d), taps);
    Value hi = c.maxS(lo, c.minS(taps, ceilTap(c.sub(size, start), d)));
    Value count =
        op.getCountIncludePad() ? c.minS(taps, ceilTap(c.sub(c.add(size, ends[axis]), start), d)) : c.sub(hi, lo);
    return {lo, hi, count};
  }

  /// Folds a window, by loops over the `ranges` of its axes, into `vectors` adjacent vectors. `base` is the offset of
  /// tap 0, which may lie before the image: it is not read then.
  Values fold(ArrayRef<Values> ranges, Value base, int64_t lanes, int64_t vectors, Value mask) {
    Values acc(vectors, neutral(lanes));
    std::function<Values(unsigned, Value, Values)> axis = [&](unsigned i, Value at, Values acc) -> Values {
      if (i == rank) {
        Values next;
        for (int64_t k = 0; k < vectors; ++k)
          next.push_back(foldOne(loadFrom(c, op.getX(), c.add(at, c.index(k * lanes)), lanes, mask), acc[k]));
        return next;
      }
      Value stride = c.mul(c.index(inStrides[dims[i]]), c.index(dilation(i)));
      return c.loop(ranges[i][0], ranges[i][1], 1, acc, [&](Value tap, ValueRange args) {
        return axis(i + 1, c.mulAdd(tap, stride, at), llvm::to_vector_of<Value>(args));
      });
    };
    return axis(0, base, acc);
  }
  /// The same of a window with all taps inside, unrolled: `at` counts through the taps, the last axis fastest.
  Values foldInside(Value base, int64_t lanes, int64_t vectors, Value mask) {
    SmallVector<Run> runs(vectors, Run{neutral(lanes), {}, {}});
    SmallVector<int64_t> kernel(op.getKernel()), at(rank, 0);
    while (true) {
      Value offset = base;
      for (unsigned i = 0; i < rank; ++i)
        offset = c.add(offset, c.mul(c.index(inStrides[dims[i]]), c.index(at[i] * dilation(i))));
      for (int64_t k = 0; k < vectors; ++k)
        take(runs[k], loadFrom(c, op.getX(), c.add(offset, c.index(k * lanes)), lanes, mask));
      int64_t i = int64_t(rank) - 1;
      while (i >= 0 && ++at[i] == kernel[i])
        at[i--] = 0;
      if (i < 0)
        return llvm::map_to_vector<8>(runs, [&](const Run &run) { return end(run); });
    }
  }
  bool unrolls() {
    int64_t taps = 1;
    for (int64_t k : op.getKernel())
      taps *= k;
    return taps <= kMaxUnrolled;
  }

  void write(ArrayRef<Value> point, int64_t lanes, Value mask, Value value) {
    emitter.setPoint(point, lanes, mask);
    emitter.define(op.getResult(), value);
    if (failed(emitter.storeYields()))
      status = failure();
  }

  void emitLast(int64_t lanes);

  /// An output row of one channel, channels first. What it knows of the windows is of the axes before the columns.
  struct Row {
    Values point;               // its coordinates
    Value base;                 // offset of tap 0
    Value count;                // taps that the average counts
    SmallVector<Values> ranges; // of the taps inside, see tapRange
  };
  Row rowAt(Value unit);
  void emitBorder(const Row &row, Value column);
  Value loadColumns(Value at, int64_t lanes);
  Values foldColumns(const Row &row, unsigned axis, Value at, int64_t lanes, Values acc);
  void emitFirst(int64_t lanes);
};

void PoolEmitter::emitLast(int64_t lanes) {
  Value channels = c.index(in[channel]), zero = c.index(int64_t(0));
  int64_t extent = constantOr(in[channel]), block = 4 * lanes;
  c.eachUnit([&](Value unit) {
    Values row = c.delinearize(unit, ArrayRef(out).drop_back(2));
    c.loop(zero, c.index(out[dims[rank - 1]]), 1, [&](Value column) {
      Values point(row);
      point.push_back(column);
      // Offset of the window's tap 0, taps that count, and whether all are inside.
      Value base = c.mul(row[0], c.index(inStrides[0])), count = c.index(1), inside;
      SmallVector<Values> ranges;
      for (unsigned i = 0; i < rank; ++i) {
        Value start = c.sub(c.mul(point[i + 1], c.index(op.getStrides()[i])), begins[i]);
        base = c.mulAdd(start, c.index(inStrides[dims[i]]), base);
        ranges.push_back(tapRange(i, start));
        count = c.mul(count, ranges.back()[2]);
        Value here = c.sub(ranges.back()[1], ranges.back()[0]);
        Value whole = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, here, c.index(op.getKernel()[i]));
        inside = inside ? Value(arith::AndIOp::create(c.b, c.loc, inside, whole)) : whole;
      }
      Value factor = isMax() ? Value() : inverse(count);
      auto run = [&](bool unrolled) {
        auto columns = [&](Value ch, int64_t vectors, Value mask) {
          Value at = c.add(base, ch);
          Values acc = unrolled ? foldInside(at, lanes, vectors, mask) : fold(ranges, at, lanes, vectors, mask);
          for (int64_t k = 0; k < vectors; ++k) {
            Values full(point);
            full.push_back(c.add(ch, c.index(k * lanes)));
            write(full, lanes, mask, finish(acc[k], factor));
          }
        };
        Value from = zero;
        int64_t rest = extent;
        if (lanes > 1 && extent >= block) {
          from = c.index(extent / block * block);
          c.loop(zero, from, block, [&](Value ch) { columns(ch, 4, {}); });
          rest = extent % block;
        }
        if (rest != 0)
          c.vectorLoop(from, channels, lanes, rest, [&](Value ch, Value mask) { columns(ch, 1, mask); });
      };
      if (!unrolls())
        return run(false);
      auto branch = scf::IfOp::create(c.b, c.loc, inside, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(c.b);
      c.b.setInsertionPointToStart(branch.thenBlock());
      run(true);
      c.b.setInsertionPointToStart(branch.elseBlock());
      run(false);
    });
  });
}

PoolEmitter::Row PoolEmitter::rowAt(Value unit) {
  Row row;
  row.point = c.delinearize(unit, ArrayRef(out).drop_back(1));
  row.base = c.mulAdd(row.point[0], c.index(inStrides[0]), c.mul(row.point[1], c.index(inStrides[1])));
  row.count = c.index(1);
  for (unsigned i = 0; i + 1 < rank; ++i) {
    Value start = c.sub(c.mul(row.point[i + 2], c.index(op.getStrides()[i])), begins[i]);
    row.base = c.mulAdd(start, c.index(inStrides[dims[i]]), row.base);
    row.ranges.push_back(tapRange(i, start));
    row.count = c.mul(row.count, row.ranges.back()[2]);
  }
  return row;
}

/// A column by itself, some of whose taps may be outside.
void PoolEmitter::emitBorder(const Row &row, Value column) {
  unsigned w = rank - 1;
  Value start = c.sub(c.mul(column, c.index(op.getStrides()[w])), begins[w]);
  SmallVector<Values> ranges(row.ranges);
  ranges.push_back(tapRange(w, start));
  Value factor = isMax() ? Value() : inverse(c.mul(row.count, ranges.back()[2]));
  Values point(row.point);
  point.push_back(column);
  write(point, 1, {}, finish(fold(ranges, c.add(row.base, start), 1, 1, {})[0], factor));
}

/// The elements under one tap of `lanes` columns, the first at `at`.
Value PoolEmitter::loadColumns(Value at, int64_t lanes) {
  Value v = loadFrom(c, op.getX(), at, lanes);
  if (op.getStrides().back() != 2)
    return v;
  // The even ones of 2 * lanes elements.
  Value next = loadFrom(c, op.getX(), c.add(at, c.index(lanes)), lanes);
  SmallVector<int64_t> even;
  for (int64_t l = 0; l < lanes; ++l)
    even.push_back(2 * l);
  return vector::ShuffleOp::create(c.b, c.loc, v, next, even);
}

/// Folds the windows of `lanes` columns, whose taps are all inside, over the axes from `axis` on; the first window's
/// tap 0 of these is at `at`. The taps of the outer axes go by loops, those of the columns unrolled if there are few.
Values PoolEmitter::foldColumns(const Row &row, unsigned axis, Value at, int64_t lanes, Values acc) {
  if (axis + 1 < rank) {
    Value stride = c.mul(c.index(inStrides[dims[axis]]), c.index(dilation(axis)));
    return c.loop(row.ranges[axis][0], row.ranges[axis][1], 1, acc, [&](Value tap, ValueRange args) {
      return foldColumns(row, axis + 1, c.mulAdd(tap, stride, at), lanes, llvm::to_vector_of<Value>(args));
    });
  }
  int64_t taps = op.getKernel()[axis];
  if (taps > kMaxUnrolled)
    return c.loop(c.index(int64_t(0)), c.index(taps), 1, acc, [&](Value tap, ValueRange args) {
      return Values{foldOne(loadColumns(c.add(at, c.mul(tap, c.index(dilation(axis)))), lanes), args[0])};
    });
  Run run{acc[0], {}, {}};
  for (int64_t tap = 0; tap < taps; ++tap)
    take(run, loadColumns(c.add(at, c.index(tap * dilation(axis))), lanes));
  return {end(run)};
}

void PoolEmitter::emitFirst(int64_t lanes) {
  Value zero = c.index(int64_t(0));
  unsigned w = rank - 1;
  int64_t stride = op.getStrides()[w], reach = (op.getKernel()[w] - 1) * dilation(w);
  Value width = c.index(out[dims[w]]), inWidth = c.index(in[dims[w]]);
  // A vector at column o reads `stride * lanes` elements for each tap, the first at o * stride - begin, the last tap's
  // `reach` behind it. All are inside for first <= o < stop:
  //   o * stride - begin >= 0   and   o * stride - begin + reach + stride * lanes - 1 < inWidth
  // and whole vectors make it [first, second).
  Value first = c.minS(width, ceilTap(begins[w], stride));
  Value room = c.sub(c.add(inWidth, begins[w]), c.index(reach + stride * (lanes - 1) + stride - 1));
  Value stop = c.minS(c.sub(width, c.index(lanes - 1)), ceilTap(room, stride));
  Value vectors = c.divU(c.add(c.maxS(c.sub(stop, first), zero), c.index(lanes - 1)), c.index(lanes));
  Value second = lanes > 1 ? c.mulAdd(vectors, c.index(lanes), first) : zero;
  c.eachUnit([&](Value unit) {
    Row row = rowAt(unit);
    auto border = [&](Value column) { emitBorder(row, column); };
    if (lanes > 1) {
      c.loop(zero, first, 1, border);
      Value factor = isMax() ? Value() : inverse(c.mul(row.count, c.index(op.getKernel()[w])));
      c.loop(first, second, lanes, [&](Value column) {
        Value at = c.add(row.base, c.sub(c.mul(column, c.index(stride)), begins[w]));
        Values acc = foldColumns(row, 0, at, lanes, {neutral(lanes)});
        Values point(row.point);
        point.push_back(column);
        write(point, lanes, {}, finish(acc[0], factor));
      });
    }
    c.loop(second, width, 1, border);
  });
}

LogicalResult PoolPlan::emit(KernelContext &c) const {
  PoolEmitter e(c, cast<graph::PoolOp>(kernel.getRootOp()));
  if (last)
    e.emitLast(lanes);
  else
    e.emitFirst(lanes);
  return e.status;
}

} // namespace

std::unique_ptr<KernelPlan> planPool(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  auto op = cast<graph::PoolOp>(kernel.getRootOp());
  if (op.getKind() == graph::PoolKind::max || isa<FloatType>(computeOf(op.getX())))
    return std::make_unique<PoolPlan>(kernel, target);
  reason = "average and Lp pooling need floating point";
  return nullptr;
}

} // namespace tenon::codegen
