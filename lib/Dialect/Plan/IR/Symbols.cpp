// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel's code gets values of the symbols that some map on the kernel or in its body
// names. They are numbered as a walk over it meets them, so that kernels of equal text
// have equal numbers.
#include "tenon/Dialect/Plan/IR/Symbols.h"

#include "llvm/ADT/SetVector.h"

using namespace mlir;

namespace tenon::plan {

SmallVector<unsigned> symbolsOf(KernelOp kernel) {
  llvm::SetVector<unsigned> positions;
  kernel->walk<WalkOrder::PreOrder>([&](Operation *op) {
    op->getAttrDictionary().walk([&](AffineMapAttr map) {
      for (AffineExpr size : map.getValue().getResults())
        size.walk([&](AffineExpr part) {
          if (auto symbol = dyn_cast<AffineSymbolExpr>(part))
            positions.insert(symbol.getPosition());
        });
    });
  });
  return positions.takeVector();
}

} // namespace tenon::plan
