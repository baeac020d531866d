// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The stage codegen: each program of the plan gets places for its buffers and becomes the
// code of its device.
#include "GenerateCode.h"

#include "mlir/Pass/PassManager.h"
#include "tenon/Analysis/NominalSizes.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Interfaces/Cost.h"
#include "tenon/Transforms/Memory/Passes.h"
#include "tenon/Transforms/Simplify/Passes.h"

using namespace mlir;

namespace tenon {

LogicalResult planMemory(ModuleOp plan, bool redZones) {
  PassManager pm(plan.getContext());
  pm.addPass(simplify::createBoundIndicesPass());
  pm.addPass(memory::createAssignMemoryPass({redZones}));
  pm.addPass(memory::createVerifyMemoryPass());
  return pm.run(plan);
}

/// What a kernel is predicted to cost.
struct Price {
  CostTerms terms;
  double seconds = 0;
};

/// Of each kernel, by its name. Asked while constants have the shapes that the operations
/// mean, and not those of a packed layout.
static llvm::StringMap<Price> priceKernels(ModuleOp program, const Target &target) {
  llvm::StringMap<Price> prices;
  SmallVector<int64_t> sizes = nominalSizes(program);
  program.walk([&](plan::KernelOp kernel) {
    OwningOpRef<Operation *> copy = atSizes(kernel, sizes);
    SmallVector<Operation *> ops;
    for (Operation &op : cast<plan::KernelOp>(*copy).getBody().front().without_terminator())
      ops.push_back(&op);
    prices[kernel.getName()] = {costTerms(ops, target.chip()), target.estimate(ops)};
  });
  return prices;
}

static FailureOr<GeneratedCode> generate(ModuleOp program, const Target &target, const GenerateOptions &options,
                                         bool redZones) {
  llvm::StringMap<Price> prices = priceKernels(program, target);
  if (failed(target.packWeights(program)) || failed(planMemory(program, redZones)))
    return failure();
  FailureOr<GeneratedCode> code = target.generate(program, options);
  if (succeeded(code))
    for (KernelDescription &kernel : code->kernels) {
      Price price = prices.lookup(kernel.name);
      kernel.cost = std::move(price.terms);
      kernel.seconds = price.seconds;
    }
  return code;
}

FailureOr<ProgramCode> generateAll(ModuleOp module, const Targets &targets, const GenerateOptions &options,
                                   bool redZones) {
  plan::Programs programs = plan::programsOf(module);
  ProgramCode all;
  FailureOr<GeneratedCode> host = generate(programs.host, *targets.front(), options, redZones);
  if (failed(host))
    return failure();
  all.host = std::move(*host);
  for (ModuleOp program : programs.regions) {
    unsigned device = plan::deviceIndexOf(program);
    FailureOr<GeneratedCode> code = generate(program, *targets[device + 1], options, redZones);
    if (failed(code))
      return failure();
    all.regions.push_back({program, device, std::move(*code)});
  }
  return all;
}

} // namespace tenon
