// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise operators: one value of each operand makes one of the result.
#include "HandlerRegistry.h"
#include "NodeContext.h"
#include <limits>

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

struct UnaryEntry {
  const char *op;
  UnaryKind kind;
  const char *alphaName = nullptr;
  double alpha = 0;
  const char *betaName = nullptr;
  double beta = 0;
};

constexpr UnaryEntry kUnaries[] = {
    {"Abs", UnaryKind::abs},
    {"Neg", UnaryKind::neg},
    {"Exp", UnaryKind::exp},
    {"Log", UnaryKind::log},
    {"Sqrt", UnaryKind::sqrt},
    {"Reciprocal", UnaryKind::reciprocal},
    {"Floor", UnaryKind::floor},
    {"Ceil", UnaryKind::ceil},
    {"Round", UnaryKind::round_even},
    {"Sign", UnaryKind::sign},
    {"Sin", UnaryKind::sin},
    {"Cos", UnaryKind::cos},
    {"Tan", UnaryKind::tan},
    {"Asin", UnaryKind::asin},
    {"Acos", UnaryKind::acos},
    {"Atan", UnaryKind::atan},
    {"Sinh", UnaryKind::sinh},
    {"Cosh", UnaryKind::cosh},
    {"Tanh", UnaryKind::tanh},
    {"Asinh", UnaryKind::asinh},
    {"Acosh", UnaryKind::acosh},
    {"Atanh", UnaryKind::atanh},
    {"Erf", UnaryKind::erf},
    {"Sigmoid", UnaryKind::sigmoid},
    {"Relu", UnaryKind::relu},
    {"Softplus", UnaryKind::softplus},
    {"Softsign", UnaryKind::softsign},
    {"HardSwish", UnaryKind::hard_swish},
    {"Mish", UnaryKind::mish},
    {"Not", UnaryKind::logical_not},
    {"BitwiseNot", UnaryKind::bitwise_not},
    {"IsNaN", UnaryKind::is_nan},
    {"LeakyRelu", UnaryKind::leaky_relu, "alpha", 0.01},
    {"Elu", UnaryKind::elu, "alpha", 1.0},
    {"Celu", UnaryKind::celu, "alpha", 1.0},
    {"Selu", UnaryKind::selu, "alpha", 1.67326319217681884765625, "gamma", 1.05070102214813232421875},
    {"HardSigmoid", UnaryKind::hard_sigmoid, "alpha", 0.2, "beta", 0.5},
    {"ThresholdedRelu", UnaryKind::thresholded_relu, "alpha", 1.0},
    {"Shrink", UnaryKind::shrink, "lambd", 0.5, "bias", 0.0},
    {"Swish", UnaryKind::swish, "alpha", 1.0},
};

/// Of opset 7 and later: before, operands broadcast along a given axis.
void addBinary(HandlerRegistry &registry, StringRef op, BinaryKind kind) {
  registry.add(kOnnx, op, 7, 2, [kind](NodeContext &c) { return c.set(c.binary(kind, c.input(0), c.input(1))); });
}

/// Sum, Max, Min and Mean of any number of operands.
void addVariadic(HandlerRegistry &registry, StringRef op, BinaryKind kind, bool mean) {
  registry.add(kOnnx, op, 1, kAllInputs, [kind, mean](NodeContext &c) {
    Value sum = c.input(0);
    for (unsigned i = 1; i < c.numInputs(); ++i)
      sum = c.binary(kind, sum, c.input(i));
    if (mean && c.numInputs() > 1)
      sum = c.div(sum, c.scalarLike(sum, c.numInputs()));
    return c.set(sum);
  });
}

/// Whether a constant exponent is a number of a float type: it can be cast as it is.
bool isExactExponent(NodeContext &c, Value exponent, FloatType type) {
  bool lossy = false;
  if (auto real = c.tryReal(exponent)) {
    APFloat value(*real);
    value.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lossy);
    return !lossy;
  }
  auto integers = isa<IntegerType>(c.elementType(exponent)) ? c.tryInts(exponent) : std::nullopt;
  return integers &&
         llvm::all_of(*integers, [](int64_t value) { return std::abs(value) <= 256; }); // bfloat16 has these
}

