// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quantize and dequantize, and the integer operators (QLinear*, *Integer) as
// arithmetic between them.
#include "HandlerRegistry.h"
#include "NodeContext.h"
#include "Spatial.h"

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

/// The axis of a per-axis or blocked scale; 0 where the scale is a scalar.
int64_t scaleAxis(NodeContext &c, Value x, Value scale) {
  return c.rank(scale) == 0 ? 0 : c.axis(c.integer("axis", 1), std::max<int64_t>(c.rank(x), 1));
}

/// A scale or zero point of shape [1] is a scalar.
Value asScalar(NodeContext &c, Value value) {
  return value && c.rank(value) == 1 && c.staticDim(value, 0) == 1 ? c.squeeze(value, {0}) : value;
}

Value dequantize(NodeContext &c, Value x, Value scale, Value zeroPoint, int64_t axis) {
  return c.create<graph::DequantizeOp>(c.elementType(scale), x, asScalar(c, scale), asScalar(c, zeroPoint),
                                       uint64_t(axis));
}

Value quantize(NodeContext &c, Value x, Value scale, Value zeroPoint) {
  return c.create<graph::QuantizeOp>(c.elementType(zeroPoint), x, asScalar(c, scale), asScalar(c, zeroPoint),
                                     uint64_t(0));
}

LogicalResult convertQuantizeLinear(NodeContext &c) {
  c.ignore({"axis", "output_dtype"}); // where the scale is a scalar, and where a zero point says it
  Value x = c.input(0), scale = asScalar(c, c.input(1)), zeroPoint = asScalar(c, c.input(2));
  int64_t code = c.integer("output_dtype", 0); // 0: not said, which means uint8
  Type element = c.typeOfCode(zeroPoint ? 0 : code ? code : 2);
  if (zeroPoint)
    element = c.elementType(zeroPoint);
  if (auto type = c.node.getAttrs().getAs<TypeAttr>("output_dtype")) // a format that ONNX has no number for
    element = type.getValue();
  if (!element)
    return c.error(Problem::type, "attribute output_dtype is no type that compiled code can hold");
  // The quotient is rounded to x's type.
  Type precision = c.typeOfCode(c.integer("precision", 0));
  if (precision && precision != c.elementType(x) && !c.elementType(x).isInteger())
    return c.error(Problem::unsupported,
                   "attribute precision is another type than x's, which the quotient is computed in");
  return c.set(c.create<graph::QuantizeOp>(element, x, scale, zeroPoint, uint64_t(scaleAxis(c, x, scale)),
                                           uint64_t(c.integer("block_size", 0)), c.integer("saturate", 1) != 0));
}

LogicalResult convertDequantizeLinear(NodeContext &c) {
  c.ignore({"axis"}); // where the scale is a scalar
  Value x = c.input(0), scale = asScalar(c, c.input(1)), zeroPoint = asScalar(c, c.input(2));
  Type element = c.elementType(scale);
  int64_t code = c.integer("output_dtype", 0);
  if (code)
    element = c.typeOfCode(code);
  if (tenon::num::isCoded(c.elementType(scale))) { // a block scale's own format is no result type
    scale = c.cast(scale, c.f32());
    element = code ? element : c.f32();
  }
  if (!element || !isa<FloatType>(element) || tenon::num::isCoded(element))
    return c.error(Problem::type, "attribute output_dtype is no float type that compiled code can hold");
  return c.set(c.create<graph::DequantizeOp>(element, x, scale, zeroPoint, uint64_t(scaleAxis(c, x, scale)),
                                             uint64_t(c.integer("block_size", 0))));
}

LogicalResult convertQLinearMatMul(NodeContext &c) {
  Value a = c.input(0), b = c.input(3);
  // Scales of one element for each row of a or column of b.
  Value lhs = dequantize(c, a, c.input(1), c.input(2), std::max<int64_t>(c.rank(a) - 2, 0));
  Value rhs = dequantize(c, b, c.input(4), c.input(5), std::max<int64_t>(c.rank(b) - 1, 0));
  return c.set(quantize(c, c.matmul(lhs, rhs), c.input(6), c.input(7)));
}

Value conv(NodeContext &c, Value x, Value filter, Value bias) {
  auto spatial = Spatial::read(c, c.rank(x) - 2);
  return c.create<graph::ConvOp>(c.elementType(x), x, filter, bias, spatial.strides, spatial.dilations, spatial.pads,
                                 uint64_t(c.integer("group", 1)), spatial.autoPad, graph::ChannelLayout::first,
                                 TypeAttr());
}

LogicalResult convertQLinearConv(NodeContext &c) {
  Value x = dequantize(c, c.input(0), c.input(1), c.input(2), 0);
  Value filter = dequantize(c, c.input(3), c.input(4), c.input(5), 0);
  Value bias = c.input(8);
  if (bias) // an i32 of scale x_scale * w_scale
    bias = c.mul(c.castLike(bias, c.input(4)), c.mul(c.input(4), asScalar(c, c.input(1))));
  return c.set(quantize(c, conv(c, x, filter, bias), c.input(6), c.input(7)));
}

