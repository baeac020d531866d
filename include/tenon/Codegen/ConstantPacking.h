// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Repacking of a kernel's constant operands when it is compiled: a weight is rewritten once into the order in which the
// kernel reads it. The kernel's `packed` attribute names the layout of each operand, "" of one that lies as the model
// has it; a strategy asks for it when it plans the kernel again.
#ifndef TENON_CODEGEN_CONSTANTPACKING_H
#define TENON_CODEGEN_CONSTANTPACKING_H

#include "tenon/Codegen/RowSchedule.h"

namespace tenon::codegen {

/// The layout that operand `index` was packed into, "" if none.
llvm::StringRef packedLayout(plan::KernelOp kernel, unsigned index);
/// Whether an operand of the root lies in this packed layout.
bool isPackedAs(plan::KernelOp kernel, mlir::Value operand, llvm::StringRef layout);
/// Whether an operand of the root is a constant of whole bytes that only `root` reads and that is not packed yet.
bool canPack(plan::KernelOp kernel, mlir::Operation *root, mlir::Value operand);
/// Replaces the constant by one of another shape, both taken as flat:
///
///     packed[i] = old[source(i)], or 0 where source(i) is negative (padding)
void packConstant(plan::KernelOp kernel, mlir::Value operand, llvm::StringRef layout, llvm::ArrayRef<int64_t> shape,
                  llvm::function_ref<int64_t(int64_t)> source);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_CONSTANTPACKING_H
