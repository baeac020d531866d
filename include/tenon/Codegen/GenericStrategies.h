// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Schedules that serve any machine with the operations of the dialects scf, vector,
// arith and math: on scalars where it has no vectors. Every root op of the graph dialect
// has one, so that a target which registers these can run all operators, and puts its own
// schedules before them where they pay.
#ifndef TENON_CODEGEN_GENERICSTRATEGIES_H
#define TENON_CODEGEN_GENERICSTRATEGIES_H

#include "tenon/Codegen/Strategy.h"

namespace tenon::codegen {

/// All of them. What a target adds to its registry behind these is asked first.
StrategyRegistry genericStrategies();

// Those of a family each.
void registerElementwiseStrategy(StrategyRegistry &registry);
void registerMovementStrategies(StrategyRegistry &registry);
void registerGenericGemm(StrategyRegistry &registry);
void registerGenericConv(StrategyRegistry &registry);
void registerRowStrategies(StrategyRegistry &registry);
void registerWindowStrategies(StrategyRegistry &registry);
void registerRecurrentStrategies(StrategyRegistry &registry);
void registerCreationStrategy(StrategyRegistry &registry);
void registerPaddingStrategy(StrategyRegistry &registry);
void registerQuantizedRowsStrategy(StrategyRegistry &registry);
void registerScatterGatherStrategies(StrategyRegistry &registry);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_GENERICSTRATEGIES_H
