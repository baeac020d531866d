// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Strides and extents of a matrix product.
#include "tenon/Codegen/MatMulShape.h"

#include "tenon/Codegen/ConstantPacking.h"

using namespace mlir;

namespace tenon::codegen {

static Exprs operandShape(plan::KernelOp kernel, Value operand) {
  // A packed operand has the panels' shape; packing recorded the one it has in the model.
  auto argument = dyn_cast<BlockArgument>(operand);
  if (auto original = kernel->getAttrOfType<AffineMapAttr>("gemm.rhs_shape");
      original && argument && !packedLayout(kernel, argument.getArgNumber()).empty())
    return llvm::to_vector(original.getValue().getResults());
  return shapeOf(operand);
}

MatMulShape analyzeGemm(plan::KernelOp kernel) {
  MatMulShape p;
  MLIRContext *context = kernel.getContext();
  auto one = getAffineConstantExpr(1, context), zero = getAffineConstantExpr(0, context);
  p.op = cast<graph::MatMulOp>(kernel.getRootOp());
  p.a = p.op.getLhs();
  p.b = p.op.getRhs();
  Exprs a = operandShape(kernel, p.a), b = operandShape(kernel, p.b);
  Exprs aStrides = stridesOf(a), bStrides = stridesOf(b);
  p.result = shapeOf(p.op.getResult());
  // An operand of rank 1 is a vector [K]; the result then lacks M or N.
  p.hasM = a.size() > 1;
  bool hasN = b.size() > 1;
  p.aStep = aStrides.back();
  p.k = a.back();
  p.m = p.hasM ? a[a.size() - 2] : one;
  p.aRow = p.hasM ? aStrides[a.size() - 2] : zero;
  if (p.op.getTransposeLhs() && p.hasM) {
    std::swap(p.k, p.m);
    std::swap(p.aStep, p.aRow);
  }
  p.bColumn = hasN ? bStrides.back() : zero;
  p.n = hasN ? b.back() : one;
  p.bStep = hasN ? bStrides[b.size() - 2] : bStrides.back();
  if (p.op.getTransposeRhs() && hasN) {
    p.n = b[b.size() - 2];
    std::swap(p.bStep, p.bColumn);
  }
  // The operands' batch dimensions are aligned with the result's at the last; those that an operand lacks broadcast.
  size_t batchRank = p.result.size() - p.hasM - hasN;
  for (size_t i = 0; i < batchRank; ++i) {
    p.batch.push_back(p.result[i]);
    auto stride = [&](const Exprs &shape, const Exprs &strides, size_t matrixRank) {
      int64_t d = int64_t(i) + int64_t(shape.size() - std::min(shape.size(), matrixRank)) - int64_t(batchRank);
      return d < 0 ? zero : broadcastStride(shape[d], p.result[i], strides[d]);
    };
    p.aBatch.push_back(stride(a, aStrides, 2));
    p.bBatch.push_back(stride(b, bStrides, 2));
  }
  if (!hasN) { // matrix times vector: the vector becomes the left operand
    std::swap(p.a, p.b);
    std::swap(p.aBatch, p.bBatch);
    AffineExpr vectorStep = p.bStep;
    p.bStep = p.aStep;
    p.bColumn = p.aRow;
    p.n = p.m;
    p.m = one;
    p.aRow = zero;
    p.aStep = vectorStep;
    if (!p.hasM)
      p.result.push_back(one); // a dot product: one column
    p.hasM = false;
    return p;
  }
  // [B, M, K] x [K, N] is [B * M, K] x [K, N]: the left operand's batch dimensions are
  // more rows where the right has none.
  p.folded = p.hasM && !p.op.getTransposeLhs() && batchRank > 0 && a.size() == p.result.size();
  for (size_t i = 0; i < batchRank && p.folded; ++i)
    p.folded = p.bBatch[i] == 0 && a[i] == p.result[i];
  if (p.folded) {
    p.m = product(p.batch, context) * p.m;
    p.batch.clear();
    p.aBatch.clear();
    p.bBatch.clear();
  }
  return p;
}

SmallVector<Value> MatMulShape::rowIndex(KernelContext &c, ArrayRef<Value> batchIndex, Value row) const {
  if (folded)
    return c.delinearize(row, ArrayRef(result).drop_back());
  SmallVector<Value> index(batchIndex);
  if (hasM)
    index.push_back(row);
  return index;
}

} // namespace tenon::codegen
