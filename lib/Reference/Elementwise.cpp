// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Unary, binary, select and cast.
#include "Families.h"

#include "tenon/Numerics/Integer.h"
#include <cmath>
#include <cstring>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;
using graph::BinaryKind;
using graph::UnaryKind;

namespace {

double sigmoid(double x) { return x >= 0 ? 1 / (1 + std::exp(-x)) : std::exp(x) / (1 + std::exp(x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
/// NaN passes through; std::min and std::max would drop it.
double minimum(double a, double b) { return std::isnan(a) || a < b ? a : b; }
double maximum(double a, double b) { return std::isnan(a) || a > b ? a : b; }

double roundEven(double x) {
  double floor = std::floor(x), rest = x - floor;
  if (rest < 0.5 || (rest == 0.5 && std::fmod(floor, 2) == 0))
    return std::copysign(floor, x);
  return std::copysign(floor + 1, x);
}

double unary(UnaryKind kind, double x, double alpha, double beta) {
  switch (kind) {
  case UnaryKind::abs: return std::fabs(x);
  case UnaryKind::neg: return -x;
  case UnaryKind::exp: return std::exp(x);
  case UnaryKind::log: return std::log(x);
  case UnaryKind::sqrt: return std::sqrt(x);
  case UnaryKind::rsqrt: return 1 / std::sqrt(x);
  case UnaryKind::reciprocal: return 1 / x;
  case UnaryKind::floor: return std::floor(x);
  case UnaryKind::ceil: return std::ceil(x);
  case UnaryKind::round_even: return roundEven(x);
  case UnaryKind::sign: return std::isnan(x) ? x : (x > 0) - (x < 0);
  case UnaryKind::sin: return std::sin(x);
  case UnaryKind::cos: return std::cos(x);
  case UnaryKind::tan: return std::tan(x);
  case UnaryKind::asin: return std::asin(x);
  case UnaryKind::acos: return std::acos(x);
  case UnaryKind::atan: return std::atan(x);
  case UnaryKind::sinh: return std::sinh(x);
  case UnaryKind::cosh: return std::cosh(x);
  case UnaryKind::tanh: return std::tanh(x);
  case UnaryKind::asinh: return std::asinh(x);
  case UnaryKind::acosh: return std::acosh(x);
  case UnaryKind::atanh: return std::atanh(x);
  case UnaryKind::erf: return std::erf(x);
  case UnaryKind::sigmoid: return sigmoid(x);
  case UnaryKind::relu: return maximum(x, 0);
  case UnaryKind::leaky_relu: return x < 0 ? alpha * x : x;
  case UnaryKind::elu: return x < 0 ? alpha * std::expm1(x) : x;
  case UnaryKind::celu: return maximum(x, 0) + minimum(0, alpha * std::expm1(x / alpha));
  case UnaryKind::selu: return x > 0 ? beta * x : beta * alpha * std::expm1(x);
  case UnaryKind::softplus: return std::isnan(x) ? x : softplus(x);
  case UnaryKind::softsign: return x / (1 + std::fabs(x));
  case UnaryKind::hard_sigmoid: return maximum(minimum(alpha * x + beta, 1), 0);
  case UnaryKind::hard_swish: return x * maximum(minimum(x / 6 + 0.5, 1), 0);
  case UnaryKind::mish: return x * std::tanh(softplus(x));
  case UnaryKind::gelu: return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0)));
  case UnaryKind::gelu_tanh:
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x)));
  case UnaryKind::swish: return x * sigmoid(alpha * x);
  case UnaryKind::thresholded_relu: return x > alpha ? x : 0;
  case UnaryKind::shrink: return x < -alpha ? x + beta : x > alpha ? x - beta : 0;
  case UnaryKind::logical_not: return x == 0;
  case UnaryKind::bitwise_not: return x;
  case UnaryKind::is_nan: return std::isnan(x);
  case UnaryKind::is_inf: return std::isinf(x);
  case UnaryKind::is_pos_inf: return std::isinf(x) && x > 0;
  case UnaryKind::is_neg_inf: return std::isinf(x) && x < 0;
  }
  return x;
}

