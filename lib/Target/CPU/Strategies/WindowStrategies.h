// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The window strategies, one for each root op; WindowStrategies.cpp registers them.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_WINDOWSTRATEGIES_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_WINDOWSTRATEGIES_H

#include "RowSchedule.h"

namespace tenon::cpu {

std::unique_ptr<KernelPlan> planConvTranspose(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planResize(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planPool(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_WINDOWSTRATEGIES_H
