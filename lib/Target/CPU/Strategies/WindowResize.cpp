// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Nearest, linear and cubic resampling of any axes. Every axis has one, two or
// four taps (index and weight). Axes that keep their size have none; where the
// innermost ones keep theirs, lanes run over them. Otherwise the taps of the
// innermost axis are tabulated once a call, and lanes gather through the table.
#include "WindowStrategies.h"

#include <cmath>

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr int64_t kMaxTable = 2048; // columns

struct Plan {
  Exprs in, out;
  SmallVector<double> scales; // given ones; 0: out / in
  int64_t rank, taps;
  unsigned suffix;    // first dimension of the vectorised run
  bool table = false; // the run is a resized axis, tabulated
  AffineExpr run;
  int64_t lanes;

  bool keeps(int64_t d) const { return in[d] == out[d] && (scales.empty() || scales[d] == 0 || scales[d] == 1); }
};

Plan planFor(plan::KernelOp kernel, const CpuTarget &target) {
  auto op = cast<graph::ResizeOp>(kernel.getRootOp());
  Plan p;
  p.in = shapeOf(op.getX());
  p.out = shapeOf(op.getResult());
  p.rank = p.in.size();
  p.taps = op.getMode() == graph::ResizeMode::nearest ? 1 : op.getMode() == graph::ResizeMode::linear ? 2 : 4;
  if (op.getScales())
    if (auto constant = op.getScales().getDefiningOp<graph::ConstantOp>())
      if (auto dense = dyn_cast<DenseFPElementsAttr>(constant.getValue()))
        for (APFloat scale : dense.getValues<APFloat>())
          p.scales.push_back(scale.convertToDouble());
  if (int64_t(p.scales.size()) != p.rank)
    p.scales.clear();
  int64_t from = p.rank; // dimensions from here on keep their size
  while (from > 0 && p.keeps(from - 1))
    --from;
  MLIRContext *context = kernel.getContext();
  if (from < p.rank) {
    p.suffix = mergedSuffix(kernel, p.out, from);
  } else {
    p.suffix = p.rank - 1;
    int64_t width = constantOr(p.out.back());
    p.table = width > 0 && width <= kMaxTable;
  }
  p.run = product(ArrayRef(p.out).drop_front(p.suffix), context);
  bool narrow = computeOf(op.getX()).getIntOrFloatBitWidth() != 32 || elementOf(op.getX()) != computeOf(op.getX());
  // Gathers are of 32-bit elements.
  p.lanes = from == p.rank && (!p.table || narrow) ? 1 : lanesFor(target, computeOf(op.getX()), constantOr(p.run));
  return p;
}

class ResizeStrategy : public Strategy {
public:
  StringRef name() const override { return "window-resize"; }
  std::vector<StringRef> roots() const override { return {"resize"}; }
  bool matches(plan::KernelOp kernel, const CpuTarget &, std::string &reason) const override {
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
      return true;
    return false;
  }
  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    Plan p = planFor(kernel, target);
    std::string text = lanesText(p.lanes, computeOf(kernel.getRootOp()->getOperand(0)));
    return p.lanes == 1 ? text : text + (p.table ? ", gathers through a table" : " over unchanged dimensions");
  }
  WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const override {
    Plan p = planFor(kernel, target);
    int64_t work = constantOr(p.run) * p.taps * p.taps;
    return {product(ArrayRef(p.out).take_front(p.suffix), kernel.getContext()),
            p.table ? std::max<int64_t>(8, grainFor(work)) : grainFor(work)};
  }
  LogicalResult emit(KernelContext &c) const override;
};

struct Tap {
  Value index, weight; // weight null: 1
};

struct ResizeEmitter {
  KernelContext &c;
  graph::ResizeOp op;
  Plan p;
  LaneMath m;
  Type f64, work; // coordinates; weights and sums

  ResizeEmitter(KernelContext &c, graph::ResizeOp op, Plan plan)
      : c(c), op(op), p(std::move(plan)), m{c}, f64(c.b.getF64Type()),
        work(needsDouble(computeOf(op.getX())) ? f64 : Type(c.b.getF32Type())) {}

  /// Integers of more than 16 bits are not all float32 numbers.
  static bool needsDouble(Type compute) {
    return compute.isF64() || (isa<IntegerType>(compute) && compute.getIntOrFloatBitWidth() > 16);
  }

  /// A sum as the integer that it is, without its fraction; beyond the integers,
  /// as a cubic overshoot can be, the nearest of them.
  Value toInteger(Value sum, Type element, Type compute) {
    unsigned bits = element.getIntOrFloatBitWidth();
    bool isUnsigned = element.isUnsignedInteger();
    double low = isUnsigned ? 0 : -std::ldexp(1.0, bits - 1), high = std::ldexp(1.0, isUnsigned ? bits : bits - 1) - 1;
    if (bits > 53) // the largest that a conversion does not overflow at
      high = std::nextafter(high, 0.0);
    sum = m.max(m.like(sum, low), m.min(sum, m.like(sum, high)));
    Type type = p.lanes == 1 ? compute : Type(VectorType::get({p.lanes}, compute));
    return isUnsigned ? Value(arith::FPToUIOp::create(c.b, c.loc, type, sum))
                      : Value(arith::FPToSIOp::create(c.b, c.loc, type, sum));
  }