/// The result has the base's type. The power is computed in a type that holds base
/// and exponent: a rounded exponent changes the result, and the parity of a whole
/// one its sign.
LogicalResult convertPow(NodeContext &c) {
  Value base = c.input(0), exponent = c.input(1);
  Type own = c.elementType(base), other = c.elementType(exponent), work = own;
  bool isReal = c.isFloat(base), hasRealExponent = c.isFloat(exponent);
  if (isReal && (own == other || isExactExponent(c, exponent, cast<FloatType>(own))))
    work = own;
  else if (isReal != hasRealExponent)
    work = c.builder.getF64Type();
  else if (!isReal)
    work = own == other ? own : c.i64();
  else if (own.getIntOrFloatBitWidth() == 64 || other.getIntOrFloatBitWidth() == 64)
    work = c.builder.getF64Type();
  else
    work = c.f32();
  return c.set(c.cast(c.binary(BinaryKind::pow, c.cast(base, work), c.cast(exponent, work)), own));
}

LogicalResult convertClip(NodeContext &c) {
  Value x = c.input(0), low, high;
  if (c.since() < 11) { // the defaults are numbers, which infinities are kept within
    constexpr double most = std::numeric_limits<float>::max();
    low = c.scalarLike(x, c.real("min", -most));
    high = c.scalarLike(x, c.real("max", most));
  } else {
    low = c.input(1);
    high = c.input(2);
  }
  if (low)
    x = c.binary(BinaryKind::max, x, low);
  if (high)
    x = c.binary(BinaryKind::min, x, high);
  return c.set(x);
}

LogicalResult emitCast(NodeContext &c, Type element) {
  bool saturate = c.integer("saturate", 1);
  if (c.elementType(c.input(0)) == element)
    return c.set(c.input(0));
  // Block scales are rounded by an attribute that other types ignore, up by default.
  tenon::num::RoundingAttr rounding;
  if (isa<Float8E8M0FNUType>(element)) {
    auto mode = c.node.getAttrs().getAs<StringAttr>("round_mode");
    auto known = llvm::StringSwitch<std::optional<tenon::num::Rounding>>(mode ? mode.getValue() : "up")
                     .Case("up", tenon::num::Rounding::toward_positive)
                     .Case("down", tenon::num::Rounding::toward_negative)
                     .Case("nearest", tenon::num::Rounding::nearest_even)
                     .Default(std::nullopt);
    if (!known)
      return c.error(Problem::range, "attribute round_mode = '" + mode.getValue() + "', expected up, down or nearest");
    rounding = tenon::num::RoundingAttr::get(c.builder.getContext(), *known);
  }
  return c.set(c.create<graph::CastOp>(element, c.input(0), saturate, rounding, IntegerAttr()));
}

LogicalResult convertCast(NodeContext &c) {
  int64_t code = c.integer("to", 0);
  Type element = c.typeOfCode(code);
  if (auto type = c.node.getAttrs().getAs<TypeAttr>("to")) // a format that ONNX has no number for
    element = type.getValue();
  if (!element)
    return c.error(Problem::type, "attribute to = " + Twine(code) + " is no type that compiled code can hold");
  return emitCast(c, element);
}

LogicalResult convertIsInf(NodeContext &c) {
  bool negative = c.integer("detect_negative", 1), positive = c.integer("detect_positive", 1);
  if (!negative && !positive) {
    Value no = c.scalar(c.i1(), 0);
    return c.set(c.expand(no, c.extentsOf(c.input(0))));
  }
  UnaryKind kind = negative ? (positive ? UnaryKind::is_inf : UnaryKind::is_neg_inf) : UnaryKind::is_pos_inf;
  return c.set(c.unary(kind, c.input(0)));
}

LogicalResult convertBitShift(NodeContext &c) {
  StringRef direction = c.text("direction", "");
  if (direction != "LEFT" && direction != "RIGHT")
    return c.error(Problem::range, "attribute direction = " + direction + ", expected LEFT or RIGHT");
  return c.set(
      c.binary(direction == "LEFT" ? BinaryKind::shift_left : BinaryKind::shift_right, c.input(0), c.input(1)));
}

