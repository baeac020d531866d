// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PIPELINES_REGISTERTARGETS_H
#define TENON_PIPELINES_REGISTERTARGETS_H

#include "tenon/Interfaces/Target.h"

namespace tenon {

/// Adds all targets of this compiler, the one that needs no prefix first.
void registerTargets(TargetRegistry &registry);
/// Registers the passes of their own, for tools.
void registerTargetPasses();
/// The target of a spelling of TargetRegistry::parse, among the shipped chips and those
/// that files declare. Null after diagnostics.
std::unique_ptr<Target> findTarget(mlir::MLIRContext &context, llvm::StringRef spec,
                                   llvm::ArrayRef<std::string> files = {});

} // namespace tenon

#endif // TENON_PIPELINES_REGISTERTARGETS_H
