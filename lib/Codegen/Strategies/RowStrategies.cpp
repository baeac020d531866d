// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Registers the row strategies. No two take the same root op, so their order does not matter.
#include "RowStrategies.h"

#include "tenon/Codegen/GenericStrategies.h"

namespace tenon::codegen {

void registerRowStrategies(StrategyRegistry &registry) {
  registry.add({"row-reduce", {"reduce"}, planReduce});
  registry.add({"row-arg-reduce", {"arg_reduce"}, planArgReduce});
  registry.add({"row-cumsum", {"cumsum"}, planCumSum});
  registry.add({"row-top-k", {"top_k"}, planTopK});
  registry.add({"row-softmax", {"softmax"}, planSoftmax});
  registry.add({"row-norm", {"norm"}, planNorm});
  registry.add({"row-attention", {"attention"}, planAttention});
}

} // namespace tenon::codegen
