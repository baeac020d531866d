// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Views, slices, padding and rearrangement.
#include "HandlerRegistry.h"
#include "NodeContext.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

LogicalResult convertReshape(NodeContext &c) {
  Value x = c.input(0);
  Value shape = c.asShape(c.input(1));
  // A zero copies the input's dimension, unless zeros are allowed.
  auto contents = c.shapes.getContents(shape);
  if (c.integer("allowzero", 0) || !contents || !llvm::any_of(*contents, [](AffineExpr e) { return e && e == 0; }))
    return c.set(c.create<graph::ReshapeOp>(c.elementType(x), x, shape));
  SmallVector<Extent> extents;
  for (auto [i, size] : llvm::enumerate(*contents)) {
    if (auto number = dyn_cast_or_null<AffineConstantExpr>(size))
      extents.push_back(number.getValue() == 0 ? Extent::dimOf(x, i) : Extent(number.getValue()));
    else
      extents.push_back(Extent::elementOf(shape, i));
    if (size && size == 0 && int64_t(i) >= c.rank(x))
      return c.error(Problem::range, "shape has a 0 at " + Twine(i) + ", the input has rank " + Twine(c.rank(x)));
  }
  return c.set(c.reshape(x, extents));
}

LogicalResult convertFlatten(NodeContext &c) {
  Value x = c.input(0);
  int64_t rank = c.rank(x), axis = c.integer("axis", 1);
  if (axis < -rank || axis > rank)
    return c.error(Problem::range,
                   "axis = " + Twine(axis) + ", expected a value in [" + Twine(-rank) + ", " + Twine(rank) + "]");
  if (axis < 0)
    axis += rank;
  return c.set(c.flatten(c.flatten(x, axis, rank), 0, axis));
}

LogicalResult convertTranspose(NodeContext &c) {
  Value x = c.input(0);
  int64_t rank = c.rank(x);
  Ints perm;
  for (int64_t i = rank; i-- > 0;)
    perm.push_back(i);
  if (auto given = c.ints("perm")) {
    perm = *given;
    Ints sorted = c.axes(perm, rank, "perm");
    if (int64_t(sorted.size()) != rank || int64_t(perm.size()) != rank)
      return c.error(Problem::range, "attribute perm is no permutation of " + Twine(rank) + " dimensions");
  }
  return c.set(c.transpose(x, perm));
}

LogicalResult convertSqueeze(NodeContext &c) {
  Value x = c.input(0);
  auto axes = c.axesByInputOrAttribute(1, c.rank(x));
  if (!axes) {
    axes.emplace();
    for (int64_t i = 0; i < c.rank(x); ++i) {
      if (c.staticDim(x, i) == 1)
        axes->push_back(i);
      else if (!c.staticDim(x, i))
        mlir::emitWarning(c.loc) << "[TN2107] " << c.node.getName() << " (Squeeze): no axes are given; dimension " << i
                                 << " varies and stays, also where it is 1";
    }
  }
  return c.set(c.squeeze(x, *axes));
}

LogicalResult convertUnsqueeze(NodeContext &c) {
  Value x = c.input(0);
  Ints given = c.input(1) ? c.constantInts(c.input(1), "axes") : c.ints("axes").value_or(Ints());
  Ints axes = c.axes(given, c.rank(x) + int64_t(given.size()));
  if (axes.size() != given.size())
    return c.error(Problem::range, "axes has duplicates");
  return c.set(c.unsqueeze(x, axes));
}

LogicalResult convertConcat(NodeContext &c) {
  SmallVector<Value> parts(c.node.getInputs());
  int64_t axis = c.axis(c.integer("axis", 1), c.rank(parts[0]));
  return c.set(c.concat(parts, axis));
}

LogicalResult convertSlice(NodeContext &c) {
  Value x = c.input(0), starts, ends;
  std::optional<Ints> axes, steps;
  if (c.since() < 10) {
    auto begin = c.ints("starts"), end = c.ints("ends");
    if (!begin || !end)
      return c.error(Problem::range, "attributes starts and ends are required");
    starts = c.shapeConstant(*begin);
    ends = c.shapeConstant(*end);
    axes = c.ints("axes");
  } else {
    if (!c.input(1) || !c.input(2))
      return c.error(Problem::range, "inputs starts and ends are required");
    starts = c.asShape(c.input(1));
    ends = c.asShape(c.input(2));
    if (c.input(3))
      axes = c.constantInts(c.input(3), "axes");
    if (c.input(4))
      steps = c.constantInts(c.input(4), "steps");
  }
  auto count = c.staticDim(starts, 0);
  if (!count)
    return c.error(Problem::notConstant, "the number of sliced axes must be constant");
  Ints sliced;
  for (int64_t i = 0; i < *count; ++i)
    sliced.push_back(axes && i < int64_t(axes->size()) ? c.axis((*axes)[i], c.rank(x)) : i);
  Ints stride = steps.value_or(Ints(*count, 1));
  if (int64_t(stride.size()) != *count || (axes && int64_t(axes->size()) != *count) || llvm::is_contained(stride, 0))
    return c.error(Problem::range, "starts, ends, axes and steps must have the same length, and steps no 0");
  return c.set(c.create<graph::SliceOp>(c.elementType(x), x, starts, ends, sliced, stride));
}

