// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PIPELINES_REGISTERTARGETS_H
#define TENON_PIPELINES_REGISTERTARGETS_H

#include "tenon/Interfaces/Target.h"

namespace tenon {

/// Adds all targets of this compiler, the one that needs no prefix first.
void registerTargets(TargetRegistry &registry);
/// Registers the passes of their own, for tools.
void registerTargetPasses();
/// Adds the targets of plugins, then the chips that files declare, to those of this
/// compiler. Problems are one line each, with their code and the flag that names the file.
void registerTargets(TargetRegistry &registry, llvm::ArrayRef<std::string> files, llvm::ArrayRef<std::string> plugins,
                     std::vector<std::string> &problems);
/// The targets of spellings of TargetRegistry::parse, among the shipped ones, those of
/// plugins and the chips that files declare. Empty after diagnostics, all problems at once.
Targets findTargets(mlir::MLIRContext &context, llvm::ArrayRef<std::string> specs,
                    llvm::ArrayRef<std::string> files = {}, llvm::ArrayRef<std::string> plugins = {});

} // namespace tenon

#endif // TENON_PIPELINES_REGISTERTARGETS_H
