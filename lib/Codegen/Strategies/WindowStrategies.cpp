// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registers the window strategies. No two take the same root op, so their order does not matter.
#include "WindowStrategies.h"

#include "tenon/Codegen/GenericStrategies.h"

namespace tenon::codegen {

void registerWindowStrategies(StrategyRegistry &registry) {
  registry.add({"window-pool", {"pool"}, planPool});
  registry.add({"window-conv-transpose", {"conv_transpose"}, planConvTranspose});
  registry.add({"window-resize", {"resize"}, planResize});
}

} // namespace tenon::codegen
