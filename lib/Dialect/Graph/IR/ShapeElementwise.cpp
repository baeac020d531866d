// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shape rules of constants, elementwise ops, and ops that keep their operand's
// shape. Small integer tensors are computed along the way.
#include "ShapeContents.h"
#include "SymbolicPolynomial.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

#include "llvm/ADT/APFloat.h"
#include <cmath>

using namespace mlir;
using namespace tenon::graph;
using Dims = ShapeAnalysis::Dims;

static bool isRatio(AffineExpr e, ShapeAnalysis &a);
static AffineExpr wholePart(AffineExpr e, Derivation division, ShapeAnalysis &a);

LogicalResult ConstantOp::inferShapes(ShapeAnalysis &a) {
  a.getShape(getResult());
  return success();
}

static LogicalResult sameAs(ShapeAnalysis &a, Value from, Value to) {
  a.setShape(to, Dims(a.getShape(from)));
  return success();
}

static void setElement(Value value, Type element) {
  if (auto type = dyn_cast<RankedTensorType>(value.getType()))
    value.setType(RankedTensorType::get(type.getShape(), element));
  else
    value.setType(UnrankedTensorType::get(element));
}

LogicalResult UnaryOp::inferShapes(ShapeAnalysis &a) {
  if (llvm::is_contained(
          {UnaryKind::is_nan, UnaryKind::is_inf, UnaryKind::is_pos_inf, UnaryKind::is_neg_inf, UnaryKind::logical_not},
          getKind()))
    setElement(getResult(), IntegerType::get(getContext(), 1));
  if (auto contents = a.getContents(getX())) {
    Type element = getElementTypeOrSelf(getX().getType());
    for (AffineExpr &e : *contents) {
      switch (getKind()) {
      case UnaryKind::neg: e = evaluate(BinaryKind::sub, a.constant(0), e, element, a); break;
      case UnaryKind::logical_not: e = e ? canonical(1 - e) : e; break;
      case UnaryKind::abs: e = e && !isRatio(e, a) && isa<IntegerType>(element) ? a.max(e, -e) : AffineExpr(); break;
      case UnaryKind::floor: e = wholePart(e, Derivation::floordiv, a); break;
      case UnaryKind::ceil:
        e = isRatio(e, a) ? a.ceilDiv(a.derivedSymbol(e)->arguments[0], a.derivedSymbol(e)->arguments[1]) : e;
        break;
      case UnaryKind::round_even: e = isRatio(e, a) ? AffineExpr() : e; break;
      default: e = {};
      }
    }
    a.setContents(getResult(), *contents);
  }
  return sameAs(a, getX(), getResult());
}

LogicalResult CastOp::inferShapes(ShapeAnalysis &a) {
  Type to = getElementTypeOrSelf(getResult().getType());
  if (auto contents = a.getContents(getX())) {
    for (AffineExpr &e : *contents) {
      if (to.isInteger(1))
        e = e && !isRatio(e, a) ? canonical(1 - a.derive(Derivation::eq, {e, a.constant(0)})) : AffineExpr();
      else
        e = representable(isa<FloatType>(to) ? e : wholePart(e, Derivation::truncdiv, a), to);
    }
    a.setContents(getResult(), *contents);
  }
  return sameAs(a, getX(), getResult());
}

/// Whether an element is a real number that is no integer for all sizes.
static bool isRatio(AffineExpr e, ShapeAnalysis &a) {
  const Symbol *symbol = a.derivedSymbol(e);
  return symbol && symbol->derivation == Derivation::ratio;
}

/// A ratio rounded by a kind of division; integers as they are.
static AffineExpr wholePart(AffineExpr e, Derivation division, ShapeAnalysis &a) {
  if (!isRatio(e, a))
    return e;
  auto parts = a.derivedSymbol(e)->arguments;
  return a.derive(division, parts);
}

/// A quotient of real numbers: an integer where it divides for all sizes.
static AffineExpr ratio(AffineExpr p, AffineExpr q, ShapeAnalysis &a) {
  if (q == 0)
    return {};
  if (auto exact = divideExactly(p, q))
    return *exact;
  return a.derive(Derivation::ratio, {p, q});
}

