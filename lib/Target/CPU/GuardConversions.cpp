// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions of floats to integers that have a result for every operand.
#include "tenon/Target/CPU/Passes.h"

#include "mlir/IR/Matchers.h"

#include <cmath>
#include <limits>

using namespace mlir;

namespace tenon::cpu {
#define GEN_PASS_DEF_GUARDCONVERSIONSPASS
#include "tenon/Target/CPU/Passes.h.inc"

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Definitions looked through to find a clamp.
constexpr int kDepth = 8;

/// What a float may be: from low to high, or no number.
struct Range {
  double low = -kInfinity, high = kInfinity;
  bool maybeNan = true;

  Range joined(const Range &other) const {
    return {std::min(low, other.low), std::max(high, other.high), maybeNan || other.maybeNan};
  }
};

Range rangeOf(Value value, int depth);

/// `range`, of one side of a comparison with a value of range `other`, where the
/// comparison says `below` (or above) it. A comparison that unordered operands
/// pass as well leaves NaN possible.
Range refined(Range range, const Range &other, bool below, bool passesNan) {
  if (passesNan && other.maybeNan) // nothing is known of a number beside a NaN
    return range;
  if (below)
    range.high = std::min(range.high, other.high);
  else
    range.low = std::max(range.low, other.low);
  range.maybeNan &= passesNan;
  return range;
}

/// The range of `value` where the condition is as `holds` says.
Range rangeUnder(Value value, arith::CmpFOp condition, bool holds, int depth) {
  using P = arith::CmpFPredicate;
  Range range = rangeOf(value, depth);
  if (!condition || (condition.getLhs() != value && condition.getRhs() != value))
    return range;
  bool isLeft = condition.getLhs() == value;
  Range other = rangeOf(isLeft ? condition.getRhs() : condition.getLhs(), depth);
  switch (condition.getPredicate()) {
  case P::OLT:
  case P::OLE: return refined(range, other, isLeft == holds, !holds);
  case P::ULT:
  case P::ULE: return refined(range, other, isLeft == holds, holds);
  case P::OGT:
  case P::OGE: return refined(range, other, isLeft != holds, !holds);
  case P::UGT:
  case P::UGE: return refined(range, other, isLeft != holds, holds);
  case P::ORD:
  case P::UNO: range.maybeNan &= holds == (condition.getPredicate() == P::UNO); return range;
  default: return range;
  }
}

/// minnumf and maxnumf take the other operand for a NaN.
Range chosenOf(Range a, Range b, bool largest, bool dropsNan) {
  Range result;
  result.low = largest ? std::max(a.low, b.low) : std::min(a.low, b.low);
  result.high = largest ? std::max(a.high, b.high) : std::min(a.high, b.high);
  result.maybeNan = dropsNan ? a.maybeNan && b.maybeNan : a.maybeNan || b.maybeNan;
  for (auto [nan, number] : {std::make_pair(a, b), std::make_pair(b, a)})
    if (dropsNan && nan.maybeNan) {
      result.low = std::min(result.low, number.low);
      result.high = std::max(result.high, number.high);
    }
  return result;
}

/// The range of a constant's elements.
Range rangeOfConstant(Attribute constant) {
  SmallVector<APFloat> numbers;
  if (auto number = dyn_cast<FloatAttr>(constant))
    numbers.push_back(number.getValue());
  else if (auto dense = dyn_cast<DenseFPElementsAttr>(constant))
    llvm::append_range(numbers, dense.getValues<APFloat>());
  Range range{kInfinity, -kInfinity, false};
  for (const APFloat &number : numbers) {
    double x = number.convertToDouble();
    range = range.joined({std::isnan(x) ? kInfinity : x, std::isnan(x) ? -kInfinity : x, std::isnan(x)});
  }
  return numbers.empty() ? Range() : range;
}

/// The range of products by one finite positive factor; nothing is said of others.
Range rangeOfProduct(const Range &range, const Range &factor) {
  if (!(factor.low > 0 && factor.low == factor.high && std::isfinite(factor.low)) || factor.maybeNan)
    return {};
  // Rounding may pass the exact product by a last bit.
  auto beyond = [&](double limit, double sign) {
    return limit * factor.low + sign * std::fabs(limit * factor.low) * 0x1p-20;
  };
  return {range.low == -kInfinity ? range.low : beyond(range.low, -1),
          range.high == kInfinity ? range.high : beyond(range.high, 1), range.maybeNan};
}

Range rangeOf(Value value, int depth) {
  Operation *op = value.getDefiningOp();
  if (!op || depth == 0)
    return {};
  if (auto constant = dyn_cast<arith::ConstantOp>(op))
    return rangeOfConstant(constant.getValue());
  if (auto select = dyn_cast<arith::SelectOp>(op)) {
    auto condition = select.getCondition().getDefiningOp<arith::CmpFOp>();
    return rangeUnder(select.getTrueValue(), condition, true, depth - 1)
        .joined(rangeUnder(select.getFalseValue(), condition, false, depth - 1));
  }
  if (isa<arith::SIToFPOp, arith::UIToFPOp>(op)) {
    bool isSigned = isa<arith::SIToFPOp>(op);
    int width = getElementTypeOrSelf(op->getOperand(0).getType()).getIntOrFloatBitWidth();
    return {isSigned ? -std::ldexp(1.0, width - 1) : 0, std::ldexp(1.0, isSigned ? width - 1 : width), false};
  }
  if (isa<arith::MinimumFOp, arith::MaximumFOp, arith::MinNumFOp, arith::MaxNumFOp>(op))
    return chosenOf(rangeOf(op->getOperand(0), depth - 1), rangeOf(op->getOperand(1), depth - 1),
                    isa<arith::MaximumFOp, arith::MaxNumFOp>(op), isa<arith::MinNumFOp, arith::MaxNumFOp>(op));
  if (isa<math::FloorOp, math::CeilOp, math::RoundEvenOp, math::TruncOp>(op)) {
    Range range = rangeOf(op->getOperand(0), depth - 1);
    return {std::floor(range.low), std::ceil(range.high), range.maybeNan};
  }
  if (isa<math::AbsFOp>(op)) {
    Range range = rangeOf(op->getOperand(0), depth - 1);
    return {0, std::max(-range.low, range.high), range.maybeNan};
  }
  if (isa<arith::BitcastOp>(op)) { // bits without that of the sign
    auto masked = op->getOperand(0).getDefiningOp<arith::AndIOp>();
    APInt mask;
    if (masked && matchPattern(masked.getRhs(), m_ConstantInt(&mask)) && mask.isNonNegative() &&
        isa<FloatType>(getElementTypeOrSelf(value.getType())))
      return {0, kInfinity, true};
    return {};
  }
  if (auto product = dyn_cast<arith::MulFOp>(op))
    return rangeOfProduct(rangeOf(product.getLhs(), depth - 1), rangeOf(product.getRhs(), depth - 1));
  if (isa<arith::ExtFOp, vector::BroadcastOp, vector::ShapeCastOp>(op))
    return isa<FloatType>(getElementTypeOrSelf(op->getOperand(0).getType())) ? rangeOf(op->getOperand(0), depth - 1)
                                                                             : Range();
  return {};
}

/// Builds ops beside a conversion, on scalars and vectors alike.
struct Builder {
  OpBuilder b;
  Location loc;

