// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs, and the strategies that are nothing else. Of a result with coordinates o, the last two being o[-2] and o[-1]:
//
//   fill       result[o] = value
//   range      result[i] = start + i * delta
//   trilu      result[o] = x[o] where o[-1] - o[-2] >= k (upper) or <= k (lower), else 0
//   one_hot    result[o] = on where indices[o without the axis] = o[axis], else off; an index may count from the end
//   shape      result[i] = the size of dimension start + i of x
//   size       result = the number of elements of x
//   pad        result[o] = x[source(o[0]), source(o[1]), ..], with p = o - begin in each dimension of n elements;
//              of a b c d, two more before and two behind:
//
//                edge      source = p limited to [0, n - 1]              a a a b c d d d
//                wrap      source = p mod n                              c d a b c d a b
//                reflect   source = q < n ? q : 2 (n - 1) - q            c b a b c d c b     q = p mod 2 (n - 1)
#include "MiscRuns.h"

#include "tenon/tenon.h"

using namespace mlir;

namespace tenon::cpu {

constexpr int64_t kBlock = 4096; // elements of a unit at most

RunSchedule RunSchedule::get(plan::KernelOp kernel, const CpuTarget &target, unsigned from, Type type, bool scalar) {
  RunSchedule s;
  s.space = shapeOf(kernel.getRootOp()->getResult(0));
  if (s.space.empty()) {
    s.run = getAffineConstantExpr(1, kernel.getContext());
    return s;
  }
  s.suffix = mergedSuffix(kernel, s.space, std::min<unsigned>(from, s.space.size() - 1));
  s.run = product(ArrayRef(s.space).drop_front(s.suffix), kernel.getContext());
  s.lanes = scalar ? 1 : lanesFor(target, computeType(type), constantOr(s.run));
  return s;
}

WorkSplit RunSchedule::split(MLIRContext *context) const {
  int64_t length = constantOr(run);
  return {product(ArrayRef(space).take_front(suffix), context) * run.ceilDiv(kBlock),
          grainFor(length < 0 ? kBlock : std::min(length, kBlock))};
}

SmallVector<Value> RunSchedule::firstOf(KernelContext &c, Value unit) const {
  if (space.empty())
    return {};
  Exprs units(ArrayRef(space).take_front(suffix));
  units.push_back(run.ceilDiv(kBlock));
  Values first = c.delinearize(unit, units);
  first.back() = c.mul(first.back(), c.index(kBlock));
  return first;
}

LogicalResult RunSchedule::emit(KernelContext &c, Value result,
                                function_ref<Value(ArrayRef<Value>, Value, Value)> value,
                                function_ref<void(ArrayRef<Value>)> beforeRun) const {
  ElementEmitter emitter(c, space, suffixGroups(space.size(), suffix));
  LogicalResult status = success();
  Exprs units(ArrayRef(space).take_front(suffix));
  units.push_back(run.ceilDiv(kBlock));
  int64_t extent = constantOr(run);
  c.loop(c.begin, c.end, 1, [&](Value unit) {
    Values row = c.delinearize(unit, units);
    Value lo = c.mul(row.pop_back_val(), c.index(kBlock));
    Value hi = c.minS(c.add(lo, c.index(kBlock)), c.index(run));
    if (beforeRun)
      beforeRun(row);
    c.vectorLoop(lo, hi, lanes,
                 extent >= 0 && extent <= kBlock ? extent
                 : extent % lanes == 0           ? lanes
                                                 : -1,
                 [&](Value i, Value mask) {
                   Value v = value(row, i, mask);
                   Values point(row);
                   if (!space.empty())
                     point.push_back(i);
                   emitter.setPoint(point, lanes, mask);
                   emitter.define(result, v);
                   if (failed(emitter.storeYields()))
                     status = failure();
                 });
  });
  return status;
}

void copyRun(KernelContext &c, Value from, Value fromAt, Value to, Value toAt, AffineExpr n, Type element) {
  Type storage = storageType(element);
  int64_t extent = constantOr(n), lanes = lanesFor(c.target, storage, extent);
  c.vectorLoop(c.index(int64_t(0)), c.index(n), lanes, extent, [&](Value i, Value mask) {
    // Numbers of 16-bit floats pass through f32 and back unchanged.
    c.store(c.load(from, storage, c.add(fromAt, i), lanes, mask), to, storage, c.add(toAt, i), mask);
  });
}

namespace {

/// A row of trilu is a line of a matrix, whose number it compares with. The run of one_hot is the axis alone, where
/// that is last, else what is behind it: so an index is the same throughout, or each element has one of its own. The
/// lanes of one_hot are of its comparison, in i64.
RunSchedule creationSchedule(plan::KernelOp kernel, const CpuTarget &target) {
  Operation *op = kernel.getRootOp();
  Type type = elementOf(op->getResult(0));
  unsigned rank = shapeOf(op->getResult(0)).size();
  if (isa<graph::TriluOp>(op))
    return RunSchedule::get(kernel, target, rank - 1, type);
  if (auto oneHot = dyn_cast<graph::OneHotOp>(op)) {
    unsigned axis = resolvedAxis(oneHot.getAxis(), rank);
    return RunSchedule::get(kernel, target, axis + 1 == rank ? axis : axis + 1,
                            Type(IntegerType::get(op->getContext(), 64)));
  }
  return RunSchedule::get(kernel, target, 0, type, isa<graph::ShapeOp, graph::SizeOp>(op));
}

/// Results made of little more than their positions.
class CreationPlan : public RunPlan {
public:
  CreationPlan(plan::KernelOp kernel, const CpuTarget &target)
      : RunPlan(kernel, target, creationSchedule(kernel, target)) {}