/// Arithmetic with ratios, as far as it stays one.
static AffineExpr evaluateRatio(BinaryKind kind, AffineExpr x, AffineExpr y, ShapeAnalysis &a) {
  auto parts = [&](AffineExpr e) {
    return isRatio(e, a) ? std::pair(a.derivedSymbol(e)->arguments[0], a.derivedSymbol(e)->arguments[1])
                         : std::pair(e, a.constant(1));
  };
  auto [p, q] = parts(x);
  auto [r, s] = parts(y);
  switch (kind) {
  case BinaryKind::add: return ratio(p * s + r * q, q * s, a);
  case BinaryKind::sub: return ratio(p * s - r * q, q * s, a);
  case BinaryKind::mul: return ratio(p * r, q * s, a);
  case BinaryKind::div: return ratio(p * s, q * r, a);
  default: return {};
  }
}

static LogicalResult broadcastShapes(Operation *op, ShapeAnalysis &a, ValueRange operands, Dims &result) {
  for (Value operand : operands) {
    Dims dims = a.getShape(operand);
    if (dims.size() > result.size())
      result.insert(result.begin(), dims.size() - result.size(), a.constant(1));
    for (size_t i = 0; i < dims.size(); ++i) {
      AffineExpr &d = result[i + result.size() - dims.size()];
      AffineExpr joined = a.broadcast(d, dims[i]);
      if (!joined)
        return op->emitError("[TN2012] operands do not broadcast: a dimension is ")
               << text(d) << " in one and " << text(dims[i]) << " in another";
      d = joined;
    }
  }
  return success();
}

/// Element i of contents broadcast to all elements of the result: scalars, or as many.
static AffineExpr at(const Dims &contents, size_t i) { return contents.size() == 1 ? contents[0] : contents[i]; }

/// The number of elements of a shape, if each operand has as many or is a scalar.
static std::optional<size_t> commonCount(ArrayRef<AffineExpr> shape, std::initializer_list<size_t> counts) {
  auto sizes = staticSizes(shape);
  if (!sizes)
    return std::nullopt;
  // Operands are small, and so are results that they cover.
  size_t total = 1, most = std::max(counts);
  for (int64_t size : *sizes)
    if (total *= size_t(size); total > most)
      return std::nullopt;
  return llvm::all_of(counts, [&](size_t count) { return count == 1 || count == total; }) ? std::optional(total)
                                                                                          : std::nullopt;
}

/// Both operands are numbers, of integers that wrap or floats that round beyond
/// what an expression can say: null there.
static AffineExpr evaluateNumbers(BinaryKind kind, int64_t p, int64_t q, Type element, ShapeAnalysis &a) {
  int64_t result = 0;
  bool overflow = kind == BinaryKind::add   ? __builtin_add_overflow(p, q, &result)
                  : kind == BinaryKind::sub ? __builtin_sub_overflow(p, q, &result)
                                            : __builtin_mul_overflow(p, q, &result);
  // A float zero may be a negative one.
  if (overflow || (isa<FloatType>(element) && result == 0 && kind != BinaryKind::add))
    return {};
  return representable(a.constant(result), element);
}

AffineExpr tenon::graph::representable(AffineExpr value, Type element) {
  auto number = value ? dyn_cast<AffineConstantExpr>(value) : AffineConstantExpr();
  unsigned width = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 0;
  if (!number) // sizes fit 32 bits, as exporters that cast them assume
    return width >= 32 ? value : AffineExpr();
  if (auto type = dyn_cast<FloatType>(element)) {
    llvm::APFloat rounded(double(number.getValue()));
    bool lossy = false;
    (void)rounded.convert(type.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &lossy);
    return lossy || std::abs(double(number.getValue())) > 1e15 ? AffineExpr() : value;
  }
  if (width == 0 || width > 64)
    return {};
  bool isUnsigned = element.isUnsignedInteger() || element.isInteger(1);
  bool fits = isUnsigned && width < 64 ? llvm::isUIntN(width, number.getValue())
                                       : width == 64 || llvm::isIntN(width, number.getValue());
  return fits ? value : AffineExpr();
}

