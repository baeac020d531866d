// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// quantize and dequantize, as runs (RunSchedule.h). With scale s and zero point z:
//
//   quantize     y = round(x / s) + z, limited to the codes of the type
//   dequantize   y = (x - z) * s
//
// Quantize.cpp, one folder up, has the arithmetic and its rounding; here it is decided which s and z an element has
// (`Kind`). For x of shape [2, 3, 4], how the elements of a row share them:
//
//   one scale                       s s s s     the run may be all of x; s is one value
//   one for each index of axis 1    s s s s     the run begins behind the axis; s is one value a row
//   one for each index of axis 2    a b c d     the run is the axis; s is loaded like x, in vectors
//   blocks of 2 along axis 2        a a b b     scalar: s is at the coordinates of x, the axis' divided by the block
#include "RunSchedule.h"

#include "tenon/Codegen/GenericStrategies.h"

using namespace mlir;

namespace tenon::codegen {
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

RunSchedule scheduleOf(plan::KernelOp kernel, const Machine &target, const Operands &o) {
  Type f32 = Float32Type::get(kernel.getContext());
  unsigned rank = shapeOf(o.x).size();
  bool scalar = product(shapeOf(o.scale), kernel.getContext()) == 1;
  if (o.block > 0)
    return RunSchedule::get(kernel, target, rank ? rank - 1 : 0, f32, true);
  // A run must not cross the axis: it begins behind it or, if that is last, is the axis alone.
  unsigned from = scalar ? 0 : o.axis + 1 < rank ? o.axis + 1 : o.axis;
  return RunSchedule::get(kernel, target, from, f32);
}

/// How the elements of a run share a parameter (scale or zero point): there is only one, the run has one, each element
/// has its own, or each block of elements has one.
enum class Kind { scalar, outer, lanes, blocked };

Kind kindOf(const Operands &o, const RunSchedule &s) {
  if (o.block > 0)
    return Kind::blocked;
  if (product(shapeOf(o.scale), o.scale.getContext()) == 1)
    return Kind::scalar;
  return o.axis < int64_t(s.suffix) ? Kind::outer : Kind::lanes;
}

class QuantizePlan : public RunPlan {
public:
  QuantizePlan(plan::KernelOp kernel, const Machine &target, const Operands &operands)
      : RunPlan(kernel, target, scheduleOf(kernel, target, operands)), o(operands), kind(kindOf(o, s)) {}

  ScheduleFacts facts() const override { return inLanes(s.lanes, Float32Type::get(kernel.getContext())); }

  LogicalResult emit(KernelContext &c) const override {
    Exprs strides = stridesOf(s.space), scaleStrides = stridesOf(c.shape(o.scale));
    Value zero = c.index(int64_t(0));
    // The values of a parameter for the elements at this position: a scalar that is broadcast, or lanes.
    auto parameter = [&](Value tensor, ArrayRef<Value> row, Value i, Value mask) -> Value {
      // One zero point may serve many scales.
      bool isOne = tensor == o.zeroPoint && product(c.shape(tensor), kernel.getContext()) == 1;
      switch (isOne ? Kind::scalar : kind) {
      case Kind::scalar: return c.broadcast(loadFrom(c, tensor, zero, 1), s.lanes);
      case Kind::outer: return c.broadcast(loadFrom(c, tensor, row[o.axis], 1), s.lanes);
      case Kind::lanes: return loadFrom(c, tensor, i, s.lanes, mask);
      case Kind::blocked: break;
      }
      Values point(row);
      point.push_back(i);
      point[o.axis] = c.divU(point[o.axis], c.index(o.block));
      return loadFrom(c, tensor, c.offset(point, scaleStrides), 1);
    };
    return s.emit(c, o.result, [&](ArrayRef<Value> row, Value i, Value mask) -> Value {
      Value at = s.space.empty() ? zero : c.add(c.offset(row, ArrayRef(strides).take_front(row.size())), i);
      Value v = loadFrom(c, o.x, at, s.lanes, mask), scale = parameter(o.scale, row, i, mask);
      Value zeroPoint = o.zeroPoint ? parameter(o.zeroPoint, row, i, mask) : Value();
      if (auto op = dyn_cast<graph::DequantizeOp>(kernel.getRootOp()))
        return emitDequantize(c, op, v, scale, zeroPoint);
      if (mask && kind == Kind::lanes) // lanes beyond the end divide by one and not by zero
        scale = arith::SelectOp::create(c.b, c.loc, mask, scale, c.constant(c.b.getF32Type(), 1, s.lanes));
      return emitQuantize(c, cast<graph::QuantizeOp>(kernel.getRootOp()), v, scale, zeroPoint);
    });
  }

private:
  Operands o;
  Kind kind;
};

std::unique_ptr<KernelPlan> planQuantize(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  Operands o = operandsOf(kernel);
  Value whole = o.quantizes ? o.result : o.x, real = o.quantizes ? o.x : o.result;
  auto integer = dyn_cast<IntegerType>(elementOf(whole));
  if (!num::isCoded(elementOf(whole)) && (!integer || integer.getWidth() > 32))
    reason = "the quantized type must be an integer of at most 32 bits, or a float of less than 16";
  else if (!computeOf(real).isF32() || !computeOf(o.scale).isF32())
    reason = "the real type must be a floating-point type of at most 32 bits";
  else
    return std::make_unique<QuantizePlan>(kernel, target, o);
  return nullptr;
}

} // namespace

void registerQuantizedRowsStrategy(StrategyRegistry &registry) {
  registry.add({"misc-quantize", {"quantize", "dequantize"}, planQuantize});
}

} // namespace tenon::codegen
