// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values of symbols and of sizes when the model is compiled, for comparisons.
#ifndef TENON_DIALECT_GRAPH_IR_SYMBOLVALUES_H
#define TENON_DIALECT_GRAPH_IR_SYMBOLVALUES_H

#include "tenon/Dialect/Graph/IR/Symbols.h"

namespace tenon::graph {

/// The value of each symbol of a table, given those of its named dimensions.
llvm::SmallVector<int64_t> symbolValues(llvm::ArrayRef<Symbol> symbols,
                                        llvm::function_ref<int64_t(const Symbol &)> valueOf);
/// An expression over symbols at their values, in time of its own length; nothing where it
/// divides by 0, is null, or leaves 64 bits.
std::optional<int64_t> valueAt(mlir::AffineExpr expr, llvm::ArrayRef<int64_t> values);
/// The same for a size; 0 where that is nothing.
inline int64_t sizeAt(mlir::AffineExpr size, llvm::ArrayRef<int64_t> values) {
  return valueAt(size, values).value_or(0);
}

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_SYMBOLVALUES_H
