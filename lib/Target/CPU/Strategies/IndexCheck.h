// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elements of index tensors: negative ones count from the end of their axis, and
// those that lie outside it are reported (TN7013).
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_INDEXCHECK_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_INDEXCHECK_H

#include "RowSchedule.h"
#include "tenon/Target/CPU/KernelCheck.h"

namespace tenon::cpu {

class IndexCheck {
public:
  /// Before any loop is open. Element p of the tensor is an index along an axis
  /// of sizes[p mod the number of sizes].
  IndexCheck(KernelContext &context, mlir::Operation *op, mlir::Value tensor, llvm::ArrayRef<mlir::AffineExpr> sizes);
  /// The index at a position of the tensor, along an axis of sizes[axis]; 0 for
  /// one that lies outside, which is noted. `inside`, if asked for, is whether it does not.
  mlir::Value load(mlir::Value position, unsigned axis = 0, mlir::Value *inside = nullptr);
  /// Behind the loops.
  void finish();

private:
  mlir::Value raw(mlir::Value position);

  KernelContext &c;
  mlir::Value tensor;
  Exprs sizes;
  DataCheck check;
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_INDEXCHECK_H