  LogicalResult emit(KernelContext &c) const override {
    Operation *op = kernel.getRootOp();
    LaneMath m{c};
    Type i64 = c.b.getI64Type(), compute = computeOf(op->getResult(0));
    Value zero = c.index(int64_t(0));
    auto wide = [&](Type scalar) { return s.lanes == 1 ? scalar : Type(VectorType::get({s.lanes}, scalar)); };
    auto positions = [&](Value i) -> Value {
      return arith::ExtSIOp::create(c.b, c.loc, wide(i64), m.laneNumbers(i, s.lanes));
    };
    if (auto fill = dyn_cast<graph::FillOp>(op)) {
      Value v = c.broadcast(loadFrom(c, fill.getValue(), zero, 1), s.lanes);
      return s.emit(c, fill.getResult(), [&](ArrayRef<Value>, Value, Value) { return v; });
    }
    if (auto range = dyn_cast<graph::RangeOp>(op)) {
      Value start = c.broadcast(loadFrom(c, range.getStart(), zero, 1), s.lanes);
      Value delta = c.broadcast(loadFrom(c, range.getDelta(), zero, 1), s.lanes);
      return s.emit(c, range.getResult(), [&](ArrayRef<Value>, Value i, Value) -> Value {
        Value n = positions(i);
        if (isa<FloatType>(compute))
          n = m.toFloat(n, compute);
        else if (compute.getIntOrFloatBitWidth() < 64)
          n = arith::TruncIOp::create(c.b, c.loc, wide(compute), n);
        return m.madd(n, delta, start);
      });
    }
    if (auto trilu = dyn_cast<graph::TriluOp>(op)) {
      Exprs strides = stridesOf(s.space);
      Value k = c.broadcast(diagonal(c, trilu.getK()), s.lanes);
      return s.emit(c, trilu.getResult(), [&](ArrayRef<Value> row, Value i, Value mask) -> Value {
        Value at = c.add(c.offset(row, ArrayRef(strides).drop_back()), i);
        Value v = loadFrom(c, trilu.getX(), at, s.lanes, mask);
        Value line = c.broadcast(m.fromIndex(row.back(), i64), s.lanes);
        Value distance = m.sub(positions(i), line);
        Value keep = trilu.getUpper() ? m.greater(distance, k, true) : m.greater(k, distance, true);
        return m.select(keep, v, m.like(v, 0));
      });
    }
    if (auto oneHot = dyn_cast<graph::OneHotOp>(op))
      return emitOneHot(c, oneHot, positions);
    // shape and size have one value a position, which is chosen by comparisons: there are few.
    Exprs dims;
    if (auto shape = dyn_cast<graph::ShapeOp>(op)) {
      Exprs all = c.shape(shape.getX());
      for (int64_t d = shape.getStart(), e = std::min<int64_t>(shape.getEnd(), all.size()); d < e; ++d)
        dims.push_back(all[d]);
    } else {
      dims.push_back(product(c.shape(op->getOperand(0)), op->getContext()));
    }
    return s.emit(c, op->getResult(0), [&](ArrayRef<Value>, Value i, Value) {
      Value v = m.fromIndex(zero, i64);
      for (auto [d, expr] : llvm::enumerate(dims)) {
        Value here = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, i, c.index(int64_t(d)));
        v = m.select(here, m.fromIndex(c.index(expr), i64), v);
      }
      return v;
    });
  }

private:
  static Value diagonal(KernelContext &c, Value k) { return loadFrom(c, k, c.index(int64_t(0)), 1); }

