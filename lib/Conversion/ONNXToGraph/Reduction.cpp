// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions, softmax and its relatives, arg-reductions, cumulative sums, top-k.
#include "HandlerRegistry.h"
#include "NodeContext.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

constexpr std::pair<const char *, ReduceKind> kReductions[] = {
    {"ReduceSum", ReduceKind::sum},
    {"ReduceMean", ReduceKind::mean},
    {"ReduceMax", ReduceKind::max},
    {"ReduceMin", ReduceKind::min},
    {"ReduceProd", ReduceKind::prod},
    {"ReduceL1", ReduceKind::l1},
    {"ReduceL2", ReduceKind::l2},
    {"ReduceLogSum", ReduceKind::log_sum},
    {"ReduceLogSumExp", ReduceKind::log_sum_exp},
    {"ReduceSumSquare", ReduceKind::sum_square},
};

LogicalResult convertReduce(NodeContext &c, ReduceKind kind) {
  Value x = c.input(0);
  int64_t rank = c.rank(x);
  Ints axes = c.axesByInputOrAttribute(1, rank).value_or(Ints());
  // Over no axes, composite reductions still square, take roots and so on.
  if (axes.empty() && !c.integer("noop_with_empty_axes", 0))
    for (int64_t i = 0; i < rank; ++i)
      axes.push_back(i);
  // Reducing a boolean: max is "any", min is "all"; both exist for integers. Of
  // nothing they are false and true, which unsigned limits read as.
  if (c.elementType(x).isInteger(1)) {
    Value wide = c.reduce(kind, c.cast(x, c.typeOfCode(2)), axes, c.integer("keepdims", 1));
    return c.set(c.cast(wide, c.i1()));
  }
  // Roots and logarithms of integers are computed in double, then truncated.
  const ReduceKind real[] = {ReduceKind::l2, ReduceKind::log_sum, ReduceKind::log_sum_exp};
  if (!c.isFloat(x) && llvm::is_contained(real, kind)) {
    Value y = c.reduce(kind, c.cast(x, c.builder.getF64Type()), axes, c.integer("keepdims", 1));
    return c.set(c.castLike(y, x));
  }
  return c.set(c.reduce(kind, x, axes, c.integer("keepdims", 1)));
}

LogicalResult convertArgReduce(NodeContext &c, bool isMax) {
  Value x = c.input(0);
  int64_t axis = c.axis(c.integer("axis", 0), c.rank(x));
  return c.set(c.create<graph::ArgReduceOp>(c.i64(), x, isMax, uint64_t(axis), bool(c.integer("keepdims", 1)),
                                            bool(c.integer("select_last_index", 0))));
}

enum class SoftmaxKind { softmax, logSoftmax, hardmax };

Value emitSoftmax(NodeContext &c, Value x, int64_t axis, SoftmaxKind kind) {
  if (kind != SoftmaxKind::hardmax)
    return c.create<graph::SoftmaxOp>(c.elementType(x), x, uint64_t(axis), kind == SoftmaxKind::logSoftmax);
  Value best = c.create<graph::ArgReduceOp>(c.i64(), x, true, uint64_t(axis), false, false);
  best.getDefiningOp()->setAttr("graph.unchecked",
                                c.builder.getUnitAttr()); // of an empty axis the result is empty, too
  Value depth = c.squeeze(c.shapeOf(Extent::dimOf(x, axis)), {0});
  Value values = c.cast(c.realConstant({0, 1}), c.elementType(x));
  return c.create<graph::OneHotOp>(c.elementType(x), best, depth, values, uint64_t(axis));
}

LogicalResult convertSoftmax(NodeContext &c, SoftmaxKind kind) {
  Value x = c.input(0);
  return c.set(emitSoftmax(c, x, c.axis(c.integer("axis", -1), c.rank(x)), kind));
}

/// Before opset 13 all dimensions from the axis on are one.
LogicalResult convertSoftmax2D(NodeContext &c, SoftmaxKind kind) {
  Value x = c.input(0);
  int64_t rank = c.rank(x), axis = c.axis(c.integer("axis", 1), rank);
  Ints large;
  for (int64_t i = axis; i < rank; ++i)
    if (c.staticDim(x, i) != 1)
      large.push_back(i);
  if (large.size() <= 1)
    return c.set(emitSoftmax(c, x, large.empty() ? axis : large[0], kind));
  Value y = emitSoftmax(c, c.flatten(x, axis, rank), axis, kind);
  return c.set(c.reshapeLike(y, x));
}

LogicalResult convertCumSum(NodeContext &c) {
  Value x = c.input(0);
  Ints axis = c.constantInts(c.input(1), "axis");
  if (axis.size() != 1)
    return c.error(Problem::range, "input axis must be one integer");
  return c.set(c.create<graph::CumSumOp>(c.elementType(x), x, uint64_t(c.axis(axis[0], c.rank(x))),
                                         bool(c.integer("exclusive", 0)), bool(c.integer("reverse", 0))));
}

LogicalResult convertTopK(NodeContext &c) {
  Value x = c.input(0);
  Value k = c.since() < 10 ? c.shapeConstant({c.integer("k", 1)}) : Value();
  if (!k) {
    if (!c.input(1))
      return c.error(Problem::range, "input k is missing");
    k = c.asShape(c.input(1));
  }
  auto axis = uint64_t(c.axis(c.integer("axis", -1), c.rank(x)));
  auto op = graph::TopKOp::create(c.builder, c.loc, c.unranked(c.elementType(x)), c.unranked(c.i64()), x, k, axis,
                                  bool(c.integer("largest", 1)));
  c.visit(op);
  return c.set(op.getResults());
}

} // namespace

void tenon::onnxtograph::addReduction(HandlerRegistry &registry) {
  for (auto [op, kind] : kReductions)
    registry.add(kOnnx, op, 1, 1, [kind = kind](NodeContext &c) { return convertReduce(c, kind); });
  registry.add(kOnnx, "ArgMax", 1, 1, [](NodeContext &c) { return convertArgReduce(c, true); });
  registry.add(kOnnx, "ArgMin", 1, 1, [](NodeContext &c) { return convertArgReduce(c, false); });
  const std::pair<const char *, SoftmaxKind> softmaxes[] = {
      {"Softmax", SoftmaxKind::softmax}, {"LogSoftmax", SoftmaxKind::logSoftmax}, {"Hardmax", SoftmaxKind::hardmax}};
  for (auto [op, kind] : softmaxes) {
    registry.add(kOnnx, op, 1, 1, [kind = kind](NodeContext &c) { return convertSoftmax2D(c, kind); });
    registry.add(kOnnx, op, 13, 1, [kind = kind](NodeContext &c) { return convertSoftmax(c, kind); });
  }
  registry.add(kOnnx, "CumSum", 11, 2, convertCumSum);
  registry.add(kOnnx, "TopK", 1, 1, convertTopK);
}
