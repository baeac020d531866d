// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategies whose every result element is a function of its position: runs of
// the innermost dimensions, cut into vectors.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_MISCRUNS_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_MISCRUNS_H

#include "RowSchedule.h"

namespace tenon::cpu {

/// The result's shape, cut into rows (dimensions before `suffix`) and a run.
struct RunPlan {
  Exprs space;
  unsigned suffix = 0;
  mlir::AffineExpr run;
  int64_t lanes = 1;

  /// `from`: the first dimension that the run may cover; lanes follow `type`
  /// unless `scalar`.
  static RunPlan get(plan::KernelOp kernel, const CpuTarget &target, unsigned from, mlir::Type type,
                     bool scalar = false);
  WorkSplit split(mlir::MLIRContext *context) const;
  /// Calls value(row coordinates, position in the run, mask) and stores what
  /// it returns as `result`.
  /// `beforeRun`, if given, is called with the row coordinates before each run.
  mlir::LogicalResult emit(KernelContext &c, mlir::Value result,
                           llvm::function_ref<mlir::Value(llvm::ArrayRef<mlir::Value>, mlir::Value, mlir::Value)> value,
                           llvm::function_ref<void(llvm::ArrayRef<mlir::Value>)> beforeRun = nullptr) const;
  /// Row coordinates and position in the run of a unit's first element.
  llvm::SmallVector<mlir::Value> firstOf(KernelContext &c, mlir::Value unit) const;
};

/// An axis attribute, where negative values count from the end.
inline int64_t resolvedAxis(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }
/// Copies [0, n) elements of a buffer of storage type.
void copyRun(KernelContext &c, mlir::Value from, mlir::Value fromAt, mlir::Value to, mlir::Value toAt,
             mlir::AffineExpr n, mlir::Type element);

std::unique_ptr<Strategy> makeCreationStrategy();
std::unique_ptr<Strategy> makePadStrategy();
std::unique_ptr<Strategy> makeQuantizeStrategy();
std::unique_ptr<Strategy> makeGatherElementsStrategy();
std::unique_ptr<Strategy> makeScatterStrategy();

/// A strategy whose kernels are runs of lanes.
class RunStrategy : public Strategy {
public:
  virtual RunPlan planFor(plan::KernelOp kernel, const CpuTarget &target) const = 0;
  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    return lanesText(planFor(kernel, target).lanes, computeOf(kernel.getRootOp()->getResult(0)));
  }
  WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const override {
    return planFor(kernel, target).split(kernel.getContext());
  }
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_MISCRUNS_H