  /// `positions` gives the vector i, i + 1, ..
  LogicalResult emitOneHot(KernelContext &c, graph::OneHotOp op, function_ref<Value(Value)> positions) const {
    LaneMath m{c, elementOf(op.getIndices()).isUnsignedInteger()};
    Type i64 = c.b.getI64Type();
    int64_t rank = s.space.size(), axis = resolvedAxis(op.getAxis(), rank);
    Exprs shape = c.shape(op.getIndices()), strides = stridesOf(shape);
    Value depth = m.fromIndex(c.index(s.space[axis]), i64), zero = c.index(int64_t(0));
    Value off = c.broadcast(loadFrom(c, op.getValues(), zero, 1), s.lanes);
    Value on = c.broadcast(loadFrom(c, op.getValues(), c.index(1), 1), s.lanes);
    // Indices as i64, negative ones counted from the end.
    auto indices = [&](Value at, int64_t lanes, Value mask) {
      Value v = loadFrom(c, op.getIndices(), at, lanes, mask);
      Type type = lanes == 1 ? i64 : Type(VectorType::get({lanes}, i64));
      if (LaneMath::isFloat(v))
        v = arith::FPToSIOp::create(c.b, c.loc, type, v);
      else if (getElementTypeOrSelf(v.getType()).getIntOrFloatBitWidth() < 64)
        v = m.isUnsigned ? Value(arith::ExtUIOp::create(c.b, c.loc, type, v))
                         : Value(arith::ExtSIOp::create(c.b, c.loc, type, v));
      LaneMath asSigned{c};
      return asSigned.select(asSigned.greater(asSigned.like(v, 0), v), asSigned.add(v, c.broadcast(depth, lanes)), v);
    };
    return s.emit(c, op.getResult(), [&](ArrayRef<Value> row, Value i, Value mask) -> Value {
      if (axis + 1 == rank) {
        Value index = indices(c.offset(row, strides), 1, {});
        return m.select(m.equal(c.broadcast(index, s.lanes), positions(i)), on, off);
      }
      Values outer(row);
      outer.erase(outer.begin() + axis);
      Value at = c.add(c.offset(outer, ArrayRef(strides).take_front(outer.size())), i);
      Value level = c.broadcast(m.fromIndex(row[axis], i64), s.lanes);
      return m.select(m.equal(indices(at, s.lanes, mask), level), on, off);
    });
  }
};

/// The amounts: those before each dimension, then those behind each; empty if they are not known.
SmallVector<int64_t> padsOf(graph::PadOp op) {
  SmallVector<int64_t> result;
  if (auto constant = op.getPads().getDefiningOp<graph::ConstantOp>())
    if (auto dense = dyn_cast<DenseIntElementsAttr>(constant.getValue()))
      for (APInt pad : dense.getValues<APInt>())
        result.push_back(pad.getSExtValue());
  return result;
}

/// The run has the last dimensions that are not padded, which are contiguous in x, too. If the last one is padded, it
/// is the run, and scalar: its elements come from anywhere.
RunSchedule padSchedule(plan::KernelOp kernel, const CpuTarget &target) {
  auto op = cast<graph::PadOp>(kernel.getRootOp());
  Exprs in = shapeOf(op.getX()), out = shapeOf(op.getResult());
  SmallVector<int64_t> amounts = padsOf(op);
  unsigned from = out.size();
  while (from > 0 && in[from - 1] == out[from - 1] && !amounts.empty() && amounts[from - 1] == 0)
    --from;
  if (from == out.size())
    return RunSchedule::get(kernel, target, from - 1, elementOf(op.getX()), true);
  return RunSchedule::get(kernel, target, from, elementOf(op.getX()));
}

/// Padding by reflection, edge or wrapping.
class PadPlan : public RunPlan {
public:
  PadPlan(plan::KernelOp kernel, const CpuTarget &target)
      : RunPlan(kernel, target, padSchedule(kernel, target)), amounts(padsOf(cast<graph::PadOp>(kernel.getRootOp()))) {}

