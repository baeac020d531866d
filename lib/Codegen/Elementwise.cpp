// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Lowering of the elementwise op families to arith and math, on scalars and
// vectors alike. 16-bit floats arrive as f32.
#include "tenon/Codegen/KernelContext.h"
#include "tenon/Codegen/Logarithm.h"
#include "tenon/Codegen/Power.h"
#include "tenon/Codegen/Trigonometry.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;
using namespace tenon::graph;

namespace tenon::codegen {

bool isElementwise(Operation *op) {
  if (auto constant = dyn_cast<ConstantOp>(op)) {
    auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
    return dense && dense.isSplat();
  }
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    return quantize.isElementwise();
  if (auto dequantize = dyn_cast<DequantizeOp>(op))
    return dequantize.isElementwise();
  return isa<UnaryOp, BinaryOp, SelectOp, CastOp, ExpandOp>(op);
}

namespace {

/// Builds arith and math ops of one value shape (scalar or vector).
struct Math {
  OpBuilder &b;
  Location loc;
  Type type; // scalar or vector, of the operands
  arith::FastMathFlagsAttr contract;

  Math(OpBuilder &b, Location loc, Type type)
      : b(b), loc(loc), type(type),
        contract(arith::FastMathFlagsAttr::get(b.getContext(), arith::FastMathFlags::contract)) {}

  /// The type of such values with other elements.
  Type shaped(Type scalar) const {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(vector.clone(scalar)) : scalar;
  }
  Value c(double value) {
    Type scalar = getElementTypeOrSelf(type);
    TypedAttr attr = isa<FloatType>(scalar) ? TypedAttr(b.getFloatAttr(scalar, value))
                                            : TypedAttr(b.getIntegerAttr(scalar, int64_t(value)));
    if (auto vector = dyn_cast<VectorType>(type))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(b, loc, attr);
  }
  template <typename Op>
  Value un(Value x) {
    return Op::create(b, loc, x);
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(b, loc, x, y, contract); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, loc, x, y, contract); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, loc, x, y, contract); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, loc, x, y); }
  Value neg(Value x) { return arith::NegFOp::create(b, loc, x); }
  Value exp(Value x) { return un<math::ExpOp>(x); }
  Value log(Value x) { return un<math::LogOp>(x); }
  Value tanh(Value x) { return un<math::TanhOp>(x); }
  Value max(Value x, Value y) { return arith::MaximumFOp::create(b, loc, x, y); }
  Value min(Value x, Value y) { return arith::MinimumFOp::create(b, loc, x, y); }
  Value cmp(arith::CmpFPredicate p, Value x, Value y) { return arith::CmpFOp::create(b, loc, p, x, y); }
  Value select(Value p, Value x, Value y) { return arith::SelectOp::create(b, loc, p, x, y); }
  Value sigmoid(Value x) { return div(c(1), add(c(1), exp(neg(x)))); }
  // log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|)): no overflow for large x.
  Value softplus(Value x) { return add(max(x, c(0)), un<math::Log1pOp>(exp(neg(un<math::AbsFOp>(x))))); }
  Value expm1(Value x) { return un<math::ExpM1Op>(x); }
  Value log1p(Value x) { return un<math::Log1pOp>(x); }
  /// An odd function's value, which has the sign of the operand for zeros, too.
  Value odd(Value y, Value x) { return math::CopySignOp::create(b, loc, y, x); }
};

// The hyperbolic functions and their inverses are differences near 0 (acosh: near 1), which
// the formulas with exp(x) and log(x) make of numbers near 1: what is left has few digits.
// expm1 and log1p have that difference with all of its digits.

/// `small` for x up to 30, beyond that exp(x) / 2, which sinh and cosh are there. It may be
/// finite where exp(x) is not, and so is made of exp(x / 2).
Value orHalfExp(Value x, Value small, Math m) {
  Value root = m.exp(m.mul(x, m.c(0.5))), large = m.mul(m.mul(m.c(0.5), root), root);
  return m.select(m.cmp(arith::CmpFPredicate::OGT, x, m.c(30)), large, small);
}

/// sinh(x) = (e + e / (e + 1)) / 2 with e = exp(x) - 1, of x >= 0.
Value emitSinh(Value x, Math m) {
  Value e = m.expm1(x);
  return orHalfExp(x, m.mul(m.c(0.5), m.add(e, m.div(e, m.add(e, m.c(1))))), m);
}

Value emitCosh(Value x, Math m) { return orHalfExp(x, m.un<math::CoshOp>(x), m); }