LogicalResult slices(NodeContext &c, Value x, int64_t axis, ArrayRef<std::pair<Value, Value>> bounds) {
  SmallVector<Value> parts;
  for (auto [begin, end] : bounds)
    if (!c.failed())
      parts.push_back(c.create<graph::SliceOp>(c.elementType(x), x, begin, end, Ints{axis}, Ints{1}));
  return c.set(parts);
}

/// Where the parts of a split axis begin and end, as shape tensors of one element.
using Bounds = SmallVector<std::pair<Value, Value>>;

/// Parts of the sizes that a shape tensor holds.
Bounds givenParts(NodeContext &c, Value axisSize, Value sizes, int64_t count) {
  Bounds bounds;
  Value begin = c.shapeConstant({0});
  for (int64_t i = 0; i < count; ++i) {
    Value end = c.add(begin, c.shapeOf({Extent::elementOf(sizes, i)}));
    bounds.push_back({begin, end});
    begin = end;
  }
  // A slice would be clamped silently.
  auto total = c.shapes.getContents(begin), whole = c.shapes.getContents(axisSize);
  if (total && whole && total->front() && whole->front() && !c.shapes.unify(whole->front(), total->front()))
    (void)c.error(Problem::range, "split's sizes add up to " + Twine(graph::text(total->front())) + ", the axis has " +
                                      Twine(graph::text(whole->front())));
  return bounds;
}

/// Equal parts; version 18 lets the last ones be smaller.
Bounds equalParts(NodeContext &c, Value axisSize, int64_t count) {
  Value parts = c.shapeConstant({count}), chunk = c.div(axisSize, parts);
  if (c.since() >= 18)
    chunk = c.div(c.add(axisSize, c.shapeConstant({count - 1})), parts);
  else if (auto size = c.shapes.getContents(axisSize);
           size && !c.shapes.unify(c.shapes.derive(graph::Derivation::mod, {size->front(), c.shapes.constant(count)}),
                                   c.shapes.constant(0)))
    (void)c.error(Problem::range,
                  "an axis of " + Twine(graph::text(size->front())) + " has no " + Twine(count) + " equal parts");
  Bounds bounds;
  for (int64_t i = 0; i < count; ++i)
    bounds.push_back({c.mul(chunk, c.shapeConstant({i})), c.mul(chunk, c.shapeConstant({i + 1}))});
  return bounds;
}

LogicalResult convertSplit(NodeContext &c) {
  Value x = c.input(0);
  int64_t axis = c.axis(c.integer("axis", 0), c.rank(x)), count = c.node.getNumResults();
  if (int64_t given = c.integer("num_outputs", count); given != count)
    return c.error(Problem::range,
                   "attribute num_outputs = " + Twine(given) + ", the node has " + Twine(count) + " outputs");
  if (c.failed())
    return failure();
  Value sizes = c.input(1) ? c.asShape(c.input(1)) : Value();
  if (auto given = c.ints("split"); given && !sizes)
    sizes = c.shapeConstant(*given);
  Value axisSize = c.shapeOf({Extent::dimOf(x, axis)});
  if (!sizes)
    return slices(c, x, axis, equalParts(c, axisSize, count));
  if (auto length = c.staticDim(sizes, 0); length != count)
    return c.error(Problem::range,
                   "split has " + Twine(length.value_or(-1)) + " sizes for " + Twine(count) + " outputs");
  // Sums of sizes below 0 could agree with the axis.
  int64_t total = 0;
  for (int64_t size : c.tryInts(sizes).value_or(Ints()))
    if (size < 0 || __builtin_add_overflow(total, size, &total))
      return c.error(Problem::range, "split has a part of size " + Twine(size) + ", expected 0 or more");
  return slices(c, x, axis, givenParts(c, axisSize, sizes, count));
}

LogicalResult convertPad(NodeContext &c) {
  Value x = c.input(0), pads, value;
  int64_t rank = c.rank(x);
  StringRef name = c.text("mode", "constant");
  auto mode = graph::symbolizePadMode(name);
  if (!mode)
    return c.error(Problem::unsupported, "attribute mode = " + name + ", expected constant, reflect, edge or wrap");
  if (c.since() < 11) {
    auto given = c.ints("pads");
    if (!given)
      return c.error(Problem::range, "attribute pads is missing");
    pads = c.shapeConstant(*given);
    value = c.scalarLike(x, c.real("value", 0));
  } else {
    if (!c.input(1))
      return c.error(Problem::range, "input pads is missing");
    pads = c.asShape(c.input(1));
    value = c.input(2);
    if (value && c.rank(value) == 1)
      value = c.squeeze(value, {0});
  }
  if (c.input(3)) {
    Ints given = c.constantInts(c.input(3), "axes");
    SmallVector<Extent> all(2 * rank, Extent(0));
    for (auto [i, one] : llvm::enumerate(given)) {
      int64_t axis = c.axis(one, rank);
      all[axis] = Extent::elementOf(pads, i);
      all[rank + axis] = Extent::elementOf(pads, i + given.size());
    }
    if (auto known = c.tryInts(pads); known && known->size() == 2 * given.size())
      for (Extent &extent : all)
        if (extent.source)
          extent = Extent((*known)[extent.index]);
    if (!c.failed())
      pads = c.shapeOf(all);
  }
  if (*mode != graph::PadMode::constant)
    value = {};
  return c.set(c.create<graph::PadOp>(c.elementType(x), *mode, x, pads, value));
}

