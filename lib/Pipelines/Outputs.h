// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a compilation may write.
#ifndef TENON_LIB_PIPELINES_OUTPUTS_H
#define TENON_LIB_PIPELINES_OUTPUTS_H

#include "tenon/Pipelines/Compile.h"
#include "tenon/Support/Files.h"

namespace tenon {

/// The file of a stage's dump.
std::string dumpPath(llvm::StringRef folder, Stage stage);
/// The files of all stages' dumps.
std::vector<std::string> dumpPaths(llvm::StringRef folder);
/// An error for each file that would be written in place of one of the inputs.
mlir::LogicalResult checkOutputs(mlir::MLIRContext &context, const InputFiles &inputs,
                                 llvm::ArrayRef<std::string> outputs);

} // namespace tenon

#endif // TENON_LIB_PIPELINES_OUTPUTS_H
