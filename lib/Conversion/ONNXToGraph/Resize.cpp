// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Resize and Upsample of all versions, and GridSample. The older ones have
// asymmetric coordinates, and round as ONNX Runtime does.
#include "HandlerRegistry.h"
#include "NodeContext.h"

#include "mlir/IR/Matchers.h"

#include <cmath>

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

Value emitResize(NodeContext &c, Value x, Value scales, Value sizes, ResizeMode mode, CoordinateMode coordinate,
                 NearestMode nearest) {
  return c.create<graph::ResizeOp>(c.elementType(x), x, scales, sizes, mode, coordinate, nearest,
                                   APFloat(c.real("cubic_coeff_a", -0.75)), bool(c.integer("exclude_outside", 0)),
                                   bool(c.integer("antialias", 0)));
}

/// Positions that an axis of known size takes its elements from, where the quotients
/// in float32, as ONNX Runtime computes them, round to others than exact ones do:
/// 7 / 0.35 is 20, though float32's 0.35 is less.
std::optional<Ints> positionsInSingle(NodeContext &c, Value x, int64_t axis, float factor) {
  auto in = c.staticDim(x, axis);
  if (!in || *in < 1 || !(factor > 0) || float(*in) * factor > 1 << 24)
    return std::nullopt;
  Ints positions(int64_t(float(*in) * factor));
  bool differ = false;
  auto rounded = [&](double quotient) {
    return std::min(int64_t(factor < 1 ? std::ceil(quotient) : std::floor(quotient)), *in - 1);
  };
  for (auto [at, position] : llvm::enumerate(positions)) {
    position = rounded(float(at) / factor);
    differ |= position != rounded(double(at) / factor);
  }
  return differ ? std::optional(positions) : std::nullopt;
}

/// Nearest elements before opset 11: axes that shrink round up, others down.
Value nearestByDirection(NodeContext &c, Value scales) {
  Value x = c.input(0);
  DenseFPElementsAttr factors;
  if (!matchPattern(scales, m_Constant(&factors)) || factors.getNumElements() != c.rank(x))
    return emitResize(c, x, scales, {}, ResizeMode::nearest, CoordinateMode::asymmetric, NearestMode::floor);
  for (bool shrinks : {true, false}) {
    std::vector<float> group(c.rank(x), 1);
    for (auto [axis, value] : llvm::enumerate(factors.getValues<APFloat>())) {
      float factor = value.convertToFloat();
      if ((factor < 1) != shrinks)
        continue;
      if (auto positions = positionsInSingle(c, x, axis, factor))
        x = c.gather(x, c.shapeConstant(*positions), axis);
      else
        group[axis] = factor;
    }
    if (llvm::any_of(group, [](float factor) { return factor != 1; }))
      x = emitResize(c, x, c.realConstant(group), {}, ResizeMode::nearest, CoordinateMode::asymmetric,
                     shrinks ? NearestMode::ceil : NearestMode::floor);
  }
  return x;
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
  if (*mode == ResizeMode::nearest)
    return c.set(nearestByDirection(c, scales));
  return c.set(emitResize(c, c.input(0), scales, {}, *mode, CoordinateMode::asymmetric, NearestMode::floor));
}

/// Exporters write an omitted scales or sizes as an empty constant.
Value orNull(NodeContext &c, Value value) { return value && c.staticDim(value, 0) == 0 ? Value() : value; }

/// Factors or sizes of some axes as those of all; the others keep their size.
Value ofAllAxes(NodeContext &c, Value given, ArrayRef<int64_t> axes, bool isSizes) {
  Value x = c.input(0);
  // Constant factors stay constants: the result's shape needs them.
  DenseFPElementsAttr factors;
  if (!isSizes && matchPattern(given, m_Constant(&factors)) && factors.getNumElements() == int64_t(axes.size())) {
    std::vector<float> all(c.rank(x), 1);
    for (auto [axis, factor] : llvm::zip(axes, factors.getValues<APFloat>()))
      all[axis] = float(factor.convertToDouble());
    return c.realConstant(all);
  }
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
  Value scales = orNull(c, c.input(2)), sizes = orNull(c, c.input(3));
  if (!scales == !sizes)
    return c.error(Problem::range, "exactly one of the inputs scales and sizes must be given");
  StringRef policy = c.text("keep_aspect_ratio_policy", "stretch");
  if (sizes && policy != "stretch") // of scales it says nothing
    return c.error(Problem::unsupported, "attribute keep_aspect_ratio_policy = " + policy + ", expected stretch");
  if (sizes)
    sizes = c.asShape(sizes);
  if (auto axes = c.ints("axes")) {
    for (int64_t &axis : *axes)
      axis = c.axis(axis, c.rank(c.input(0)));
    (scales ? scales : sizes) = ofAllAxes(c, scales ? scales : sizes, *axes, bool(sizes));
  }
  return c.set(emitResize(c, c.input(0), scales, sizes, *mode, *coordinate, *nearest));
}

