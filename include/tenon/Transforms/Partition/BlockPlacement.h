// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Placement of a function with branches: a problem (Placement.h) for its block and for each
// branch. It knows no IR either.
#ifndef TENON_TRANSFORMS_PARTITION_BLOCKPLACEMENT_H
#define TENON_TRANSFORMS_PARTITION_BLOCKPLACEMENT_H

#include "tenon/Transforms/Partition/Placement.h"
#include <utility>

namespace tenon::partition {

/// The problem of a block: of the function's own, or of a branch of one of the items around it.
struct BlockProblem {
  Problem problem; ///< `mostRegions` is for all blocks, and in each of them the same
  int around = -1; ///< the block around a branch, which comes before it
  /// Of the runs, how many come through the block: what counts for a branch is this part of
  /// its cost.
  double share = 1;
  /// Values that are made around a branch, here and in the block around it.
  std::vector<std::pair<unsigned, unsigned>> outside = {};
};

/// An assignment for each block.
using BlockAssignments = std::vector<Assignment>;

/// The cost of all blocks, each by its share. A branch has no copy to pay for where the block
/// around it has brought a value to the same memory for ops of its own.
double costOf(std::vector<BlockProblem> blocks, const BlockAssignments &assignments);

struct BlockSolution {
  BlockAssignments assignments;
  double seconds = 0;
  bool isExact = false; ///< every assignment was ruled out or tried
};

/// Each block is solved for itself, a branch when it is known where the block around it has
/// its values. Never dearer than greedyOf in each block, or than everything that is legal
/// there on any one device.
BlockSolution solve(std::vector<BlockProblem> blocks);
BlockAssignments greedyOf(const std::vector<BlockProblem> &blocks);
BlockAssignments onDevice(const std::vector<BlockProblem> &blocks, unsigned device);

} // namespace tenon::partition

#endif // TENON_TRANSFORMS_PARTITION_BLOCKPLACEMENT_H
