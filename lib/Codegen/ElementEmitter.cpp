// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The elementwise part of a kernel at a point of its iteration space.
#include "tenon/Codegen/KernelContext.h"

using namespace mlir;

namespace tenon::codegen {

ElementEmitter::ElementEmitter(KernelContext &context, Exprs space, SmallVector<std::pair<unsigned, unsigned>> groups)
    : context(context), space(std::move(space)), groups(std::move(groups)) {
  if (this->groups.empty())
    for (unsigned i = 0; i < this->space.size(); ++i)
      this->groups.push_back({i, i});
}

void ElementEmitter::setPoint(ArrayRef<Value> index, int64_t newLanes, Value newMask) {
  point.assign(index.begin(), index.end());
  lanes = newLanes;
  mask = newMask;
  values.clear();
}

Exprs ElementEmitter::spaceStrides(Value tensor) {
  Exprs shape = context.shape(tensor), strides = stridesOf(shape);
  int64_t missing = int64_t(space.size()) - int64_t(shape.size());
  MLIRContext *mlir = context.kernel.getContext();
  Exprs result;
  for (auto [first, last] : groups) {
    // Within a group a tensor either has all dimensions or broadcasts them
    // all; size-1 dimensions of the space do not matter.
    AffineExpr stride = getAffineConstantExpr(0, mlir);
    for (int64_t d = int64_t(last); d >= int64_t(first); --d) {
      if (space[d] == 1)
        continue;
      int64_t own = d - missing;
      if (own >= 0)
        stride = broadcastStride(shape[own], space[d], strides[own]);
      break;
    }
    result.push_back(stride);
  }
  return result;
}

Value ElementEmitter::get(Value tensor) {
  if (Value known = values.lookup(tensor))
    return known;
  Value result = isa<BlockArgument>(tensor) ? read(tensor) : evaluate(tensor);
  values[tensor] = result;
  return result;
}

Value ElementEmitter::read(Value tensor) {
  Exprs strides = spaceStrides(tensor);
  Type element = getElementTypeOrSelf(tensor.getType());
  Value buffer = context.buffer(tensor);
  Value at = context.offset(point, strides);
  AffineExpr inner = strides.empty() ? getAffineConstantExpr(0, context.kernel.getContext()) : strides.back();
  if (lanes == 1 || inner == 1)
    return context.load(buffer, element, at, lanes, mask);
  if (inner == 0)
    return context.broadcast(context.load(buffer, element, at, 1), lanes);
  return readStrided(buffer, element, at, inner);
}

Value ElementEmitter::readStrided(Value buffer, Type element, Value at, AffineExpr stride) {
  // One scalar at a time, clamped to the mask's lanes by reading the first
  // element again beyond them.
  Value result = context.constant(computeType(element), 0, lanes);
  for (int64_t lane = 0; lane < lanes; ++lane) {
    Value laneOffset = context.mul(context.index(lane), context.index(stride));
    if (mask) {
      Value on = vector::ExtractOp::create(context.b, context.loc, mask, lane);
      laneOffset = arith::SelectOp::create(context.b, context.loc, on, laneOffset, context.index(int64_t(0)));
    }
    Value scalar = context.load(buffer, element, context.add(at, laneOffset), 1);
    result = vector::InsertOp::create(context.b, context.loc, scalar, result, lane);
  }
  return result;
}

Value ElementEmitter::splat(DenseElementsAttr elements) {
  Type element = elements.getElementType(), compute = computeType(element);
  if (isa<FloatType>(element))
    return context.constant(compute, elements.getSplatValue<APFloat>().convertToDouble(), lanes);
  // Integers bypass double, which cannot hold all of 64 bits.
  APInt integer = elements.getSplatValue<APInt>();
  unsigned width = cast<IntegerType>(compute).getWidth();
  bool isSigned = !element.isUnsignedInteger();
  TypedAttr attr = context.b.getIntegerAttr(compute, isSigned && width > 1 ? integer.sextOrTrunc(width)
                                                                           : integer.zextOrTrunc(width));
  if (lanes > 1)
    attr = DenseElementsAttr::get(VectorType::get({lanes}, compute), Attribute(attr));
  return arith::ConstantOp::create(context.b, context.loc, attr);
}

Value ElementEmitter::evaluate(Value tensor) {
  Operation *op = tensor.getDefiningOp();
  if (!isElementwise(op)) {
    op->emitError("[TN5001] is not elementwise and its value is not known at this point of kernel ")
        << context.kernel.getName();
    return {};
  }
  if (auto constant = dyn_cast<graph::ConstantOp>(op))
    return splat(cast<DenseElementsAttr>(constant.getValue()));
  if (auto expand = dyn_cast<graph::ExpandOp>(op))
    return get(expand.getX()); // the shape operand is not read
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    operands.push_back(get(operand));
    if (!operands.back())
      return {};
  }
  Value places;
  if (auto cast = dyn_cast<graph::CastOp>(op); cast && cast.isStochastic()) {
    Exprs strides = spaceStrides(tensor);
    Value stride = strides.empty() ? context.index(int64_t(0)) : context.index(strides.back());
    places = context.places(context.offset(point, strides), stride, lanes);
  }
  return emitElementwise(context, op, operands, places);
}

LogicalResult ElementEmitter::storeYields() {
  Operation *yield = context.kernel.getBody().front().getTerminator();
  for (auto [i, tensor] : llvm::enumerate(yield->getOperands())) {
    Value value = get(tensor);
    if (!value)
      return failure();
    Exprs strides = spaceStrides(tensor);
    context.store(value, context.outputBuffer(i), getElementTypeOrSelf(tensor.getType()),
                  context.offset(point, strides), mask);
  }
  return success();
}

} // namespace tenon::codegen
