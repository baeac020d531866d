// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stage place: of several devices each gets its ops, as programs of their own; then
// each program is prepared as its device wants it, and its ops form kernels.
#include "PlaceStage.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "tenon/Dialect/Graph/Transforms/Passes.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Pipelines/BuildLedger.h"
#include "tenon/Transforms/Fusion/Passes.h"
#include "tenon/Transforms/Partition/Passes.h"
#include "tenon/Transforms/Simplify/Passes.h"

using namespace mlir;

namespace tenon {

void addSimplification(OpPassManager &pm, const std::shared_ptr<simplify::ConstantEvaluator> &evaluator) {
  pm.addPass(graph::createInferShapesPass());
  pm.addPass(graph::createSimplifyPass());
  pm.addPass(createCSEPass());
  pm.addPass(simplify::createEvaluateConstantsPass(evaluator));
}

/// One program, for its device.
static LogicalResult placeProgram(ModuleOp program, const std::shared_ptr<const Target> &target,
                                  const CompileOptions &options,
                                  const std::shared_ptr<simplify::ConstantEvaluator> &evaluator) {
  PassManager pm(program.getContext());
  target->addRegionPasses(
      pm, {options.flushDenormals, [&](OpPassManager &passes) { addSimplification(passes, evaluator); }});
  pm.addPass(fusion::createFormKernelsPass([&](plan::DeviceAttr, std::string &) { return target; }));
  pm.addPass(graph::createSimplifyPass());
  pm.addPass(createCSEPass());
  pm.addNestedPass<func::FuncOp>(partition::createScheduleTransfersPass());
  return pm.run(program);
}

/// Divides a graph into the programs of several devices.
static LogicalResult divide(ModuleOp module, const Targets &targets, const CompileOptions &options) {
  partition::ChooseDevicesPassOptions choice;
  llvm::append_range(choice.pins, options.pins);
  llvm::append_range(choice.forbids, options.forbids);
  choice.fallback = options.fallback;
  choice.mostRegions = options.mostRegions;
  // The pass asks in the order of the module's devices, the host first, once for each.
  auto next = std::make_shared<size_t>(0);
  PassManager pm(module.getContext());
  pm.addPass(partition::createDetachSizesPass());
  pm.addPass(graph::createInferShapesPass()); // what only fed sizes is dead
  pm.addPass(partition::createChooseDevicesPass(
      [&targets, next](plan::DeviceAttr, std::string &) { return targets[(*next)++]; }, std::move(choice)));
  if (failed(pm.run(module)))
    return failure();
  recordDevices(module);
  PassManager outlining(module.getContext());
  outlining.addPass(partition::createOutlineRegionsPass());
  return outlining.run(module);
}

LogicalResult place(ModuleOp module, const Targets &targets, const CompileOptions &options,
                    const std::shared_ptr<simplify::ConstantEvaluator> &evaluator) {
  if (!plan::programsOf(module).regions.empty())
    return module.emitError("[TN4003] the module is divided between devices already; resume from codegen");
  if (!plan::hostOf(module))
    partition::declareDevices(module, targets, partition::deviceNames(targets, options.specs()));
  if (targets.size() > 1 && failed(divide(module, targets, options)))
    return failure();
  plan::Programs programs = plan::programsOf(module);
  if (failed(placeProgram(programs.host, targets.front(), options, evaluator)))
    return failure();
  for (ModuleOp region : programs.regions)
    if (failed(placeProgram(region, targets[plan::deviceIndexOf(region) + 1], options, evaluator)))
      return failure();
  return success();
}

} // namespace tenon
