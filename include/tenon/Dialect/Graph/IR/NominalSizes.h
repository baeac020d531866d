// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes to reckon with where a model leaves them open: for costs, never for code.
#ifndef TENON_DIALECT_GRAPH_IR_NOMINALSIZES_H
#define TENON_DIALECT_GRAPH_IR_NOMINALSIZES_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Value.h"
#include "tenon/Dialect/Graph/IR/Symbols.h"

namespace tenon::graph {

/// Of an open dimension that nobody gave a nominal size: neither one, at which a product
/// looks like a sum, nor what only few models take.
constexpr int64_t kNominalSize = 32;

/// The value of each symbol of a table, given those of its named dimensions.
llvm::SmallVector<int64_t> symbolValues(llvm::ArrayRef<Symbol> symbols,
                                        llvm::function_ref<int64_t(const Symbol &)> valueOf,
                                        mlir::MLIRContext *context);
/// The sizes to reckon with of a module's symbols: what the user called nominal
/// (`graph.nominal_sizes`), or the size that the symbol allows nearest to kNominalSize.
llvm::SmallVector<int64_t> nominalSizes(mlir::ModuleOp module);
/// An expression over symbols at their values; what is no size at these is kNominalSize.
int64_t sizeAt(mlir::AffineExpr size, llvm::ArrayRef<int64_t> values);
/// A tensor's type where `shape`, null for a static one, has these values of its symbols.
mlir::RankedTensorType typeAt(mlir::RankedTensorType type, mlir::AffineMapAttr shape, llvm::ArrayRef<int64_t> values);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_NOMINALSIZES_H
