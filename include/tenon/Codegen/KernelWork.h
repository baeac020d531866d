// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How many operations a kernel does, for reports.
#ifndef TENON_CODEGEN_KERNELWORK_H
#define TENON_CODEGEN_KERNELWORK_H

#include "tenon/Dialect/Plan/IR/Plan.h"

namespace tenon::codegen {

/// `exact` is 0 where it depends on symbols, `estimate` is at the sizes to expect.
struct KernelWork {
  uint64_t exact = 0, estimate = 0;
};

/// 0 where it depends on symbols.
uint64_t workOf(plan::KernelOp kernel);
/// Notes a kernel's work on it, while its constants have the shapes that the
/// operations mean and not those of a packed layout; `recordedWork` reads it.
inline constexpr llvm::StringLiteral kWorkAttr = "plan.work";
void recordWork(plan::KernelOp kernel, llvm::ArrayRef<int64_t> sizes);
KernelWork recordedWork(plan::KernelOp kernel);
/// The work at these sizes.
uint64_t estimateWork(plan::KernelOp kernel, llvm::ArrayRef<int64_t> sizes);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_KERNELWORK_H
