// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs, and the strategies that are nothing else: fill, range, trilu, one_hot,
// shape and size, padding by reflection, edge or wrapping.
#include "MiscRuns.h"

#include "tenon/tenon.h"

using namespace mlir;

namespace tenon::cpu {

constexpr int64_t kBlock = 4096; // elements of a unit at most

RunPlan RunPlan::get(plan::KernelOp kernel, const CpuTarget &target, unsigned from, Type type, bool scalar) {
  RunPlan p;
  p.space = shapeOf(kernel.getRootOp()->getResult(0));
  if (p.space.empty()) {
    p.run = getAffineConstantExpr(1, kernel.getContext());
    return p;
  }
  p.suffix = mergedSuffix(kernel, p.space, std::min<unsigned>(from, p.space.size() - 1));
  p.run = product(ArrayRef(p.space).drop_front(p.suffix), kernel.getContext());
  p.lanes = scalar ? 1 : lanesFor(target, computeType(type), constantOr(p.run));
  return p;
}

WorkSplit RunPlan::split(MLIRContext *context) const {
  int64_t length = constantOr(run);
  return {product(ArrayRef(space).take_front(suffix), context) * run.ceilDiv(kBlock),
          grainFor(length < 0 ? kBlock : std::min(length, kBlock))};
}

SmallVector<Value> RunPlan::firstOf(KernelContext &c, Value unit) const {
  if (space.empty())
    return {};
  Exprs units(ArrayRef(space).take_front(suffix));
  units.push_back(run.ceilDiv(kBlock));
  Values first = c.delinearize(unit, units);
  first.back() = c.mul(first.back(), c.index(kBlock));
  return first;
}

LogicalResult RunPlan::emit(KernelContext &c, Value result, function_ref<Value(ArrayRef<Value>, Value, Value)> value,
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
    // 16-bit floats pass through f32 and back unchanged.
    c.store(c.load(from, storage, c.add(fromAt, i), lanes, mask), to, storage, c.add(toAt, i), mask);
  });
}

namespace {

class CreationStrategy : public RunStrategy {
public:
  StringRef name() const override { return "misc-creation"; }
  std::vector<StringRef> roots() const override { return {"fill", "range", "trilu", "one_hot", "shape", "size"}; }

  RunPlan planFor(plan::KernelOp kernel, const CpuTarget &target) const override {
    Operation *op = kernel.getRootOp();
    Type type = elementOf(op->getResult(0));
    unsigned rank = shapeOf(op->getResult(0)).size();
    if (isa<graph::TriluOp>(op))
      return RunPlan::get(kernel, target, rank - 1, type);
    if (auto oneHot = dyn_cast<graph::OneHotOp>(op)) {
      unsigned axis = resolvedAxis(oneHot.getAxis(), rank);
      return RunPlan::get(kernel, target, axis + 1 == rank ? axis : axis + 1,
                          Type(IntegerType::get(op->getContext(), 64)));
    }
    return RunPlan::get(kernel, target, 0, type, isa<graph::ShapeOp, graph::SizeOp>(op));
  }