AffineExpr tenon::graph::evaluate(BinaryKind kind, AffineExpr x, AffineExpr y, Type element, ShapeAnalysis &a) {
  if (!x || !y)
    return {};
  auto cx = dyn_cast<AffineConstantExpr>(x), cy = dyn_cast<AffineConstantExpr>(y);
  bool both = cx && cy;
  int64_t p = cx ? cx.getValue() : 0, q = cy ? cy.getValue() : 0;
  bool isSum = kind == BinaryKind::add || kind == BinaryKind::sub || kind == BinaryKind::mul;
  if (both && isSum)
    return evaluateNumbers(kind, p, q, element, a);
  if (!isSum && both && p == std::numeric_limits<int64_t>::min() && q == -1)
    return {}; // the quotient overflows
  bool isReal = isa<FloatType>(element);
  if (isRatio(x, a) || isRatio(y, a) || (isReal && kind == BinaryKind::div))
    return evaluateRatio(kind, x, y, a);
  if (isReal && (kind == BinaryKind::mod || kind == BinaryKind::fmod))
    return {};
  auto derive = [&](Derivation how, AffineExpr first, AffineExpr second) { return a.derive(how, {first, second}); };
  auto inverse = [](AffineExpr truth) { return canonical(1 - truth); };
  bool isUnsigned = element.isUnsignedInteger();
  switch (kind) {
  case BinaryKind::add: return x + y;
  case BinaryKind::sub: return isUnsigned && a.getRange(canonical(x - y)).first < 0 ? AffineExpr() : x - y; // wraps
  case BinaryKind::mul: return x * y;
  case BinaryKind::div:
    if (y == 0)
      return {};
    if (auto exact = divideExactly(x, y))
      return *exact;
    return derive(Derivation::truncdiv, x, y);
  case BinaryKind::mod: return y == 0 ? AffineExpr() : derive(Derivation::mod, x, y);
  case BinaryKind::fmod: return y == 0 ? AffineExpr() : canonical(x - y * derive(Derivation::truncdiv, x, y));
  // What follows is decided by ranges where they tell: a dimension is never
  // negative, so for example never equal to -1.
  case BinaryKind::min: return derive(Derivation::min, x, y);
  case BinaryKind::max: return derive(Derivation::max, x, y);
  case BinaryKind::eq: return derive(Derivation::eq, x, y);
  case BinaryKind::ne: return inverse(derive(Derivation::eq, x, y));
  case BinaryKind::lt: return derive(Derivation::lt, x, y);
  case BinaryKind::le: return inverse(derive(Derivation::lt, y, x));
  case BinaryKind::gt: return derive(Derivation::lt, y, x);
  case BinaryKind::ge: return inverse(derive(Derivation::lt, x, y));
  case BinaryKind::logical_and: return derive(Derivation::min, x, y);
  case BinaryKind::logical_or: return derive(Derivation::max, x, y);
  case BinaryKind::logical_xor: return inverse(derive(Derivation::eq, x, y));
  default: return {};
  }
}

LogicalResult BinaryOp::inferShapes(ShapeAnalysis &a) {
  if (getKind() >= BinaryKind::eq)
    setElement(getResult(), IntegerType::get(getContext(), 1));
  Dims result;
  if (failed(broadcastShapes(*this, a, getOperands(), result)))
    return failure();
  auto x = a.getContents(getLhs()), y = a.getContents(getRhs());
  Type element = getElementTypeOrSelf(getLhs().getType());
  if (auto count = x && y ? commonCount(result, {x->size(), y->size()}) : std::nullopt) {
    Dims contents;
    for (size_t i = 0; i < *count; ++i)
      contents.push_back(evaluate(getKind(), at(*x, i), at(*y, i), element, a));
    a.setContents(getResult(), contents);
  }
  a.setShape(getResult(), result);
  return success();
}

