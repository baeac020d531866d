// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a planned module to a linked code image for one CPU.
#ifndef TENON_TARGET_CPU_CODEGEN_H
#define TENON_TARGET_CPU_CODEGEN_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "tenon/Interfaces/Target.h"
#include "tenon/Target/CPU/CpuTarget.h"
#include "tenon/Target/CPU/Strategy.h"
#include "tenon/Target/Host/HostModule.h"
#include <functional>

namespace tenon::cpu {

/// A flat buffer memref<?xT> over an address, T being the storage type of elements.
mlir::Value memrefOf(mlir::OpBuilder &b, mlir::Location loc, mlir::Value address, mlir::Type element);
/// Lets each kernel's plan pack its constants (before buildProgram).
mlir::LogicalResult packConstants(mlir::ModuleOp plan, const CpuTarget &target, const StrategyRegistry &registry);
/// A kernel's temporaries: small ones go to the entry block, on the stack. If
/// others are left the function gets their addresses as further arguments, and
/// `scratch_<name>` is what is launched instead, which finds them in a thread's
/// scratch. Returns the bytes of scratch, 0 for none.
mlir::FailureOr<int64_t> placeTemporaries(mlir::func::FuncOp kernel);
/// Emits kernels (identical ones once) and what is told of their launches, without the
/// host program. Errors name the ONNX nodes of the kernel that no strategy takes.
mlir::FailureOr<host::HostModule> emitKernels(mlir::ModuleOp plan, const CpuTarget &target,
                                              const StrategyRegistry &registry,
                                              const KernelProgress &progress = nullptr);
/// The kernels and the host program.
mlir::FailureOr<host::HostModule> buildProgram(mlir::ModuleOp plan, const CpuTarget &target,
                                               const StrategyRegistry &registry,
                                               const KernelProgress &progress = nullptr);
/// Lowers to the LLVM dialect.
mlir::LogicalResult lowerToLLVM(mlir::ModuleOp module, const CpuTarget &target);
/// An object file (or assembly text), and the most stack that its code uses.
struct Object {
  std::string bytes;
  uint64_t stackBytes = 0;
};
/// LLVM dialect to machine code. What the object is called from outside by begins with `prefix`
/// and, unless that is empty, is hidden in what the object is linked into.
mlir::FailureOr<Object> emitObject(mlir::ModuleOp module, const CpuTarget &target, bool assembly = false,
                                   const KernelProgress &progress = nullptr, llvm::StringRef prefix = "");

/// Links an image without relocations or imports; which device it is for is left open.
mlir::FailureOr<ModuleCode> linkImage(const Object &object, mlir::Location loc);

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_CODEGEN_H
