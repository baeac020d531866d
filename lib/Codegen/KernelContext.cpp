// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Index arithmetic, loops, and conversions between storage and compute types
// for the emission of kernels.
#include "tenon/Codegen/KernelContext.h"

#include <numeric>

using namespace mlir;

namespace tenon::codegen {

bool mayBroadcast(AffineExpr dim, AffineExpr space) { return dim != space && !isa<AffineConstantExpr>(dim); }

AffineExpr broadcastStride(AffineExpr dim, AffineExpr space, AffineExpr stride) {
  if (dim == 1)
    return getAffineConstantExpr(0, dim.getContext());
  if (!mayBroadcast(dim, space))
    return stride;
  return stride *
         (getAffineConstantExpr(1, dim.getContext()) - getAffineConstantExpr(2, dim.getContext()).floorDiv(dim + 1));
}

Type computeType(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return IntegerType::get(type.getContext(), integer.getWidth() == 1 ? 1 : std::max(8u, integer.getWidth()));
  if (auto real = dyn_cast<FloatType>(type); num::isCoded(type) || (real && real.getWidth() < 32))
    return Float32Type::get(type.getContext());
  return type;
}

Value KernelContext::buffer(Value argument) const { return inputs[cast<BlockArgument>(argument).getArgNumber()]; }

Value KernelContext::index(AffineExpr expr) {
  if (auto constant = dyn_cast<AffineConstantExpr>(expr))
    return index(constant.getValue());
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return symbols[symbol.getPosition()];
  auto binary = cast<AffineBinaryOpExpr>(expr);
  Value lhs = index(binary.getLHS()), rhs = index(binary.getRHS());
  switch (binary.getKind()) {
  case AffineExprKind::Add: return add(lhs, rhs);
  case AffineExprKind::Mul: return mul(lhs, rhs);
  case AffineExprKind::Mod: // of the quotient rounded down, also below 0
    return sub(lhs, mul(rhs, b.createOrFold<arith::FloorDivSIOp>(loc, lhs, rhs)));
  case AffineExprKind::FloorDiv: return b.createOrFold<arith::FloorDivSIOp>(loc, lhs, rhs);
  default: return b.createOrFold<arith::CeilDivSIOp>(loc, lhs, rhs);
  }
}

SmallVector<Value> KernelContext::indices(ArrayRef<AffineExpr> exprs) {
  SmallVector<Value> values;
  for (AffineExpr expr : exprs)
    values.push_back(index(expr));
  return values;
}

Value KernelContext::add(Value a, Value c) { return b.createOrFold<arith::AddIOp>(loc, a, c); }
Value KernelContext::sub(Value a, Value c) { return b.createOrFold<arith::SubIOp>(loc, a, c); }
Value KernelContext::mul(Value a, Value c) { return b.createOrFold<arith::MulIOp>(loc, a, c); }
Value KernelContext::divU(Value a, Value c) { return b.createOrFold<arith::DivUIOp>(loc, a, c); }
Value KernelContext::remU(Value a, Value c) { return b.createOrFold<arith::RemUIOp>(loc, a, c); }
Value KernelContext::minS(Value a, Value c) { return b.createOrFold<arith::MinSIOp>(loc, a, c); }
Value KernelContext::maxS(Value a, Value c) { return b.createOrFold<arith::MaxSIOp>(loc, a, c); }

SmallVector<Value> KernelContext::delinearize(Value linear, ArrayRef<AffineExpr> shape) {
  SmallVector<Value> coordinates(shape.size());
  for (int64_t i = shape.size() - 1; i >= 0; --i) {
    if (i == 0) {
      coordinates[0] = linear;
      break;
    }
    if (shape[i] == 1) {
      coordinates[i] = index(int64_t(0));
      continue;
    }
    Value extent = index(shape[i]);
    coordinates[i] = remU(linear, extent);
    linear = divU(linear, extent);
  }
  return coordinates;
}

Value KernelContext::offset(ArrayRef<Value> coordinates, ArrayRef<AffineExpr> strides) {
  Value sum;
  for (auto [coordinate, stride] : llvm::zip(coordinates, strides)) {
    if (stride == 0)
      continue;
    Value term = stride == 1 ? coordinate : mul(coordinate, index(stride));
    sum = sum ? add(sum, term) : term;
  }
  return sum ? sum : index(int64_t(0));
}

void KernelContext::loop(Value lo, Value hi, int64_t step, function_ref<void(Value)> body) {
  auto loop = scf::ForOp::create(b, loc, lo, hi, index(step));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  body(loop.getInductionVar());
}

SmallVector<Value> KernelContext::loop(Value lo, Value hi, int64_t step, ValueRange init,
                                       function_ref<SmallVector<Value>(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(b, loc, lo, hi, index(step), init);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<Value> next = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!init.empty())
    scf::YieldOp::create(b, loc, next);
  return llvm::to_vector_of<Value>(loop.getResults());
}

void KernelContext::vectorLoop(Value lo, Value hi, int64_t lanes, int64_t extent,
                               function_ref<void(Value, Value)> body) {
  if (lanes == 1)
    return loop(lo, hi, 1, [&](Value i) { body(i, {}); });
  Value full = hi;
  bool tail = extent < 0 || extent % lanes != 0;
  if (tail) {
    Value length = maxS(sub(hi, lo), index(int64_t(0)));
    full = add(lo, sub(length, remU(length, index(lanes))));
  }
  if (extent < 0 || extent >= lanes)
    loop(lo, full, lanes, [&](Value i) { body(i, {}); });
  if (!tail)
    return;
  auto emitTail = [&]() {
    Value rest = sub(hi, full);
    body(full, maskOf(rest, lanes));
  };
  if (extent > 0)
    return emitTail();
  auto some = scf::IfOp::create(b, loc, arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, full, hi),
                                /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(some.thenBlock());
  emitTail();
}

static Type withLanes(Type scalar, int64_t lanes) {
  return lanes == 1 ? scalar : Type(VectorType::get({lanes}, scalar));
}

Value KernelContext::constant(Type type, double value, int64_t lanes) {
  TypedAttr attr;
  if (isa<FloatType>(type))
    attr = b.getFloatAttr(type, value);
  else
    attr = b.getIntegerAttr(type, type.isInteger(1) ? value != 0 : static_cast<int64_t>(value));
  if (lanes > 1)
    attr = DenseElementsAttr::get(VectorType::get({lanes}, type), Attribute(attr));
  return arith::ConstantOp::create(b, loc, attr);
}

Value KernelContext::broadcast(Value scalar, int64_t lanes) {
  if (lanes == 1)
    return scalar;
  return vector::BroadcastOp::create(b, loc, VectorType::get({lanes}, scalar.getType()), scalar);
}

Value wrapToWidth(OpBuilder &b, Location loc, Value value, IntegerType type) {
  auto constant = [&](int64_t number) -> Value {
    TypedAttr attr = b.getIntegerAttr(getElementTypeOrSelf(value.getType()), number);
    if (auto vector = dyn_cast<VectorType>(value.getType()))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(b, loc, attr);
  };
  if (type.isUnsigned())
    return arith::AndIOp::create(b, loc, value, constant((int64_t(1) << type.getWidth()) - 1));
  Value shift = constant(getElementTypeOrSelf(value.getType()).getIntOrFloatBitWidth() - type.getWidth());
  return arith::ShRSIOp::create(b, loc, arith::ShLIOp::create(b, loc, value, shift), shift);
}

Value KernelContext::load(Value buffer, Type elementType, Value at, int64_t lanes, Value mask) {
  Type storage = storageType(elementType);
  Value value = loadStored(buffer, storage, at, lanes, mask);
  if (elementType.isInteger(1)) {
    Value zero = constant(storage, 0, lanes);
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, value, zero);
  }
  if (auto integer = dyn_cast<IntegerType>(elementType); integer && integer.getWidth() < 8)
    return wrapToWidth(b, loc, value, integer);
  Type compute = computeType(elementType);
  if (num::isCoded(elementType))
    return num::DecodeOp::create(b, loc, withLanes(compute, lanes), value, TypeAttr::get(elementType));
  if (compute != storage && isa<FloatType>(compute))
    return arith::ExtFOp::create(b, loc, withLanes(compute, lanes), value);
  return value;
}

