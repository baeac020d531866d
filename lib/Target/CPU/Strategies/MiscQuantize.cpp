// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// quantize and dequantize with a scalar, per-axis or blocked scale.
#include "MiscRuns.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

struct Operands {
  Value x, scale, zeroPoint, result;
  int64_t axis, block;
  bool quantizes;
};

Operands operandsOf(plan::KernelOp kernel) {
  auto fill = [&](auto op, bool quantizes) {
    int64_t rank = shapeOf(op.getX()).size();
    int64_t axis = resolvedAxis(op.getAxis(), rank);
    return Operands{op.getX(), op.getScale(), op.getZeroPoint(), op.getResult(), axis, int64_t(op.getBlockSize()),
                    quantizes};
  };
  if (auto op = dyn_cast<graph::QuantizeOp>(kernel.getRootOp()))
    return fill(op, true);
  return fill(cast<graph::DequantizeOp>(kernel.getRootOp()), false);
}

class QuantizeStrategy : public Strategy {
public:
  StringRef name() const override { return "misc-quantize"; }
  std::vector<StringRef> roots() const override { return {"quantize", "dequantize"}; }

  bool matches(plan::KernelOp kernel, const CpuTarget &, std::string &reason) const override {
    Operands o = operandsOf(kernel);
    Value whole = o.quantizes ? o.result : o.x, real = o.quantizes ? o.x : o.result;
    auto integer = dyn_cast<IntegerType>(elementOf(whole));
    if (!num::isCoded(elementOf(whole)) && (!integer || integer.getWidth() > 32))
      reason = "the quantized type must be an integer of at most 32 bits, or a float of less than 16";
    else if (!computeOf(real).isF32() || !computeOf(o.scale).isF32())
      reason = "the real type must be a floating-point type of at most 32 bits";
    else
      return true;
    return false;
  }

  enum class Kind { scalar, outer, lanes, blocked };
  static Kind kindOf(plan::KernelOp kernel, const Operands &o, const RunPlan &p) {
    Exprs shape = shapeOf(o.scale);
    if (o.block > 0)
      return Kind::blocked;
    if (product(shape, kernel.getContext()) == 1)
      return Kind::scalar;
    return o.axis < int64_t(p.suffix) ? Kind::outer : Kind::lanes;
  }
  static RunPlan planFor(plan::KernelOp kernel, const CpuTarget &target) {
    Operands o = operandsOf(kernel);
    Type f32 = Float32Type::get(kernel.getContext());
    unsigned rank = shapeOf(o.x).size();
    bool scalar = product(shapeOf(o.scale), kernel.getContext()) == 1;
    if (o.block > 0)
      return RunPlan::get(kernel, target, rank ? rank - 1 : 0, f32, true);
    // The run must not cross the axis: it starts behind it or is it alone.
    unsigned from = scalar ? 0 : o.axis + 1 < rank ? o.axis + 1 : o.axis;
    return RunPlan::get(kernel, target, from, f32);
  }
  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    return lanesText(planFor(kernel, target).lanes, Float32Type::get(kernel.getContext()));
  }
  WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const override {
    return planFor(kernel, target).split(kernel.getContext());
  }

  LogicalResult emit(KernelContext &c) const override {
    Operands o = operandsOf(c.kernel);
    RunPlan p = planFor(c.kernel, c.target);
    Kind kind = kindOf(c.kernel, o, p);
    Exprs strides = stridesOf(p.space), scaleStrides = stridesOf(c.shape(o.scale));
    Value zero = c.index(int64_t(0));
    // A parameter (scale or zero point) at this position, one value or lanes.
    auto parameter = [&](Value tensor, ArrayRef<Value> row, Value i, Value mask) -> Value {
      switch (kind) {
      case Kind::scalar: return c.broadcast(loadFrom(c, tensor, zero, 1), p.lanes);
      case Kind::outer: return c.broadcast(loadFrom(c, tensor, row[o.axis], 1), p.lanes);
      case Kind::lanes: return loadFrom(c, tensor, i, p.lanes, mask);
      case Kind::blocked: break;
      }
      Values point(row);
      point.push_back(i);
      point[o.axis] = c.divU(point[o.axis], c.index(o.block));
      return loadFrom(c, tensor, c.offset(point, scaleStrides), 1);
    };
    return p.emit(c, o.result, [&](ArrayRef<Value> row, Value i, Value mask) -> Value {
      Value at = p.space.empty() ? zero : c.add(c.offset(row, ArrayRef(strides).take_front(row.size())), i);
      Value v = loadFrom(c, o.x, at, p.lanes, mask), scale = parameter(o.scale, row, i, mask);
      Value zeroPoint = o.zeroPoint ? parameter(o.zeroPoint, row, i, mask) : Value();
      if (auto op = dyn_cast<graph::DequantizeOp>(c.kernel.getRootOp()))
        return emitDequantize(c, op, v, scale, zeroPoint);
      if (mask && kind == Kind::lanes) // lanes beyond the end divide by one
        scale = arith::SelectOp::create(c.b, c.loc, mask, scale, c.constant(c.b.getF32Type(), 1, p.lanes));
      return emitQuantize(c, cast<graph::QuantizeOp>(c.kernel.getRootOp()), v, scale, zeroPoint);
    });
  }
};

} // namespace

std::unique_ptr<Strategy> makeQuantizeStrategy() { return std::make_unique<QuantizeStrategy>(); }

} // namespace tenon::cpu
