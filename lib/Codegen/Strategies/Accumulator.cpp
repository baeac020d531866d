// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A sum in a 16-bit float is held as f32. After each term it is truncated to its own type and extended again,
// so that it takes only values that an accumulator of that type could hold. Sums of other types need no such
// step.
#include "Accumulator.h"

#include "tenon/Codegen/RowSchedule.h"

using namespace mlir;

namespace tenon::codegen {

Accumulator::Accumulator(KernelContext &context, Value result, std::optional<Type> given)
    : c(context), resultType(computeOf(result)) {
  type = given.value_or(resultType);
  compute = codegen::computeType(type);
}

Value Accumulator::converted(Value value, Type scalar) const {
  int64_t lanes = LaneMath::lanesOf(value);
  unsigned from = getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth(), to = scalar.getIntOrFloatBitWidth();
  Type target = lanes == 1 ? scalar : Type(VectorType::get({lanes}, scalar));
  if (from == to || !isa<FloatType>(scalar))
    return value;
  return from < to ? Value(arith::ExtFOp::create(c.b, c.loc, target, value))
                   : Value(arith::TruncFOp::create(c.b, c.loc, target, value));
}

Value Accumulator::rounded(Value value) const {
  return type == compute ? value : converted(converted(value, type), compute);
}

Value Accumulator::add(Value sum, Value x) const {
  x = converted(x, compute);
  if (isa<FloatType>(compute))
    return rounded(arith::AddFOp::create(c.b, c.loc, sum, x));
  return arith::AddIOp::create(c.b, c.loc, sum, x);
}

Value Accumulator::add(Value sum, Value x, Value y) const {
  x = converted(x, compute);
  y = converted(y, compute);
  if (isa<FloatType>(compute))
    return add(sum, arith::MulFOp::create(c.b, c.loc, x, y));
  return add(sum, arith::MulIOp::create(c.b, c.loc, x, y));
}

} // namespace tenon::codegen
