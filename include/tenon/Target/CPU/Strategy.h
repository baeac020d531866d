// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU's strategies: those that all targets share (lib/Codegen), and its own, whose
// schedules rest on registers, caches and instructions of CPUs.
#ifndef TENON_TARGET_CPU_STRATEGY_H
#define TENON_TARGET_CPU_STRATEGY_H

#include "tenon/Codegen/Strategy.h"
#include "tenon/Target/CPU/CpuTarget.h"

namespace tenon::cpu {

using namespace codegen;

/// A plan of the CPU's own, which knows all of the chip.
class KernelPlan : public codegen::KernelPlan {
public:
  KernelPlan(plan::KernelOp kernel, const CpuTarget &target) : codegen::KernelPlan(kernel, target), target(target) {}

protected:
  const CpuTarget &target;
};

/// The strategies of a session.
class StrategyRegistry : public StrategyRegistryFor<CpuTarget> {
public:
  StrategyRegistry(); ///< registers all of the CPU's strategies
};

// The registration functions of lib/Target/CPU/Strategies.
void registerGemmStrategies(StrategyRegistry &registry);
void registerDecodedGemm(StrategyRegistry &registry);
void registerConvStrategies(StrategyRegistry &registry);
void registerDepthwiseConv(StrategyRegistry &registry);

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGY_H