  Value real(double v) { return c.constant(f64, v, 1); }
  Value real(Value index) { return m.indexToFloat(index, f64); }
  Value floor(Value x) { return math::FloorOp::create(c.b, c.loc, x); }
  Value toIndex(Value x) { return m.toIndex(arith::FPToSIOp::create(c.b, c.loc, c.b.getI64Type(), x)); }

  /// Position in the input of output element o of axis d.
  Value coordinate(int64_t d, Value o) {
    using M = graph::CoordinateMode;
    Value in = real(c.index(p.in[d])), out = real(c.index(p.out[d])), at = real(o);
    auto single = [&]() { return m.greater(real(1.5), out); };
    if (p.scales.empty() || p.scales[d] <= 0) {
      // Of sizes: one quotient of whole numbers, so that halves and wholes are exact and
      // nearest elements the ones that they are.
      auto halfPixel = [&]() { return m.div(m.sub(m.mul(m.add(m.add(at, at), real(1.0)), in), out), m.add(out, out)); };
      switch (op.getCoordinate()) {
      case M::asymmetric: return m.div(m.mul(at, in), out);
      case M::align_corners:
        return m.div(m.mul(at, m.sub(in, real(1.0))), m.select(single(), real(1.0), m.sub(out, real(1.0))));
      case M::pytorch_half_pixel: return m.select(single(), real(0.0), halfPixel());
      default: return halfPixel();
      }
    }
    Value scale = real(p.scales[d]);
    auto halfPixel = [&]() { return m.sub(m.div(m.add(at, real(0.5)), scale), real(0.5)); };
    switch (op.getCoordinate()) {
    case M::asymmetric: return m.div(at, scale);
    case M::align_corners: {
      // With given factors, ONNX's length of the result is not yet rounded.
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
    return c.maxS(c.index(int64_t(0)), c.minS(index, c.sub(c.index(p.in[d]), c.index(1))));
  }

  SmallVector<Tap> taps(int64_t d, Value o) {
    using N = graph::NearestMode;
    Value x = coordinate(d, o);
    if (p.taps == 1) {
      switch (op.getNearest()) {
      case N::floor: x = floor(x); break;
      case N::ceil: x = math::CeilOp::create(c.b, c.loc, x); break;
      case N::round_prefer_floor: x = math::CeilOp::create(c.b, c.loc, m.sub(x, real(0.5))); break;
      case N::round_prefer_ceil: x = floor(m.add(x, real(0.5))); break;
      }
      return {{clamp(toIndex(x), d), {}}};
    }
    auto narrow = [&](Value v) { return m.toFloat(v, work); };
    if (p.taps == 2) {
      // Positions clamp to the image, so that borders repeat.
      x = m.max(real(0.0), m.min(x, m.sub(real(c.index(p.in[d])), real(1.0))));
      Value low = floor(x), index = toIndex(low), weight = narrow(m.sub(x, low));
      return {{clamp(index, d), m.sub(c.constant(work, 1, 1), weight)}, {clamp(c.add(index, c.index(1)), d), weight}};
    }
    Value low = floor(x), index = toIndex(low), t = m.sub(x, low);
    double a = op.getCubicCoefficient().convertToDouble();
    // Keys' kernel at distances 1 + t, t, 1 - t, 2 - t.
    auto near = [&](Value s) {
      return m.add(m.mul(m.mul(m.sub(m.mul(real(a + 2), s), real(a + 3)), s), s), real(1.0));
    };
    auto far = [&](Value s) {
      Value inner = m.add(m.mul(m.sub(m.mul(real(a), s), real(5 * a)), s), real(8 * a));
      return m.sub(m.mul(inner, s), real(4 * a));
    };
    Value one = real(1.0);
    Values weights{far(m.add(t, one)), near(t), near(m.sub(one, t)), far(m.sub(real(2.0), t))};
    SmallVector<Tap> result;
    Values indices;
    for (int64_t k = 0; k < 4; ++k)
      indices.push_back(c.add(index, c.index(k - 1)));
    if (op.getExcludeOutside()) {
      Value sum;
      for (int64_t k = 0; k < 4; ++k) {
        Value inside = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, indices[k], c.index(p.in[d]));
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

LogicalResult ResizeStrategy::emit(KernelContext &c) const {
  auto op = cast<graph::ResizeOp>(c.kernel.getRootOp());
  ResizeEmitter e(c, op, planFor(c.kernel, c.target));
  const Plan &p = e.p;
  LaneMath &m = e.m;
  Type element = elementOf(op.getX()), compute = computeOf(op.getX());
  Value x = c.buffer(op.getX()), zero = c.index(int64_t(0));
  Exprs strides = stridesOf(p.in);
  bool inner = p.suffix == unsigned(p.rank - 1) && !p.keeps(p.rank - 1); // the run is resized
  int64_t width = constantOr(p.run);
  Values indexTable, weightTable;
  if (p.table) {
    int64_t padded = (width + p.lanes - 1) / p.lanes * p.lanes;
    for (int64_t t = 0; t < p.taps; ++t) {
      indexTable.push_back(scratch(c, padded, c.b.getI32Type()));
      if (p.taps > 1)
        weightTable.push_back(scratch(c, padded, e.work));
    }
    c.loop(zero, c.index(p.run), 1, [&](Value o) {
      for (auto [t, tap] : llvm::enumerate(e.taps(p.rank - 1, o))) {
        memref::StoreOp::create(c.b, c.loc, m.fromIndex(tap.index, c.b.getI32Type()), indexTable[t], o);
        if (p.taps > 1)
          memref::StoreOp::create(c.b, c.loc, tap.weight, weightTable[t], o);
      }
    });
  }
  bool isUnsigned = element.isUnsignedInteger();
  LaneMath source{c, isUnsigned};
  ElementEmitter emitter(c, p.out, suffixGroups(p.rank, p.suffix));
  LogicalResult status = success();
  c.loop(c.begin, c.end, 1, [&](Value unit) {
    Values outer = c.delinearize(unit, ArrayRef(p.out).take_front(p.suffix));
    // Corners of the outer axes: offset and weight.
    SmallVector<Tap> corners{{zero, {}}};
    for (unsigned d = 0; d < p.suffix; ++d) {
      SmallVector<Tap> next;
      SmallVector<Tap> taps = p.keeps(d) ? SmallVector<Tap>{{outer[d], {}}} : e.taps(d, outer[d]);
      for (Tap &corner : corners)
        for (Tap &tap : taps) {
          Value weight = !corner.weight ? tap.weight : !tap.weight ? corner.weight : m.mul(corner.weight, tap.weight);
          next.push_back({c.mulAdd(tap.index, c.index(strides[d]), corner.index), weight});
        }
      corners = next;
    }
    c.vectorLoop(zero, c.index(p.run), p.lanes, width, [&](Value i, Value mask) {
      Value sum;
      auto addTerm = [&](Value v, Value weight) {
        if (p.taps == 1) {
          sum = v;
          return;
        }
        v = source.toFloat(v, e.work);
        if (weight)
          v = m.mul(v, weight);
        sum = sum ? m.add(sum, v) : v;
      };
      auto wide = [&](Value weight) { return weight ? c.broadcast(weight, p.lanes) : Value(); };
      if (!inner) {
        for (Tap &corner : corners)
          addTerm(c.load(x, element, c.add(corner.index, i), p.lanes, mask), wide(corner.weight));
      } else {
        SmallVector<Tap> columns;
        if (!p.table)
          columns = e.taps(p.rank - 1, i);
        else
          for (int64_t t = 0; t < p.taps; ++t) {
            Value index = c.load(indexTable[t], c.b.getI32Type(), i, p.lanes, mask);
            columns.push_back({p.lanes == 1 ? m.toIndex(index) : index,
                               p.taps > 1 ? c.load(weightTable[t], e.work, i, p.lanes, mask) : Value()});
          }
        for (Tap &corner : corners) {
          Value cornerWeight = wide(corner.weight);
          for (Tap &column : columns) {
            Value v;
            if (p.lanes == 1) {
              v = c.load(x, element, c.add(corner.index, column.index), 1);
            } else {
              auto type = VectorType::get({p.lanes}, compute);
              Value all = mask ? mask : c.constant(c.b.getI1Type(), 1, p.lanes);
              v = vector::GatherOp::create(c.b, c.loc, type, x, ValueRange{corner.index}, column.index, all,
                                           c.constant(compute, 0, p.lanes));
            }
            Value weight = !cornerWeight    ? column.weight
                           : !column.weight ? cornerWeight
                                            : m.mul(cornerWeight, column.weight);
            addTerm(v, weight);
          }
        }
      }
      if (p.taps > 1 && isa<IntegerType>(compute)) {
        sum = e.toInteger(sum, element, compute);
      } else if (p.taps > 1) {
        sum = m.toFloat(sum, compute);
      }
      Values point(outer);
      point.push_back(i);
      emitter.setPoint(point, p.lanes, mask);
      emitter.define(op.getResult(), sum);
      if (failed(emitter.storeYields()))
        status = failure();
    });
  });
  return status;
}

} // namespace

std::unique_ptr<Strategy> makeResizeStrategy() { return std::make_unique<ResizeStrategy>(); }

} // namespace tenon::cpu
