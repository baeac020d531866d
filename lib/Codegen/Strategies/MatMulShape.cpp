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

/// The strides of an operand along the `count` batch dimensions of the result. They are aligned at the last; those
/// that the operand lacks broadcast.
static Exprs batchStrides(const Exprs &shape, const Exprs &result, size_t count, MLIRContext *context) {
  Exprs strides = stridesOf(shape), batch;
  for (size_t i = 0; i < count; ++i) {
    int64_t d = int64_t(i) + int64_t(shape.size() - std::min<size_t>(shape.size(), 2)) - int64_t(count);
    batch.push_back(d < 0 ? getAffineConstantExpr(0, context) : broadcastStride(shape[d], result[i], strides[d]));
  }
  return batch;
}

/// Of a matrix times a vector: the vector becomes the left operand.
static void exchangeOperands(MatMulShape &p, AffineExpr zero, AffineExpr one) {
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
}

/// [B, M, K] x [K, N] is [B * M, K] x [K, N]: the left operand's batch dimensions are more
/// rows where the right has none. `a` is the left operand's shape.
static void foldBatch(MatMulShape &p, const Exprs &a) {
  p.folded = p.hasM && !p.op.getTransposeLhs() && !p.batch.empty() && a.size() == p.result.size();
  for (size_t i = 0; i < p.batch.size() && p.folded; ++i)
    p.folded = p.bBatch[i] == 0 && a[i] == p.result[i];
  if (!p.folded)
    return;
  p.m = product(p.batch, p.op.getContext()) * p.m;
  p.batch.clear();
  p.aBatch.clear();
  p.bBatch.clear();
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
  size_t batchRank = p.result.size() - p.hasM - hasN;
  p.batch = llvm::to_vector(ArrayRef(p.result).take_front(batchRank));
  p.aBatch = batchStrides(a, p.result, batchRank, context);
  p.bBatch = batchStrides(b, p.result, batchRank, context);
  if (hasN)
    foldBatch(p, a);
  else
    exchangeOperands(p, zero, one);
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
