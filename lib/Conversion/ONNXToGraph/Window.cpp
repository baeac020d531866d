// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Pooling windows, and global pooling as reductions over the spatial axes.
#include "HandlerRegistry.h"
#include "NodeContext.h"
#include "Spatial.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;
using graph::PoolKind;

namespace {

LogicalResult convertPool(NodeContext &c, PoolKind kind) {
  Value x = c.input(0);
  int64_t count = c.rank(x) - 2;
  auto spatial = Spatial::read(c, count);
  if (c.failed())
    return failure();
  auto kernel = c.ints("kernel_shape");
  if (!kernel || int64_t(kernel->size()) != count)
    return c.error(Problem::range, "attribute kernel_shape must have " + Twine(count) + " values");
  for (int64_t size : *kernel)
    if (size < 1)
      return c.error(Problem::range, "attribute kernel_shape has the value " + Twine(size) + ", expected 1 or more");
  if (int64_t p = c.integer("p", 2); kind == PoolKind::lp && p < 1)
    return c.error(Problem::range, "attribute p = " + Twine(p) + ", expected 1 or more");
  return c.set(c.create<graph::PoolOp>(c.elementType(x), kind, x, *kernel, spatial.strides, spatial.dilations,
                                       spatial.pads, bool(c.integer("ceil_mode", 0)),
                                       bool(c.integer("count_include_pad", 0)), uint64_t(c.integer("p", 2)),
                                       spatial.autoPad));
}

LogicalResult convertGlobalPool(NodeContext &c, ReduceKind kind) {
  Value x = c.input(0);
  if (kind == ReduceKind::l2) {
    int64_t p = c.integer("p", 2);
    if (p != 1 && p != 2)
      return c.error(Problem::unsupported, "attribute p = " + Twine(p) + ", expected 1 or 2");
    kind = p == 1 ? ReduceKind::l1 : ReduceKind::l2;
  }
  Ints axes;
  for (int64_t i = 2; i < c.rank(x); ++i)
    axes.push_back(i);
  return c.set(c.reduce(kind, x, axes, true));
}

} // namespace

void tenon::onnxtograph::addWindow(HandlerRegistry &registry) {
  registry.add(kOnnx, "MaxPool", 1, 1, [](NodeContext &c) { return convertPool(c, PoolKind::max); });
  registry.add(kOnnx, "AveragePool", 1, 1, [](NodeContext &c) { return convertPool(c, PoolKind::average); });
  registry.add(kOnnx, "LpPool", 2, 1, [](NodeContext &c) { return convertPool(c, PoolKind::lp); });
  registry.add(kOnnx, "GlobalMaxPool", 1, 1, [](NodeContext &c) { return convertGlobalPool(c, ReduceKind::max); });
  registry.add(kOnnx, "GlobalAveragePool", 1, 1, [](NodeContext &c) { return convertGlobalPool(c, ReduceKind::mean); });
  registry.add(kOnnx, "GlobalLpPool", 2, 1, [](NodeContext &c) { return convertGlobalPool(c, ReduceKind::l2); });
}
