// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that gather graph ops into kernels.
#ifndef TENON_TRANSFORMS_FUSION_PASSES_H
#define TENON_TRANSFORMS_FUSION_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Interfaces/Target.h"

namespace tenon::fusion {
#define GEN_PASS_DECL
#include "tenon/Transforms/Fusion/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Transforms/Fusion/Passes.h.inc"

/// Kernels for the target that `provider` finds.
std::unique_ptr<mlir::Pass> createFormKernelsPass(TargetProvider provider, FormKernelsPassOptions options = {});
/// Ops that become a view of their operand's buffer.
bool isView(mlir::OperationName name);
/// Ops that can join the kernel of an operand's producer.
bool isElementwise(mlir::OperationName name);
} // namespace tenon::fusion

#endif // TENON_TRANSFORMS_FUSION_PASSES_H
