// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Resize and Upsample of all versions. What the older ones fix (asymmetric
// coordinates, rounding down) are attributes of the newer ones.
#include "HandlerRegistry.h"
#include "NodeContext.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;
using graph::CoordinateMode;
using graph::NearestMode;
using graph::ResizeMode;

namespace {

std::optional<ResizeMode> resizeMode(NodeContext &c) {
  StringRef name = c.text("mode", "nearest");
  if (name == "nearest")
    return ResizeMode::nearest;
  if (name == "linear" || name == "bilinear" || name == "trilinear")
    return ResizeMode::linear;
  if (name == "cubic")
    return ResizeMode::cubic;
  (void)c.error(Problem::unsupported, "attribute mode = " + name + ", expected nearest, linear or cubic");
  return std::nullopt;
}

Value emitResize(NodeContext &c, Value scales, Value sizes, ResizeMode mode, CoordinateMode coordinate,
                 NearestMode nearest) {
  Value x = c.input(0);
  return c.create<graph::ResizeOp>(c.elementType(x), x, scales, sizes, mode, coordinate, nearest,
                                   APFloat(c.real("cubic_coeff_a", -0.75)),
                                   bool(c.integer("exclude_outside", 0)), bool(c.integer("antialias", 0)));
}

/// Upsample 7 and 9 and Resize 10.
LogicalResult convertUpsample(NodeContext &c) {
  auto mode = resizeMode(c);
  if (!mode)
    return failure();
  Value scales = c.input(1);
  if (!scales) {
    auto given = c.node.getFloats("scales");
    if (!given)
      return c.error(Problem::range, "scales are missing");
    scales = c.realConstant(*given);
  }
  return c.set(emitResize(c, scales, {}, *mode, CoordinateMode::asymmetric, NearestMode::floor));
}

/// Exporters write an omitted scales or sizes as an empty constant.
Value orNull(NodeContext &c, Value value) { return value && c.staticDim(value, 0) == 0 ? Value() : value; }

/// Factors or sizes of some axes as those of all; the others keep their size.
Value ofAllAxes(NodeContext &c, Value given, ArrayRef<int64_t> axes, bool isSizes) {
  Value x = c.input(0);
  SmallVector<Value> parts;
  for (int64_t i = 0; i < c.rank(x); ++i) {
    auto position = llvm::find(axes, i);
    if (position != axes.end())
      parts.push_back(c.slice(given, 0, position - axes.begin(), position - axes.begin() + 1));
    else
      parts.push_back(isSizes ? c.shapeOf(Extent::dimOf(x, i)) : c.realConstant({1}));
  }
  return c.concat(parts, 0);
}

LogicalResult convertResize(NodeContext &c) {
  auto mode = resizeMode(c);
  StringRef coordinateName = c.text("coordinate_transformation_mode", "half_pixel");
  StringRef nearestName = c.text("nearest_mode", "round_prefer_floor");
  auto coordinate = graph::symbolizeCoordinateMode(coordinateName);
  auto nearest = graph::symbolizeNearestMode(nearestName);
  if (!coordinate || *coordinate == CoordinateMode::tf_crop_and_resize)
    return c.error(Problem::unsupported, "attribute coordinate_transformation_mode = " + coordinateName);
  if (!nearest)
    return c.error(Problem::unsupported, "attribute nearest_mode = " + nearestName);
  if (!mode)
    return failure();
  StringRef policy = c.text("keep_aspect_ratio_policy", "stretch");
  if (policy != "stretch")
    return c.error(Problem::unsupported,
                   "attribute keep_aspect_ratio_policy = " + policy + ", expected stretch");
  Value scales = orNull(c, c.input(2)), sizes = orNull(c, c.input(3));
  if (!scales == !sizes)
    return c.error(Problem::range, "exactly one of the inputs scales and sizes must be given");
  if (sizes)
    sizes = c.asShape(sizes);
  if (auto axes = c.ints("axes")) {
    for (int64_t &axis : *axes)
      axis = c.axis(axis, c.rank(c.input(0)));
    (scales ? scales : sizes) = ofAllAxes(c, scales ? scales : sizes, *axes, bool(sizes));
  }
  return c.set(emitResize(c, scales, sizes, *mode, *coordinate, *nearest));
}

} // namespace

void tenon::onnxtograph::addResize(HandlerRegistry &registry) {
  registry.add(kOnnx, "Upsample", 7, 1, convertUpsample);
  registry.add(kOnnx, "Resize", 10, 2, convertUpsample);
  registry.add(kOnnx, "Resize", 11, 1, convertResize);
}