Value KernelContext::places(Value at, Value stride, int64_t lanes) {
  Value first = arith::IndexCastOp::create(b, loc, b.getI64Type(), at);
  if (lanes == 1)
    return first;
  SmallVector<int64_t> numbers(lanes);
  std::iota(numbers.begin(), numbers.end(), 0);
  Value steps = arith::ConstantOp::create(b, loc, b.getI64VectorAttr(numbers));
  Value distance = broadcast(arith::IndexCastOp::create(b, loc, b.getI64Type(), stride), lanes);
  return arith::AddIOp::create(b, loc, broadcast(first, lanes), Value(arith::MulIOp::create(b, loc, steps, distance)));
}

Value KernelContext::encode(Value value, Type elementType, const numerics::Encoding &how, Value places) {
  auto vector = dyn_cast<VectorType>(value.getType());
  Type codes = withLanes(storageType(elementType), vector ? vector.getNumElements() : 1);
  return num::EncodeOp::create(b, loc, codes, value, how.rounding == numerics::Rounding::Stochastic ? places : Value(),
                               elementType, num::Rounding(how.rounding), num::Overflow(how.overflow), how.seed);
}

void KernelContext::store(Value value, Value buffer, Type elementType, Value at, Value mask) {
  auto vectorType = dyn_cast<VectorType>(value.getType());
  int64_t lanes = vectorType ? vectorType.getNumElements() : 1;
  Type storage = storageType(elementType);
  if (elementType.isInteger(1))
    value = arith::ExtUIOp::create(b, loc, withLanes(storage, lanes), value);
  else if (num::isCoded(elementType)) {
    numerics::Encoding how = num::formatOf(elementType)->arithmeticEncoding();
    bool draws = how.rounding == numerics::Rounding::Stochastic;
    value = encode(value, elementType, how, draws ? places(at, index(int64_t(1)), lanes) : Value());
  } else if (computeType(elementType) != storage && isa<FloatType>(elementType))
    value = arith::TruncFOp::create(b, loc, withLanes(storage, lanes), value);
  storeStored(value, buffer, at, mask);
}

} // namespace tenon::codegen
