// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The row strategies, one for each root op; RowStrategies.cpp registers them.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_ROWSTRATEGIES_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_ROWSTRATEGIES_H

#include "RowSchedule.h"

namespace tenon::cpu {

std::unique_ptr<KernelPlan> planReduce(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planArgReduce(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planCumSum(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planTopK(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planSoftmax(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planNorm(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);
std::unique_ptr<KernelPlan> planAttention(plan::KernelOp kernel, const CpuTarget &target, std::string &reason);

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_ROWSTRATEGIES_H