/// asinh(x) = log1p(x + x^2 / (1 + sqrt(x^2 + 1))), of x >= 0. The square overflows for large x,
/// where the logarithm of 2x is as exact.
Value emitAsinh(Value x, Math m) {
  using P = arith::CmpFPredicate;
  Value square = m.mul(x, x), root = m.un<math::SqrtOp>(m.add(square, m.c(1)));
  Value small = m.log1p(m.add(x, m.div(square, m.add(root, m.c(1)))));
  Value large = m.add(m.log(x), m.c(0.69314718055994530942));
  return m.select(m.cmp(P::OGT, x, m.c(4096)), large, small);
}

/// acosh(x) = log1p(t + sqrt(2t + t^2)) with t = x - 1. NaN below 1.
Value emitAcosh(Value x, Math m) {
  using P = arith::CmpFPredicate;
  Value t = m.sub(x, m.c(1)), root = m.un<math::SqrtOp>(m.mul(t, m.add(t, m.c(2))));
  Value large = m.add(m.log(x), m.c(0.69314718055994530942));
  Value y = m.select(m.cmp(P::OGT, x, m.c(4096)), large, m.log1p(m.add(t, root)));
  return m.select(m.cmp(P::OLT, x, m.c(1)), m.c(NAN), y);
}

/// atanh(x) = log1p(2x / (1 - x)) / 2, of x >= 0.
Value emitAtanh(Value x, Math m) { return m.mul(m.c(0.5), m.log1p(m.div(m.mul(m.c(2), x), m.sub(m.c(1), x)))); }

/// Functions of mathematics and tests of a number; null for other kinds.
Value emitFloatFunction(UnaryKind kind, Value x, Math m, bool fma) {
  using P = arith::CmpFPredicate;
  switch (kind) {
  case UnaryKind::abs: return m.un<math::AbsFOp>(x);
  case UnaryKind::neg: return m.neg(x);
  case UnaryKind::exp: return m.exp(x);
  case UnaryKind::log: return emitLogarithm(m.b, m.loc, x);
  case UnaryKind::sqrt: return m.un<math::SqrtOp>(x);
  case UnaryKind::rsqrt: return m.div(m.c(1), m.un<math::SqrtOp>(x));
  case UnaryKind::reciprocal: return m.div(m.c(1), x);
  case UnaryKind::floor: return m.un<math::FloorOp>(x);
  case UnaryKind::ceil: return m.un<math::CeilOp>(x);
  case UnaryKind::round_even: return m.un<math::RoundEvenOp>(x);
  case UnaryKind::sign:
    return m.select(m.cmp(P::OGT, x, m.c(0)), m.c(1), m.select(m.cmp(P::OLT, x, m.c(0)), m.c(-1), x));
  case UnaryKind::sin: return emitSine(m.b, m.loc, x, fma);
  case UnaryKind::cos: return emitCosine(m.b, m.loc, x, fma);
  case UnaryKind::tan: return m.div(emitSine(m.b, m.loc, x, fma), emitCosine(m.b, m.loc, x, fma));
  case UnaryKind::asin: return m.un<math::AsinOp>(x);
  case UnaryKind::acos: return m.un<math::AcosOp>(x);
  case UnaryKind::atan: return m.un<math::AtanOp>(x);
  case UnaryKind::sinh: return m.odd(emitSinh(m.un<math::AbsFOp>(x), m), x);
  case UnaryKind::cosh: return emitCosh(m.un<math::AbsFOp>(x), m);
  case UnaryKind::tanh: return m.tanh(x);
  case UnaryKind::asinh: return m.odd(emitAsinh(m.un<math::AbsFOp>(x), m), x);
  case UnaryKind::acosh: return emitAcosh(x, m);
  case UnaryKind::atanh: return m.odd(emitAtanh(m.un<math::AbsFOp>(x), m), x);
  case UnaryKind::erf: return m.odd(m.un<math::ErfOp>(x), x);
  case UnaryKind::is_nan: return m.cmp(P::UNO, x, x);
  case UnaryKind::is_inf: return m.cmp(P::OEQ, m.un<math::AbsFOp>(x), m.c(INFINITY));
  case UnaryKind::is_pos_inf: return m.cmp(P::OEQ, x, m.c(INFINITY));
  case UnaryKind::is_neg_inf: return m.cmp(P::OEQ, x, m.c(-INFINITY));
  default: return {};
  }
}

