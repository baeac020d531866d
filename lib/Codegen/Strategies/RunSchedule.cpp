// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Cuts a result into units and a unit into vectors. RunSchedule.h has the layout.
#include "RunSchedule.h"

using namespace mlir;

namespace tenon::codegen {

constexpr int64_t kBlock = 4096; // elements of a unit at most

RunSchedule RunSchedule::get(plan::KernelOp kernel, const Machine &target, unsigned from, Type type, bool scalar) {
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
  c.eachUnit([&](Value unit) {
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

} // namespace tenon::codegen
