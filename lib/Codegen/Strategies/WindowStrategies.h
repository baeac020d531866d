// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The window strategies, one for each root op; WindowStrategies.cpp registers them.
#ifndef TENON_LIB_CODEGEN_STRATEGIES_WINDOWSTRATEGIES_H
#define TENON_LIB_CODEGEN_STRATEGIES_WINDOWSTRATEGIES_H

#include "tenon/Codegen/RowSchedule.h"

namespace tenon::codegen {

std::unique_ptr<KernelPlan> planConvTranspose(plan::KernelOp kernel, const Machine &target, std::string &reason);
std::unique_ptr<KernelPlan> planResize(plan::KernelOp kernel, const Machine &target, std::string &reason);
std::unique_ptr<KernelPlan> planPool(plan::KernelOp kernel, const Machine &target, std::string &reason);

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_STRATEGIES_WINDOWSTRATEGIES_H
