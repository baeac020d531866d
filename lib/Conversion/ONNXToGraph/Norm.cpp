// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Normalisations. Those over trailing dimensions are graph.norm; per-channel
// ones become a multiply-add whose constants fold.
#include "HandlerRegistry.h"
#include "NodeContext.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;
using graph::NormKind;

namespace {

/// [C] to [C, 1, ...], so that it broadcasts against [N, C, spatial...].
Value perChannel(NodeContext &c, Value vector, int64_t rank) {
  Ints trailing;
  for (int64_t i = 1; i < rank - 1; ++i)
    trailing.push_back(i);
  return c.unsqueeze(vector, trailing);
}

Value norm(NodeContext &c, NormKind kind, Value x, Value scale, Value bias, int64_t axis, float epsilon) {
  return c.create<graph::NormOp>(c.elementType(x), kind, x, scale, bias, uint64_t(axis), APFloat(epsilon));
}

/// The operand in a type that holds sums of squares of its values, which half does not.
Value forSquares(NodeContext &c, Value x) {
  return c.elementType(x).getIntOrFloatBitWidth() < 32 ? c.cast(x, c.f32()) : x;
}

LogicalResult convertBatchNorm(NodeContext &c) {
  if (c.integer("training_mode", 0))
    return c.error(Problem::unsupported, "attribute training_mode = 1; export the model for inference");
  Value x = c.input(0), scale = c.input(1), bias = c.input(2), mean = c.input(3), variance = c.input(4);
  // Without it, in the oldest version, each place of a channel has parameters of
  // its own: [C, spatial...], which broadcast as they are. One for a channel is the
  // same for all of its places.
  bool isSpatial = c.since() >= 9 || c.integer("spatial", 1) || c.rank(scale) == 1;
  for (unsigned i = 1; i < 5; ++i)
    if (int64_t expected = isSpatial ? 1 : c.rank(x) - 1; c.rank(c.input(i)) != expected)
      return c.error(Problem::range, "input " + Twine(i) + " has rank " + Twine(c.rank(c.input(i))) + ", expected " +
                                         Twine(expected) + (isSpatial ? "" : " where spatial = 0"));
  auto fit = [&](Value vector) { return isSpatial ? perChannel(c, vector, c.rank(x)) : vector; };
  variance = forSquares(c, variance);
  Value deviation = c.unary(UnaryKind::sqrt, c.add(variance, c.scalarLike(variance, c.real("epsilon", 1e-5))));
  Value factor = c.div(c.castLike(scale, deviation), deviation);
  Value offset = c.sub(c.castLike(bias, factor), c.mul(c.castLike(mean, factor), factor));
  Value y = c.mul(x, fit(c.castLike(factor, x)));
  return c.set(c.add(y, fit(c.castLike(offset, x))));
}

LogicalResult convertInstanceNorm(NodeContext &c) {
  Value x = c.input(0);
  int64_t rank = c.rank(x);
  if (rank < 3)
    return c.error(Problem::range, "input has rank " + Twine(rank) + ", expected at least 3");
  Value flat = norm(c, NormKind::layer, c.flatten(x, 2, rank), {}, {}, 2, c.real("epsilon", 1e-5));
  Value y = c.mul(c.reshapeLike(flat, x), perChannel(c, c.input(1), rank));
  return c.set(c.add(y, perChannel(c, c.input(2), rank)));
}

LogicalResult convertGroupNorm(NodeContext &c) {
  Value x = c.input(0), scale = c.input(1), bias = c.input(2);
  int64_t rank = c.rank(x), groups = c.integer("num_groups", 1);
  c.requireFloatStash();
  if (rank < 2 || groups < 1)
    return c.error(Problem::range, "input needs a channel dimension and num_groups must be positive");
  int64_t channels = c.requireDim(x, 1, "the number of channels");
  if (channels % groups)
    return c.error(Problem::range,
                   "attribute num_groups = " + Twine(groups) + " does not divide " + Twine(channels) + " channels");
  Value grouped = c.reshape(x, {Extent::dimOf(x, 0), groups, -1});
  Value y = c.reshapeLike(norm(c, NormKind::layer, grouped, {}, {}, 2, c.real("epsilon", 1e-5)), x);
  // Version 18 has one scale for each group, 21 one for each channel.
  auto toChannels = [&](Value vector) {
    if (c.since() < 21 && groups != channels)
      vector = c.flatten(c.expand(c.unsqueeze(vector, {1}), {groups, channels / groups}), 0, 2);
    return perChannel(c, vector, rank);
  };
  return c.set(c.add(c.mul(y, toChannels(scale)), toChannels(bias)));
}

LogicalResult convertLayerNorm(NodeContext &c) {
  Value x = c.input(0);
  int64_t rank = c.rank(x), axis = c.axis(c.integer("axis", -1), rank);
  float epsilon = c.real("epsilon", 1e-5);
  c.requireFloatStash();
  Value y = norm(c, NormKind::layer, x, c.input(1), c.input(2), axis, epsilon), mean, inverse;
  if (c.uses(1) || c.uses(2)) {
    Ints axes;
    for (int64_t i = axis; i < rank; ++i)
      axes.push_back(i);
    Value wide = c.cast(x, c.f32());
    mean = c.reduce(ReduceKind::mean, wide, axes, true);
    Value centered = c.sub(wide, mean);
    Value variance = c.reduce(ReduceKind::mean, c.mul(centered, centered), axes, true);
    inverse = c.unary(UnaryKind::rsqrt, c.add(variance, c.scalar(c.f32(), epsilon)));
  }
  return c.set({y, mean, inverse});
}

LogicalResult convertRmsNorm(NodeContext &c) {
  Value x = c.input(0);
  int64_t axis = c.axis(c.integer("axis", -1), c.rank(x));
  c.requireFloatStash();
  return c.set(norm(c, NormKind::rms, x, c.input(1), {}, axis, c.real("epsilon", 1e-5)));
}

/// y = x / (bias + alpha * average(x^2 over `size` channels))^beta, the average
/// being a pooling window along the channels.
LogicalResult convertLRN(NodeContext &c) {
  Value x = forSquares(c, c.input(0));
  int64_t rank = c.rank(x), size = c.integer("size", 1);
  if (rank < 3)
    return c.error(Problem::range, "input has rank " + Twine(rank) + ", expected at least 3");
  Value square = c.unsqueeze(c.flatten(c.mul(x, x), 2, rank), {1});
  const int64_t kernel[] = {size, 1}, ones[] = {1, 1};
  const int64_t pads[] = {(size - 1) / 2, 0, size / 2, 0};
  Value mean = c.create<graph::PoolOp>(c.elementType(x), graph::PoolKind::average, square, ArrayRef(kernel),
                                       ArrayRef(ones), ArrayRef(ones), ArrayRef(pads), false, true);
  mean = c.reshapeLike(c.squeeze(mean, {1}), x);
  Value base = c.add(c.mul(mean, c.scalarLike(x, c.real("alpha", 1e-4))), c.scalarLike(x, c.real("bias", 1)));
  Value result = c.div(x, c.binary(BinaryKind::pow, base, c.scalarLike(x, c.real("beta", 0.75))));
  return c.set(c.castLike(result, c.input(0)));
}

LogicalResult convertMeanVarianceNorm(NodeContext &c) {
  Value x = forSquares(c, c.input(0));
  Ints axes = c.axes(c.ints("axes").value_or(Ints{0, 2, 3}), c.rank(x));
  Value centered = c.sub(x, c.reduce(ReduceKind::mean, x, axes, true));
  Value variance = c.reduce(ReduceKind::mean, c.mul(centered, centered), axes, true);
  Value deviation = c.add(c.unary(UnaryKind::sqrt, variance), c.scalarLike(x, 1e-9));
  return c.set(c.castLike(c.div(centered, deviation), c.input(0)));
}

LogicalResult convertLpNorm(NodeContext &c) {
  Value x = forSquares(c, c.input(0));
  int64_t axis = c.axis(c.integer("axis", -1), c.rank(x));
  int64_t p = c.integer("p", 2);
  if (p != 1 && p != 2)
    return c.error(Problem::range, "attribute p = " + Twine(p) + ", expected 1 or 2");
  ReduceKind kind = p == 1 ? ReduceKind::l1 : ReduceKind::l2;
  Value length = c.reduce(kind, x, axis, true), zero = c.scalarLike(x, 0);
  // Where the length is 0 so is the result, also of elements whose squares are too small.
  Value isZero = c.binary(BinaryKind::eq, length, zero);
  Value unit = c.div(c.select(isZero, zero, x), c.select(isZero, c.scalarLike(x, 1), length));
  return c.set(c.castLike(unit, c.input(0)));
}

} // namespace

void tenon::onnxtograph::addNorm(HandlerRegistry &registry) {
  registry.add(kOnnx, "BatchNormalization", 7, 5, convertBatchNorm);
  registry.add(kOnnx, "InstanceNormalization", 1, 3, convertInstanceNorm);
  registry.add(kOnnx, "GroupNormalization", 18, 3, convertGroupNorm);
  registry.add(kOnnx, "LayerNormalization", 1, 2, convertLayerNorm);
  registry.add(kOnnx, "RMSNormalization", 23, 2, convertRmsNorm);
  // onnxruntime writes this one in the default domain.
  registry.add(kOnnx, "SimplifiedLayerNormalization", 1, 2, [](NodeContext &c) {
    return success(succeeded(convertRmsNorm(c)) && succeeded(c.refuseUnknownAttributes()));
  });
  registry.add(kMicrosoft, "SimplifiedLayerNormalization", 1, 2, convertRmsNorm);
  registry.add(kOnnx, "LRN", 1, 1, convertLRN);
  registry.add(kOnnx, "MeanVarianceNormalization", 9, 1, convertMeanVarianceNorm);
  registry.add(kOnnx, "LpNormalization", 1, 1, convertLpNorm);
}
