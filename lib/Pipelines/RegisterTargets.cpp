// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The only file that names the targets of this compiler: a new one is two lines here.
// Plugins come before files, which may declare chips of theirs.
#include "tenon/Pipelines/RegisterTargets.h"

#include "mlir/IR/Diagnostics.h"
#include "tenon/Interfaces/TargetPlugin.h"
#include "tenon/Target/CPU/Family.h"
#include "tenon/Target/CPU/Passes.h"

namespace tenon {

void registerTargets(TargetRegistry &registry) { registry.add(cpu::makeFamily()); }

void registerTargetPasses() { cpu::registerPasses(); }

void registerTargets(TargetRegistry &registry, llvm::ArrayRef<std::string> files, llvm::ArrayRef<std::string> plugins,
                     std::vector<std::string> &problems) {
  registerTargets(registry);
  for (const std::string &plugin : plugins)
    if (std::string error; !loadTargetPlugin(plugin, registry, error))
      problems.push_back("[TN8051] --load-target-plugin: " + error);
  std::vector<std::string> ofFiles;
  for (const std::string &file : files)
    registry.load(file, ofFiles);
  for (const std::string &problem : ofFiles)
    problems.push_back("[TN8014] --target-file: " + problem);
}

Targets findTargets(mlir::MLIRContext &context, llvm::ArrayRef<std::string> specs, llvm::ArrayRef<std::string> files,
                    llvm::ArrayRef<std::string> plugins) {
  TargetRegistry registry;
  std::vector<std::string> problems;
  registerTargets(registry, files, plugins, problems);
  Targets targets;
  bool areLoaded = problems.empty(); // else a spelling may be that of a chip which is not
  for (const std::string &spec : specs) {
    std::string error;
    targets.push_back(areLoaded ? registry.parse(spec, error) : nullptr);
    if (!error.empty())
      problems.push_back(error);
  }
  for (const std::string &problem : problems)
    emitError(mlir::UnknownLoc::get(&context)) << problem;
  return problems.empty() ? targets : Targets();
}

} // namespace tenon
