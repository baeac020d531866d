// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Verifiers of views and data movement.
#include "Verify.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;
using namespace tenon::graph;

LogicalResult ReshapeOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  return checkCount(*this, 2, getShape(), std::nullopt);
}

LogicalResult SqueezeOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  return checkAxes(*this, 2, getAxes(), rankOf(getX()));
}

LogicalResult UnsqueezeOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  auto rank = rankOf(getX());
  return checkAxes(*this, 2, getAxes(), rank ? std::optional<int64_t>(*rank + getAxes().size()) : std::nullopt);
}

LogicalResult FlattenOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  int64_t begin = getBegin(), end = getEnd();
  auto rank = rankOf(getX());
  if (begin < 0 || end < begin || (rank && end > *rank))
    return violation(*this, 2) << "dimensions " << begin << " to " << end << " must lie within the rank";
  return success();
}

LogicalResult TransposeOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  ArrayRef<int64_t> perm = getPerm();
  auto rank = rankOf(getX());
  SmallVector<int64_t> sorted(perm);
  llvm::sort(sorted);
  for (auto [i, axis] : llvm::enumerate(sorted))
    if (axis != int64_t(i))
      return violation(*this, 2) << "perm must name each of " << perm.size() << " dimensions once";
  if (rank && *rank != int64_t(perm.size()))
    return violation(*this, 2) << "perm of " << perm.size() << " must have an entry for each of " << *rank
                               << " dimensions";
  return success();
}

LogicalResult ExpandOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  return checkCount(*this, 2, getShape(), std::nullopt);
}

LogicalResult SliceOp::verify() {
  int64_t count = getAxes().size();
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  // In any order, as models have them.
  SmallVector<int64_t> axes(getAxes());
  llvm::sort(axes);
  if (failed(checkAxes(*this, 2, axes, rankOf(getX()))))
    return failure();
  if (int64_t(getSteps().size()) != count)
    return violation(*this, 3) << getSteps().size() << " steps must be " << count;
  if (failed(checkCount(*this, 3, getStarts(), count)) || failed(checkCount(*this, 3, getEnds(), count)))
    return failure();
  if (llvm::is_contained(getSteps(), 0))
    return violation(*this, 4) << "steps must not be 0";
  return success();
}

LogicalResult ConcatOp::verify() {
  if (getInputs().empty())
    return violation(*this, 1) << "there must be an input";
  if (failed(checkElements(*this, 2, getInputs())) ||
      failed(checkElements(*this, 2, {getInputs().front(), getResult()})))
    return failure();
  std::optional<int64_t> rank;
  for (Value input : getInputs()) {
    auto own = rankOf(input);
    if (own && rank && *own != *rank)
      return violation(*this, 4) << "inputs of rank " << *rank << " and " << *own << " must have the same rank";
    rank = own ? own : rank;
  }
  return checkAxis(*this, 3, getAxis(), rank);
}

LogicalResult PadOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})) ||
      (getValue() &&
       (failed(checkElements(*this, 1, {getX(), getValue()})) || failed(checkElementCount(*this, 3, getValue(), 1)))))
    return failure();
  auto rank = rankOf(getX());
  return checkCount(*this, 2, getPads(), rank ? std::optional<int64_t>(2 * *rank) : std::nullopt);
}

LogicalResult TileOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  return checkCount(*this, 2, getRepeats(), rankOf(getX()));
}

LogicalResult GatherOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})) || failed(checkAxis(*this, 2, getAxis(), rankOf(getX()))))
    return failure();
  return checkIntegers(*this, 3, getIndices());
}

LogicalResult GatherElementsOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})) || failed(checkAxis(*this, 2, getAxis(), rankOf(getX()))))
    return failure();
  return checkIntegers(*this, 3, getIndices());
}

LogicalResult GatherNDOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})) ||
      failed(checkAxis(*this, 2, getBatchDims(), rankOf(getIndices()))))
    return failure();
  return checkIntegers(*this, 3, getIndices());
}

LogicalResult ScatterNDOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getUpdates(), getResult()})))
    return failure();
  return checkIntegers(*this, 2, getIndices());
}

LogicalResult ScatterElementsOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getUpdates(), getResult()})) ||
      failed(checkAxis(*this, 2, getAxis(), rankOf(getX()))))
    return failure();
  return checkIntegers(*this, 3, getIndices());
}

LogicalResult ResizeOp::verify() {
  if (failed(checkElements(*this, 1, {getX(), getResult()})))
    return failure();
  if (bool(getScales()) == bool(getSizes()))
    return violation(*this, 2) << "there must be either scales or sizes";
  return checkCount(*this, 3, getScales() ? getScales() : getSizes(), rankOf(getX()));
}
