// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Buffers of kernels, and tables of their operands. Masked accesses to bfloat16 go as
// 16-bit integers: LLVM scalarises one to bfloat16 on targets without such arithmetic,
// and converts by calls.
#include "KernelServices.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "tenon/Target/CPU/Codegen.h"

using namespace mlir;

namespace tenon::cpu {

/// A buffer of bfloat16 as one of 16-bit integers.
static Value asInteger16(OpBuilder &b, Location loc, Value buffer) {
  MLIRContext *context = b.getContext();
  auto pointer = LLVM::LLVMPointerType::get(context);
  auto array = LLVM::LLVMArrayType::get(b.getI64Type(), 1);
  auto descriptor = LLVM::LLVMStructType::getLiteral(context, {pointer, pointer, b.getI64Type(), array, array});
  Value raw = UnrealizedConversionCastOp::create(b, loc, descriptor, buffer).getResult(0);
  auto type = MemRefType::get({ShapedType::kDynamic}, b.getI16Type());
  return UnrealizedConversionCastOp::create(b, loc, type, raw).getResult(0);
}

Value CpuBufferAccess::load(OpBuilder &b, Location loc, Value buffer, Type element, Value at, int64_t lanes,
                            Value mask) {
  if (lanes == 1 || !mask || !element.isBF16())
    return MemRefAccess::load(b, loc, buffer, element, at, lanes, mask);
  auto integers = VectorType::get({lanes}, b.getI16Type());
  Value zero = arith::ConstantOp::create(b, loc, b.getZeroAttr(integers));
  Value value = vector::MaskedLoadOp::create(b, loc, integers, asInteger16(b, loc, buffer), ValueRange{at}, mask, zero);
  return arith::BitcastOp::create(b, loc, VectorType::get({lanes}, element), value);
}

void CpuBufferAccess::store(OpBuilder &b, Location loc, Value value, Value buffer, Value at, Value mask) {
  auto type = dyn_cast<VectorType>(value.getType());
  if (!type || !mask || !type.getElementType().isBF16())
    return MemRefAccess::store(b, loc, value, buffer, at, mask);
  auto integers = VectorType::get(type.getShape(), b.getI16Type());
  vector::MaskedStoreOp::create(b, loc, asInteger16(b, loc, buffer), ValueRange{at}, mask,
                                arith::BitcastOp::create(b, loc, integers, value));
}

/// LLVM 22 turns a masked truncating store whose mask it knows to have one lane into a
/// scalar store of the untruncated width, beyond the buffer's end; such a mask stays
/// unknown to it.
Value CpuBufferAccess::firstLanes(OpBuilder &b, Location loc, Value rest, int64_t lanes) {
  // The beginning of a range of units is never negative: this adds 0. A count that is
  // a number other than 1 needs it not.
  auto known = rest.getDefiningOp<arith::ConstantIndexOp>();
  if (!known || known.value() == 1) {
    Value sign = arith::ConstantIndexOp::create(b, loc, 63);
    rest = b.createOrFold<arith::AddIOp>(loc, rest, b.createOrFold<arith::ShRUIOp>(loc, begin, sign));
  }
  return MemRefAccess::firstLanes(b, loc, rest, lanes);
}

/// The address of element i (an index) of a list.
static Value addressOf(KernelContext &c, Value list, Type element, Value i) {
  auto pointer = LLVM::LLVMPointerType::get(c.b.getContext());
  return LLVM::GEPOp::create(c.b, c.loc, pointer, element, list,
                             ValueRange{arith::IndexCastOp::create(c.b, c.loc, c.b.getI64Type(), i)});
}

Value CpuOperandTable::table(KernelContext &c, ArrayRef<int64_t> values) {
  std::string name = (func.getName() + "_operands").str();
  {
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPoint(func);
    auto type = LLVM::LLVMArrayType::get(c.b.getI64Type(), values.size());
    LLVM::GlobalOp::create(c.b, c.loc, type, /*isConstant=*/true, LLVM::Linkage::Internal, name,
                           c.b.getI64TensorAttr(values));
  }
  return LLVM::AddressOfOp::create(c.b, c.loc, LLVM::LLVMPointerType::get(c.b.getContext()), name);
}

Value CpuOperandTable::entry(KernelContext &c, Value table, Value i) {
  Value value = LLVM::LoadOp::create(c.b, c.loc, c.b.getI64Type(), addressOf(c, table, c.b.getI64Type(), i));
  return arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), value);
}

Value CpuOperandTable::symbol(KernelContext &c, Value number) { return entry(c, func.getArgument(1), number); }

Value CpuOperandTable::buffer(KernelContext &c, Value number, Type element) {
  auto pointer = LLVM::LLVMPointerType::get(c.b.getContext());
  Value address = LLVM::LoadOp::create(c.b, c.loc, pointer, addressOf(c, func.getArgument(0), pointer, number));
  return memrefOf(c.b, c.loc, address, element);
}

} // namespace tenon::cpu
