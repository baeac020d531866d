// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_LIB_PIPELINES_PACKAGE_H
#define TENON_LIB_PIPELINES_PACKAGE_H

#include "GenerateCode.h"
#include "mlir/IR/OperationSupport.h"
#include "tenon/Pipelines/Compile.h"

namespace tenon {

/// IR for reading: weights are left out, or each stage would write all of them.
inline mlir::OpPrintingFlags elided() { return mlir::OpPrintingFlags().elideLargeResourceString(64).enableDebugInfo(); }

/// Writes the artifact of a planned module that its targets have made code of, with the
/// ledger. `model` is the file that it is named for; fills the result's sizes and ledger.
mlir::LogicalResult package(mlir::ModuleOp module, const Targets &targets, ProgramCode generated,
                            llvm::StringRef output, llvm::StringRef model, const CompileOptions &options,
                            CompileResult &result);

} // namespace tenon

#endif // TENON_LIB_PIPELINES_PACKAGE_H
