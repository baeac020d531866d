// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shared checks, and verifiers of elementwise ops, creation and quantization.
#include "Verify.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;
using namespace tenon::graph;

namespace tenon::graph {

InFlightDiagnostic violation(Operation *op, int number) { return op->emitOpError("[TN2200] C") << number << ": "; }

LogicalResult checkElements(Operation *op, int number, ValueRange values) {
  for (Value value : values)
    if (elementOf(value) != elementOf(values.front()))
      return violation(op, number) << "element types " << elementOf(values.front()) << " and " << elementOf(value)
                                   << " must be the same";
  return success();
}

LogicalResult checkAxis(Operation *op, int number, int64_t axis, std::optional<int64_t> rank) {
  if (axis < 0 || (rank && axis >= *rank)) {
    auto diagnostic = violation(op, number) << "axis " << axis << " must be 0 or more";
    if (rank)
      diagnostic << " and less than " << *rank;
    return diagnostic;
  }
  return success();
}

LogicalResult checkAxes(Operation *op, int number, ArrayRef<int64_t> axes, std::optional<int64_t> rank) {
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (failed(checkAxis(op, number, axis, rank)))
      return failure();
    if (i && axes[i - 1] >= axis)
      return violation(op, number) << "axes must ascend, " << axis << " follows " << axes[i - 1];
  }
  return success();
}

LogicalResult checkIntegers(Operation *op, int number, Value value) {
  if (!isa<IntegerType>(elementOf(value)))
    return violation(op, number) << "indices of " << elementOf(value) << " must be integers";
  return success();
}

LogicalResult checkCount(Operation *op, int number, Value list, std::optional<int64_t> count) {
  auto rank = rankOf(list);
  auto size = sizeOf(list, 0);
  if ((rank && *rank != 1) || (size && count && *size != *count)) {
    auto diagnostic = violation(op, number) << "operand of type " << list.getType() << " must be a list";
    if (count)
      diagnostic << " of " << *count;
    return diagnostic;
  }
  return success();
}

LogicalResult checkElementCount(Operation *op, int number, Value value, int64_t count) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (type && type.hasStaticShape() && type.getNumElements() != count)
    return violation(op, number) << "operand of type " << type << " must have " << count
                                 << (count == 1 ? " element" : " elements");
  return success();
}

} // namespace tenon::graph

static LogicalResult checkBool(Operation *op, int number, Value value) {
  if (!elementOf(value).isInteger(1))
    return violation(op, number) << "element type " << elementOf(value) << " must be i1";
  return success();
}

/// Real numbers or their codes, but no complex numbers, indices or other types.
static LogicalResult checkNumbers(Operation *op, int number, ValueRange values) {
  for (Value value : values)
    if (Type element = elementOf(value); !element.isIntOrFloat() && !tenon::num::isCoded(element))
      return violation(op, number) << "element type " << element << " must be an integer, a float or a code";
  return success();
}

LogicalResult UnaryOp::verify() {
  bool predicate = getKind() >= UnaryKind::is_nan && getKind() <= UnaryKind::is_neg_inf;
  if (getKind() == UnaryKind::logical_not && failed(checkBool(*this, 2, getX())))
    return failure();
  if (predicate || getKind() == UnaryKind::logical_not)
    return checkBool(*this, 1, getResult());
  return checkElements(*this, 1, {getX(), getResult()});
}

LogicalResult BinaryOp::verify() {
  if (failed(checkElements(*this, 1, {getLhs(), getRhs()})))
    return failure();
  bool logical = getKind() >= BinaryKind::logical_and && getKind() <= BinaryKind::logical_xor;
  if (logical && failed(checkBool(*this, 3, getLhs())))
    return failure();
  if (getKind() >= BinaryKind::eq)
    return checkBool(*this, 2, getResult());
  return checkElements(*this, 2, {getLhs(), getResult()});
}

LogicalResult SelectOp::verify() {
  if (failed(checkBool(*this, 1, getCondition())))
    return failure();
  return checkElements(*this, 2, {getLhs(), getRhs(), getResult()});
}

//===-- creation ----------------------------------------------------------===//

LogicalResult ShapeOp::verify() {
  int64_t start = getStart(), end = getEnd();
  auto rank = rankOf(getX());
  if (start < 0 || end < start || (rank && end > *rank))
    return violation(*this, 1) << "dimensions " << start << " to " << end << " must lie within the rank";
  return success();
}