/// com.microsoft QLinearAdd and QLinearMul.
LogicalResult convertQLinearBinary(NodeContext &c, BinaryKind kind) {
  Value zeroPoint = c.input(7) ? c.input(7) : c.scalarLike(c.input(0), 0);
  Value lhs = dequantize(c, c.input(0), c.input(1), c.input(2), 0);
  Value rhs = dequantize(c, c.input(3), c.input(4), c.input(5), 0);
  return c.set(quantize(c, c.binary(kind, lhs, rhs), c.input(6), zeroPoint));
}

LogicalResult convertQLinearUnary(NodeContext &c, UnaryKind kind, float alpha) {
  Value zeroPoint = c.input(4) ? c.input(4) : c.scalarLike(c.input(0), 0);
  Value x = dequantize(c, c.input(0), c.input(1), c.input(2), 0);
  return c.set(quantize(c, c.unary(kind, x, alpha), c.input(3), zeroPoint));
}

/// x - zero point as i32; `axis` is the dimension of a zero point per row.
Value centered(NodeContext &c, Value x, Value zeroPoint, int64_t trailing) {
  Type i32 = c.builder.getI32Type();
  Value wide = c.cast(x, i32);
  if (!zeroPoint)
    return wide;
  zeroPoint = c.cast(asScalar(c, zeroPoint), i32);
  if (c.rank(zeroPoint) == 1) {
    Ints axes;
    for (int64_t i = 1; i <= trailing; ++i)
      axes.push_back(i);
    zeroPoint = c.unsqueeze(zeroPoint, axes);
  }
  return c.sub(wide, zeroPoint);
}

LogicalResult convertMatMulInteger(NodeContext &c) {
  Value a = centered(c, c.input(0), c.input(2), 1), b = centered(c, c.input(1), c.input(3), 0);
  return c.set(c.matmul(a, b));
}

LogicalResult convertConvInteger(NodeContext &c) {
  Value x = c.input(0), filter = c.input(1);
  return c.set(conv(c, centered(c, x, c.input(2), 0), centered(c, filter, c.input(3), c.rank(filter) - 1), {}));
}

/// Scale and zero point from the range of x widened to contain 0, which is all that a
/// NaN adds. A range of nothing but 0 (or too small for a scale) has scale 1.
LogicalResult convertDynamicQuantize(NodeContext &c) {
  Value x = c.input(0), zero = c.scalarLike(x, 0), most = c.scalarLike(x, 255);
  Ints axes;
  for (int64_t i = 0; i < c.rank(x); ++i)
    axes.push_back(i);
  Value numbers = c.select(c.unary(UnaryKind::is_nan, x), zero, x);
  Value low = c.binary(BinaryKind::min, c.reduce(ReduceKind::min, numbers, axes, false), zero);
  Value high = c.binary(BinaryKind::max, c.reduce(ReduceKind::max, numbers, axes, false), zero);
  Value scale = c.div(c.sub(high, low), most);
  scale = c.select(c.binary(BinaryKind::eq, scale, zero), c.scalarLike(x, 1), scale);
  Value offset = c.unary(UnaryKind::round_even, c.div(c.sub(zero, low), scale));
  offset = c.binary(BinaryKind::min, c.binary(BinaryKind::max, offset, zero), most);
  Value zeroPoint = c.cast(offset, c.typeOfCode(2));
  return c.set({quantize(c, x, scale, zeroPoint), scale, zeroPoint});
}

} // namespace

void tenon::onnxtograph::addQuantization(HandlerRegistry &registry) {
  for (StringRef domain : {StringRef(kOnnx), StringRef(kMicrosoft)}) {
    registry.add(domain, "QuantizeLinear", 1, 2, convertQuantizeLinear);
    registry.add(domain, "DequantizeLinear", 1, 2, convertDequantizeLinear);
  }
  registry.add(kMicrosoft, "QLinearAdd", 1, 2, [](NodeContext &c) {
    return c.input(4) && c.input(6) ? convertQLinearBinary(c, BinaryKind::add)
                                    : c.error(Problem::range, "a scale is missing");
  });
  registry.add(kMicrosoft, "QLinearMul", 1, 2, [](NodeContext &c) {
    return c.input(4) && c.input(6) ? convertQLinearBinary(c, BinaryKind::mul)
                                    : c.error(Problem::range, "a scale is missing");
  });
  registry.add(kMicrosoft, "QLinearSigmoid", 1, 2, [](NodeContext &c) {
    return c.input(3) ? convertQLinearUnary(c, UnaryKind::sigmoid, 0) : c.error(Problem::range, "a scale is missing");
  });
  registry.add(kMicrosoft, "QLinearLeakyRelu", 1, 2, [](NodeContext &c) {
    return c.input(3) ? convertQLinearUnary(c, UnaryKind::leaky_relu, c.real("alpha", 0.01))
                      : c.error(Problem::range, "a scale is missing");
  });
  registry.add(kOnnx, "QLinearMatMul", 10, 8, convertQLinearMatMul);
  registry.add(kOnnx, "QLinearConv", 10, 8, convertQLinearConv);
  registry.add(kOnnx, "MatMulInteger", 10, 2, convertMatMulInteger);
  registry.add(kOnnx, "ConvInteger", 10, 2, convertConvInteger);
  registry.add(kOnnx, "DynamicQuantizeLinear", 11, 1, convertDynamicQuantize);
}
