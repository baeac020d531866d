// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a planned module to functions of its kernels: what is the same for all targets
// that have strategies. Which strategy takes a kernel, and what a function looks like,
// the target says.
#ifndef TENON_CODEGEN_EMITKERNELS_H
#define TENON_CODEGEN_EMITKERNELS_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Codegen/Strategy.h"
#include "tenon/Interfaces/ModuleCode.h"
#include "tenon/Interfaces/Target.h"
#include "llvm/ADT/MapVector.h"

namespace tenon::codegen {

/// Plans a kernel, as StrategyRegistryFor::plan does.
using PlanKernel = llvm::function_ref<ChosenPlan(plan::KernelOp kernel, std::string &reason)>;
/// Emits the function `symbol` of a kernel by its plan, and gives the checks that it makes of its
/// data. A failure is told by errors on the kernel's ops.
using EmitKernel = llvm::function_ref<mlir::LogicalResult(plan::KernelOp kernel, llvm::StringRef symbol,
                                                          const KernelPlan &plan, std::vector<KernelCheck> &checks)>;

/// A kernel of the module and its code.
struct EmittedKernel {
  ChosenPlan plan;
  std::string function; ///< its function; kernels that are alike but for names, places and values share one
  std::vector<CheckDescription> checks; ///< that the function makes of its data, in the order of their numbers
};
using EmittedKernels = llvm::MapVector<plan::KernelOp, EmittedKernel>;

/// Lets each kernel's plan pack its constants (before emitKernels), and notes each kernel's work.
mlir::LogicalResult packConstants(mlir::ModuleOp plan, PlanKernel choose);

/// Emits the kernels of a module, identical ones once. Errors name the ONNX nodes of all kernels that no
/// strategy takes or whose emission fails; `device` is what they call the target: "no CPU kernel for".
mlir::FailureOr<EmittedKernels> emitKernels(mlir::ModuleOp plan, llvm::StringRef device, PlanKernel choose,
                                            EmitKernel emit, const KernelProgress &progress = nullptr);

/// What is told of a kernel that a strategy takes; its buffers are left to host::emitHostProgram.
KernelDescription describeKernel(plan::KernelOp kernel, const ChosenPlan &chosen);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_EMITKERNELS_H