/// Activation functions, some with parameters of the op; null for other kinds.
Value emitActivation(UnaryOp op, Value x, Math m) {
  double alpha = op.getAlpha().convertToDouble(), beta = op.getBeta().convertToDouble();
  using P = arith::CmpFPredicate;
  Value zero = m.c(0);
  switch (op.getKind()) {
  case UnaryKind::sigmoid: return m.sigmoid(x);
  case UnaryKind::relu: return m.max(x, zero);
  case UnaryKind::leaky_relu: return m.select(m.cmp(P::OLT, x, zero), m.mul(m.c(alpha), x), x);
  case UnaryKind::elu: return m.select(m.cmp(P::OLT, x, zero), m.mul(m.c(alpha), m.expm1(x)), x);
  case UnaryKind::celu: return m.select(m.cmp(P::OLT, x, zero), m.mul(m.c(alpha), m.expm1(m.div(x, m.c(alpha)))), x);
  case UnaryKind::selu: return m.mul(m.c(beta), m.select(m.cmp(P::OGT, x, zero), x, m.mul(m.c(alpha), m.expm1(x))));
  case UnaryKind::softplus: return m.softplus(x);
  case UnaryKind::softsign: return m.div(x, m.add(m.c(1), m.un<math::AbsFOp>(x)));
  case UnaryKind::hard_sigmoid: return m.min(m.max(m.add(m.mul(m.c(alpha), x), m.c(beta)), zero), m.c(1));
  case UnaryKind::hard_swish: return m.mul(x, m.min(m.max(m.add(m.mul(m.c(1.0 / 6), x), m.c(0.5)), zero), m.c(1)));
  case UnaryKind::mish: return m.mul(x, m.tanh(m.softplus(x)));
  case UnaryKind::gelu:
    return m.mul(m.mul(m.c(0.5), x), m.add(m.c(1), m.un<math::ErfOp>(m.mul(x, m.c(0.70710678118654752440)))));
  case UnaryKind::gelu_tanh: {
    Value cube = m.mul(m.mul(x, x), x);
    Value inner = m.mul(m.c(0.79788456080286535588), m.add(x, m.mul(m.c(0.044715), cube)));
    return m.mul(m.mul(m.c(0.5), x), m.add(m.c(1), m.tanh(inner)));
  }
  case UnaryKind::swish: return m.mul(x, m.sigmoid(alpha == 1 ? x : m.mul(m.c(alpha), x)));
  case UnaryKind::thresholded_relu: return m.select(m.cmp(P::OGT, x, m.c(alpha)), x, zero);
  case UnaryKind::shrink:
    return m.select(m.cmp(P::OLT, x, m.c(-alpha)), m.add(x, m.c(beta)),
                    m.select(m.cmp(P::OGT, x, m.c(alpha)), m.sub(x, m.c(beta)), zero));
  default: return {};
  }
}

Value emitFloatUnary(UnaryOp op, Value x, Math m, bool fma) {
  Value result = emitFloatFunction(op.getKind(), x, m, fma);
  return result ? result : emitActivation(op, x, m);
}

Value emitIntegerUnary(UnaryOp op, Value x, Math m, bool isUnsigned) {
  auto &b = m.b;
  Location loc = m.loc;
  bool boolean = getElementTypeOrSelf(m.type).isInteger(1);
  auto allOnes = [&]() -> Value { return boolean ? m.c(1) : m.c(-1); };
  switch (op.getKind()) {
  case UnaryKind::abs: return isUnsigned ? x : m.un<math::AbsIOp>(x);
  case UnaryKind::neg: return arith::SubIOp::create(b, loc, m.c(0), x);
  case UnaryKind::sign:
    if (isUnsigned)
      return arith::MinUIOp::create(b, loc, x, m.c(1));
    return arith::MinSIOp::create(b, loc, arith::MaxSIOp::create(b, loc, x, m.c(-1)), m.c(1));
  case UnaryKind::relu: return isUnsigned ? x : Value(arith::MaxSIOp::create(b, loc, x, m.c(0)));
  case UnaryKind::logical_not:
  case UnaryKind::bitwise_not: return arith::XOrIOp::create(b, loc, x, allOnes());
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round_even: return x;
  default: return {};
  }
}

