// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a check finds is a store to the launch's error record, never a call: the host
// program reads the record behind the launch, on every device alike. Unless one of an
// earlier element is there, a failure goes into the record: which one is reported does
// not depend on the threads. They take turns by a lock, which nobody takes where nothing
// fails.
#include "KernelServices.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "tenon/Target/Host/ErrorRecord.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

using host::ErrorField;

/// A field of the record, or its address.
struct Record {
  KernelContext &c;
  Value base;

  Value at(ErrorField field) const {
    auto pointer = LLVM::LLVMPointerType::get(c.b.getContext());
    return LLVM::GEPOp::create(c.b, c.loc, pointer, c.b.getI64Type(), base, ArrayRef<LLVM::GEPArg>{int32_t(field)});
  }
  Value load(ErrorField field) const { return LLVM::LoadOp::create(c.b, c.loc, c.b.getI64Type(), at(field)); }
  void store(ErrorField field, Value value) const { LLVM::StoreOp::create(c.b, c.loc, value, at(field)); }
};

Value integer(KernelContext &c, int64_t value) {
  return arith::ConstantOp::create(c.b, c.loc, c.b.getI64IntegerAttr(value));
}
Value integer(KernelContext &c, Value index) { return arith::IndexCastOp::create(c.b, c.loc, c.b.getI64Type(), index); }

void ifThen(KernelContext &c, Value condition, function_ref<void()> yes) {
  auto op = scf::IfOp::create(c.b, c.loc, condition, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(c.b);
  c.b.setInsertionPointToStart(op.thenBlock());
  yes();
}

} // namespace

void CpuErrorReport::report(KernelContext &c, unsigned check, Value position, Value first, Value second) {
  auto pointer = LLVM::LLVMPointerType::get(c.b.getContext());
  Value slot = LLVM::GEPOp::create(c.b, c.loc, pointer, pointer, bufferList,
                                   ArrayRef<LLVM::GEPArg>{int32_t(c.inputs.size() + c.outputs.size())});
  Record record{c, LLVM::LoadOp::create(c.b, c.loc, pointer, slot)};
  Value lock = record.at(ErrorField::Lock), zero = integer(c, int64_t(0)), own = integer(c, int64_t(check));
  scf::WhileOp::create(
      c.b, c.loc, TypeRange(), ValueRange(),
      [&](OpBuilder &, Location, ValueRange) {
        auto exchange = LLVM::AtomicCmpXchgOp::create(c.b, c.loc, lock, zero, integer(c, 1),
                                                      LLVM::AtomicOrdering::acquire, LLVM::AtomicOrdering::monotonic);
        Value taken = LLVM::ExtractValueOp::create(c.b, c.loc, exchange, 1);
        Value isTaken = arith::XOrIOp::create(c.b, c.loc, taken,
                                              Value(arith::ConstantOp::create(c.b, c.loc, c.b.getBoolAttr(true))));
        scf::ConditionOp::create(c.b, c.loc, isTaken, ValueRange());
      },
      [&](OpBuilder &, Location, ValueRange) { scf::YieldOp::create(c.b, c.loc); });
  Value at = integer(c, position), other = record.load(ErrorField::Position);
  using P = arith::CmpIPredicate;
  auto compare = [&](P p, Value a, Value b) -> Value { return arith::CmpIOp::create(c.b, c.loc, p, a, b); };
  Value sooner = compare(P::ult, at, other), same = compare(P::eq, at, other);
  Value before = compare(P::ult, own, record.load(ErrorField::Check));
  Value isFirst = arith::OrIOp::create(c.b, c.loc, sooner, Value(arith::AndIOp::create(c.b, c.loc, same, before)));
  ifThen(c, isFirst, [&]() {
    record.store(ErrorField::Position, at);
    record.store(ErrorField::Check, own);
    record.store(ErrorField::First, integer(c, first));
    record.store(ErrorField::Second, integer(c, second));
  });
  LLVM::StoreOp::create(c.b, c.loc, zero, lock, /*alignment=*/8, /*isVolatile=*/false, /*isNonTemporal=*/false,
                        /*isInvariantGroup=*/false, LLVM::AtomicOrdering::release);
}

} // namespace tenon::cpu