/// Kinds that are exact on integers; the others go through double.
std::optional<int64_t> unaryInt(UnaryKind kind, int64_t x, bool isUnsigned) {
  switch (kind) {
  case UnaryKind::abs: return !isUnsigned && x < 0 ? int64_t(0 - uint64_t(x)) : x;
  case UnaryKind::neg: return int64_t(0 - uint64_t(x));
  case UnaryKind::sign: return isUnsigned ? x != 0 : (x > 0) - (x < 0);
  case UnaryKind::relu: return isUnsigned || x > 0 ? x : 0;
  case UnaryKind::bitwise_not: return ~x;
  case UnaryKind::logical_not: return x == 0;
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round_even: return x;
  default: return std::nullopt;
  }
}

Results evaluateUnary(graph::UnaryOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  Type element = resultElement(op);
  UnaryKind kind = op.getKind();
  if (!x.isFloat() && unaryInt(kind, 0, false)) {
    std::vector<int64_t> values = x.toInts();
    for (int64_t &value : values)
      value = *unaryInt(kind, value, x.isUnsigned());
    return one(Tensor::fromInts(element, x.getShape(), values));
  }
  double alpha = op.getAlpha().convertToFloat(), beta = op.getBeta().convertToFloat();
  std::vector<double> values = x.toDoubles();
  for (double &value : values)
    value = unary(kind, value, alpha, beta);
  return one(Tensor::fromDoubles(element, x.getShape(), values));
}

double binary(BinaryKind kind, double a, double b) {
  switch (kind) {
  case BinaryKind::add: return a + b;
  case BinaryKind::sub: return a - b;
  case BinaryKind::mul: return a * b;
  case BinaryKind::div: return a / b;
  case BinaryKind::pow: return std::pow(a, b);
  case BinaryKind::min: return minimum(a, b);
  case BinaryKind::max: return maximum(a, b);
  case BinaryKind::mod: {
    double rest = std::fmod(a, b);
    if (rest == 0)
      return std::copysign(0.0, b);
    return (rest < 0) != (b < 0) ? rest + b : rest;
  }
  case BinaryKind::fmod: return std::fmod(a, b);
  case BinaryKind::atan2: return std::atan2(a, b);
  case BinaryKind::prelu: return a < 0 ? a * b : a;
  case BinaryKind::logical_and: return a != 0 && b != 0;
  case BinaryKind::logical_or: return a != 0 || b != 0;
  case BinaryKind::logical_xor: return (a != 0) != (b != 0);
  case BinaryKind::eq: return a == b;
  case BinaryKind::ne: return a != b;
  case BinaryKind::lt: return a < b;
  case BinaryKind::le: return a <= b;
  case BinaryKind::gt: return a > b;
  case BinaryKind::ge: return a >= b;
  default: return 0; // bitwise kinds have no float operands
  }
}

int64_t wrappingPower(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  uint64_t result = 1, square = base;
  for (; exponent; exponent >>= 1, square *= square)
    if (exponent & 1)
      result *= square;
  return int64_t(result);
}

/// U is uint64_t where the operands are unsigned, else int64_t.
template <typename U>
int64_t binaryInt(BinaryKind kind, U a, U b, unsigned width) {
  uint64_t x = a, y = b;
  bool minusOne = std::is_signed_v<U> && y == ~uint64_t(0); // INT64_MIN / -1 traps
  switch (kind) {
  case BinaryKind::add: return x + y;
  case BinaryKind::sub: return x - y;
  case BinaryKind::mul: return x * y;
  case BinaryKind::div: return b == 0 ? 0 : minusOne ? 0 - x : uint64_t(a / b);
  case BinaryKind::pow: return wrappingPower(a, b);
  case BinaryKind::min: return std::min(a, b);
  case BinaryKind::max: return std::max(a, b);
  case BinaryKind::mod: {
    U rest = b == 0 || minusOne ? U(0) : U(a % b);
    return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
  }
  case BinaryKind::fmod: return b == 0 || minusOne ? 0 : uint64_t(a % b);
  case BinaryKind::prelu: return a < 0 ? x * y : x;
  case BinaryKind::logical_and: return a && b;
  case BinaryKind::logical_or: return a || b;
  case BinaryKind::logical_xor: return !a != !b;
  case BinaryKind::bitwise_and: return x & y;
  case BinaryKind::bitwise_or: return x | y;
  case BinaryKind::bitwise_xor: return x ^ y;
  case BinaryKind::shift_left: return y >= width ? 0 : x << y;
  case BinaryKind::shift_right: return y >= width ? (a < 0 ? -1 : 0) : int64_t(a >> y);
  case BinaryKind::eq: return a == b;
  case BinaryKind::ne: return a != b;
  case BinaryKind::lt: return a < b;
  case BinaryKind::le: return a <= b;
  case BinaryKind::gt: return a > b;
  case BinaryKind::ge: return a >= b;
  case BinaryKind::atan2: return int64_t(std::atan2(double(a), double(b)));
  }
  return 0;
}

