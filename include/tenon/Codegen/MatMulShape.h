// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A matrix product as its strategies see it: for each batch entry [M, K] x [K, N],
// whatever ranks and transposes the operands have. Ranks, broadcast batch dimensions
// and transposes are all in the strides:
//
//   result[batch.., m, n] = sum over k of a[aBase + m * aRow + k * aStep] * b[bBase + k * bStep + n * bColumn]
//   aBase = sum over i of batch[i] * aBatch[i], and bBase likewise, with stride 0 for a batch dimension that broadcasts
#ifndef TENON_CODEGEN_MATMULSHAPE_H
#define TENON_CODEGEN_MATMULSHAPE_H

#include "tenon/Codegen/Strategy.h"

namespace tenon::codegen {

struct MatMulShape {
  mutable graph::MatMulOp op;
  mlir::Value a, b; ///< left and right operand (see `analyzeGemm`)
  Exprs result;     ///< iteration space: batch, M if any, N
  mlir::AffineExpr m, n, k;
  mlir::AffineExpr aRow, aStep;    ///< strides of the left matrix: from row to row, and along K
  mlir::AffineExpr bStep, bColumn; ///< strides of the right matrix: along K, and from column to column
  Exprs batch, aBatch, bBatch;     ///< extents of the batch dimensions, and the operands' strides
  bool hasM = true;                ///< the result has a dimension M
  bool folded = false;             ///< the batch dimensions are part of M, and `batch` is empty

  /// Coordinates of row `row` of a batch entry in `result`, without the last.
  llvm::SmallVector<mlir::Value> rowIndex(KernelContext &context, llvm::ArrayRef<mlir::Value> batchIndex,
                                          mlir::Value row) const;
};

/// Reads the shape off a kernel with root matmul. A matrix times a vector, A x,
/// is taken as the vector times the transposed matrix, x A^T: its one column becomes one
/// row, and the matrix's rows become columns, which fill vectors.
MatMulShape analyzeGemm(plan::KernelOp kernel);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_MATMULSHAPE_H