LogicalResult convertDropout(NodeContext &c) {
  Value x = c.input(0), mask;
  if (c.uses(1)) {
    // The mask was of the data's type before opset 10, boolean since.
    Type element = c.since() < 10 ? c.elementType(x) : c.i1();
    mask = c.create<graph::FillOp>(element, c.shapeOf(c.extentsOf(x)), c.scalar(element, 1));
  }
  if (c.input(2)) {
    auto training = c.tryInts(c.input(2));
    if (!training || training->front() != 0)
      return c.error(Problem::unsupported, "input training_mode is not false; export the model for inference");
  }
  return c.set({x, mask});
}

} // namespace

void tenon::onnxtograph::addElementwise(HandlerRegistry &registry) {
  for (const UnaryEntry &entry : kUnaries)
    registry.add(kOnnx, entry.op, 1, 1, [&entry](NodeContext &c) {
      float alpha = entry.alphaName ? c.real(entry.alphaName, entry.alpha) : 0;
      float beta = entry.betaName ? c.real(entry.betaName, entry.beta) : 0;
      return c.set(c.unary(entry.kind, c.input(0), alpha, beta));
    });
  addBinary(registry, "Add", BinaryKind::add);
  addBinary(registry, "Sub", BinaryKind::sub);
  addBinary(registry, "Mul", BinaryKind::mul);
  addBinary(registry, "Div", BinaryKind::div);
  addBinary(registry, "And", BinaryKind::logical_and);
  addBinary(registry, "Or", BinaryKind::logical_or);
  addBinary(registry, "Xor", BinaryKind::logical_xor);
  addBinary(registry, "BitwiseAnd", BinaryKind::bitwise_and);
  addBinary(registry, "BitwiseOr", BinaryKind::bitwise_or);
  addBinary(registry, "BitwiseXor", BinaryKind::bitwise_xor);
  addBinary(registry, "Equal", BinaryKind::eq);
  addBinary(registry, "Less", BinaryKind::lt);
  addBinary(registry, "LessOrEqual", BinaryKind::le);
  addBinary(registry, "Greater", BinaryKind::gt);
  addBinary(registry, "GreaterOrEqual", BinaryKind::ge);
  addVariadic(registry, "Sum", BinaryKind::add, false);
  addVariadic(registry, "Mean", BinaryKind::add, true);
  addVariadic(registry, "Max", BinaryKind::max, false);
  addVariadic(registry, "Min", BinaryKind::min, false);
  registry.add(kOnnx, "Mod", 1, 2, [](NodeContext &c) {
    return c.set(c.binary(c.integer("fmod", 0) ? BinaryKind::fmod : BinaryKind::mod, c.input(0), c.input(1)));
  });
  registry.add(kOnnx, "Gelu", 20, 1, [](NodeContext &c) {
    StringRef approximate = c.text("approximate", "none");
    if (approximate != "none" && approximate != "tanh")
      return c.error(Problem::range, "attribute approximate = " + approximate + ", expected none or tanh");
    return c.set(c.unary(approximate == "tanh" ? UnaryKind::gelu_tanh : UnaryKind::gelu, c.input(0)));
  });
  registry.add(kOnnx, "Where", 9, 3,
               [](NodeContext &c) { return c.set(c.select(c.input(0), c.input(1), c.input(2))); });
  registry.add(kOnnx, "CastLike", 15, 2, [](NodeContext &c) { return emitCast(c, c.elementType(c.input(1))); });
  registry.add(kOnnx, "Identity", 1, 1, [](NodeContext &c) { return c.set(c.input(0)); });
  registry.add(kOnnx, "Pow", 7, 2, convertPow);
  registry.add(kOnnx, "Clip", 1, 1, convertClip);
  addBinary(registry, "PRelu", BinaryKind::prelu);
  registry.add(kOnnx, "Cast", 6, 1, convertCast);
  registry.add(kOnnx, "IsInf", 10, 1, convertIsInf);
  registry.add(kOnnx, "BitShift", 11, 2, convertBitShift);
  registry.add(kOnnx, "Dropout", 7, 1, convertDropout);
}
