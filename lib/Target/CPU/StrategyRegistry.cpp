// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU's strategies and the choice among them.
#include "tenon/Target/CPU/Strategy.h"

using namespace mlir;

namespace tenon::cpu {

StrategyRegistry::StrategyRegistry() {
  registerElementwiseStrategy(*this);
  registerMovementStrategies(*this);
  registerGemmStrategies(*this);
  registerConvStrategies(*this);
  registerRowStrategies(*this);
  registerWindowStrategies(*this);
  registerRecurrentStrategies(*this);
  registerCreationStrategy(*this);
  registerPaddingStrategy(*this);
  registerQuantizedRowsStrategy(*this);
  registerScatterGatherStrategies(*this);
}

ChosenPlan StrategyRegistry::plan(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) const {
  for (const Strategy &strategy : llvm::reverse(strategies)) {
    if (!llvm::is_contained(strategy.roots, kernel.getRoot()))
      continue;
    std::string why;
    if (auto plan = strategy.plan(kernel, target, why))
      return {strategy.name, std::move(plan)};
    reason += (reason.empty() ? "" : "; ") + strategy.name.str() + ": " + why;
  }
  if (reason.empty())
    reason = "no strategy takes root op " + kernel.getRoot().str();
  return {};
}

std::vector<std::string> StrategyRegistry::namesFor(StringRef root) const {
  std::vector<std::string> names;
  for (const Strategy &strategy : llvm::reverse(strategies))
    if (llvm::is_contained(strategy.roots, root))
      names.push_back(strategy.name.str());
  return names;
}

} // namespace tenon::cpu