  LogicalResult emit(KernelContext &c) const override {
    Operation *op = c.kernel.getRootOp();
    RunPlan p = planFor(c.kernel, c.target);
    LaneMath m{c};
    Type i64 = c.b.getI64Type(), compute = computeOf(op->getResult(0));
    Value zero = c.index(int64_t(0));
    auto wide = [&](Type scalar) { return p.lanes == 1 ? scalar : Type(VectorType::get({p.lanes}, scalar)); };
    auto positions = [&](Value i) -> Value {
      return arith::ExtSIOp::create(c.b, c.loc, wide(i64), m.laneNumbers(i, p.lanes));
    };
    if (auto fill = dyn_cast<graph::FillOp>(op)) {
      Value v = c.broadcast(loadFrom(c, fill.getValue(), zero, 1), p.lanes);
      return p.emit(c, fill.getResult(), [&](ArrayRef<Value>, Value, Value) { return v; });
    }
    if (auto range = dyn_cast<graph::RangeOp>(op)) {
      Value start = c.broadcast(loadFrom(c, range.getStart(), zero, 1), p.lanes);
      Value delta = c.broadcast(loadFrom(c, range.getDelta(), zero, 1), p.lanes);
      return p.emit(c, range.getResult(), [&](ArrayRef<Value>, Value i, Value) -> Value {
        Value n = positions(i);
        if (isa<FloatType>(compute))
          n = m.toFloat(n, compute);
        else if (compute.getIntOrFloatBitWidth() < 64)
          n = arith::TruncIOp::create(c.b, c.loc, wide(compute), n);
        return m.madd(n, delta, start);
      });
    }
    if (auto trilu = dyn_cast<graph::TriluOp>(op)) {
      Exprs strides = stridesOf(p.space);
      Value k = c.broadcast(diagonal(c, trilu.getK()), p.lanes);
      return p.emit(c, trilu.getResult(), [&](ArrayRef<Value> row, Value i, Value mask) -> Value {
        Value at = c.add(c.offset(row, ArrayRef(strides).drop_back()), i);
        Value v = loadFrom(c, trilu.getX(), at, p.lanes, mask);
        Value line = c.broadcast(m.fromIndex(row.back(), i64), p.lanes);
        Value distance = m.sub(positions(i), line);
        Value keep = trilu.getUpper() ? m.greater(distance, k, true) : m.greater(k, distance, true);
        return m.select(keep, v, m.like(v, 0));
      });
    }
    if (auto oneHot = dyn_cast<graph::OneHotOp>(op))
      return emitOneHot(c, oneHot, p, positions);
    // shape and size: one value a position.
    Exprs dims;
    if (auto shape = dyn_cast<graph::ShapeOp>(op)) {
      Exprs all = c.shape(shape.getX());
      for (int64_t d = shape.getStart(), e = std::min<int64_t>(shape.getEnd(), all.size()); d < e; ++d)
        dims.push_back(all[d]);
    } else {
      dims.push_back(product(c.shape(op->getOperand(0)), op->getContext()));
    }
    return p.emit(c, op->getResult(0), [&](ArrayRef<Value>, Value i, Value) {
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

  static LogicalResult emitOneHot(KernelContext &c, graph::OneHotOp op, const RunPlan &p,
                                  function_ref<Value(Value)> positions) {
    LaneMath m{c, elementOf(op.getIndices()).isUnsignedInteger()};
    Type i64 = c.b.getI64Type();
    int64_t rank = p.space.size(), axis = resolvedAxis(op.getAxis(), rank);
    Exprs shape = c.shape(op.getIndices()), strides = stridesOf(shape);
    Value depth = m.fromIndex(c.index(p.space[axis]), i64), zero = c.index(int64_t(0));
    Value off = c.broadcast(loadFrom(c, op.getValues(), zero, 1), p.lanes);
    Value on = c.broadcast(loadFrom(c, op.getValues(), c.index(1), 1), p.lanes);
    auto indices = [&](Value at, int64_t lanes, Value mask) {
      Value v = loadFrom(c, op.getIndices(), at, lanes, mask);
      Type type = lanes == 1 ? i64 : Type(VectorType::get({lanes}, i64));
      if (LaneMath::isFloat(v))
        v = arith::FPToSIOp::create(c.b, c.loc, type, v);
      else if (getElementTypeOrSelf(v.getType()).getIntOrFloatBitWidth() < 64)
        v = m.isUnsigned ? Value(arith::ExtUIOp::create(c.b, c.loc, type, v))
                         : Value(arith::ExtSIOp::create(c.b, c.loc, type, v));
      LaneMath s{c};
      return s.select(s.greater(s.like(v, 0), v), s.add(v, c.broadcast(depth, lanes)), v);
    };
    return p.emit(c, op.getResult(), [&](ArrayRef<Value> row, Value i, Value mask) -> Value {
      if (axis + 1 == rank) {
        Value index = indices(c.offset(row, strides), 1, {});
        return m.select(m.equal(c.broadcast(index, p.lanes), positions(i)), on, off);
      }
      Values outer(row);
      outer.erase(outer.begin() + axis);
      Value at = c.add(c.offset(outer, ArrayRef(strides).take_front(outer.size())), i);
      Value level = c.broadcast(m.fromIndex(row[axis], i64), p.lanes);
      return m.select(m.equal(indices(at, p.lanes, mask), level), on, off);
    });
  }
};

class PadStrategy : public Strategy {
public:
  StringRef name() const override { return "misc-pad"; }
  std::vector<StringRef> roots() const override { return {"pad"}; }
  bool matches(plan::KernelOp kernel, const CpuTarget &, std::string &reason) const override {
    auto op = cast<graph::PadOp>(kernel.getRootOp());
    if (op.getMode() == graph::PadMode::constant)
      reason = "takes modes reflect, edge and wrap";
    else
      return true;
    return false;
  }
  /// Of all dimensions before, then of all behind; empty if they are not known.
  static SmallVector<int64_t> pads(graph::PadOp op) {
    SmallVector<int64_t> result;
    if (auto constant = op.getPads().getDefiningOp<graph::ConstantOp>())
      if (auto dense = dyn_cast<DenseIntElementsAttr>(constant.getValue()))
        for (APInt pad : dense.getValues<APInt>())
          result.push_back(pad.getSExtValue());
    return result;
  }
  /// What is before dimension d; nothing where only the run knows.
  static std::optional<int64_t> beginOf(graph::PadOp op, size_t d) {
    SmallVector<int64_t> known = pads(op);
    return known.empty() ? std::nullopt : std::optional(known[d]);
  }
  void checkSizes(plan::KernelOp kernel, std::vector<SizeCheck> &checks) const override {
    auto op = cast<graph::PadOp>(kernel.getRootOp());
    Exprs in = shapeOf(op.getX());
    SmallVector<int64_t> amounts = pads(op);
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
  static RunPlan planFor(plan::KernelOp kernel, const CpuTarget &target) {
    auto op = cast<graph::PadOp>(kernel.getRootOp());
    RunPlan p = RunPlan::get(kernel, target, 0, elementOf(op.getX()), true);
    // The run covers the trailing dimensions that keep their size; else it is
    // the last dimension, one element at a time.
    Exprs in = shapeOf(op.getX());
    unsigned from = p.space.size();
    while (from > 0 && in[from - 1] == p.space[from - 1] && beginOf(op, from - 1) == 0)
      --from;
    if (from == p.space.size())
      return RunPlan::get(kernel, target, from - 1, elementOf(op.getX()), true);
    return RunPlan::get(kernel, target, from, elementOf(op.getX()));
  }
  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    return lanesText(planFor(kernel, target).lanes, computeOf(kernel.getRootOp()->getOperand(0)));
  }
  WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const override {
    return planFor(kernel, target).split(kernel.getContext());
  }
  LogicalResult emit(KernelContext &c) const override {
    auto op = cast<graph::PadOp>(c.kernel.getRootOp());
    RunPlan p = planFor(c.kernel, c.target);
    LaneMath m{c};
    Exprs in = c.shape(op.getX()), strides = stridesOf(in);
    Values begin;
    for (size_t d = 0; d < in.size(); ++d) {
      auto known = beginOf(op, d);
      begin.push_back(known ? c.index(*known) : m.toIndex(loadFrom(c, op.getPads(), c.index(int64_t(d)), 1)));
    }
    Value zero = c.index(int64_t(0)), one = c.index(1);
    using P = arith::CmpIPredicate;
    auto modulo = [&](Value x, Value n) { // non-negative for n > 0
      Value r = arith::RemSIOp::create(c.b, c.loc, x, n);
      return m.select(arith::CmpIOp::create(c.b, c.loc, P::slt, r, zero), c.add(r, n), r);
    };
    auto source = [&](unsigned d, Value o) -> Value {
      if (in[d] == p.space[d] && beginOf(op, d) == 0)
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
    return p.emit(c, op.getResult(), [&](ArrayRef<Value> row, Value i, Value mask) {
      Value at = zero;
      for (auto [d, o] : llvm::enumerate(row))
        at = c.mulAdd(source(d, o), c.index(strides[d]), at);
      // A run of one padded dimension goes element by element.
      at = c.add(at, p.lanes == 1 && p.suffix + 1 == p.space.size() ? source(p.suffix, i) : i);
      return loadFrom(c, op.getX(), at, p.lanes, mask);
    });
  }
};

} // namespace

std::unique_ptr<Strategy> makeCreationStrategy() { return std::make_unique<CreationStrategy>(); }
std::unique_ptr<Strategy> makePadStrategy() { return std::make_unique<PadStrategy>(); }

void registerMiscStrategies(StrategyRegistry &registry) {
  registry.add(makeCreationStrategy());
  registry.add(makePadStrategy());
  registry.add(makeQuantizeStrategy());
  registry.add(makeGatherElementsStrategy());
  registry.add(makeScatterStrategy());
}

} // namespace tenon::cpu
