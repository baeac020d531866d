// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nearest, linear and cubic resampling of any axes. Output position o of an axis has a position p(o) in the input (see
// `coordinate`) and, from it, one, two or four taps, each an input index i and a weight w:
//
//   y[o1, o2, ..] = sum over the taps of each axis of w1 * w2 * .. * x[i1, i2, ..]
//
//   nearest   i = p rounded as the model says,                            w = 1
//   linear    i = floor(p), floor(p) + 1,                                 w = 1 - t, t           t = p - floor(p)
//   cubic     i = floor(p) - 1, floor(p), floor(p) + 1, floor(p) + 2,     w = Keys' kernel at the distances
//                                                                         1 + t, t, 1 - t, 2 - t
//
// Indices outside the image are moved to its border. An axis that keeps its size has one tap, i = o and w = 1.
//
// The taps of the outer axes multiply out to the corners of a row: with linear resampling of two axes, two corners and
// two column taps each. A unit is one coordinate of the outer axes, which knows its corners before the loop over the
// run; the sum runs over corners and, within each, over column taps. There are three schedules:
//
//   innermost axes keep their size (channels last)    lanes run over them, the corners are contiguous loads
//
//                  corner 0:  | v0 | v1 | .. |  * w0
//                  corner 1:  | v0 | v1 | .. |  * w1        y = the sum, vector by vector
//
//   innermost axis resized, of a known width          its taps lie in tables, made once a call: index [tap][o] and
//                                                     weight [tap][o]. Lanes run over o; each loads its indices from
//                                                     the table and gathers x through them
//   innermost axis resized, else                      scalar; with tables, where elements are not of 32 bits
#include "WindowStrategies.h"

#include <cmath>

using namespace mlir;

namespace tenon::codegen {
namespace {

constexpr int64_t kMaxTable = 2048; // columns at most of a table on the stack

struct Schedule {
  Exprs in, out;
  SmallVector<double> scales; // given ones; 0: out / in
  int64_t rank, taps;         // taps: of a resized axis
  unsigned suffix;            // first dimension of the run
  bool table = false;         // the run is a resized axis, tabulated
  AffineExpr run;
  int64_t lanes;

  /// Whether the run is a resized axis; else its axes keep their size.
  bool resizesRun() const { return suffix == unsigned(rank - 1) && !keeps(rank - 1); }
  /// Whether an axis is not resized.
  bool keeps(int64_t d) const { return in[d] == out[d] && (scales.empty() || scales[d] == 0 || scales[d] == 1); }
};

Schedule scheduleOf(plan::KernelOp kernel, const Machine &target) {
  auto op = cast<graph::ResizeOp>(kernel.getRootOp());
  Schedule s;
  s.in = shapeOf(op.getX());
  s.out = shapeOf(op.getResult());
  s.rank = s.in.size();
  s.taps = op.getMode() == graph::ResizeMode::nearest ? 1 : op.getMode() == graph::ResizeMode::linear ? 2 : 4;
  if (op.getScales())
    if (auto constant = op.getScales().getDefiningOp<graph::ConstantOp>())
      if (auto dense = dyn_cast<DenseFPElementsAttr>(constant.getValue()))
        for (APFloat scale : dense.getValues<APFloat>())
          s.scales.push_back(scale.convertToDouble());
  if (int64_t(s.scales.size()) != s.rank)
    s.scales.clear();
  int64_t from = s.rank; // dimensions from here on keep their size
  while (from > 0 && s.keeps(from - 1))
    --from;
  MLIRContext *context = kernel.getContext();
  if (from < s.rank) {
    s.suffix = mergedSuffix(kernel, s.out, from);
  } else {
    s.suffix = s.rank - 1;
    int64_t width = constantOr(s.out.back());
    s.table = width > 0 && width <= kMaxTable;
  }
  s.run = product(ArrayRef(s.out).drop_front(s.suffix), context);
  bool narrow = computeOf(op.getX()).getIntOrFloatBitWidth() != 32 || elementOf(op.getX()) != computeOf(op.getX());
  // Gathers are of 32-bit elements that need no conversion.
  s.lanes = from == s.rank && (!s.table || narrow) ? 1 : lanesFor(target, computeOf(op.getX()), constantOr(s.run));
  return s;
}

class ResizePlan : public KernelPlan {
public:
  ResizePlan(plan::KernelOp kernel, const Machine &target)
      : KernelPlan(kernel, target), s(scheduleOf(kernel, target)) {}