  void checkSizes(std::vector<SizeCheck> &checks) const override {
    auto op = cast<graph::PadOp>(kernel.getRootOp());
    Exprs in = shapeOf(op.getX());
    MLIRContext *context = op.getContext();
    Exprs out = shapeOf(op.getResult());
    for (size_t d = 0; d < in.size(); ++d)
      if ((amounts.empty() || amounts[d] > 0 || amounts[d + in.size()] > 0) && constantOr(in[d], 0) == 0)
        checks.push_back({op, TENON_EMPTY_AXIS,
                          ("mode " + stringifyPadMode(op.getMode()) + " cannot pad axis " + Twine(d) +
                           ", which has {1} elements to copy")
                              .str(),
                          getAffineConstantExpr(1, context), in[d], amounts.empty() ? out[d] : AffineExpr()});
  }

  LogicalResult emit(KernelContext &c) const override {
    auto op = cast<graph::PadOp>(kernel.getRootOp());
    LaneMath m{c};
    Exprs in = c.shape(op.getX()), strides = stridesOf(in);
    Values begin;
    for (size_t d = 0; d < in.size(); ++d) {
      auto known = beginOf(d);
      begin.push_back(known ? c.index(*known) : m.toIndex(loadFrom(c, op.getPads(), c.index(int64_t(d)), 1)));
    }
    Value zero = c.index(int64_t(0)), one = c.index(1);
    using P = arith::CmpIPredicate;
    auto modulo = [&](Value x, Value n) { // in [0, n)
      Value r = arith::RemSIOp::create(c.b, c.loc, x, n);
      return m.select(arith::CmpIOp::create(c.b, c.loc, P::slt, r, zero), c.add(r, n), r);
    };
    // Where coordinate o of dimension d comes from.
    auto source = [&](unsigned d, Value o) -> Value {
      if (in[d] == s.space[d] && beginOf(d) == 0)
        return o;
      Value x = c.sub(o, begin[d]), n = c.index(in[d]);
      if (op.getMode() == graph::PadMode::edge)
        return c.maxS(zero, c.minS(x, c.sub(n, one)));
      if (op.getMode() == graph::PadMode::wrap)
        return modulo(x, c.maxS(n, one));
      Value period = c.maxS(one, c.mul(c.index(2), c.sub(n, one)));
      Value r = modulo(x, period);
      return m.select(arith::CmpIOp::create(c.b, c.loc, P::slt, r, n), r, c.sub(period, r));
    };
    return s.emit(c, op.getResult(), [&](ArrayRef<Value> row, Value i, Value mask) {
      Value at = zero;
      for (auto [d, o] : llvm::enumerate(row))
        at = c.mulAdd(source(d, o), c.index(strides[d]), at);
      // A scalar run may be a padded dimension.
      at = c.add(at, s.lanes == 1 && s.suffix + 1 == s.space.size() ? source(s.suffix, i) : i);
      return loadFrom(c, op.getX(), at, s.lanes, mask);
    });
  }

private:
  /// The amount before dimension d; nothing where only the kernel knows it when it runs.
  std::optional<int64_t> beginOf(size_t d) const { return amounts.empty() ? std::nullopt : std::optional(amounts[d]); }

  SmallVector<int64_t> amounts; // see padsOf
};

} // namespace

std::unique_ptr<KernelPlan> planCreation(plan::KernelOp kernel, const CpuTarget &target, std::string &) {
  return std::make_unique<CreationPlan>(kernel, target);
}

std::unique_ptr<KernelPlan> planPad(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) {
  if (cast<graph::PadOp>(kernel.getRootOp()).getMode() == graph::PadMode::constant) {
    reason = "takes modes reflect, edge and wrap";
    return nullptr;
  }
  return std::make_unique<PadPlan>(kernel, target);
}

void registerMiscStrategies(StrategyRegistry &registry) {
  registry.add({"misc-creation", {"fill", "range", "trilu", "one_hot", "shape", "size"}, planCreation});
  registry.add({"misc-pad", {"pad"}, planPad});
  registry.add({"misc-quantize", {"quantize", "dequantize"}, planQuantize});
  registry.add({"misc-gather", {"gather_elements", "gather_nd"}, planGatherElements});
  registry.add({"scatter", {"scatter_nd", "scatter_elements"}, planScatter});
}

} // namespace tenon::cpu
