// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Canonical form of dimension expressions. AffineExpr neither orders products
// of symbols nor divides them, so equal sizes could have different forms. Here
// an expression is a sum of products of atoms (symbols, and quotients that do
// not divide exactly), ordered by degree, then by factors.
#ifndef TENON_DIALECT_GRAPH_IR_SYMBOLICPOLYNOMIAL_H
#define TENON_DIALECT_GRAPH_IR_SYMBOLICPOLYNOMIAL_H

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/SmallVector.h"
#include <optional>

namespace tenon::graph {

/// The canonical form: equal polynomials give the same expression.
mlir::AffineExpr canonical(mlir::AffineExpr expr);

/// A total order of expressions that does not depend on addresses.
bool comesBefore(mlir::AffineExpr a, mlir::AffineExpr b);

/// The factor of a symbol where it stands alone in a canonical expression: c of
/// c * symbol + rest; 0 if there is no such term.
int64_t linearFactor(mlir::AffineExpr expr, mlir::AffineExpr symbol);

/// The product of dimensions in canonical form.
mlir::AffineExpr productOf(llvm::ArrayRef<mlir::AffineExpr> dims, mlir::MLIRContext *context);

/// a / b where b divides a for all values of the symbols, else nullopt.
std::optional<mlir::AffineExpr> divideExactly(mlir::AffineExpr a, mlir::AffineExpr b);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_SYMBOLICPOLYNOMIAL_H
