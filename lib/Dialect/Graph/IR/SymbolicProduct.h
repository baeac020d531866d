// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products of dimensions in canonical form, which AffineExpr does not give for
// products of symbols, and their exact quotients.
#ifndef TENON_DIALECT_GRAPH_IR_SYMBOLICPRODUCT_H
#define TENON_DIALECT_GRAPH_IR_SYMBOLICPRODUCT_H

#include "mlir/IR/AffineExpr.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace tenon::graph {

class SymbolicProduct {
public:
  void multiply(mlir::AffineExpr expr) {
    if (auto constant = llvm::dyn_cast<mlir::AffineConstantExpr>(expr)) {
      coefficient *= constant.getValue();
      return;
    }
    auto binary = llvm::dyn_cast<mlir::AffineBinaryOpExpr>(expr);
    if (binary && binary.getKind() == mlir::AffineExprKind::Mul) {
      multiply(binary.getLHS());
      multiply(binary.getRHS());
      return;
    }
    factors.push_back(expr);
  }

  /// Removes the factors of `other`; false if it does not divide this exactly.
  bool divide(const SymbolicProduct &other) {
    for (mlir::AffineExpr factor : other.factors) {
      auto it = llvm::find(factors, factor);
      if (it == factors.end())
        return false;
      factors.erase(it);
    }
    if (other.coefficient == 0 || coefficient % other.coefficient != 0)
      return false;
    coefficient /= other.coefficient;
    return true;
  }

  mlir::AffineExpr get(mlir::MLIRContext *context) {
    auto text = [](mlir::AffineExpr expr) {
      std::string s;
      llvm::raw_string_ostream os(s);
      expr.print(os);
      return s;
    };
    llvm::stable_sort(factors, [&](mlir::AffineExpr a, mlir::AffineExpr b) { return text(a) < text(b); });
    if (factors.empty() || coefficient == 0)
      return mlir::getAffineConstantExpr(coefficient, context);
    mlir::AffineExpr result = factors.front();
    for (mlir::AffineExpr factor : llvm::drop_begin(factors))
      result = result * factor;
    return coefficient == 1 ? result : result * coefficient;
  }

  int64_t coefficient = 1;
  llvm::SmallVector<mlir::AffineExpr> factors;
};

inline mlir::AffineExpr productOf(llvm::ArrayRef<mlir::AffineExpr> dims, mlir::MLIRContext *context) {
  SymbolicProduct product;
  for (mlir::AffineExpr dim : dims)
    product.multiply(dim);
  return product.get(context);
}

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_SYMBOLICPRODUCT_H