  ScheduleFacts facts() const override {
    return inLanes(s.lanes, computeOf(kernel.getRootOp()->getOperand(0)),
                   s.table ? ", gathers through a table" : " over unchanged dimensions");
  }
  WorkSplit split() const override {
    int64_t work = constantOr(s.run) * s.taps * s.taps;
    // Each chunk makes the tables anew.
    return {product(ArrayRef(s.out).take_front(s.suffix), kernel.getContext()),
            s.table ? std::max<int64_t>(8, grainFor(work)) : grainFor(work)};
  }
  LogicalResult emit(KernelContext &c) const override;

private:
  Schedule s;
};

/// An input index along an axis, or the offset of a corner, with its weight (null: 1).
struct Tap {
  Value index, weight;
};

struct ResizeEmitter {
  KernelContext &c;
  graph::ResizeOp op;
  const Schedule &s;
  LaneMath m, source; // of positions, weights and sums; of elements of x
  Type compute;
  Type f64, work; // of positions; of weights and sums
  Value x, zero;
  Exprs strides;                  // of x
  Values indexTable, weightTable; // of each tap

  ResizeEmitter(KernelContext &c, graph::ResizeOp op, const Schedule &schedule)
      : c(c), op(op), s(schedule), m{c}, source{c, elementOf(op.getX()).isUnsignedInteger()},
        compute(computeOf(op.getX())), f64(c.b.getF64Type()), work(needsDouble(compute) ? f64 : Type(c.b.getF32Type())),
        x(c.buffer(op.getX())), zero(c.index(int64_t(0))), strides(stridesOf(s.in)) {}

  LogicalResult emit();
  void tabulate();
  SmallVector<Tap> cornersAt(ArrayRef<Value> outer);
  SmallVector<Tap> columnsAt(Value i, Value mask);
  Value sumAt(ArrayRef<Tap> corners, Value i, Value mask);

  /// The product of two weights, of which each may be null.
  Value weightOf(Value a, Value z) { return !a ? z : !z ? a : m.mul(a, z); }

  /// Integers of more than 16 bits are not all float32 numbers.
  static bool needsDouble(Type compute) {
    return compute.isF64() || (isa<IntegerType>(compute) && compute.getIntOrFloatBitWidth() > 16);
  }

  /// A sum as an integer: its fraction is cut off, and beyond the type's range, where a cubic kernel can overshoot to,
  /// it is the nearest end of that.
  Value toInteger(Value sum, Type element) {
    unsigned bits = element.getIntOrFloatBitWidth();
    bool isUnsigned = element.isUnsignedInteger();
    double low = isUnsigned ? 0 : -std::ldexp(1.0, bits - 1), high = std::ldexp(1.0, isUnsigned ? bits : bits - 1) - 1;
    if (bits > 53) // float64 rounds it up: the number below is the largest that a conversion does not overflow at
      high = std::nextafter(high, 0.0);
    sum = m.max(m.like(sum, low), m.min(sum, m.like(sum, high)));
    Type type = s.lanes == 1 ? compute : Type(VectorType::get({s.lanes}, compute));
    return isUnsigned ? Value(arith::FPToUIOp::create(c.b, c.loc, type, sum))
                      : Value(arith::FPToSIOp::create(c.b, c.loc, type, sum));
  }

  Value real(double v) { return c.constant(f64, v, 1); }
  Value real(Value index) { return m.indexToFloat(index, f64); }
  Value floor(Value x) { return math::FloorOp::create(c.b, c.loc, x); }
  Value toIndex(Value x) { return m.toIndex(arith::FPToSIOp::create(c.b, c.loc, c.b.getI64Type(), x)); }

  /// The position p(o) of output element o of axis d in the input. With scale the axis' factor, out / in unless the
  /// model gives one:
  ///
  ///   asymmetric             o / scale
  ///   half_pixel             (o + 1/2) / scale - 1/2
  ///   pytorch_half_pixel     the same, but 0 if there is one output element
  ///   half_pixel_symmetric   the same + in / 2 * (1 - out / (scale * in)), as a given scale may not fit the sizes
  ///   align_corners          o * (in - 1) / (out - 1): the first elements meet, and the last
  Value coordinate(int64_t d, Value o) {
    using M = graph::CoordinateMode;
    Value in = real(c.index(s.in[d])), out = real(c.index(s.out[d])), at = real(o);
    auto single = [&]() { return m.greater(real(1.5), out); };
    if (s.scales.empty() || s.scales[d] <= 0) {
      // Between two sizes a position is one quotient of whole numbers: ((2 o + 1) * in - out) / (2 out) for half
      // pixels. So wholes and halves, at which the nearest element changes, are exact. A rounded scale puts
      // (8 + 0.5) * 7 / 17 - 0.5 beyond 3.
      auto halfPixel = [&]() { return m.div(m.sub(m.mul(m.add(m.add(at, at), real(1.0)), in), out), m.add(out, out)); };
      switch (op.getCoordinate()) {
      case M::asymmetric: return m.div(m.mul(at, in), out);
      case M::align_corners:
        return m.div(m.mul(at, m.sub(in, real(1.0))), m.select(single(), real(1.0), m.sub(out, real(1.0))));
      case M::pytorch_half_pixel: return m.select(single(), real(0.0), halfPixel());
      default: return halfPixel();
      }
    }
    Value scale = real(s.scales[d]);
    auto halfPixel = [&]() { return m.sub(m.div(m.add(at, real(0.5)), scale), real(0.5)); };
    switch (op.getCoordinate()) {
    case M::asymmetric: return m.div(at, scale);
    case M::align_corners: {
      // With a given scale, ONNX takes the result's length before it is rounded: scale * in.
      Value span = m.select(single(), real(1.0), m.sub(m.mul(scale, in), real(1.0)));
      return m.select(single(), real(0.0), m.div(m.mul(at, m.sub(in, real(1.0))), span));
    }
    case M::pytorch_half_pixel: return m.select(single(), real(0.0), halfPixel());
    case M::half_pixel_symmetric: {
      Value adjustment = m.div(out, m.mul(scale, in));
      return m.add(m.mul(m.div(in, real(2.0)), m.sub(real(1.0), adjustment)), halfPixel());
    }
    default: return halfPixel();
    }
  }

