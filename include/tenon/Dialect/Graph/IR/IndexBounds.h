// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is known of the indices of gathers and scatters.
#ifndef TENON_DIALECT_GRAPH_IR_INDEXBOUNDS_H
#define TENON_DIALECT_GRAPH_IR_INDEXBOUNDS_H

#include "llvm/ADT/StringRef.h"

namespace tenon::graph {
/// An array of the lowest and the highest index along each axis that is indexed;
/// negative ones count from the end.
constexpr llvm::StringLiteral kIndexBounds = "graph.index_bounds";
} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_INDEXBOUNDS_H
