// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is known of sizes inside the branches of scf.if.
#ifndef TENON_DIALECT_GRAPH_IR_BRANCHASSUMPTIONS_H
#define TENON_DIALECT_GRAPH_IR_BRANCHASSUMPTIONS_H

#include "tenon/Dialect/Graph/IR/Symbols.h"

namespace tenon::graph {

/// The assumptions of all branches that an op is in: what a run has found to hold when it
/// comes to the op, beside what holds for the whole run. A branch that no run comes through
/// has none.
std::vector<Assumption> assumptionsOfBranches(mlir::Operation *op);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_BRANCHASSUMPTIONS_H
