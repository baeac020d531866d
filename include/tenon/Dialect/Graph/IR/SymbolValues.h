// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Values of symbols and of sizes when the model is compiled, for comparisons.
#ifndef TENON_DIALECT_GRAPH_IR_SYMBOLVALUES_H
#define TENON_DIALECT_GRAPH_IR_SYMBOLVALUES_H

#include "tenon/Dialect/Graph/IR/Symbols.h"

namespace tenon::graph {

/// The value of each symbol of a table, given those of its named dimensions.
llvm::SmallVector<int64_t> symbolValues(llvm::ArrayRef<Symbol> symbols,
                                        llvm::function_ref<int64_t(const Symbol &)> valueOf,
                                        mlir::MLIRContext *context);
/// An expression over symbols at their values; 0 where it divides by 0.
int64_t sizeAt(mlir::AffineExpr size, llvm::ArrayRef<int64_t> values);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_SYMBOLVALUES_H
