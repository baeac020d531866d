// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products that the register tiles do not take: f64 and integers,
// accumulators other than f32, and operands that are splat constants inside the
// kernel. One element at a time.
#include "Accumulator.h"
#include "tenon/Codegen/GenericStrategies.h"
#include "tenon/Codegen/MatMulShape.h"
#include "tenon/Codegen/OperandReader.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

class GenericGemmPlan : public KernelPlan {
public:
  GenericGemmPlan(plan::KernelOp kernel, const Machine &target) : KernelPlan(kernel, target), p(analyzeGemm(kernel)) {}

  ScheduleFacts facts() const override {
    return {.text = "scalar loops" + operandsText(kernel.getRootOp()->getOperands(), target), .hasScalarCode = true};
  }

  WorkSplit split() const override {
    int64_t work = std::max<int64_t>(1, constantOr(p.k, 64) * constantOr(p.n, 64));
    return {product(p.batch, kernel.getContext()) * p.m, std::max<int64_t>(1, 32768 / work)};
  }

  LogicalResult emit(KernelContext &c) const override {
    Accumulator sum(c, p.op.getResult(), p.op.getAccumulator());
    ElementEmitter emitter(c, p.result);
    OperandReader a(c, p.a), b(c, p.b);
    LogicalResult result = success();
    c.eachUnit([&](Value unit) {
      Value row = c.remU(unit, c.index(p.m));
      SmallVector<Value> batch = c.delinearize(c.divU(unit, c.index(p.m)), p.batch);
      Value aBase = c.add(c.offset(batch, p.aBatch), c.mul(row, c.index(p.aRow))), bBase = c.offset(batch, p.bBatch);
      c.loop(c.index(int64_t(0)), c.index(p.n), 1, [&](Value column) {
        Value bColumn = c.mulAdd(column, c.index(p.bColumn), bBase);
        Value total = c.loop(c.index(int64_t(0)), c.index(p.k), 1, sum.zero(1), [&](Value step, ValueRange sums) {
          Value x = a.load(c.mulAdd(step, c.index(p.aStep), aBase), 1),
                y = b.load(c.mulAdd(step, c.index(p.bStep), bColumn), 1);
          return SmallVector<Value>{sum.add(sums[0], x, y)};
        })[0];
        SmallVector<Value> index = p.rowIndex(c, batch, row);
        index.push_back(column);
        emitter.setPoint(index, 1);
        emitter.define(p.op.getResult(), sum.result(total));
        if (failed(emitter.storeYields()))
          result = failure();
      });
    });
    return result;
  }

private:
  MatMulShape p;
};

std::unique_ptr<KernelPlan> planGenericGemm(plan::KernelOp kernel, const Machine &target, std::string &reason) {
  for (Value operand : kernel.getRootOp()->getOperands())
    if (!isReadableOrSplat(operand, reason))
      return nullptr;
  return std::make_unique<GenericGemmPlan>(kernel, target);
}

} // namespace

void registerGenericGemm(StrategyRegistry &registry) { registry.add({"matmul-generic", {"matmul"}, planGenericGemm}); }

} // namespace tenon::codegen