/// C's fmod without a library function. Each step subtracts y as often as the 25
/// leading bits of the quotient say; products with y's upper and lower half are
/// exact, and so are the differences. Quotients of f64 need not be finite: before
/// divisors below 1, the remainders by them times 2^1536 and 2^768 are taken.
Value emitRemainder(Value x, Value y, Math narrow) {
  using P = arith::CmpFPredicate;
  auto &b = narrow.b;
  Location loc = narrow.loc;
  bool widen = !getElementTypeOrSelf(narrow.type).isF64();
  Type wide = narrow.shaped(b.getF64Type()), bits = narrow.shaped(b.getI64Type());
  Math m(b, loc, wide);
  m.contract = arith::FastMathFlagsAttr::get(b.getContext(), arith::FastMathFlags::none);
  auto leading = [&](Value v) -> Value {
    auto mask = b.getI64IntegerAttr(-(int64_t(1) << 28));
    TypedAttr all = mask;
    if (auto vector = dyn_cast<VectorType>(bits))
      all = DenseElementsAttr::get(vector, Attribute(mask));
    Value kept = arith::AndIOp::create(b, loc, arith::BitcastOp::create(b, loc, bits, v),
                                       arith::ConstantOp::create(b, loc, all));
    return arith::BitcastOp::create(b, loc, wide, kept);
  };
  Value dividend = widen ? arith::ExtFOp::create(b, loc, wide, x).getResult() : x;
  Value divisor = m.un<math::AbsFOp>(widen ? arith::ExtFOp::create(b, loc, wide, y).getResult() : y);
  auto index = [&](int64_t v) -> Value { return arith::ConstantIndexOp::create(b, loc, v); };
  // A step takes 24 bits or more off the quotient.
  auto reduce = [&](Value whole, Value by, int64_t quotientBits) -> Value {
    Value upper = leading(by), lower = m.sub(by, upper);
    auto loop = scf::ForOp::create(b, loc, index(0), index(quotientBits / 24 + 2), index(1), ValueRange{whole},
                                   [&](OpBuilder &, Location, Value, ValueRange carried) {
                                     Value times = m.un<math::TruncOp>(leading(m.div(carried[0], by)));
                                     Value rest = m.sub(m.sub(carried[0], m.mul(times, upper)), m.mul(times, lower));
                                     scf::YieldOp::create(b, loc, ValueRange{rest});
                                   });
    // A quotient that was rounded up leaves a negative rest.
    Value rest = loop.getResult(0);
    return m.select(m.cmp(P::OLT, rest, m.c(0)), m.add(rest, by), rest);
  };
  Value rest = m.un<math::AbsFOp>(dividend);
  if (widen) {
    rest = reduce(rest, divisor, 277);
  } else {
    Value factor = m.c(0x1p768);
    Value once = m.select(m.cmp(P::OLT, divisor, m.c(1)), m.mul(divisor, factor), divisor);
    Value twice = m.select(m.cmp(P::OLT, divisor, m.c(0x1p-512)), m.mul(once, factor), once);
    rest = reduce(reduce(reduce(rest, twice, 1024), once, 768), divisor, 768);
  }
  // Infinite divisors leave finite dividends as they are.
  Value isFinite = m.cmp(P::OLT, m.un<math::AbsFOp>(dividend), m.c(INFINITY));
  Value whole = arith::AndIOp::create(b, loc, m.cmp(P::OEQ, divisor, m.c(INFINITY)), isFinite);
  rest = m.select(whole, m.un<math::AbsFOp>(dividend), rest);
  rest = math::CopySignOp::create(b, loc, rest, dividend);
  return widen ? arith::TruncFOp::create(b, loc, narrow.type, rest).getResult() : rest;
}

Value emitFloatBinary(BinaryKind kind, Value x, Value y, Math m) {
  using P = arith::CmpFPredicate;
  switch (kind) {
  case BinaryKind::add: return m.add(x, y);
  case BinaryKind::sub: return m.sub(x, y);
  case BinaryKind::mul: return m.mul(x, y);
  case BinaryKind::div: return m.div(x, y);
  case BinaryKind::min: return m.min(x, y);
  case BinaryKind::max: return m.max(x, y);
  case BinaryKind::fmod: return emitRemainder(x, y, m);
  case BinaryKind::mod: { // Python's sign rule: the remainder has the divisor's sign
    Value rest = emitRemainder(x, y, m), isZero = m.cmp(P::OEQ, rest, m.c(0));
    Value differs = arith::XOrIOp::create(m.b, m.loc, m.cmp(P::OLT, rest, m.c(0)), m.cmp(P::OLT, y, m.c(0)));
    rest = m.select(differs, m.add(rest, y), rest);
    return m.select(isZero, math::CopySignOp::create(m.b, m.loc, m.c(0), y), rest);
  }
  case BinaryKind::atan2: return math::Atan2Op::create(m.b, m.loc, x, y);
  case BinaryKind::prelu: return m.select(m.cmp(P::OLT, x, m.c(0)), m.mul(x, y), x);
  case BinaryKind::eq: return m.cmp(P::OEQ, x, y);
  case BinaryKind::ne: return m.cmp(P::UNE, x, y);
  case BinaryKind::lt: return m.cmp(P::OLT, x, y);
  case BinaryKind::le: return m.cmp(P::OLE, x, y);
  case BinaryKind::gt: return m.cmp(P::OGT, x, y);
  case BinaryKind::ge: return m.cmp(P::OGE, x, y);
  default: return {};
  }
}