LogicalResult FillOp::verify() {
  if (failed(checkElements(*this, 1, {getValue(), getResult()})) || failed(checkElementCount(*this, 2, getValue(), 1)))
    return failure();
  return checkCount(*this, 3, getShape(), std::nullopt);
}

LogicalResult RangeOp::verify() {
  for (Value operand : getOperands())
    if (failed(checkElementCount(*this, 2, operand, 1)))
      return failure();
  return checkElements(*this, 1, {getStart(), getLimit(), getDelta(), getResult()});
}

LogicalResult CumSumOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  return checkAxis(*this, 2, getAxis(), rankOf(getX()));
}

LogicalResult TriluOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  if (auto rank = rankOf(getX()); rank && *rank < 2)
    return violation(*this, 2) << "rank " << *rank << " must be 2 or more";
  if (!elementOf(getK()).isInteger(64))
    return violation(*this, 3) << "k of " << elementOf(getK()) << " must be i64";
  return checkElementCount(*this, 3, getK(), 1);
}

LogicalResult OneHotOp::verify() {
  if (failed(checkElements(*this, 1, {getValues(), getResult()})) ||
      failed(checkElementCount(*this, 3, getDepth(), 1)) || failed(checkElementCount(*this, 3, getValues(), 2)) ||
      failed(checkIntegers(*this, 4, getIndices())))
    return failure();
  auto rank = rankOf(getIndices());
  return checkAxis(*this, 2, getAxis(), rank ? std::optional<int64_t>(*rank + 1) : std::nullopt);
}

LogicalResult TopKOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getValues()})))
    return failure();
  if (!elementOf(getIndices()).isInteger(64))
    return violation(*this, 1) << "indices of " << elementOf(getIndices()) << " must be i64";
  if (failed(checkElementCount(*this, 3, getK(), 1)))
    return failure();
  return checkAxis(*this, 2, getAxis(), rankOf(getX()));
}

//===-- quantization ------------------------------------------------------===//

LogicalResult CastOp::verify() {
  if (getRounding() && !tenon::num::isCoded(elementOf(getResult())))
    return emitOpError("C1: rounding is given for a result of ")
           << elementOf(getResult()) << ", which rounds in one way only";
  if (failed(checkNumbers(*this, 2, {getX(), getResult()})))
    return failure();
  if (getSeed() && !isStochastic())
    return emitOpError("C3: a seed is given, and the rounding is not stochastic");
  if (!getSeed() && getRounding() == tenon::num::Rounding::stochastic)
    return emitOpError("C3: stochastic rounding needs a seed");
  if (getRounding() && *getRounding() != tenon::num::Rounding::nearest_even &&
      !tenon::num::formatOf(elementOf(getResult()))->isFloat())
    return emitOpError("C4: ") << elementOf(getResult()) << " rounds to the nearest even value only";
  return success();
}

bool CastOp::isStochastic() {
  return tenon::num::isCoded(elementOf(getResult())) && getEncoding().rounding == tenon::numerics::Rounding::Stochastic;
}

tenon::numerics::Encoding CastOp::getEncoding() {
  tenon::numerics::Encoding how = tenon::num::formatOf(elementOf(getResult()))->arithmeticEncoding();
  if (getRounding())
    how.rounding = tenon::numerics::Rounding(*getRounding());
  how.seed = getSeed().value_or(0);
  how.overflow = getSaturate() ? tenon::numerics::Overflow::Saturate : tenon::numerics::Overflow::NonFinite;
  return how;
}

LogicalResult QuantizeOp::verify() {
  if (!isFloat(getScale()))
    return violation(*this, 1) << "scale of " << elementOf(getScale()) << " must be of floats";
  if (int64_t(getBlockSize()) < 0)
    return violation(*this, 2) << "block_size " << int64_t(getBlockSize()) << " must not be negative";
  return checkNumbers(*this, 3, {getX(), getResult()});
}

LogicalResult DequantizeOp::verify() {
  if (!isFloat(getScale()) || !isFloat(getResult()))
    return violation(*this, 1) << "scale of " << elementOf(getScale()) << " and result of " << elementOf(getResult())
                               << " must be of floats";
  if (int64_t(getBlockSize()) < 0)
    return violation(*this, 2) << "block_size " << int64_t(getBlockSize()) << " must not be negative";
  return success();
}
