// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only file that names the targets of this compiler: a new one is two lines here.
#include "tenon/Pipelines/RegisterTargets.h"

#include "mlir/IR/Diagnostics.h"
#include "tenon/Target/CPU/Family.h"
#include "tenon/Target/CPU/Passes.h"

namespace tenon {

void registerTargets(TargetRegistry &registry) { registry.add(cpu::makeFamily()); }

void registerTargetPasses() { cpu::registerPasses(); }

std::unique_ptr<Target> findTarget(mlir::MLIRContext &context, llvm::StringRef spec,
                                   llvm::ArrayRef<std::string> files) {
  TargetRegistry targets;
  registerTargets(targets);
  std::vector<std::string> problems;
  for (const std::string &file : files)
    targets.load(file, problems);
  for (const std::string &problem : problems)
    emitError(mlir::UnknownLoc::get(&context)) << "[TN8014] --target-file: " << problem;
  if (!problems.empty())
    return nullptr;
  std::string error;
  std::unique_ptr<Target> target = targets.parse(spec, error);
  if (!target)
    emitError(mlir::UnknownLoc::get(&context), error);
  return target;
}

} // namespace tenon