Results evaluateBinary(graph::BinaryOp op, ArrayRef<Tensor> inputs) {
  auto shape = broadcastShapes(inputs[0].getShape(), inputs[1].getShape());
  if (!shape)
    return op.emitError("[TN3010] operand shapes do not broadcast");
  Tensor lhs = inputs[0].broadcast(*shape), rhs = inputs[1].broadcast(*shape);
  Type element = resultElement(op);
  BinaryKind kind = op.getKind();
  if (lhs.isFloat() || rhs.isFloat()) {
    std::vector<double> a = lhs.toDoubles(), b = rhs.toDoubles();
    for (size_t i = 0; i < a.size(); ++i)
      a[i] = binary(kind, a[i], b[i]);
    return one(Tensor::fromDoubles(element, *shape, a));
  }
  std::vector<int64_t> a = lhs.toInts(), b = rhs.toInts();
  unsigned width = lhs.getElementType().getIntOrFloatBitWidth();
  bool isUnsigned = lhs.isUnsigned();
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = isUnsigned ? binaryInt<uint64_t>(kind, a[i], b[i], width) : binaryInt<int64_t>(kind, a[i], b[i], width);
  return one(Tensor::fromInts(element, *shape, a));
}

Results evaluateSelect(graph::SelectOp op, ArrayRef<Tensor> inputs) {
  auto branches = broadcastShapes(inputs[1].getShape(), inputs[2].getShape());
  auto shape = branches ? broadcastShapes(*branches, inputs[0].getShape()) : std::nullopt;
  if (!shape)
    return op.emitError("[TN3010] operand shapes do not broadcast");
  Tensor condition = inputs[0].broadcast(*shape), lhs = inputs[1].broadcast(*shape), rhs = inputs[2].broadcast(*shape);
  Tensor result(lhs.getElementType(), *shape);
  size_t size = result.getElementBytes();
  for (int64_t i = 0, e = result.getNumElements(); i < e; ++i)
    std::memcpy(result.getMutableBytes().data() + i * size,
                (condition.getBytes()[i] ? lhs : rhs).getBytes().data() + i * size, size);
  return one(result);
}

Results evaluateCast(graph::CastOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  Type element = resultElement(op);
  if (elementBytes(element) == 0)
    return op.emitError("[TN3011] the reference cannot cast to ") << element;
  if (element == x.getElementType())
    return one(x);
  std::optional<numerics::Encoding> how;
  if (num::isCoded(element))
    how = op.getEncoding();
  if (!x.isFloat())
    return one(Tensor::fromInts(element, x.getShape(), x.toInts(), x.isUnsigned(), how));
  std::vector<double> values = x.toDoubles();
  auto integer = dyn_cast<IntegerType>(element);
  if (!integer || integer.getWidth() == 1)
    return one(Tensor::fromDoubles(element, x.getShape(), values, how));
  std::vector<int64_t> ints(values.size());
  for (auto [to, value] : llvm::zip(ints, values))
    to = numerics::castToInteger(value, integer.getWidth(), !integer.isUnsigned());
  return one(Tensor::fromInts(element, x.getShape(), ints));
}

/// A condition as control flow wants it.
Results evaluateExtract(tensor::ExtractOp op, ArrayRef<Tensor> inputs) {
  if (inputs[0].getNumElements() != 1)
    return op.emitError("[TN3012] the reference extracts from tensors of one element only");
  return one(inputs[0].reshaped({}));
}

} // namespace

void tenon::reference::registerElementwise(Registry &registry) {
  registry.add<graph::UnaryOp>(evaluateUnary);
  registry.add<graph::BinaryOp>(evaluateBinary);
  registry.add<graph::SelectOp>(evaluateSelect);
  registry.add<graph::CastOp>(evaluateCast);
  registry.add<tensor::ExtractOp>(evaluateExtract);
}
