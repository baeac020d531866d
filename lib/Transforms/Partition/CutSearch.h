// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The search that goes over the graph once, from cut to cut.
#ifndef TENON_LIB_TRANSFORMS_PARTITION_CUTSEARCH_H
#define TENON_LIB_TRANSFORMS_PARTITION_CUTSEARCH_H

#include "tenon/Transforms/Partition/Placement.h"
#include <cstddef>

namespace tenon::partition {

/// The cheapest assignment, exact if no cut had more than `mostStates` states; else the
/// cheapest of what was kept. Infinitely dear if nothing that was kept is allowed, or there
/// are more devices than a state has bits for. `known` is what some assignment costs, or
/// infinity: what is sure to be dearer is left out.
Solution searchCuts(const Problem &problem, std::size_t mostStates, double known);

} // namespace tenon::partition

#endif // TENON_LIB_TRANSFORMS_PARTITION_CUTSEARCH_H
