// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products that the register tiles do not take: f64 and integers, and
// operands that are splat constants inside the kernel. One element at a time.
#include "GemmProblem.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

class GenericGemmStrategy : public Strategy {
public:
  StringRef name() const override { return "matmul-generic"; }
  std::vector<StringRef> roots() const override { return {"matmul"}; }

  bool matches(plan::KernelOp kernel, const CpuTarget &, std::string &reason) const override {
    for (Value operand : kernel.getRootOp()->getOperands())
      if (!isa<BlockArgument>(operand) && !operand.getDefiningOp<graph::ConstantOp>()) {
        reason = "an operand is computed inside the kernel";
        return false;
      }
    return true;
  }
  std::string describe(plan::KernelOp, const CpuTarget &) const override { return "scalar loops"; }

  WorkSplit split(plan::KernelOp kernel, const CpuTarget &) const override {
    GemmProblem p = analyzeGemm(kernel);
    int64_t work = std::max<int64_t>(1, constantOr(p.k, 64) * constantOr(p.n, 64));
    return {product(p.batch, kernel.getContext()) * p.m, std::max<int64_t>(1, 32768 / work)};
  }

  LogicalResult emit(KernelContext &c) const override {
    GemmProblem p = analyzeGemm(c.kernel);
    Type type = computeType(getElementTypeOrSelf(p.op.getResult().getType()));
    ElementEmitter emitter(c, p.result), splat(c, {});
    auto load = [&](Value operand, Value at) {
      if (isa<BlockArgument>(operand))
        return c.load(c.buffer(operand), getElementTypeOrSelf(operand.getType()), at, 1);
      splat.setPoint({}, 1);
      return splat.get(operand);
    };
    LogicalResult result = success();
    c.loop(c.begin, c.end, 1, [&](Value unit) {
      Value row = c.remU(unit, c.index(p.m));
      SmallVector<Value> batch = c.delinearize(c.divU(unit, c.index(p.m)), p.batch);
      Value aBase = c.add(c.offset(batch, p.aBatch), c.mul(row, c.index(p.aRow))), bBase = c.offset(batch, p.bBatch);
      c.loop(c.index(int64_t(0)), c.index(p.n), 1, [&](Value column) {
        Value bColumn = c.mulAdd(column, c.index(p.bColumn), bBase);
        Value sum = c.loop(c.index(int64_t(0)), c.index(p.k), 1, c.constant(type, 0, 1), [&](Value step, ValueRange sums) {
          Value x = load(p.a, c.mulAdd(step, c.index(p.aStep), aBase)), y = load(p.b, c.mulAdd(step, c.index(p.bStep), bColumn));
          SmallVector<Value> next;
          if (isa<FloatType>(type))
            next.push_back(arith::AddFOp::create(c.b, c.loc, sums[0], arith::MulFOp::create(c.b, c.loc, x, y)));
          else
            next.push_back(arith::AddIOp::create(c.b, c.loc, sums[0], arith::MulIOp::create(c.b, c.loc, x, y)));
          return next;
        })[0];
        SmallVector<Value> index = p.rowIndex(c, batch, row);
        index.push_back(column);
        emitter.setPoint(index, 1);
        emitter.define(p.op.getResult(), sum);
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
