// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Operators of onnxruntime's domain com.microsoft that exporters emit; the
// attention operators are in Attention.cpp.
#include "HandlerRegistry.h"
#include "NodeContext.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

/// Sum of input, skip and optional bias, normalised; output 3 is the sum.
LogicalResult skipNorm(NodeContext &c, graph::NormKind kind, Value scale, Value shift, Value bias,
                       double epsilon) {
  Value sum = c.add(c.input(0), c.input(1));
  if (bias)
    sum = c.add(sum, bias);
  Value y = c.create<graph::NormOp>(c.elementType(sum), kind, sum, scale, shift, uint64_t(c.rank(sum) - 1),
                                    APFloat(c.real("epsilon", epsilon)));
  return c.set({y, Value(), Value(), sum});
}

LogicalResult convertEmbedLayerNorm(NodeContext &c) {
  Value ids = c.input(0), segments = c.input(1), words = c.input(2), positions = c.input(3);
  if (!c.input(5) || !c.input(6))
    return c.error(Problem::range, "inputs gamma and beta are required");
  Value sum = c.gather(words, ids, 0);
  // Positions 0.. of the sequence unless given.
  Value place = c.input(8) ? c.gather(positions, c.input(8), 0)
                           : c.slice(positions, 0, Extent(0), Extent::dimOf(ids, 1));
  sum = c.add(sum, place);
  if (segments && c.input(4))
    sum = c.add(sum, c.gather(c.input(4), segments, 0));
  Value y = c.create<graph::NormOp>(c.elementType(sum), graph::NormKind::layer, sum, c.input(5), c.input(6),
                                    uint64_t(2), APFloat(c.real("epsilon", 1e-12)));
  Value maskIndex;
  if (c.uses(1)) {
    Type i32 = c.builder.getI32Type();
    if (c.input(7))
      maskIndex = c.reduce(ReduceKind::sum, c.cast(c.input(7), i32), {1}, false);
    else
      maskIndex = c.create<graph::FillOp>(i32, c.shapeOf(Extent::dimOf(ids, 0)), c.scalar(i32, 0));
  }
  return c.set({y, maskIndex, sum});
}

LogicalResult convertFusedMatMul(NodeContext &c) {
  if (c.integer("transBatchA", 0) || c.integer("transBatchB", 0))
    return c.error(Problem::unsupported, "attributes transBatchA and transBatchB have no form");
  Value y = c.matmul(c.input(0), c.input(1), c.integer("transA", 0), c.integer("transB", 0));
  float alpha = c.real("alpha", 1);
  return c.set(alpha == 1 ? y : c.mul(y, c.scalarLike(y, alpha)));
}

/// Block-quantized weights [N, blocks, bytes of a block]: unpacked, shifted by
/// the zero point and scaled as graph ops on constants, then multiplied.
LogicalResult convertMatMulNBits(NodeContext &c) {
  int64_t bits = c.integer("bits", 4), block = c.integer("block_size", 32), k = c.integer("K", 0),
          n = c.integer("N", 0);
  if ((bits != 4 && bits != 8) || block < 16 || k < 1 || n < 1)
    return c.error(Problem::unsupported, "attribute bits = " + Twine(bits) +
                                             ", expected 4 or 8, with K, N and "
                                             "block_size of at least 16");
  if (c.input(4))
    return c.error(Problem::unsupported, "input g_idx has no form");
  Value x = c.input(0), packed = c.input(1), scales = c.input(2), zeros = c.input(3);
  Type element = c.elementType(x);
  int64_t blocks = llvm::divideCeil(k, block);
  // Two values of 4 bits in a byte, the low one first.
  auto unpack = [&](Value bytes) {
    if (bits == 8)
      return bytes;
    int64_t rank = c.rank(bytes);
    Value low = c.binary(BinaryKind::bitwise_and, bytes, c.scalarLike(bytes, 15));
    Value high = c.binary(BinaryKind::shift_right, bytes, c.scalarLike(bytes, 4));
    Value pairs = c.concat({c.unsqueeze(low, {rank}), c.unsqueeze(high, {rank})}, rank);
    return c.flatten(pairs, rank - 1, rank + 1);
  };
  Value w = c.cast(unpack(c.reshape(packed, {n, blocks, -1})), element);
  Value zero = c.scalar(element, bits == 4 ? 8 : 128);
  if (zeros && c.isFloat(zeros)) {
    zero = c.cast(c.reshape(zeros, {n, blocks, 1}), element);
  } else if (zeros) { // rows are padded to whole bytes
    Value all = c.slice(unpack(c.reshape(zeros, {n, -1})), 1, 0, blocks);
    zero = c.unsqueeze(c.cast(all, element), {2});
  }
  w = c.mul(c.sub(w, zero), c.cast(c.reshape(scales, {n, blocks, 1}), element));
  w = c.flatten(w, 1, 3);
  if (blocks * block != k)
    w = c.slice(w, 1, 0, k);
  Value y = c.matmul(x, w, false, true);
  return c.set(c.input(5) ? c.add(y, c.input(5)) : y);
}

} // namespace

void tenon::onnxtograph::addContrib(HandlerRegistry &registry) {
  registry.add(kMicrosoft, "Gelu", 1, 1,
               [](NodeContext &c) { return c.set(c.unary(UnaryKind::gelu, c.input(0))); });
  registry.add(kMicrosoft, "FastGelu", 1, 1, [](NodeContext &c) {
    Value x = c.input(1) ? c.add(c.input(0), c.input(1)) : c.input(0);
    return c.set(c.unary(UnaryKind::gelu_tanh, x));
  });
  registry.add(kMicrosoft, "BiasGelu", 1, 2,
               [](NodeContext &c) { return c.set(c.unary(UnaryKind::gelu, c.add(c.input(0), c.input(1)))); });
  registry.add(kMicrosoft, "BiasAdd", 1, 3, [](NodeContext &c) {
    return c.set(c.add(c.add(c.input(0), c.input(1)), c.input(2)));
  });
  registry.add(kMicrosoft, "QuickGelu", 1, 1, [](NodeContext &c) {
    return c.set(c.unary(UnaryKind::swish, c.input(0), c.real("alpha", 1.702)));
  });
  registry.add(kMicrosoft, "SkipLayerNormalization", 1, 3, [](NodeContext &c) {
    return skipNorm(c, graph::NormKind::layer, c.input(2), c.input(3), c.input(4), 1e-12);
  });
  registry.add(kMicrosoft, "SkipSimplifiedLayerNormalization", 1, 3, [](NodeContext &c) {
    return skipNorm(c, graph::NormKind::rms, c.input(2), {}, c.input(3), 1e-5);
  });
  registry.add(kMicrosoft, "EmbedLayerNormalization", 1, 1, convertEmbedLayerNorm);
  registry.add(kMicrosoft, "FusedMatMul", 1, 2, convertFusedMatMul);
  registry.add(kMicrosoft, "MatMulNBits", 1, 3, convertMatMulNBits);
}
