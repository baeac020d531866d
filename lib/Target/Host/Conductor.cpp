// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host program: what happens in a run, in which order. It computes sizes from
// symbol values and launches the kernels through the runtime's table
// (runtime/include/tenon/abi.h).
#include "Conductor.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "tenon/Target/Host/ErrorRecord.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace tenon::host {

Conductor::Conductor(ModuleOp plan, HostModule &out)
    : SizeEmitter(*out.module), plan(plan), table(graph::readSymbols(plan)), out(out) {
  spaces.push_back({plan::arenaOf(plan, plan::kHostSpace), 0, {}});
  for (plan::DeviceAttr device : plan::devicesOf(plan))
    spaces.push_back({plan::arenaOf(plan, device.getName()), spaces.back().firstSlot + spaces.back().slots(), {}});
}

LogicalResult Conductor::run() {
  auto func = plan.lookupSymbol<func::FuncOp>("main");
  if (!func)
    return plan.emitError("[TN5005] has no function @main");
  for (const graph::Symbol &symbol : table)
    if (!symbol.after.empty())
      return plan.emitError("[TN5006] a size is known only after kernel '")
             << symbol.after << "', which this target cannot wait for";
  if (failed(nameDevices()))
    return failure();
  measure(func);
  if (failed(emitDerive()))
    return failure();
  for (Space &space : spaces)
    emitSlots(space);
  emitArenaSize();
  emitSpaceSizes();
  emitOutputDims(func);
  return emitMain(func);
}

LogicalResult Conductor::emitMain(func::FuncOp func) {
  auto host =
      beginFunction("tenon_main", {pointer, pointer, pointer, pointer, pointer, pointer, pointer}, {b.getI32Type()}, 6);
  makeExit(host);
  for (int32_t i = Api; i <= Symbols; ++i)
    shared[i] = host.getArgument(i);
  // The run's own memory is on the stack, or at the arena's start.
  if (ownInArena)
    shared[Arena] = LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), host.getArgument(Arena),
                                        ArrayRef<LLVM::GEPArg>{int32_t(ownInArena)});
  ownMemory = host.getArgument(Arena);
  shared[Slots] = own(i64, slots + commandNumbers());
  for (const Space &space : spaces)
    if (space.arena)
      placeSlots(space, [&](int64_t first) { return element(shared[Slots], i64, space.firstSlot + first); });
  shared[Buffers] = own(pointer, mostBuffers);
  shared[Sizes] = own(i64, mostSizes);
  if (llvm::any_of(out.launches, [](const auto &entry) { return !entry.second.checks.empty(); }))
    makeRecord();
  if (spaces.front().redZone())
    announceRedZones();
  Block &block = func.getBody().front();
  beginCommands();
  if (frameFields)
    makeFrame();
  if (failed(emitSequence(block)))
    return failure();
  cf::BranchOp::create(b, loc, exit, constant32(0));
  return success();
}

void Conductor::makeRecord() {
  shared[Record] = LLVM::AllocaOp::create(b, loc, pointer, i64, constant(kErrorFields), 8);
  for (int32_t i = 0; i < kErrorFields; ++i)
    LLVM::StoreOp::create(b, loc, constant(ErrorField(i) == ErrorField::Position ? kNoPosition : 0),
                          element(shared[Record], i64, i));
}

void Conductor::makeExit(func::FuncOp func) {
  OpBuilder::InsertionGuard guard(b);
  exit = b.createBlock(&func.getBody(), {}, b.getI32Type(), loc);
  func::ReturnOp::create(b, loc, exit->getArgument(0));
}

LogicalResult Conductor::emitPart(StringRef name, ValueRange given, function_ref<LogicalResult(func::FuncOp)> body) {
  SmallVector<Value> arguments(given); // the body changes what they are taken from
  std::string unique = (name + "_" + Twine(parts++)).str();
  func::FuncOp part;
  {
    OpBuilder::InsertionGuard guard(b);
    llvm::SaveAndRestore<Value> keepSymbols(symbols);
    llvm::SaveAndRestore<Block *> keepExit(exit);
    part = beginFunction(unique, llvm::to_vector(ValueRange(arguments).getTypes()), {b.getI32Type()}, 0);
    part.setPrivate();
    part->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
    makeExit(part);
    if (failed(body(part)))
      return failure();
    cf::BranchOp::create(b, loc, exit, constant32(0));
  }
  exitUnlessZero(func::CallOp::create(b, loc, part, arguments).getResult(0));
  return success();
}

void Conductor::exitUnlessZero(Value status) {
  Value failed = compare(arith::CmpIPredicate::ne, status, constant32(0));
  Block *next = newBlock();
  cf::CondBranchOp::create(b, loc, failed, exit, status, next, ValueRange{});
  b.setInsertionPointToStart(next);
}

Block *Conductor::newBlock(TypeRange arguments) {
  OpBuilder::InsertionGuard guard(b);
  return b.createBlock(exit, arguments, SmallVector<Location>(arguments.size(), loc));
}

Value Conductor::service(Service which) {
  return LLVM::LoadOp::create(b, loc, pointer, element(shared[Api], b.getI8Type(), which));
}

void Conductor::failUnless(Value condition, Value check, Value first, Value second) {
  Block *failed = newBlock(), *rest = newBlock();
  cf::CondBranchOp::create(b, loc, condition, rest, failed);
  b.setInsertionPointToStart(failed);
  Value fail = service(ServiceFail);
  auto type = LLVM::LLVMFunctionType::get(b.getI32Type(), {pointer, b.getI32Type(), i64, i64});
  auto call = LLVM::CallOp::create(b, loc, type, ValueRange{fail, shared[Invocation], check, first, second});
  cf::BranchOp::create(b, loc, exit, call.getResults());
  b.setInsertionPointToStart(rest);
}

LogicalResult emitHostProgram(ModuleOp plan, HostModule &out) { return Conductor(plan, out).run(); }

} // namespace tenon::host