/// By squaring, one step for each bit of the exponent; wraps as multiplication
/// does. 1 and -1 have powers of negative exponents, all others give 0.
Value integerPower(Value x, Value y, Math m, bool isUnsigned) {
  auto &b = m.b;
  Location loc = m.loc;
  using P = arith::CmpIPredicate;
  auto is = [&](P predicate, Value a, Value z) -> Value { return arith::CmpIOp::create(b, loc, predicate, a, z); };
  auto isOdd = [&](Value v) { return is(P::ne, arith::AndIOp::create(b, loc, v, m.c(1)), m.c(0)); };
  auto index = [&](int64_t v) -> Value { return arith::ConstantIndexOp::create(b, loc, v); };
  int64_t bits = getElementTypeOrSelf(m.type).getIntOrFloatBitWidth();
  auto loop = scf::ForOp::create(b, loc, index(0), index(bits), index(1), ValueRange{m.c(1), x, y},
                                 [&](OpBuilder &, Location, Value, ValueRange carried) {
                                   Value product = arith::MulIOp::create(b, loc, carried[0], carried[1]);
                                   Value result = m.select(isOdd(carried[2]), product, carried[0]);
                                   Value square = arith::MulIOp::create(b, loc, carried[1], carried[1]);
                                   Value rest = arith::ShRUIOp::create(b, loc, carried[2], m.c(1));
                                   scf::YieldOp::create(b, loc, ValueRange{result, square, rest});
                                 });
  Value power = loop.getResult(0);
  if (isUnsigned)
    return power;
  Value ofMinusOne = m.select(isOdd(y), m.c(-1), m.c(1));
  Value inverse = m.select(is(P::eq, x, m.c(1)), m.c(1), m.select(is(P::eq, x, m.c(-1)), ofMinusOne, m.c(0)));
  return m.select(is(P::slt, y, m.c(0)), inverse, power);
}

/// Division by zero is undefined in ONNX; here it gives 0, and must not trap. MIN / -1
/// overflows (and traps on x86): it wraps to the negation.
Value integerQuotient(Value x, Value y, Math m, bool isUnsigned) {
  auto &b = m.b;
  Location loc = m.loc;
  using P = arith::CmpIPredicate;
  Value zero = arith::CmpIOp::create(b, loc, P::eq, y, m.c(0));
  Value safe = arith::SelectOp::create(b, loc, zero, m.c(1), y);
  x = arith::SelectOp::create(b, loc, zero, m.c(0), x);
  if (isUnsigned)
    return arith::DivUIOp::create(b, loc, x, safe);
  Value minusOne = arith::CmpIOp::create(b, loc, P::eq, safe, m.c(-1));
  Value quotient = arith::DivSIOp::create(b, loc, x, arith::SelectOp::create(b, loc, minusOne, m.c(1), safe));
  return arith::SelectOp::create(b, loc, minusOne, arith::SubIOp::create(b, loc, m.c(0), x), quotient);
}

/// The divisors 0 and -1, with which the instruction may trap, count as 1. The remainder has
/// the sign of the dividend, or (`signOfDivisor`, Python's rule) that of the divisor.
Value integerRemainder(Value x, Value y, Math m, bool isUnsigned, bool signOfDivisor) {
  auto &b = m.b;
  Location loc = m.loc;
  using P = arith::CmpIPredicate;
  Value zero = arith::CmpIOp::create(b, loc, P::eq, y, m.c(0));
  Value safe = arith::SelectOp::create(b, loc, zero, m.c(1), y);
  if (isUnsigned)
    return arith::RemUIOp::create(b, loc, x, safe);
  Value minusOne = arith::CmpIOp::create(b, loc, P::eq, safe, m.c(-1));
  Value divisor = arith::SelectOp::create(b, loc, minusOne, m.c(1), safe);
  Value rest = arith::RemSIOp::create(b, loc, x, divisor);
  if (!signOfDivisor)
    return rest;
  Value nonZero = arith::CmpIOp::create(b, loc, P::ne, rest, m.c(0));
  Value signs = arith::CmpIOp::create(b, loc, P::slt, arith::XOrIOp::create(b, loc, rest, divisor), m.c(0));
  Value fix = arith::AndIOp::create(b, loc, nonZero, signs);
  return arith::SelectOp::create(b, loc, fix, arith::AddIOp::create(b, loc, rest, divisor), rest);
}

