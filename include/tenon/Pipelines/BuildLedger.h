// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the ledger says of a model is gathered at two points: its nodes when it
// is imported, what became of them when its kernels have code.
#ifndef TENON_PIPELINES_BUILDLEDGER_H
#define TENON_PIPELINES_BUILDLEDGER_H

#include "mlir/IR/BuiltinOps.h"
#include "tenon/Support/Ledger.h"

namespace tenon {

/// Lists the module's ONNX nodes in its attribute `onnx.nodes`, and the model's
/// hash in `onnx.hash`, so that later stages, and a compilation that resumes from
/// their text, know them.
void recordNodes(mlir::ModuleOp imported, llvm::StringRef modelHash);
/// Notes in its attribute `onnx.devices` where the ops of ONNX nodes are placed, while the
/// graph is whole.
void recordDevices(mlir::ModuleOp placed);
/// Hash of a model, for recordNodes; "" of a file that cannot be read.
std::string hashModel(llvm::StringRef bytes);
std::string hashModelFile(llvm::StringRef path);
/// The ledger of a planned module, whose kernels the descriptions tell of, by their names.
Ledger buildLedger(mlir::ModuleOp plan, llvm::ArrayRef<KernelDescription> kernels);

} // namespace tenon

#endif // TENON_PIPELINES_BUILDLEDGER_H
