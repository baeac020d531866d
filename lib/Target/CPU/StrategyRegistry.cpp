// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU's strategies, in the order that the choice among them follows.
#include "tenon/Target/CPU/Strategy.h"

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

} // namespace tenon::cpu