/// LLVM leaves shifts by the width and more open; here all bits are shifted out.
Value shifted(Value x, Value y, Math m, bool toLeft, bool isUnsigned) {
  auto &b = m.b;
  Location loc = m.loc;
  Value most = m.c(getElementTypeOrSelf(m.type).getIntOrFloatBitWidth() - 1);
  Value isWithin = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ule, y, most),
        within = arith::MinUIOp::create(b, loc, y, most);
  if (!toLeft && !isUnsigned) // which leaves copies of the sign
    return arith::ShRSIOp::create(b, loc, x, within);
  Value result =
      toLeft ? Value(arith::ShLIOp::create(b, loc, x, within)) : Value(arith::ShRUIOp::create(b, loc, x, within));
  return m.select(isWithin, result, m.c(0));
}

Value emitIntegerBinary(BinaryKind kind, Value x, Value y, Math m, bool isUnsigned) {
  auto &b = m.b;
  Location loc = m.loc;
  using P = arith::CmpIPredicate;
  auto cmp = [&](P s, P u) -> Value { return arith::CmpIOp::create(b, loc, isUnsigned ? u : s, x, y); };
  switch (kind) {
  case BinaryKind::add: return arith::AddIOp::create(b, loc, x, y);
  case BinaryKind::sub: return arith::SubIOp::create(b, loc, x, y);
  case BinaryKind::mul: return arith::MulIOp::create(b, loc, x, y);
  case BinaryKind::div: return integerQuotient(x, y, m, isUnsigned);
  case BinaryKind::mod: return integerRemainder(x, y, m, isUnsigned, /*signOfDivisor=*/true);
  case BinaryKind::fmod: return integerRemainder(x, y, m, isUnsigned, /*signOfDivisor=*/false);
  case BinaryKind::pow: return integerPower(x, y, m, isUnsigned);
  case BinaryKind::min:
    return isUnsigned ? Value(arith::MinUIOp::create(b, loc, x, y)) : Value(arith::MinSIOp::create(b, loc, x, y));
  case BinaryKind::max:
    return isUnsigned ? Value(arith::MaxUIOp::create(b, loc, x, y)) : Value(arith::MaxSIOp::create(b, loc, x, y));
  case BinaryKind::logical_and:
  case BinaryKind::bitwise_and: return arith::AndIOp::create(b, loc, x, y);
  case BinaryKind::logical_or:
  case BinaryKind::bitwise_or: return arith::OrIOp::create(b, loc, x, y);
  case BinaryKind::logical_xor:
  case BinaryKind::bitwise_xor: return arith::XOrIOp::create(b, loc, x, y);
  case BinaryKind::shift_left: return shifted(x, y, m, /*toLeft=*/true, isUnsigned);
  case BinaryKind::shift_right: return shifted(x, y, m, /*toLeft=*/false, isUnsigned);
  case BinaryKind::prelu: {
    if (isUnsigned)
      return x;
    Value negative = arith::CmpIOp::create(b, loc, P::slt, x, m.c(0));
    return arith::SelectOp::create(b, loc, negative, arith::MulIOp::create(b, loc, x, y), x);
  }
  case BinaryKind::eq: return cmp(P::eq, P::eq);
  case BinaryKind::ne: return cmp(P::ne, P::ne);
  case BinaryKind::lt: return cmp(P::slt, P::ult);
  case BinaryKind::le: return cmp(P::sle, P::ule);
  case BinaryKind::gt: return cmp(P::sgt, P::ugt);
  case BinaryKind::ge: return cmp(P::sge, P::uge);
  default: return {};
  }
}

/// A float64 as a float32 rounded to odd, which any later rounding to fewer
/// bits takes as it would take the float64; a float32 as it is.
Value toOddFloat(Value x, Math m) {
  Type element = getElementTypeOrSelf(x.getType());
  auto &b = m.b;
  Location loc = m.loc;
  if (!element.isF64())
    return x;
  Math bits(b, loc, m.shaped(b.getI32Type()));
  Value nearest = arith::TruncFOp::create(b, loc, m.shaped(b.getF32Type()), x);
  Value back = arith::ExtFOp::create(b, loc, x.getType(), nearest);
  Value away = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, Value(math::AbsFOp::create(b, loc, back)),
                                     Value(math::AbsFOp::create(b, loc, x)));
  Value pattern = arith::BitcastOp::create(b, loc, bits.type, nearest);
  Value towardsZero = bits.select(away, arith::SubIOp::create(b, loc, pattern, bits.c(1)), pattern);
  Value odd = arith::OrIOp::create(b, loc, towardsZero, bits.c(1));
  Value inexact = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, back, x);
  return arith::BitcastOp::create(b, loc, m.shaped(b.getF32Type()), bits.select(inexact, odd, pattern));
}

