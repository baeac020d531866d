// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The row strategies, one factory a schedule.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_ROWSTRATEGIES_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_ROWSTRATEGIES_H

#include "RowSchedule.h"

namespace tenon::cpu {

std::unique_ptr<Strategy> makeReduceStrategy();
std::unique_ptr<Strategy> makeArgReduceStrategy();
std::unique_ptr<Strategy> makeCumSumStrategy();
std::unique_ptr<Strategy> makeSoftmaxStrategy();
std::unique_ptr<Strategy> makeNormStrategy();
std::unique_ptr<Strategy> makeAttentionStrategy();
std::unique_ptr<Strategy> makeTopKStrategy();

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_ROWSTRATEGIES_H
