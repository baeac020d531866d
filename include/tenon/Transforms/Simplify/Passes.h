// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that make the graph smaller without changing what it computes.
#ifndef TENON_TRANSFORMS_SIMPLIFY_PASSES_H
#define TENON_TRANSFORMS_SIMPLIFY_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tenon::simplify {
#define GEN_PASS_DECL
#include "tenon/Transforms/Simplify/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Transforms/Simplify/Passes.h.inc"
} // namespace tenon::simplify

#endif // TENON_TRANSFORMS_SIMPLIFY_PASSES_H
