// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The CPU's strategies: the generic ones, and before them in the choice its own.
#include "tenon/Codegen/GenericStrategies.h"
#include "tenon/Target/CPU/Strategy.h"

namespace tenon::cpu {

StrategyRegistry::StrategyRegistry() {
  add(genericStrategies());
  registerGemmStrategies(*this);
  registerConvStrategies(*this);
}

} // namespace tenon::cpu
