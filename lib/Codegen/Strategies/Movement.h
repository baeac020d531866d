// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Transpositions and slices as one thing: a result whose elements are read through strides of the source,
//
//   result[i0, i1, ..] = source[base + i0 * s0 + i1 * s1 + ..]
//
//   transpose   s[d] = stride of the source's dimension perm[d]               base = 0
//   slice       s[d] = stride of the source's dimension d * step[d]           base = sum of start[d] * stride[d]
#ifndef TENON_LIB_CODEGEN_STRATEGIES_MOVEMENT_H
#define TENON_LIB_CODEGEN_STRATEGIES_MOVEMENT_H

#include "tenon/Codegen/RowSchedule.h"

namespace tenon::codegen {

/// The result's dimensions, and the stride of each in the source. The base is not in it.
struct StridedCopy {
  Exprs dims, strides;
};
/// The copy of a kernel with root transpose or slice. Neighbours that are contiguous in the source as they are in the
/// result (stride of the first = stride of the second * its size) are one dimension, and those of size 1 are left out:
/// NHWC to NCHW has the dimensions N, C and H * W with the strides H * W * C, 1 and C.
StridedCopy stridedCopy(plan::KernelOp kernel);

/// Transpositions in vectors (MovementTranspose.cpp).
std::unique_ptr<KernelPlan> planTranspose(plan::KernelOp kernel, const Machine &target, std::string &reason);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_STRATEGIES_MOVEMENT_H