/// An integer of 64 bits such that its conversion to float64 is exact: of large ones
/// the low 16 bits become one that says whether they were 0. No format of 16 bits and
/// less has values or ties among them.
Value withFewBits(Value x, bool isUnsigned, Math m) {
  constexpr int64_t kLow = 0xffff, kLarge = int64_t(1) << 52;
  auto &b = m.b;
  Location loc = m.loc;
  Math bits(b, loc, x.getType());
  Value low = arith::AndIOp::create(b, loc, x, bits.c(kLow)), high = arith::AndIOp::create(b, loc, x, bits.c(~kLow));
  Value hasLow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, low, bits.c(0));
  Value few = arith::OrIOp::create(b, loc, high, bits.select(hasLow, bits.c(kLow / 2 + 1), bits.c(0)));
  Value isLarge =
      isUnsigned ? arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt, x, bits.c(kLarge))
                 : arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ugt,
                                         Value(arith::AddIOp::create(b, loc, x, bits.c(kLarge))), bits.c(2 * kLarge));
  return bits.select(isLarge, few, x);
}

/// To a floating-point or coded type. A result of fewer bits than arithmetic has is a
/// rounding of its own, also inside a fused chain.
Value castToReal(KernelContext &context, CastOp op, Value x, Math m, Value places) {
  Type from = getElementTypeOrSelf(op.getX().getType()), to = getElementTypeOrSelf(op.getResult().getType());
  Type source = computeType(from), target = computeType(to);
  auto &b = m.b;
  Location loc = m.loc;
  Value real = x;
  unsigned a = source.getIntOrFloatBitWidth(), z = target.getIntOrFloatBitWidth();
  bool coded = num::isCoded(to), narrows = coded || to != target;
  if (isa<IntegerType>(source)) {
    // Integers that float32 does not hold must not be rounded twice; float16 has none of them.
    bool mayTie = narrows && a > 16 && !to.isF16(), isUnsigned = from.isUnsignedInteger() || from.isInteger(1);
    Type exact = m.shaped(mayTie ? Type(b.getF64Type()) : target);
    if (mayTie && a == 64)
      x = withFewBits(x, isUnsigned, m);
    real = isUnsigned ? Value(arith::UIToFPOp::create(b, loc, exact, x))
                      : Value(arith::SIToFPOp::create(b, loc, exact, x));
  } else if (a < z) {
    real = arith::ExtFOp::create(b, loc, m.shaped(target), x);
  } else if (a > z && !narrows) {
    real = arith::TruncFOp::create(b, loc, m.shaped(target), x);
  }
  if (coded) {
    Value codes = context.encode(toOddFloat(real, m), to, op.getEncoding(), places);
    return num::DecodeOp::create(b, loc, m.shaped(target), codes, TypeAttr::get(to));
  }
  if (to != target)
    real = arith::ExtFOp::create(b, loc, m.shaped(target),
                                 Value(arith::TruncFOp::create(b, loc, m.shaped(to), toOddFloat(real, m))));
  return real;
}

/// numerics::castToInteger: narrow types are low bits of an int32, so that they wrap
/// alike on every target. The guarded conversions saturate.
Value castRealToInteger(Value x, Type to, Math m) {
  Type target = computeType(to);
  auto &b = m.b;
  Location loc = m.loc;
  Type wide = b.getIntegerType(std::max(32u, target.getIntOrFloatBitWidth()));
  Value whole = arith::FPToSIOp::create(b, loc, m.shaped(wide), x);
  if (to.isUnsignedInteger() && target.getIntOrFloatBitWidth() >= 32)
    whole = m.select(m.cmp(arith::CmpFPredicate::OLT, x, m.c(0)), whole,
                     arith::FPToUIOp::create(b, loc, m.shaped(wide), x));
  return wide == target ? whole : Value(arith::TruncIOp::create(b, loc, m.shaped(target), whole));
}

