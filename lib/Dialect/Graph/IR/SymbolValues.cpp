// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Derived symbols follow from those before them in their table.
#include "tenon/Dialect/Graph/IR/SymbolValues.h"

using namespace mlir;

namespace tenon::graph {

SmallVector<int64_t> symbolValues(ArrayRef<Symbol> symbols, llvm::function_ref<int64_t(const Symbol &)> valueOf,
                                  MLIRContext *context) {
  SmallVector<int64_t> values;
  for (const Symbol &symbol : symbols) {
    SmallVector<int64_t> arguments;
    for (AffineExpr argument : symbol.arguments)
      arguments.push_back(sizeAt(argument, values));
    values.push_back(symbol.isDerived() ? evaluate(symbol.derivation, arguments) : valueOf(symbol));
  }
  return values;
}

int64_t sizeAt(AffineExpr size, ArrayRef<int64_t> values) {
  SmallVector<AffineExpr> known;
  for (int64_t value : values)
    known.push_back(getAffineConstantExpr(value, size.getContext()));
  auto number = dyn_cast<AffineConstantExpr>(simplifyAffineExpr(size.replaceSymbols(known), 0, 0));
  return number ? number.getValue() : 0; // a quotient by zero
}

} // namespace tenon::graph
