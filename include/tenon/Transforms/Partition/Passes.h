// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that divide a model among devices.
#ifndef TENON_TRANSFORMS_PARTITION_PASSES_H
#define TENON_TRANSFORMS_PARTITION_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Interfaces/Target.h"

namespace tenon::partition {
#define GEN_PASS_DECL
#include "tenon/Transforms/Partition/Passes.h.inc"

/// Declares the chips of the targets that `provider` finds for the option's spellings.
std::unique_ptr<mlir::Pass> createDeclareDevicesPass(TargetProvider provider, DeclareDevicesPassOptions options = {});
/// Chooses among the targets that `provider` finds for the module's devices.
std::unique_ptr<mlir::Pass> createChooseDevicesPass(TargetProvider provider, ChooseDevicesPassOptions options = {});

#define GEN_PASS_REGISTRATION
#include "tenon/Transforms/Partition/Passes.h.inc"

/// What the devices of these targets are called, whose spellings by the user are `specs`: what
/// stands before the first comma, repeated ones with a number.
///
///   "cpu:host", "cpu:x86-64-v3,+fma", "cpu:x86-64-v3"   ->   "cpu:host", "cpu:x86-64-v3", "cpu:x86-64-v3#2"
std::vector<std::string> deviceNames(const Targets &targets, llvm::ArrayRef<std::string> specs);
/// Writes the chips of these targets, the host's first, into a graph's module.
void declareDevices(mlir::ModuleOp module, const Targets &targets, llvm::ArrayRef<std::string> names);

} // namespace tenon::partition

#endif // TENON_TRANSFORMS_PARTITION_PASSES_H
