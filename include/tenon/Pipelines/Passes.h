// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes at the borders of stages.
#ifndef TENON_PIPELINES_PASSES_H
#define TENON_PIPELINES_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tenon {
#define GEN_PASS_DECL
#include "tenon/Pipelines/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Pipelines/Passes.h.inc"

/// Refuses constants without their data, as IR that was printed for reading has them.
llvm::LogicalResult checkWeights(mlir::Operation *op);
} // namespace tenon

#endif // TENON_PIPELINES_PASSES_H
