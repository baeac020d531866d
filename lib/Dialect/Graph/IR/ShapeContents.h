// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Contents of small integer tensors under ops that only move elements.
#ifndef TENON_DIALECT_GRAPH_IR_SHAPECONTENTS_H
#define TENON_DIALECT_GRAPH_IR_SHAPECONTENTS_H

#include "tenon/Dialect/Graph/IR/Graph.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tenon::graph {

using Index = llvm::SmallVector<int64_t>;

/// The dimensions as numbers; nullopt unless all are.
std::optional<Index> staticSizes(llvm::ArrayRef<mlir::AffineExpr> dims);

inline std::optional<int64_t> asConstant(mlir::AffineExpr expr) {
  auto constant = expr ? llvm::dyn_cast<mlir::AffineConstantExpr>(expr) : mlir::AffineConstantExpr();
  return constant ? std::optional<int64_t>(constant.getValue()) : std::nullopt;
}

/// An element of a binary op on two elements of that type; null if unknown, or
/// if the type cannot hold it.
mlir::AffineExpr evaluate(BinaryKind kind, mlir::AffineExpr x, mlir::AffineExpr y, mlir::Type element,
                          ShapeAnalysis &a);

/// The element, or null if it is a number that elements of the type do not hold.
mlir::AffineExpr representable(mlir::AffineExpr value, mlir::Type element);

/// Contents of the operand become the result's in the same order.
void keepContents(ShapeAnalysis &a, mlir::Value from, mlir::Value to);

/// Element i of the result is element source(i) of the operand, where indices
/// are one number a dimension. An empty source is an unknown element.
void moveContents(ShapeAnalysis &a, mlir::Value from, mlir::Value to,
                  llvm::function_ref<Index(llvm::ArrayRef<int64_t>)> source);

/// Calls visit for every index of a shape in row-major order.
void forEachIndex(llvm::ArrayRef<int64_t> sizes, llvm::function_ref<void(llvm::ArrayRef<int64_t>)> visit);

int64_t linearIndex(llvm::ArrayRef<int64_t> sizes, llvm::ArrayRef<int64_t> index);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_SHAPECONTENTS_H
