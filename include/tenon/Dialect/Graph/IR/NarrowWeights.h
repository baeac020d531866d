// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights of a matrix product, and values computed at run time, that stay in
// their narrow format until the kernel that needs them reads them.
#ifndef TENON_DIALECT_GRAPH_IR_NARROWWEIGHTS_H
#define TENON_DIALECT_GRAPH_IR_NARROWWEIGHTS_H

#include "tenon/Dialect/Graph/IR/Graph.h"

namespace tenon::graph {

/// The dequantized right operand of a matrix product [.., M, K] x [K, N].
struct NarrowWeights {
  DequantizeOp op;
  int64_t k, n;
  int64_t block;     ///< steps of K that share a scale; k where scales are per column or one
  bool isTransposed; ///< the codes lie as [N, K]
};

/// Reads the weights off a product, if a kernel can decode them as it goes: a
/// matrix in a number format of 2 to 8 bits, dequantized to a float of at most 32 bits
/// by one scale, one per column, or one per block of K whose size is a power of
/// two or a multiple of 32, and zero points of the same shape or one of all. Weights of 16
/// bits need scales of their type: the kernel rounds them as the model does.
std::optional<NarrowWeights> narrowWeights(MatMulOp op);
/// The same where every user of the dequantized matrix is such a product.
std::optional<NarrowWeights> narrowWeights(DequantizeOp op);

/// Whether an op casts a matrix of f16 or bf16 to f32 for matrix products alone, as
/// their right operand: their kernels can widen it as they go.
bool widensWeights(CastOp op);

/// Whether an op gives the values of codes of up to 8 bits, of which a kernel
/// can hold a table: a cast, or a dequantize by one scale, to a float of at most
/// 32 bits.
bool decodesNarrowCodes(mlir::Operation *op);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_NARROWWEIGHTS_H
