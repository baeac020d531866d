// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Flags name targets, and so does a plan: which ones a compilation goes on with.
#ifndef TENON_LIB_PIPELINES_PLANTARGETS_H
#define TENON_LIB_PIPELINES_PLANTARGETS_H

#include "tenon/Pipelines/Compile.h"

namespace tenon {

struct PlanTargets {
  Targets targets; ///< the host's first; none after diagnostics
  std::vector<std::string> names;
};

/// Before the stage `next`: the targets that flags name, or where none do, those that the module
/// says it is for. Where both speak, they have to say the same.
PlanTargets targetsFor(mlir::ModuleOp module, Stage next, const CompileOptions &options);

/// Writes into a plan which does not say what its devices are that these are.
void completeDevices(mlir::ModuleOp module, const PlanTargets &known);

} // namespace tenon

#endif // TENON_LIB_PIPELINES_PLANTARGETS_H
