// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strategies whose every result element is a function of its position: runs of
// the innermost dimensions, cut into vectors.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_MISCRUNS_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_MISCRUNS_H

#include "RowSchedule.h"

namespace tenon::cpu {

/// The result's shape, cut into rows (dimensions before `suffix`) and a run.
struct RunSchedule {
  Exprs space;
  unsigned suffix = 0;
  mlir::AffineExpr run;
  int64_t lanes = 1;

  /// `from`: the first dimension that the run may cover; lanes follow `type`
  /// unless `scalar`.
  static RunSchedule get(plan::KernelOp kernel, const CpuTarget &target, unsigned from, mlir::Type type,
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

/// A plan whose kernel is runs of lanes.
class RunPlan : public KernelPlan {
public:
  RunPlan(plan::KernelOp kernel, const CpuTarget &target, RunSchedule schedule)
      : KernelPlan(kernel, target), s(std::move(schedule)) {}
  ScheduleFacts facts() const override { return inLanes(s.lanes, computeOf(kernel.getRootOp()->getResult(0))); }
  WorkSplit split() const override { return s.split(kernel.getContext()); }

protected:
  RunSchedule s;
};

// The strategies of files that have no registration function of their own.
std::unique_ptr<KernelPlan> planCreation(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planPad(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planQuantize(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planGatherElements(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planScatter(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_MISCRUNS_H