Value emitCast(KernelContext &context, CastOp op, Value x, Math m, Value places) {
  Type from = getElementTypeOrSelf(op.getX().getType()), to = getElementTypeOrSelf(op.getResult().getType());
  Type source = computeType(from), target = computeType(to);
  auto &b = m.b;
  Location loc = m.loc;
  if (num::isReal(to))
    return castToReal(context, op, x, m, places);
  if (to.isInteger(1)) {
    if (isa<FloatType>(source))
      return m.cmp(arith::CmpFPredicate::UNE, x, m.c(0));
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x, m.c(0));
  }
  if (isa<FloatType>(source))
    return castRealToInteger(x, to, m);
  unsigned a = source.getIntOrFloatBitWidth(), z = target.getIntOrFloatBitWidth();
  if (a == z)
    return x;
  if (a > z)
    return arith::TruncIOp::create(b, loc, m.shaped(target), x);
  return from.isUnsignedInteger() || from.isInteger(1) ? Value(arith::ExtUIOp::create(b, loc, m.shaped(target), x))
                                                       : Value(arith::ExtSIOp::create(b, loc, m.shaped(target), x));
}

/// Why an op on floats of this type has no lowering; empty if it has.
StringRef refusalOf(Operation *op, FloatType type) {
  if (type.getWidth() <= 32)
    return "";
  // MLIR's polynomials are of single precision.
  constexpr StringRef noDouble = "the function has no double-precision polynomial; cast the operand to float32";
  if (auto binary = dyn_cast<BinaryOp>(op))
    return binary.getKind() == BinaryKind::atan2 ? noDouble : "";
  auto unary = dyn_cast<UnaryOp>(op);
  if (!unary)
    return "";
  switch (unary.getKind()) {
  case UnaryKind::exp:
  case UnaryKind::log:
  case UnaryKind::sin:
  case UnaryKind::cos:
  case UnaryKind::tan:
  case UnaryKind::asin:
  case UnaryKind::acos:
  case UnaryKind::atan:
  case UnaryKind::sinh:
  case UnaryKind::cosh:
  case UnaryKind::tanh:
  case UnaryKind::asinh:
  case UnaryKind::acosh:
  case UnaryKind::atanh:
  case UnaryKind::erf:
  case UnaryKind::sigmoid:
  case UnaryKind::elu:
  case UnaryKind::celu:
  case UnaryKind::selu:
  case UnaryKind::softplus:
  case UnaryKind::mish:
  case UnaryKind::gelu:
  case UnaryKind::gelu_tanh:
  case UnaryKind::swish: return noDouble;
  default: return "";
  }
}

} // namespace

Value emitElementwise(KernelContext &context, Operation *op, ArrayRef<Value> operands, Value places) {
  Math m(context.b, context.loc, operands.front().getType());
  Type element = getElementTypeOrSelf(op->getOperand(0).getType());
  bool isFloat = num::isReal(element), isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
  for (Type type : {element, getElementTypeOrSelf(op->getResult(0).getType())})
    if (auto real = dyn_cast<FloatType>(type))
      if (StringRef reason = refusalOf(op, real); !reason.empty()) {
        op->emitError("[TN5002] has no lowering for element type ") << type << ": " << reason;
        return {};
      }
  Value result;
  if (auto unary = dyn_cast<UnaryOp>(op))
    result = isFloat ? emitFloatUnary(unary, operands[0], m, context.target.fusesMultiplyAdd())
                     : emitIntegerUnary(unary, operands[0], m, isUnsigned);
  else if (auto binary = dyn_cast<BinaryOp>(op)) {
    if (binary.getKind() == BinaryKind::pow && isFloat)
      result = emitPower(context.b, context.loc, operands[0], operands[1], context.target.fusesMultiplyAdd());
    else
      result = isFloat ? emitFloatBinary(binary.getKind(), operands[0], operands[1], m)
                       : emitIntegerBinary(binary.getKind(), operands[0], operands[1], m, isUnsigned);
  } else if (isa<SelectOp>(op))
    result = arith::SelectOp::create(context.b, context.loc, operands[0], operands[1], operands[2]);
  else if (auto quantize = dyn_cast<QuantizeOp>(op))
    result = emitQuantize(context, quantize, operands[0], operands[1], operands.size() > 2 ? operands[2] : Value());
  else if (auto dequantize = dyn_cast<DequantizeOp>(op))
    result = emitDequantize(context, dequantize, operands[0], operands[1], operands.size() > 2 ? operands[2] : Value());
  else if (auto cast = dyn_cast<CastOp>(op)) {
    result = emitCast(context, cast, operands[0], m, places);
    auto integer = dyn_cast<IntegerType>(getElementTypeOrSelf(cast.getType()));
    if (result && integer && integer.getWidth() > 1 && integer.getWidth() < 8)
      result = wrapToWidth(context.b, context.loc, result, integer);
  }
  if (!result)
    op->emitError("[TN5002] has no lowering for element type ") << element;
  return result;
}

} // namespace tenon::codegen
