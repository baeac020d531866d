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
LogicalResult skipNorm(NodeContext &c, graph::NormKind kind, Value scale, Value shift, Value bias, double epsilon) {
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

} // namespace

void tenon::onnxtograph::addContrib(HandlerRegistry &registry) {
  registry.add(kMicrosoft, "Gelu", 1, 1, [](NodeContext &c) { return c.set(c.unary(UnaryKind::gelu, c.input(0))); });
  registry.add(kMicrosoft, "FastGelu", 1, 1, [](NodeContext &c) {
    Value x = c.input(1) ? c.add(c.input(0), c.input(1)) : c.input(0);
    return c.set(c.unary(UnaryKind::gelu_tanh, x));
  });
  registry.add(kMicrosoft, "BiasGelu", 1, 2, [](NodeContext &c) {
    return c.set(c.unary(UnaryKind::gelu, c.add(c.input(0), c.input(1))));
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
}
