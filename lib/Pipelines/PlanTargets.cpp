// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A plan holds the chips that it was made for, so that it can be resumed without the flags
// and the files that it was made with. It is not code for others: another memory, or another
// link, would have led to another plan.
#include "PlanTargets.h"

#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Pipelines/RegisterTargets.h"
#include "tenon/Transforms/Partition/Passes.h"

using namespace mlir;

namespace tenon {

static bool areGiven(const CompileOptions &options) {
  return !options.target.empty() || !options.devices.empty() || !options.targetFiles.empty();
}

/// Whether targets that flags name are those that a program says it is for.
static LogicalResult agree(ModuleOp program, Stage next, const Targets &targets) {
  plan::DeviceAttr host = plan::hostOf(program);
  SmallVector<plan::DeviceAttr> devices = plan::devicesOf(program);
  // A plan that leaves all to the host goes on, whatever else it might have used.
  bool isCounted = !devices.empty() || (host && int(next) <= int(Stage::Place));
  if (isCounted && devices.size() + 1 != targets.size())
    return program.emitError("[TN8049] the plan is for ")
           << devices.size() << " devices beside the host, --target names " << targets.size() - 1
           << "; give those that it was made for";
  devices.insert(devices.begin(), host);
  for (auto [device, target] : llvm::zip(devices, targets)) {
    if (!device || !device.getChip())
      continue;
    auto given = hw::DeviceAttr::get(program.getContext(), target->chip());
    if (given == device.getChip())
      continue;
    bool isNameOfBoth = given.getSpelling() == device.getChip().getSpelling();
    return program.emitError("[TN8049] the plan is for ")
           << device.getSpec() << ", --target names " << target->spec()
           << (isNameOfBoth ? " with other features or numbers" : "")
           << "; leave --target and --target-file out to go on with the plan's, or start from an earlier stage";
  }
  return success();
}

/// The targets of the chips that a program declares.
static Targets declaredTargets(ModuleOp program, ArrayRef<plan::DeviceAttr> devices, const CompileOptions &options) {
  TargetRegistry registry;
  std::vector<std::string> problems;
  registerTargets(registry, options.targetFiles, options.targetPlugins, problems);
  Targets targets;
  for (plan::DeviceAttr device : devices) {
    std::string error;
    targets.push_back(registry.find(device, error));
    if (!targets.back())
      problems.push_back(error);
  }
  for (const std::string &problem : problems)
    program.emitError(problem);
  return problems.empty() ? targets : Targets();
}

PlanTargets targetsFor(ModuleOp module, Stage next, const CompileOptions &options) {
  ModuleOp program = plan::programsOf(module).host;
  SmallVector<plan::DeviceAttr> devices = plan::devicesOf(program);
  plan::DeviceAttr host = plan::hostOf(program);
  bool isComplete = host && host.getChip() && llvm::all_of(devices, [](plan::DeviceAttr d) { return d.getChip(); });
  PlanTargets found;
  if (isComplete && !areGiven(options)) {
    devices.insert(devices.begin(), host);
    found.targets = declaredTargets(program, devices, options);
    for (plan::DeviceAttr device : devices)
      found.names.push_back(device.getName().str());
    return found;
  }
  found.targets = findTargets(*module.getContext(), options.specs(), options.targetFiles, options.targetPlugins);
  if (found.targets.empty() || failed(agree(program, next, found.targets)))
    return {};
  found.names = partition::deviceNames(found.targets, options.specs());
  return found;
}

void completeDevices(ModuleOp module, const PlanTargets &known) {
  ModuleOp program = plan::programsOf(module).host;
  MLIRContext *context = module.getContext();
  auto declare = [&](StringRef name, size_t index) {
    const Target &target = *known.targets[index];
    return plan::DeviceAttr::get(context, name, target.spec(), hw::DeviceAttr::get(context, target.chip()));
  };
  if (plan::DeviceAttr host = plan::hostOf(program); !host || !host.getChip())
    program->setAttr(plan::kHostAttr, declare(known.names.front(), 0));
  SmallVector<Attribute> devices;
  for (auto [i, device] : llvm::enumerate(plan::devicesOf(program)))
    devices.push_back(device.getChip() ? device : declare(device.getName(), i + 1));
  if (!devices.empty())
    program->setAttr(plan::kDevicesAttr, ArrayAttr::get(context, devices));
}

} // namespace tenon
