// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the programs of a divided plan must have in common.
#ifndef TENON_LIB_PIPELINES_VERIFYREGIONS_H
#define TENON_LIB_PIPELINES_VERIFYREGIONS_H

#include "tenon/Dialect/Plan/IR/Plan.h"

namespace tenon {

/// Whether each submit has a region, for its device and of its types, and each region a submit.
bool areSubmitted(const plan::Programs &programs);
/// Whether regions know no dimension that the host's program does not, and their operands
/// and results have the sizes of what is submitted. Each program is valid by itself.
bool haveSizesOfSubmits(const plan::Programs &programs);

} // namespace tenon

#endif // TENON_LIB_PIPELINES_VERIFYREGIONS_H
