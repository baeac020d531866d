// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes on the graph dialect.
#ifndef TENON_DIALECT_GRAPH_TRANSFORMS_PASSES_H
#define TENON_DIALECT_GRAPH_TRANSFORMS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tenon::graph {
#define GEN_PASS_DECL
#include "tenon/Dialect/Graph/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Dialect/Graph/Transforms/Passes.h.inc"
inline void registerGraphPasses() { registerPasses(); }
} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_TRANSFORMS_PASSES_H
