// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gather and scatter in all forms, one-hot.
#include "HandlerRegistry.h"
#include "NodeContext.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

std::optional<graph::ScatterKind> scatterKind(NodeContext &c) {
  StringRef name = c.text("reduction", "none");
  auto kind = graph::symbolizeScatterKind(name);
  if (!kind)
    (void)c.error(Problem::unsupported, "attribute reduction = " + name + ", expected none, add, mul, max or min");
  return kind;
}

LogicalResult convertGather(NodeContext &c) {
  return c.set(c.gather(c.input(0), c.input(1), c.axis(c.integer("axis", 0), c.rank(c.input(0)))));
}

LogicalResult convertGatherElements(NodeContext &c) {
  Value x = c.input(0);
  auto axis = uint64_t(c.axis(c.integer("axis", 0), c.rank(x)));
  return c.set(c.create<graph::GatherElementsOp>(c.elementType(x), x, c.input(1), axis));
}

LogicalResult convertGatherND(NodeContext &c) {
  auto batch = uint64_t(c.integer("batch_dims", 0));
  return c.set(c.create<graph::GatherNDOp>(c.elementType(c.input(0)), c.input(0), c.input(1), batch));
}

LogicalResult convertScatterND(NodeContext &c) {
  auto kind = scatterKind(c);
  if (!kind)
    return failure();
  return c.set(c.create<graph::ScatterNDOp>(c.elementType(c.input(0)), c.input(0), c.input(1), c.input(2), *kind));
}

LogicalResult convertScatterElements(NodeContext &c) {
  auto kind = scatterKind(c);
  if (!kind)
    return failure();
  Value x = c.input(0);
  auto axis = uint64_t(c.axis(c.integer("axis", 0), c.rank(x)));
  return c.set(c.create<graph::ScatterElementsOp>(c.elementType(x), x, c.input(1), c.input(2), axis, *kind));
}

LogicalResult convertOneHot(NodeContext &c) {
  Value indices = c.cast(c.input(0), c.i64()), depth = c.cast(c.input(1), c.i64()), values = c.input(2);
  if (c.rank(depth) == 1)
    depth = c.squeeze(depth, {0});
  auto axis = uint64_t(c.axis(c.integer("axis", -1), c.rank(indices) + 1));
  return c.set(c.create<graph::OneHotOp>(c.elementType(values), indices, depth, values, axis));
}

} // namespace

void tenon::onnxtograph::addIndexing(HandlerRegistry &registry) {
  registry.add(kOnnx, "Gather", 1, 2, convertGather);
  registry.add(kOnnx, "GatherElements", 11, 2, convertGatherElements);
  registry.add(kOnnx, "GatherND", 11, 2, convertGatherND);
  registry.add(kOnnx, "ScatterND", 11, 3, convertScatterND);
  registry.add(kOnnx, "ScatterElements", 11, 3, convertScatterElements);
  registry.add(kOnnx, "Scatter", 9, 3, convertScatterElements);
  registry.add(kOnnx, "OneHot", 9, 3, convertOneHot);
}