LogicalResult convertTile(NodeContext &c) {
  Value x = c.input(0);
  return c.set(c.create<graph::TileOp>(c.elementType(x), x, c.asShape(c.input(1))));
}

/// Whether a block's elements are the slower part of the channels ("DCR") or the
/// faster one ("CRD"); nothing after an error.
std::optional<bool> depthFirst(NodeContext &c, int64_t block) {
  StringRef mode = c.text("mode", "DCR");
  if (mode != "DCR" && mode != "CRD")
    (void)c.error(Problem::range, "attribute mode = " + mode + ", expected DCR or CRD");
  if (c.rank(c.input(0)) != 4 || block < 1 || block > (1 << 20))
    (void)c.error(Problem::range, "input must have rank 4 and blocksize be in [1, 2^20]");
  return c.failed() ? std::nullopt : std::optional(mode == "DCR");
}

/// A dimension in parts of a size, or an error.
int64_t partsOf(NodeContext &c, int64_t dim, int64_t size, StringRef what) {
  int64_t whole = c.requireDim(c.input(0), dim, what);
  if (whole % size)
    (void)c.error(Problem::range, what + " " + Twine(whole) + " is no multiple of " + Twine(size));
  return whole / size;
}

LogicalResult convertDepthToSpace(NodeContext &c) {
  Value x = c.input(0);
  int64_t block = c.integer("blocksize", 0);
  auto first = depthFirst(c, block);
  if (!first)
    return failure();
  int64_t depth = partsOf(c, 1, block * block, "the number of channels");
  auto n = Extent::dimOf(x, 0), h = Extent::dimOf(x, 2), w = Extent::dimOf(x, 3);
  Value y = *first ? c.reshape(x, {n, block, block, depth, h, w}) : c.reshape(x, {n, depth, block, block, h, w});
  y = c.transpose(y, *first ? ArrayRef<int64_t>{0, 3, 4, 1, 5, 2} : ArrayRef<int64_t>{0, 1, 4, 2, 5, 3});
  return c.set(c.flatten(c.flatten(y, 4, 6), 2, 4));
}

LogicalResult convertSpaceToDepth(NodeContext &c) {
  Value x = c.input(0);
  int64_t block = c.integer("blocksize", 0);
  auto first = depthFirst(c, block);
  if (!first)
    return failure();
  int64_t rows = partsOf(c, 2, block, "the height"), columns = partsOf(c, 3, block, "the width");
  Value y = c.reshape(x, {Extent::dimOf(x, 0), Extent::dimOf(x, 1), rows, block, columns, block});
  y = c.transpose(y, *first ? ArrayRef<int64_t>{0, 3, 5, 1, 2, 4} : ArrayRef<int64_t>{0, 1, 3, 5, 2, 4});
  return c.set(c.flatten(y, 1, 4));
}

} // namespace

void tenon::onnxtograph::addMovement(HandlerRegistry &registry) {
  registry.add(kOnnx, "Reshape", 5, 2, convertReshape);
  registry.add(kOnnx, "Flatten", 1, 1, convertFlatten);
  registry.add(kOnnx, "Transpose", 1, 1, convertTranspose);
  registry.add(kOnnx, "Squeeze", 1, 1, convertSqueeze);
  registry.add(kOnnx, "Unsqueeze", 1, 1, convertUnsqueeze);
  registry.add(kOnnx, "Concat", 4, kAllInputs, convertConcat);
  registry.add(kOnnx, "Slice", 1, 1, convertSlice);
  registry.add(kOnnx, "Split", 2, 1, convertSplit);
  registry.add(kOnnx, "Pad", 2, 1, convertPad);
  registry.add(kOnnx, "Tile", 6, 2, convertTile);
  registry.add(kOnnx, "DepthToSpace", 1, 1, convertDepthToSpace);
  registry.add(kOnnx, "SpaceToDepth", 1, 1, convertSpaceToDepth);
  registry.add(kOnnx, "Expand", 8, 2, [](NodeContext &c) {
    return c.set(c.create<graph::ExpandOp>(c.elementType(c.input(0)), c.input(0), c.asShape(c.input(1))));
  });
}
