// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An attention is one graph.attention unless its scores are capped or are a result. Then the products, the
// cap, the mask and the softmax become ops of their own, with the heads of k and v repeated for the heads of
// q that share them. Either way the result of a query that sees no key is zero. `rotate` multiplies pairs of
// elements, taken as complex numbers a + ib, by cos + i sin.
#include "AttentionCore.h"

#include <cmath>

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace tenon::onnxtograph {

Value splitHeads(NodeContext &c, Value x, int64_t heads) {
  int64_t width = c.requireDim(x, 2, "the hidden size");
  if (heads < 1 || width % heads) {
    (void)c.error(Problem::range, "the hidden size " + Twine(width) + " is no multiple of " + Twine(heads) + " heads");
    return x;
  }
  Value y = c.reshape(x, {Extent::dimOf(x, 0), Extent::dimOf(x, 1), heads, width / heads});
  return c.transpose(y, {0, 2, 1, 3});
}

Value mergeHeads(NodeContext &c, Value x) { return c.flatten(c.transpose(x, {0, 2, 1, 3}), 2, 4); }

Value maskFrom(NodeContext &c, Value keep, Value like, double hidden) {
  return c.select(keep, c.scalarLike(like, 0), c.scalarLike(like, hidden));
}

Value addMasks(NodeContext &c, Value a, Value b) { return !a ? b : !b ? a : c.add(a, b); }

Value positions(NodeContext &c, Value x, int64_t index) {
  Value limit = c.squeeze(c.shapeOf(Extent::dimOf(x, index)), {0});
  return c.create<graph::RangeOp>(c.i64(), c.scalar(c.i64(), 0), limit, c.scalar(c.i64(), 1));
}

Value causalKeep(NodeContext &c, Value q, Value k, Value offset) {
  Value rows = c.unsqueeze(positions(c, q, 2), {1});
  if (offset)
    rows = c.add(rows, offset);
  return c.binary(BinaryKind::le, positions(c, k, 2), rows);
}

Value keepOfLengths(NodeContext &c, Value lengths, Value k) {
  return c.binary(BinaryKind::lt, positions(c, k, 2), c.unsqueeze(c.cast(lengths, c.i64()), {1, 2, 3}));
}

Value emitAttention(NodeContext &c, AttentionParts &parts) {
  Value q = parts.q, k = parts.k, v = parts.v;
  int64_t size = c.requireDim(q, 3, "the size of a head");
  float scale = parts.scale ? parts.scale : float(1 / std::sqrt(double(size)));
  if (!parts.softcap && !parts.wantScores)
    return c.create<graph::AttentionOp>(c.elementType(q), q, k, v, parts.mask, APFloat(scale), parts.causal);

  // A cap on the scores, or the scores as a result, have no place in
  // graph.attention.
  int64_t heads = c.requireDim(q, 1, "the number of heads"), own = c.requireDim(k, 1, "the number of heads");
  auto repeat = [&](Value x) {
    if (heads == own || own < 1)
      return x;
    auto n = Extent::dimOf(x, 0), l = Extent::dimOf(x, 2), d = Extent::dimOf(x, 3);
    return c.flatten(c.expand(c.unsqueeze(x, {2}), {n, own, heads / own, l, d}), 1, 3);
  };
  Value scores = c.mul(c.matmul(q, repeat(k), false, true), c.scalarLike(q, scale)), steps[4];
  steps[0] = scores;
  if (parts.softcap) {
    scores = c.unary(UnaryKind::tanh, c.div(scores, c.scalarLike(q, parts.softcap)));
    scores = c.mul(scores, c.scalarLike(q, parts.softcap));
  }
  steps[1] = scores;
  Value mask = parts.mask;
  if (parts.causal) {
    Value offset = c.sub(c.shapeOf(Extent::dimOf(k, 2)), c.shapeOf(Extent::dimOf(q, 2)));
    mask = addMasks(c, mask, maskFrom(c, causalKeep(c, q, k, offset), q, -INFINITY));
  }
  if (mask)
    scores = c.add(scores, mask);
  steps[2] = scores;
  steps[3] = c.create<graph::SoftmaxOp>(c.elementType(q), scores, uint64_t(3));
  if (mask) { // a row that sees no key is zero, as in graph.attention
    Value top = c.reduce(ReduceKind::max, scores, {3}, true);
    Value sees = c.binary(BinaryKind::gt, top, c.scalarLike(q, -INFINITY));
    steps[3] = c.select(sees, steps[3], c.scalarLike(q, 0));
  }
  if (parts.wantScores)
    parts.scores = steps[std::clamp<int64_t>(parts.scoresMode, 0, 3)];
  return c.matmul(steps[3], repeat(v));
}

Value rotate(NodeContext &c, Value x, Value cos, Value sin, int64_t rotated, bool interleaved) {
  int64_t size = c.requireDim(x, 3, "the size of a head"), half = rotated / 2;
  cos = c.castLike(c.unsqueeze(cos, {1}), x);
  sin = c.castLike(c.unsqueeze(sin, {1}), x);
  Value turned = rotated == size ? x : c.slice(x, 3, 0, rotated), a, b;
  if (interleaved) {
    Value pairs = c.reshape(turned, {Extent::dimOf(x, 0), Extent::dimOf(x, 1), Extent::dimOf(x, 2), half, 2});
    a = c.squeeze(c.slice(pairs, 4, 0, 1), {4});
    b = c.squeeze(c.slice(pairs, 4, 1, 2), {4});
  } else {
    a = c.slice(turned, 3, 0, half);
    b = c.slice(turned, 3, half, rotated);
  }
  Value real = c.sub(c.mul(a, cos), c.mul(b, sin)), imaginary = c.add(c.mul(a, sin), c.mul(b, cos)), y;
  if (interleaved)
    y = c.flatten(c.concat({c.unsqueeze(real, {4}), c.unsqueeze(imaginary, {4})}, 4), 3, 5);
  else
    y = c.concat({real, imaginary}, 3);
  return rotated == size ? y : c.concat({y, c.slice(x, 3, rotated, size)}, 3);
}

} // namespace tenon::onnxtograph
