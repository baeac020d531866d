// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the symbols of a region's program follow from those of the host's.
#ifndef TENON_DIALECT_PLAN_IR_REGIONSYMBOLS_H
#define TENON_DIALECT_PLAN_IR_REGIONSYMBOLS_H

#include "tenon/Dialect/Graph/IR/Symbols.h"

namespace tenon::plan {

/// For each symbol of a region, what it is over the host's symbols: the named one of its
/// name, or the derived one of the same operation on the same sizes. Null for a derived one
/// that the host has no other use for, and for a name that it does not know.
llvm::SmallVector<mlir::AffineExpr> overHostSymbols(llvm::ArrayRef<graph::Symbol> region,
                                                    llvm::ArrayRef<graph::Symbol> host, mlir::MLIRContext *context);
/// A size over a region's symbols as one over the host's; null where it names one that is null.
mlir::AffineExpr overHostSymbols(mlir::AffineExpr size, llvm::ArrayRef<mlir::AffineExpr> symbols);

} // namespace tenon::plan

#endif // TENON_DIALECT_PLAN_IR_REGIONSYMBOLS_H