  explicit Builder(Operation *op) : b(op), loc(op->getLoc()) {}

  Value constant(Type type, Attribute element) {
    if (auto vector = dyn_cast<VectorType>(type))
      return arith::ConstantOp::create(b, loc, DenseElementsAttr::get(vector, element));
    return arith::ConstantOp::create(b, loc, cast<TypedAttr>(element));
  }
  Value real(Type type, double value) { return constant(type, b.getFloatAttr(getElementTypeOrSelf(type), value)); }
  Value compare(arith::CmpFPredicate predicate, Value x, Value y) {
    return arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value choose(Value condition, Value x, Value y) { return arith::SelectOp::create(b, loc, condition, x, y); }
  /// Some value where the conversion is poison. LLVM has no vectors of several
  /// dimensions: their elements go in a row.
  Value frozen(Value whole) {
    auto vector = dyn_cast<VectorType>(whole.getType());
    if (!vector || vector.getRank() == 1)
      return LLVM::FreezeOp::create(b, loc, whole);
    auto row = VectorType::get({vector.getNumElements()}, vector.getElementType());
    Value flat = vector::ShapeCastOp::create(b, loc, row, whole);
    return vector::ShapeCastOp::create(b, loc, vector, Value(LLVM::FreezeOp::create(b, loc, flat)));
  }
};

template <typename Conversion>
void guard(Conversion op, bool isSigned, bool anyForNan) {
  auto isFreeze = [](Operation *user) { return isa<LLVM::FreezeOp>(user); };
  if (llvm::all_of(op->getUsers(), isFreeze)) // its author knows
    return;
  Value x = op.getIn();
  auto integer = cast<IntegerType>(getElementTypeOrSelf(op.getType()));
  int width = integer.getWidth();
  double low = isSigned ? -std::ldexp(1.0, width - 1) : 0, end = std::ldexp(1.0, isSigned ? width - 1 : width);
  Range range = rangeOf(x, kDepth);
  bool reachesLow = range.low <= low - 1, reachesEnd = range.high >= end;
  if (!reachesLow && !reachesEnd && !range.maybeNan)
    return;

  Builder m(op);
  Value clamped = x;
  if (reachesLow || (range.maybeNan && (reachesEnd || !anyForNan))) { // one instruction, which drops NaN
    Value bound = m.real(x.getType(), low);
    clamped = m.choose(m.compare(arith::CmpFPredicate::OGT, x, bound), x, bound);
  }
  Value whole = m.frozen(Conversion::create(m.b, m.loc, op.getType(), clamped));
  if (reachesEnd) {
    APInt most = isSigned ? APInt::getSignedMaxValue(width) : APInt::getMaxValue(width);
    Value isBeyond = m.compare(arith::CmpFPredicate::OGE, x, m.real(x.getType(), end));
    whole = m.choose(isBeyond, m.constant(op.getType(), m.b.getIntegerAttr(integer, most)), whole);
  }
  op.replaceAllUsesWith(whole);
  op.erase();
}

class GuardConversions : public impl::GuardConversionsPassBase<GuardConversions> {
public:
  using GuardConversionsPassBase::GuardConversionsPassBase;

  void runOnOperation() override {
    SmallVector<Operation *> conversions;
    getOperation().walk([&](Operation *op) {
      if (isa<arith::FPToSIOp, arith::FPToUIOp>(op))
        conversions.push_back(op);
    });
    for (Operation *op : conversions) {
      if (auto toSigned = dyn_cast<arith::FPToSIOp>(op))
        guard(toSigned, true, anyForNan);
      else
        guard(cast<arith::FPToUIOp>(op), false, anyForNan);
    }
  }
};

} // namespace
} // namespace tenon::cpu
