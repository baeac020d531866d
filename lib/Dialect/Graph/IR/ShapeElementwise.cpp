// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shape rules of constants, elementwise ops, and ops that keep their operand's
// shape. Small integer tensors are computed along the way.
#include "SymbolicPolynomial.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;
using namespace tenon::graph;
using Dims = ShapeAnalysis::Dims;

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
  if (llvm::is_contained({UnaryKind::is_nan, UnaryKind::is_inf, UnaryKind::is_pos_inf, UnaryKind::is_neg_inf, UnaryKind::logical_not}, getKind()))
    setElement(getResult(), IntegerType::get(getContext(), 1));
  if (auto contents = a.getContents(getX())) {
    for (AffineExpr &e : *contents) {
      auto constant = e ? dyn_cast<AffineConstantExpr>(e) : AffineConstantExpr();
      switch (getKind()) {
      case UnaryKind::neg: e = e ? -e : e; break;
      case UnaryKind::logical_not: e = constant ? a.constant(constant.getValue() == 0) : AffineExpr(); break;
      case UnaryKind::floor: case UnaryKind::ceil: case UnaryKind::round_even: break;
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
    if (to.isInteger(1))
      for (AffineExpr &e : *contents) {
        auto constant = e ? dyn_cast<AffineConstantExpr>(e) : AffineConstantExpr();
        e = constant ? a.constant(constant.getValue() != 0) : AffineExpr();
      }
    a.setContents(getResult(), *contents);
  }
  return sameAs(a, getX(), getResult());
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
        return op->emitError("[TN2012] operands do not broadcast: a dimension is ") << text(d) << " in one and " << text(dims[i]) << " in another";
      d = joined;
    }
  }
  return success();
}

/// Element i of contents broadcast to n elements (scalars and equal sizes only).
static AffineExpr at(const Dims &contents, size_t i) { return contents.size() == 1 ? contents[0] : contents[i]; }

static AffineExpr evaluate(BinaryKind kind, AffineExpr x, AffineExpr y, ShapeAnalysis &a) {
  if (!x || !y)
    return {};
  auto cx = dyn_cast<AffineConstantExpr>(x), cy = dyn_cast<AffineConstantExpr>(y);
  bool both = cx && cy;
  int64_t p = cx ? cx.getValue() : 0, q = cy ? cy.getValue() : 0;
  auto when = [&](bool value) { return both ? a.constant(value) : AffineExpr(); };
  auto decide = [&](bool yes, bool no) { return yes ? a.constant(1) : no ? a.constant(0) : AffineExpr(); };
  auto [low, high] = both ? std::make_pair<int64_t, int64_t>(p < q ? -1 : p > q, p < q ? -1 : p > q)
                          : a.getRange(canonical(x - y));
  switch (kind) {
  case BinaryKind::add: return x + y;
  case BinaryKind::sub: return x - y;
  case BinaryKind::mul: return x * y;
  case BinaryKind::div:
    if (both)
      return q ? a.constant(p / q) : AffineExpr();
    if (auto exact = divideExactly(x, y))
      return *exact;
    return cy && q > 0 ? x.floorDiv(q) : AffineExpr(); // dimensions are not negative
  case BinaryKind::mod:
    if (both)
      return q ? a.constant(p - (p / q - ((p % q != 0) && ((p < 0) != (q < 0)))) * q) : AffineExpr();
    return cy && q > 0 ? x % q : AffineExpr();
  // What follows is decided by the range of the difference: a dimension is
  // never negative, so for example never equal to -1.
  case BinaryKind::min: return high <= 0 ? x : low >= 0 ? y : AffineExpr();
  case BinaryKind::max: return high <= 0 ? y : low >= 0 ? x : AffineExpr();
  case BinaryKind::eq: return decide(low == 0 && high == 0, low > 0 || high < 0);
  case BinaryKind::ne: return decide(low > 0 || high < 0, low == 0 && high == 0);
  case BinaryKind::lt: return decide(high < 0, low >= 0);
  case BinaryKind::le: return decide(high <= 0, low > 0);
  case BinaryKind::gt: return decide(low > 0, high <= 0);
  case BinaryKind::ge: return decide(low >= 0, high < 0);
  case BinaryKind::logical_and: return when(p && q);
  case BinaryKind::logical_or: return when(p || q);
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
  bool real = isa<FloatType>(getElementTypeOrSelf(getLhs().getType()));
  if (x && y && (x->size() == y->size() || x->size() == 1 || y->size() == 1)) {
    Dims contents;
    for (size_t i = 0; i < std::max(x->size(), y->size()); ++i)
      contents.push_back(real && (getKind() == BinaryKind::div || getKind() == BinaryKind::mod)
                             ? AffineExpr() : evaluate(getKind(), at(*x, i), at(*y, i), a));
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
  if (c && x && y) {
    Dims contents;
    size_t n = std::max({c->size(), x->size(), y->size()});
    bool even = llvm::all_of(ArrayRef<size_t>{c->size(), x->size(), y->size()}, [&](size_t s) { return s == 1 || s == n; });
    for (size_t i = 0; even && i < n; ++i) {
      AffineExpr condition = at(*c, i);
      auto known = condition ? dyn_cast<AffineConstantExpr>(condition) : AffineConstantExpr();
      AffineExpr p = at(*x, i), q = at(*y, i);
      contents.push_back(known ? (known.getValue() ? p : q) : p && p == q ? p : AffineExpr());
    }
    if (even)
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
LogicalResult QuantizeOp::inferShapes(ShapeAnalysis &a) { return sameAs(a, getX(), getResult()); }
LogicalResult DequantizeOp::inferShapes(ShapeAnalysis &a) { return sameAs(a, getX(), getResult()); }
