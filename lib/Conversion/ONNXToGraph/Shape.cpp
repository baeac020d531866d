// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shapes as values, and tensors made from shapes.
#include "HandlerRegistry.h"
#include "NodeContext.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

LogicalResult convertShape(NodeContext &c) {
  Value x = c.input(0);
  int64_t rank = c.rank(x);
  auto clamp = [&](int64_t given) { return std::clamp<int64_t>(given < 0 ? given + rank : given, 0, rank); };
  int64_t start = clamp(c.integer("start", 0)), end = clamp(c.integer("end", rank));
  return c.set(c.create<graph::ShapeOp>(c.i64(), x, uint64_t(start), uint64_t(std::max(start, end))));
}

LogicalResult convertConstantOfShape(NodeContext &c) {
  Value value;
  if (ElementsAttr given = c.node.getElements("value")) {
    value = c.constant(given);
    if (c.rank(value) == 1)
      value = c.squeeze(value, {0});
  } else {
    value = c.scalar(c.f32(), 0);
  }
  return c.set(c.create<graph::FillOp>(c.elementType(value), c.asShape(c.input(0)), value));
}

Value toScalar(NodeContext &c, Value value) { return c.rank(value) == 1 ? c.squeeze(value, {0}) : value; }

LogicalResult convertRange(NodeContext &c) {
  Value start = toScalar(c, c.input(0));
  return c.set(c.create<graph::RangeOp>(c.elementType(start), start, toScalar(c, c.input(1)), toScalar(c, c.input(2))));
}

LogicalResult convertTrilu(NodeContext &c) {
  Value k = c.input(1) ? toScalar(c, c.cast(c.input(1), c.i64())) : c.scalar(c.i64(), 0);
  return c.set(c.create<graph::TriluOp>(c.elementType(c.input(0)), c.input(0), k, bool(c.integer("upper", 1))));
}

/// Ones where column = row + k: none for a k beyond any matrix, which is kept from
/// overflowing the sum.
LogicalResult convertEyeLike(NodeContext &c) {
  Value x = c.input(0);
  if (c.rank(x) != 2)
    return c.error(Problem::range, "input has rank " + Twine(c.rank(x)) + ", expected 2");
  Type element = c.has("dtype") ? c.typeOfCode(c.integer("dtype", 1)) : c.elementType(x);
  if (!element)
    return c.error(Problem::type, "attribute dtype is no type that compiled code can hold");
  auto count = [&](int64_t axis, int64_t from) {
    Value limit = c.squeeze(c.shapeOf(Extent::dimOf(x, axis)), {0}), start = c.scalar(c.i64(), from);
    limit = from ? c.add(limit, start) : limit;
    return c.create<graph::RangeOp>(c.i64(), start, limit, c.scalar(c.i64(), 1));
  };
  constexpr int64_t far = int64_t(1) << 50;
  Value rows = c.unsqueeze(count(0, std::clamp(c.integer("k", 0), -far, far)), {1});
  return c.set(c.cast(c.binary(BinaryKind::eq, rows, count(1, 0)), element));
}

} // namespace

void tenon::onnxtograph::addShape(HandlerRegistry &registry) {
  registry.add(kOnnx, "Shape", 1, 1, convertShape);
  registry.add(kOnnx, "Size", 1, 1, [](NodeContext &c) { return c.set(c.create<graph::SizeOp>(c.i64(), c.input(0))); });
  registry.add(kOnnx, "ConstantOfShape", 9, 1, convertConstantOfShape);
  registry.add(kOnnx, "Range", 11, 3, convertRange);
  registry.add(kOnnx, "Trilu", 14, 1, convertTrilu);
  registry.add(kOnnx, "EyeLike", 9, 1, convertEyeLike);
}
