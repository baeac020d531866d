// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Each branch has a list of assumptions, checked when it is taken (Symbols.h).
#include "tenon/Dialect/Graph/IR/BranchAssumptions.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;

namespace tenon::graph {

std::vector<Assumption> assumptionsOfBranches(mlir::Operation *op) {
  std::vector<Assumption> assumptions;
  for (Region *region = op->getParentRegion(); region; region = region->getParentRegion())
    if (isa<scf::IfOp>(region->getParentOp()))
      for (Assumption &assumption :
           readAssumptions(region->getParentOp(), branchAssumptions(region->getRegionNumber())))
        if (assumption.kind != Assumption::never)
          assumptions.push_back(std::move(assumption));
  return assumptions;
}

} // namespace tenon::graph
