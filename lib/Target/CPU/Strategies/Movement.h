// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Transpositions and slices as one thing: a result read through strides.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_MOVEMENT_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_MOVEMENT_H

#include "RowSchedule.h"

namespace tenon::cpu {

/// Element [i0, i1, ...] of the result comes from base + sum of i * stride.
struct StridedCopy {
  Exprs dims, strides;
};
/// The copy of a kernel with root transpose or slice; neighbours that are
/// contiguous in the source as they are in the result are one dimension.
StridedCopy stridedCopy(plan::KernelOp kernel);

/// Transpositions in vectors (MovementTranspose.cpp).
std::unique_ptr<KernelPlan> planTranspose(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_MOVEMENT_H