  Value clamp(Value index, int64_t d) {
    return c.maxS(c.index(int64_t(0)), c.minS(index, c.sub(c.index(s.in[d]), c.index(1))));
  }

  /// The taps of output element o of axis d.
  SmallVector<Tap> taps(int64_t d, Value o) {
    using N = graph::NearestMode;
    Value x = coordinate(d, o);
    if (s.taps == 1) {
      switch (op.getNearest()) {
      case N::floor: x = floor(x); break;
      case N::ceil: x = math::CeilOp::create(c.b, c.loc, x); break;
      case N::round_prefer_floor: x = math::CeilOp::create(c.b, c.loc, m.sub(x, real(0.5))); break;
      case N::round_prefer_ceil: x = floor(m.add(x, real(0.5))); break;
      }
      return {{clamp(toIndex(x), d), {}}};
    }
    auto narrow = [&](Value v) { return m.toFloat(v, work); };
    if (s.taps == 2) {
      // The position is moved into the image, so that its border repeats outside.
      x = m.max(real(0.0), m.min(x, m.sub(real(c.index(s.in[d])), real(1.0))));
      Value low = floor(x), index = toIndex(low), weight = narrow(m.sub(x, low));
      return {{clamp(index, d), m.sub(c.constant(work, 1, 1), weight)}, {clamp(c.add(index, c.index(1)), d), weight}};
    }
    Value low = floor(x), index = toIndex(low), t = m.sub(x, low);
    double a = op.getCubicCoefficient().convertToDouble();
    // Keys' kernel with coefficient a, at a distance r:
    //   near, r <= 1       (a + 2) r^3 - (a + 3) r^2 + 1
    //   far, 1 < r < 2     a r^3 - 5a r^2 + 8a r - 4a
    auto near = [&](Value r) {
      return m.add(m.mul(m.mul(m.sub(m.mul(real(a + 2), r), real(a + 3)), r), r), real(1.0));
    };
    auto far = [&](Value r) {
      Value inner = m.add(m.mul(m.sub(m.mul(real(a), r), real(5 * a)), r), real(8 * a));
      return m.sub(m.mul(inner, r), real(4 * a));
    };
    Value one = real(1.0);
    Values weights{far(m.add(t, one)), near(t), near(m.sub(one, t)), far(m.sub(real(2.0), t))};
    SmallVector<Tap> result;
    Values indices;
    for (int64_t k = 0; k < 4; ++k)
      indices.push_back(c.add(index, c.index(k - 1)));
    if (op.getExcludeOutside()) { // taps outside weigh nothing, and the others sum to 1
      Value sum;
      for (int64_t k = 0; k < 4; ++k) {
        Value inside = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, indices[k], c.index(s.in[d]));
        weights[k] = m.select(inside, weights[k], real(0.0));
        sum = sum ? m.add(sum, weights[k]) : weights[k];
      }
      for (Value &weight : weights)
        weight = m.div(weight, sum);
    }
    for (int64_t k = 0; k < 4; ++k)
      result.push_back({clamp(indices[k], d), narrow(weights[k])});
    return result;
  }
};

/// Makes the tables of a resized run, one of each for a tap.
void ResizeEmitter::tabulate() {
  int64_t width = constantOr(s.run), padded = (width + s.lanes - 1) / s.lanes * s.lanes;
  for (int64_t t = 0; t < s.taps; ++t) {
    indexTable.push_back(scratch(c, padded, c.b.getI32Type()));
    if (s.taps > 1)
      weightTable.push_back(scratch(c, padded, work));
  }
  c.loop(zero, c.index(s.run), 1, [&](Value o) {
    for (auto [t, tap] : llvm::enumerate(taps(s.rank - 1, o))) {
      c.storeStored(m.fromIndex(tap.index, c.b.getI32Type()), indexTable[t], o);
      if (s.taps > 1)
        c.storeStored(tap.weight, weightTable[t], o);
    }
  });
}

/// Every choice of a tap for each outer axis.
SmallVector<Tap> ResizeEmitter::cornersAt(ArrayRef<Value> outer) {
  SmallVector<Tap> corners{{zero, {}}};
  for (unsigned d = 0; d < s.suffix; ++d) {
    SmallVector<Tap> next;
    SmallVector<Tap> axisTaps = s.keeps(d) ? SmallVector<Tap>{{outer[d], {}}} : taps(d, outer[d]);
    for (Tap &corner : corners)
      for (Tap &tap : axisTaps) {
        Value weight = weightOf(corner.weight, tap.weight);
        next.push_back({c.mulAdd(tap.index, c.index(strides[d]), corner.index), weight});
      }
    corners = next;
  }
  return corners;
}

/// The taps of columns from i on of a resized run.
SmallVector<Tap> ResizeEmitter::columnsAt(Value i, Value mask) {
  if (!s.table)
    return taps(s.rank - 1, i);
  SmallVector<Tap> columns;
  for (int64_t t = 0; t < s.taps; ++t) {
    Value index = c.load(indexTable[t], c.b.getI32Type(), i, s.lanes, mask);
    columns.push_back({s.lanes == 1 ? m.toIndex(index) : index,
                       s.taps > 1 ? c.load(weightTable[t], work, i, s.lanes, mask) : Value()});
  }
  return columns;
}

/// Elements from i on of the run, before they are made the result's type: the one that is taken of nearest
/// resampling, else the sum over corners and columns.
Value ResizeEmitter::sumAt(ArrayRef<Tap> corners, Value i, Value mask) {
  Type element = elementOf(op.getX());
  Value sum;
  auto addTerm = [&](Value v, Value weight) {
    if (s.taps == 1) {
      sum = v;
      return;
    }
    v = source.toFloat(v, work);
    if (weight)
      v = m.mul(v, weight);
    sum = sum ? m.add(sum, v) : v;
  };
  auto wide = [&](Value weight) { return weight ? c.broadcast(weight, s.lanes) : Value(); };
  if (!s.resizesRun()) {
    for (const Tap &corner : corners)
      addTerm(c.load(x, element, c.add(corner.index, i), s.lanes, mask), wide(corner.weight));
    return sum;
  }
  SmallVector<Tap> columns = columnsAt(i, mask);
  for (const Tap &corner : corners) {
    Value cornerWeight = wide(corner.weight);
    for (const Tap &column : columns) {
      Value v = s.lanes == 1 ? c.load(x, element, c.add(corner.index, column.index), 1)
                             : c.services.memory.gather(c.b, c.loc, x, compute, corner.index, column.index, mask);
      addTerm(v, weightOf(cornerWeight, column.weight));
    }
  }
  return sum;
}

LogicalResult ResizeEmitter::emit() {
  if (s.table)
    tabulate();
  ElementEmitter emitter(c, s.out, suffixGroups(s.rank, s.suffix));
  LogicalResult status = success();
  c.eachUnit([&](Value unit) {
    Values outer = c.delinearize(unit, ArrayRef(s.out).take_front(s.suffix));
    SmallVector<Tap> corners = cornersAt(outer);
    c.vectorLoop(zero, c.index(s.run), s.lanes, constantOr(s.run), [&](Value i, Value mask) {
      Value sum = sumAt(corners, i, mask);
      if (s.taps > 1)
        sum = isa<IntegerType>(compute) ? toInteger(sum, elementOf(op.getX())) : m.toFloat(sum, compute);
      Values point(outer);
      point.push_back(i);
      emitter.setPoint(point, s.lanes, mask);
      emitter.define(op.getResult(), sum);
      if (failed(emitter.storeYields()))
        status = failure();
    });
  });
  return status;
}

LogicalResult ResizePlan::emit(KernelContext &c) const {
  return ResizeEmitter(c, cast<graph::ResizeOp>(kernel.getRootOp()), s).emit();
}

} // namespace

std::unique_ptr<KernelPlan> planResize(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  auto op = cast<graph::ResizeOp>(kernel.getRootOp());
  if (op.getCoordinate() == graph::CoordinateMode::tf_crop_and_resize)
    reason = "tf_crop_and_resize needs a region operand";
  else if (op.getAntialias())
    reason = "antialias has no kernel";
  else if (!isa<BlockArgument>(op.getX()))
    reason = "the operand must be in memory";
  else if (shapeOf(op.getX()).empty())
    reason = "a scalar cannot be resized";
  else
    return std::make_unique<ResizePlan>(kernel, target);
  return nullptr;
}

} // namespace tenon::codegen
