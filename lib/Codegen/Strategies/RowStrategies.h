// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The row strategies, one for each root op; RowStrategies.cpp registers them.
#ifndef TENON_LIB_CODEGEN_STRATEGIES_ROWSTRATEGIES_H
#define TENON_LIB_CODEGEN_STRATEGIES_ROWSTRATEGIES_H

#include "tenon/Codegen/RowSchedule.h"

namespace tenon::codegen {

std::unique_ptr<KernelPlan> planReduce(plan::KernelOp kernel, const Machine &target, std::string &reason);
std::unique_ptr<KernelPlan> planArgReduce(plan::KernelOp kernel, const Machine &target, std::string &reason);
std::unique_ptr<KernelPlan> planCumSum(plan::KernelOp kernel, const Machine &target, std::string &reason);
std::unique_ptr<KernelPlan> planTopK(plan::KernelOp kernel, const Machine &target, std::string &reason);
std::unique_ptr<KernelPlan> planSoftmax(plan::KernelOp kernel, const Machine &target, std::string &reason);
std::unique_ptr<KernelPlan> planNorm(plan::KernelOp kernel, const Machine &target, std::string &reason);
std::unique_ptr<KernelPlan> planAttention(plan::KernelOp kernel, const Machine &target, std::string &reason);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_STRATEGIES_ROWSTRATEGIES_H
