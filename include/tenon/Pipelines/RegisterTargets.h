// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PIPELINES_REGISTERTARGETS_H
#define TENON_PIPELINES_REGISTERTARGETS_H

#include "tenon/Interfaces/Target.h"

namespace tenon {

/// Adds all targets of this compiler, the one that needs no prefix first.
void registerTargets(TargetRegistry &registry);
/// Registers the passes of their own, for tools.
void registerTargetPasses();
/// The targets of spellings of TargetRegistry::parse, among the shipped chips and those
/// that files declare. Empty after diagnostics, all problems at once.
Targets findTargets(mlir::MLIRContext &context, llvm::ArrayRef<std::string> specs,
                    llvm::ArrayRef<std::string> files = {});

} // namespace tenon

#endif // TENON_PIPELINES_REGISTERTARGETS_H
