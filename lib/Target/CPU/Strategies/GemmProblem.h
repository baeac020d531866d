// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A matrix product as its strategies see it: batch x [M, K] x [K, N], whatever
// ranks and transposes the operands have.
#ifndef TENON_TARGET_CPU_STRATEGIES_GEMMPROBLEM_H
#define TENON_TARGET_CPU_STRATEGIES_GEMMPROBLEM_H

#include "ContractionTile.h"

namespace tenon::cpu {

struct GemmProblem {
  mutable graph::MatMulOp op;
  mlir::Value a, b; ///< left and right operand (see `analyzeGemm`)
  Exprs result;     ///< iteration space: batch, M if any, N
  mlir::AffineExpr m, n, k;
  mlir::AffineExpr aRow, aStep;    ///< strides of the left matrix
  mlir::AffineExpr bStep, bColumn; ///< strides of the right matrix
  Exprs batch, aBatch, bBatch;     ///< batch dimensions and the operands' strides
  bool hasM = true;                ///< the result has a dimension M
  bool folded = false;             ///< M covers the batch dimensions as well

  /// Coordinates of row `row` of a batch entry in `result`, without the last.
  llvm::SmallVector<mlir::Value> rowIndex(KernelContext &context, llvm::ArrayRef<mlir::Value> batchIndex,
                                          mlir::Value row) const;
};

/// Reads the problem off a kernel with root matmul. A matrix times a vector is
/// taken as the vector times the transposed matrix, so that columns are many.
GemmProblem analyzeGemm(plan::KernelOp kernel);

void registerGenericGemm(StrategyRegistry &registry);
void registerQuantizedGemm(StrategyRegistry &registry);

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGIES_GEMMPROBLEM_H