/// Samples of a feature map [N, C, H, W] at positions [N, H', W', 2] in [-1, 1],
/// gathered from the flattened map: up to four neighbours each.
class GridSampler {
public:
  explicit GridSampler(NodeContext &c) : c(c), x(c.input(0)), grid(c.input(1)) {}

  LogicalResult convert() {
    StringRef mode = c.text("mode", "linear"), padding = c.text("padding_mode", "zeros");
    if (c.rank(x) != 4 || c.rank(grid) != 4)
      return c.error(Problem::unsupported, "volumes have no form, expected inputs of rank 4");
    if (mode != "linear" && mode != "bilinear" && mode != "nearest")
      return c.error(Problem::unsupported, "attribute mode = " + mode + ", expected linear or nearest");
    if (padding != "zeros" && padding != "border")
      return c.error(Problem::unsupported, "attribute padding_mode = " + padding + ", expected zeros or border");
    zeros = padding == "zeros";
    for (int i : {0, 1}) {
      Value number = c.squeeze(c.shapeOf(Extent::dimOf(x, 3 - i)), {0});
      width[i] = c.cast(number, c.elementType(grid));
      last[i] = c.sub(width[i], c.scalarLike(grid, 1));
      at[i] = position(i);
    }
    map = c.flatten(x, 2, 4);
    Value y = mode == "nearest" ? sample(c.unary(UnaryKind::round_even, at[0]), c.unary(UnaryKind::round_even, at[1]))
                                : linear();
    return c.set(
        c.reshape(y, {Extent::dimOf(x, 0), Extent::dimOf(x, 1), Extent::dimOf(grid, 1), Extent::dimOf(grid, 2)}));
  }

private:
  /// Coordinates along the width (0) or height (1) in elements, [N, H', W'].
  Value position(int i) {
    Value g = c.add(c.squeeze(c.slice(grid, 3, i, i + 1), {3}), c.scalarLike(grid, 1)), half = c.scalarLike(grid, 0.5);
    Value p = c.integer("align_corners", 0) ? c.mul(c.mul(g, last[i]), half)
                                            : c.mul(c.sub(c.mul(g, width[i]), c.scalarLike(grid, 1)), half);
    return zeros ? p : clip(p, i);
  }
  Value clip(Value p, int i) {
    return c.binary(BinaryKind::min, c.binary(BinaryKind::max, p, c.scalarLike(grid, 0)), last[i]);
  }
  /// [N, 1, H' W'] of [N, H', W'].
  Value row(Value v) { return c.unsqueeze(c.flatten(v, 1, 3), {1}); }

  /// The map's values at whole coordinates, [N, C, H' W']; zero outside.
  Value sample(Value column, Value line) {
    Value cx = clip(column, 0), cy = clip(line, 1);
    Value index = c.add(c.mul(c.cast(cy, c.i64()), c.cast(width[0], c.i64())), c.cast(cx, c.i64()));
    // A coordinate that is no number points nowhere, which is no error.
    Value end = c.sub(c.shapeOf(Extent::dimOf(map, 2)), c.shapeConstant({1}));
    index = c.binary(BinaryKind::max, c.binary(BinaryKind::min, index, end), c.shapeConstant({0}));
    index = c.expand(row(index), {Extent::dimOf(x, 0), Extent::dimOf(x, 1), 1});
    Value y = c.create<graph::GatherElementsOp>(c.elementType(x), map, index, uint64_t(2));
    if (!zeros)
      return y;
    Value inside =
        c.binary(BinaryKind::logical_and, c.binary(BinaryKind::eq, cx, column), c.binary(BinaryKind::eq, cy, line));
    return c.select(row(inside), y, c.scalarLike(x, 0));
  }

  Value linear() {
    Value one = c.scalarLike(grid, 1), sum;
    Value x0 = c.unary(UnaryKind::floor, at[0]), y0 = c.unary(UnaryKind::floor, at[1]);
    Value fx = c.sub(at[0], x0), fy = c.sub(at[1], y0);
    for (int dy : {0, 1})
      for (int dx : {0, 1}) {
        Value weight = c.mul(dx ? fx : c.sub(one, fx), dy ? fy : c.sub(one, fy));
        Value part = c.mul(sample(dx ? c.add(x0, one) : x0, dy ? c.add(y0, one) : y0), c.castLike(row(weight), x));
        sum = sum ? c.add(sum, part) : part;
      }
    return sum;
  }

  NodeContext &c;
  Value x, grid, map, width[2], last[2], at[2];
  bool zeros = true;
};

} // namespace

void tenon::onnxtograph::addResize(HandlerRegistry &registry) {
  registry.add(kOnnx, "Upsample", 7, 1, convertUpsample);
  registry.add(kOnnx, "Resize", 10, 2, convertUpsample);
  registry.add(kOnnx, "Resize", 11, 1, convertResize);
  registry.add(kOnnx, "GridSample", 16, 2, [](NodeContext &c) { return GridSampler(c).convert(); });
}
