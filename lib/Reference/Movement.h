// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gathering by one index list per axis: padding, tiling, nearest resampling
// and indexing along an axis are cases of it.
#ifndef TENON_LIB_REFERENCE_MOVEMENT_H
#define TENON_LIB_REFERENCE_MOVEMENT_H

#include "tenon/Reference/Tensor.h"

namespace tenon::reference {

/// result[i, j, ...] = x[indices[0][i], indices[1][j], ...]; an index of -1
/// takes fill's only element (or zero bytes without fill).
Tensor gatherAxes(const Tensor &x, llvm::ArrayRef<std::vector<int64_t>> indices, const Tensor *fill = nullptr);

/// 0, 1, ..., size - 1
std::vector<int64_t> allIndices(int64_t size);

} // namespace tenon::reference

#endif // TENON_LIB_REFERENCE_MOVEMENT_H
