// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products that the register tiles do not take: f64 and integers,
// accumulators other than f32, and operands that are splat constants inside the
// kernel. One element at a time.
#include "Accumulator.h"
#include "GemmProblem.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

class GenericGemmStrategy : public Strategy {
public:
  StringRef name() const override { return "matmul-generic"; }
  std::vector<StringRef> roots() const override { return {"matmul"}; }

  bool matches(plan::KernelOp kernel, const CpuTarget &, std::string &reason) const override {
    return llvm::all_of(kernel.getRootOp()->getOperands(),
                        [&](Value operand) { return isReadableOrSplat(operand, reason); });
  }
  std::string describe(plan::KernelOp kernel, const CpuTarget &) const override {
    return "scalar loops" + operandsText(kernel.getRootOp()->getOperands());
  }

  WorkSplit split(plan::KernelOp kernel, const CpuTarget &) const override {
    GemmProblem p = analyzeGemm(kernel);
    int64_t work = std::max<int64_t>(1, constantOr(p.k, 64) * constantOr(p.n, 64));
    return {product(p.batch, kernel.getContext()) * p.m, std::max<int64_t>(1, 32768 / work)};
  }

  LogicalResult emit(KernelContext &c) const override {
    GemmProblem p = analyzeGemm(c.kernel);
    Accumulator sum(c, p.op.getResult(), p.op.getAccumulator());
    ElementEmitter emitter(c, p.result);
    OperandReader a(c, p.a), b(c, p.b);
    LogicalResult result = success();
    c.loop(c.begin, c.end, 1, [&](Value unit) {
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
};

} // namespace

void registerGenericGemm(StrategyRegistry &registry) { registry.add(std::make_unique<GenericGemmStrategy>()); }

} // namespace tenon::cpu
