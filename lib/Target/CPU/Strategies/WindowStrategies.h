// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The window strategies, one factory a schedule.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_WINDOWSTRATEGIES_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_WINDOWSTRATEGIES_H

#include "RowSchedule.h"

namespace tenon::cpu {

std::unique_ptr<Strategy> makePoolStrategy();
std::unique_ptr<Strategy> makeConvTransposeStrategy();
std::unique_ptr<Strategy> makeResizeStrategy();

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_WINDOWSTRATEGIES_H
