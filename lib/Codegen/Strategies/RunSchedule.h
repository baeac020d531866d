// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Results whose every element is a function of its position and of operands, and depends on no other element:
//
//   result[row.., i] = value(row, i)
//
// The innermost dimensions of the result, walked as one, are a run (RowSchedule.h), and the coordinates before them a
// row. A unit is a block of at most kBlock elements of a run; i goes through it in vectors:
//
//     row 0   | block 0: vector | vector | .. |  block 1: vector | .. | rest, masked |
//     row 1   |  ..
//
// A strategy of this kind gives the first dimension that the run may have, and a function that makes a vector of
// values. The epilogue and the stores come from here.
#ifndef TENON_LIB_CODEGEN_STRATEGIES_RUNSCHEDULE_H
#define TENON_LIB_CODEGEN_STRATEGIES_RUNSCHEDULE_H

#include "tenon/Codegen/RowSchedule.h"

namespace tenon::codegen {

/// The result's shape, cut into rows (dimensions before `suffix`) and a run.
struct RunSchedule {
  Exprs space;
  unsigned suffix = 0;
  mlir::AffineExpr run; // its length
  int64_t lanes = 1;

  /// `from` is the first dimension that the run may have. Vectors have as many lanes as `type` needs; one, if `scalar`.
  static RunSchedule get(plan::KernelOp kernel, const Machine &target, unsigned from, mlir::Type type,
                         bool scalar = false);
  WorkSplit split(mlir::MLIRContext *context) const;
  /// Emits the units. value(row, i, mask) makes the values of a vector at position i of the run; they become `result`,
  /// which the epilogue takes. beforeRun(row), if given, emits what comes before the blocks of each unit.
  mlir::LogicalResult emit(KernelContext &c, mlir::Value result,
                           llvm::function_ref<mlir::Value(llvm::ArrayRef<mlir::Value>, mlir::Value, mlir::Value)> value,
                           llvm::function_ref<void(llvm::ArrayRef<mlir::Value>)> beforeRun = nullptr) const;
  /// The coordinates of a unit's first element: of the row, then its position in the run.
  llvm::SmallVector<mlir::Value> firstOf(KernelContext &c, mlir::Value unit) const;
};

/// An axis attribute, where negative values count from the end.
inline int64_t resolvedAxis(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

/// A plan whose kernel is runs of lanes.
class RunPlan : public KernelPlan {
public:
  RunPlan(plan::KernelOp kernel, const Machine &target, RunSchedule schedule)
      : KernelPlan(kernel, target), s(std::move(schedule)) {}
  ScheduleFacts facts() const override { return inLanes(s.lanes, computeOf(kernel.getRootOp()->getResult(0))); }
  WorkSplit split() const override { return s.split(kernel.getContext()); }

protected:
  RunSchedule s;
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_STRATEGIES_RUNSCHEDULE_H
