// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The generic strategies together. Of two for one root op the later one is asked first.
#include "tenon/Codegen/GenericStrategies.h"

namespace tenon::codegen {

StrategyRegistry genericStrategies() {
  StrategyRegistry registry;
  registerElementwiseStrategy(registry);
  registerMovementStrategies(registry);
  registerGenericGemm(registry);
  registerGenericConv(registry);
  registerRowStrategies(registry);
  registerWindowStrategies(registry);
  registerRecurrentStrategies(registry);
  registerCreationStrategy(registry);
  registerPaddingStrategy(registry);
  registerQuantizedRowsStrategy(registry);
  registerScatterGatherStrategies(registry);
  return registry;
}

} // namespace tenon::codegen