LogicalResult SelectOp::inferShapes(ShapeAnalysis &a) {
  Dims result;
  if (failed(broadcastShapes(*this, a, getOperands(), result)))
    return failure();
  auto c = a.getContents(getCondition()), x = a.getContents(getLhs()), y = a.getContents(getRhs());
  if (auto count = c && x && y ? commonCount(result, {c->size(), x->size(), y->size()}) : std::nullopt) {
    Dims contents;
    for (size_t i = 0; i < *count; ++i) {
      AffineExpr condition = at(*c, i), p = at(*x, i), q = at(*y, i);
      auto known = condition ? dyn_cast<AffineConstantExpr>(condition) : AffineConstantExpr();
      if (known)
        contents.push_back(known.getValue() ? p : q);
      else if (condition && p && q && !isRatio(p, a) && !isRatio(q, a))
        contents.push_back(a.derive(Derivation::select, {condition, p, q}));
      else
        contents.push_back(p == q ? p : AffineExpr());
    }
    a.setContents(getResult(), contents);
  }
  a.setShape(getResult(), result);
  return success();
}

LogicalResult SoftmaxOp::inferShapes(ShapeAnalysis &a) { return sameAs(a, getX(), getResult()); }
LogicalResult NormOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX());
  for (Value parameter : {getScale(), getBias()}) {
    Dims dims = parameter ? a.getShape(parameter) : Dims();
    for (size_t i = 0; i < dims.size(); ++i)
      if (dims.size() > x.size() || !a.broadcastsTo(dims[i], x[i + x.size() - dims.size()]))
        return emitError("[TN2012] scale and bias must broadcast to x: a dimension is ") << text(dims[i]);
  }
  return sameAs(a, getX(), getResult());
}
LogicalResult CumSumOp::inferShapes(ShapeAnalysis &a) { return sameAs(a, getX(), getResult()); }
LogicalResult TriluOp::inferShapes(ShapeAnalysis &a) { return sameAs(a, getX(), getResult()); }

//===-- quantization ------------------------------------------------------===//

/// A scale or zero point has one element, one for each index of x's axis, or one for each block along it.
template <typename Op>
static LogicalResult checkParameter(Op op, ShapeAnalysis &a, Value parameter, StringRef name) {
  if (!parameter)
    return success();
  Dims x = a.getShape(op.getX()), dims = a.getShape(parameter), several;
  llvm::copy_if(dims, std::back_inserter(several), [&](AffineExpr dim) { return dim != a.constant(1); });
  int64_t axis = int64_t(op.getAxis()), block = int64_t(op.getBlockSize()), rank = x.size();
  axis += axis < 0 ? rank : 0;
  if (several.empty())
    return success();
  auto fail = [&]() {
    return op.emitError("[TN2066] the ") << name << " has type " << parameter.getType() << ", expected one element";
  };
  if (axis < 0 || axis >= rank)
    return fail() << ": axis " << int64_t(op.getAxis()) << " is outside the data's rank " << rank;
  if (block == 0) {
    if (several.size() != 1 || !a.unify(several[0], x[axis])) // kernels read a value for each index where one may come
      return fail() << ", or " << text(x[axis]) << " along axis " << axis;
    return success();
  }
  Dims expected(x);
  expected[axis] = a.ceilDiv(x[axis], a.constant(block));
  bool fits = dims.size() == expected.size();
  for (int64_t i = 0; fits && i < rank; ++i)
    fits = bool(a.unify(dims[i], expected[i]));
  if (fits)
    return success();
  InFlightDiagnostic error = fail();
  error << ", or those of blocks of " << block << " along axis " << axis << ": ";
  llvm::interleave(expected, [&](AffineExpr dim) { error << text(dim); }, [&]() { error << " x "; });
  return error;
}

template <typename Op>
static LogicalResult inferQuantization(Op op, ShapeAnalysis &a) {
  LogicalResult scale = checkParameter(op, a, op.getScale(), "scale"),
                zeroPoint = checkParameter(op, a, op.getZeroPoint(), "zero point");
  if (failed(scale) || failed(zeroPoint))
    return failure();
  return sameAs(a, op.getX(), op.getResult());
}

LogicalResult QuantizeOp::inferShapes(ShapeAnalysis &a) { return inferQuantization(*this, a); }
LogicalResult DequantizeOp::inferShapes(ShapeAnalysis &a) { return inferQuantization(*this, a); }
