// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constant filters of convolutions, rewritten into the order in which a schedule reads
// them.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_CONVPACKING_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_CONVPACKING_H

#include "ContractionTile.h"
#include "tenon/Codegen/ConvShape.h"

namespace tenon::cpu {

/// Whether the filter is a constant that the root alone reads, so that it can be
/// packed.
bool hasPackableFilter(plan::KernelOp kernel, const ConvShape &conv, std::string &reason);
/// The filter's values as f32; an error if their number is wrong.
mlir::FailureOr<std::vector<float>> filterValues(plan::KernelOp kernel, const ConvShape &conv);
/// Replaces the filter by its packed form; analyzeConv then reads its shape from
/// the kernel's `conv.filter_shape`.
void packFilter(plan::KernelOp kernel, const ConvShape &conv, llvm::ArrayRef<int64_t> shape, std::vector<float> packed,
                llvm::StringRef layout);
inline bool isFilterPacked(plan::KernelOp kernel) { return kernel->hasAttr("conv.filter_shape"); }

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_CONVPACKING_H
