// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graph as if its floats had 53 bits: what the reference computes from it
// tells how much of a difference is rounding.
#include "tenon/Dialect/Graph/Transforms/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;

namespace tenon::graph {
#define GEN_PASS_DEF_WIDENTOF64PASS
#include "tenon/Dialect/Graph/Transforms/Passes.h.inc"

namespace {

/// `type` with f64 elements if its elements are f32, f16 or bf16. Narrower
/// formats are quantization, which a model means.
Type widened(Type type) {
  Type element = getElementTypeOrSelf(type);
  if (!element.isF32() && !element.isF16() && !element.isBF16())
    return type;
  Type wide = Float64Type::get(type.getContext());
  auto shaped = dyn_cast<ShapedType>(type);
  return shaped ? Type(shaped.clone(wide)) : wide;
}

/// All uses of a value that keeps its type read its f64 copy.
void widenUses(OpBuilder &b, Value value) {
  Type wide = widened(value.getType());
  if (wide == value.getType() || value.use_empty())
    return;
  auto copy = CastOp::create(b, value.getLoc(), wide, value);
  value.replaceAllUsesExcept(copy, copy);
}

class WidenToF64 : public impl::WidenToF64PassBase<WidenToF64> {
public:
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      widenBody(func);
  }

private:
  void widenBody(func::FuncOp func) {
    func.getBody().walk([](Operation *op) {
      if (isa<ConstantOp>(op))
        return;
      for (Value result : op->getResults())
        result.setType(widened(result.getType()));
    });
    OpBuilder b(func.getContext());
    func.getBody().walk([&](ConstantOp op) {
      b.setInsertionPointAfter(op);
      widenUses(b, op);
    });
    b.setInsertionPointToStart(&func.getBody().front());
    for (Value argument : func.getArguments())
      widenUses(b, argument);
    Operation *end = func.getBody().front().getTerminator();
    b.setInsertionPoint(end);
    for (auto [operand, type] : llvm::zip(end->getOpOperands(), func.getResultTypes()))
      if (operand.get().getType() != type)
        operand.set(CastOp::create(b, end->getLoc(), type, operand.get()));
  }
};

} // namespace
} // namespace tenon::graph
