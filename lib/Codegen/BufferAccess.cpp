// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Accesses to memrefs: memref.load and memref.store for scalars, the vector dialect's
// for vectors. A scalar that its mask leaves out is not touched either, since there may
// be no memory at its place: it is within a condition.
#include "tenon/Codegen/BufferAccess.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;

namespace tenon::codegen {

Value MemRefAccess::load(OpBuilder &b, Location loc, Value buffer, Type element, Value at, int64_t lanes, Value mask) {
  if (lanes == 1 && !mask)
    return memref::LoadOp::create(b, loc, buffer, at);
  if (lanes == 1) {
    auto choice = scf::IfOp::create(b, loc, element, mask, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(b, loc, Value(memref::LoadOp::create(b, loc, buffer, at)));
    b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(b, loc, Value(arith::ConstantOp::create(b, loc, b.getZeroAttr(element))));
    return choice.getResult(0);
  }
  auto type = VectorType::get({lanes}, element);
  if (!mask)
    return vector::LoadOp::create(b, loc, type, buffer, ValueRange{at});
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  return vector::MaskedLoadOp::create(b, loc, type, buffer, ValueRange{at}, mask, zero);
}

void MemRefAccess::store(OpBuilder &b, Location loc, Value value, Value buffer, Value at, Value mask) {
  bool isVector = isa<VectorType>(value.getType());
  if (!isVector && mask) {
    auto choice = scf::IfOp::create(b, loc, mask, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(choice.thenBlock());
    memref::StoreOp::create(b, loc, value, buffer, at);
  } else if (!isVector)
    memref::StoreOp::create(b, loc, value, buffer, at);
  else if (mask)
    vector::MaskedStoreOp::create(b, loc, buffer, ValueRange{at}, mask, value);
  else
    vector::StoreOp::create(b, loc, value, buffer, ValueRange{at});
}

Value MemRefAccess::gather(OpBuilder &b, Location loc, Value buffer, Type element, Value base, Value offsets,
                           Value mask) {
  int64_t lanes = cast<VectorType>(offsets.getType()).getNumElements();
  auto type = VectorType::get({lanes}, element);
  if (!mask) {
    auto all = VectorType::get({lanes}, b.getI1Type());
    mask = arith::ConstantOp::create(b, loc, DenseElementsAttr::get(all, true));
  }
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(type));
  return vector::GatherOp::create(b, loc, type, buffer, ValueRange{base}, offsets, mask, zero);
}

Value MemRefAccess::firstLanes(OpBuilder &b, Location loc, Value rest, int64_t lanes) {
  return vector::CreateMaskOp::create(b, loc, VectorType::get({lanes}, b.getI1Type()), ValueRange{rest});
}

Value MemRefAccess::temporary(OpBuilder &b, Location loc, int64_t elements, Type element, int64_t alignment) {
  IntegerAttr aligned = alignment ? b.getI64IntegerAttr(alignment) : IntegerAttr();
  return memref::AllocaOp::create(b, loc, MemRefType::get({elements}, element), aligned);
}

} // namespace tenon::codegen
