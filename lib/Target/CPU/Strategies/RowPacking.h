// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Compile-time repacking of a kernel's constant operands.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_ROWPACKING_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_ROWPACKING_H

#include "RowSchedule.h"

namespace tenon::cpu {

/// Whether a root operand carries this packed layout.
bool isPackedAs(plan::KernelOp kernel, mlir::Value operand, llvm::StringRef layout);
/// Whether a root operand is a constant that only `root` reads and that is not
/// packed yet.
bool canPack(plan::KernelOp kernel, mlir::Operation *root, mlir::Value operand);
/// Replaces the constant by one of another shape: element `i` of the packed
/// data is element `source(i)` of the old data, zero where that is negative.
void packConstant(plan::KernelOp kernel, mlir::Value operand, llvm::StringRef layout, llvm::ArrayRef<int64_t> shape,
                  llvm::function_ref<int64_t(int64_t)> source);

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_ROWPACKING_H
