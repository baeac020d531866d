// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two tables of symbols that speak of the same dimensions: passes over one program renumber
// its symbols and drop what it does not use, so that names are what they have in common.
#include "tenon/Dialect/Plan/IR/RegionSymbols.h"

using namespace mlir;

namespace tenon::plan {

AffineExpr overHostSymbols(AffineExpr size, ArrayRef<AffineExpr> symbols) {
  bool isKnown = true;
  size.walk([&](AffineExpr term) {
    if (auto symbol = dyn_cast<AffineSymbolExpr>(term))
      isKnown &= symbol.getPosition() < symbols.size() && symbols[symbol.getPosition()];
  });
  return isKnown ? size.replaceSymbols(symbols) : AffineExpr();
}

static bool isSame(const graph::Symbol &symbol, graph::Derivation derivation, ArrayRef<AffineExpr> arguments) {
  if (symbol.derivation != derivation)
    return false;
  return graph::isCommutative(derivation)
             ? std::is_permutation(symbol.arguments.begin(), symbol.arguments.end(), arguments.begin(), arguments.end())
             : llvm::equal(symbol.arguments, arguments);
}

SmallVector<AffineExpr> overHostSymbols(ArrayRef<graph::Symbol> region, ArrayRef<graph::Symbol> host,
                                        MLIRContext *context) {
  SmallVector<AffineExpr> result;
  for (const graph::Symbol &symbol : region) {
    SmallVector<AffineExpr> arguments;
    for (AffineExpr argument : symbol.arguments)
      arguments.push_back(overHostSymbols(argument, result));
    bool isDerivable = !llvm::is_contained(arguments, AffineExpr());
    const auto *found = llvm::find_if(host, [&](const graph::Symbol &candidate) {
      return symbol.isDerived() ? isDerivable && isSame(candidate, symbol.derivation, arguments)
                                : !candidate.isDerived() && candidate.name == symbol.name;
    });
    result.push_back(found == host.end() ? AffineExpr() : getAffineSymbolExpr(found - host.begin(), context));
  }
  return result;
}

} // namespace tenon::plan
