// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The polynomial that math.log becomes takes a denormal as the smallest normal
// number. It is scaled up first: log x = log(x * 2^64) - 64 log 2.
#include "tenon/Codegen/Logarithm.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace tenon::codegen {

Value emitLogarithm(OpBuilder &b, Location loc, Value x) {
  auto constant = [&](double value) -> Value {
    TypedAttr attr = b.getFloatAttr(getElementTypeOrSelf(x.getType()), value);
    if (auto vector = dyn_cast<VectorType>(x.getType()))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(b, loc, attr);
  };
  Value isSmall = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, constant(0x1p-126));
  Value scaled = arith::MulFOp::create(b, loc, x, constant(0x1p+64));
  Value y = math::LogOp::create(b, loc, arith::SelectOp::create(b, loc, isSmall, scaled, x).getResult());
  Value excess = arith::SelectOp::create(b, loc, isSmall, constant(44.36141955583649980256), constant(0));
  return arith::SubFOp::create(b, loc, y, excess);
}

} // namespace tenon::codegen
