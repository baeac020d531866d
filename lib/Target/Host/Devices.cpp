// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What the host program gives other devices to do: copies, runs of regions, and waits for
// them. A device's queue numbers its commands from 1 in the order in which it gets them. Which
// those are depends on the branches that are taken; so the host program counts, and keeps the
// number of each command that it may wait for.
#include "Conductor.h"

#include "tenon/Analysis/Lifetimes.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;

namespace tenon::host {

/// The device that executes a transfer.
static StringRef deviceOf(plan::TransferOp transfer) {
  return transfer.getSource() == plan::kHostSpace ? transfer.getDestination() : transfer.getSource();
}

LogicalResult Conductor::nameDevices() {
  for (auto [i, device] : llvm::enumerate(plan::devicesOf(plan)))
    deviceNumbers[device.getName()] = i;
  if (auto all = plan->getParentOfType<ModuleOp>())
    for (auto [i, region] : llvm::enumerate(plan::programsOf(all).regions))
      regionNumbers[region.getSymName().value_or("")] = i;
  bool ok = true;
  size_t fields = deviceNumbers.size();
  plan.walk([&](Operation *op) {
    auto transfer = dyn_cast<plan::TransferOp>(op);
    auto submit = dyn_cast<plan::SubmitOp>(op);
    if (!transfer && !submit)
      return;
    StringRef device = transfer ? deviceOf(transfer) : submit.getDevice();
    bool isKnown = deviceNumbers.contains(device) && (!submit || regionNumbers.contains(submit.getRegion()));
    if (!isKnown) {
      op->emitError("[TN5006] is for a device or region that the plan does not have");
      ok = false;
    } else if (submit) {
      submitOf[submit.getRegion()] = submit;
    } else if (transfer.getDestination() == plan::kHostSpace) {
      commandFields[transfer] = fields++;
    }
  });
  return success(ok);
}

void Conductor::beginCommands() {
  for (size_t device = 0; device < deviceNumbers.size(); ++device)
    LLVM::StoreOp::create(b, loc, constant(0), element(shared[Slots], i64, slots + device));
}

Value Conductor::countCommand(StringRef device) {
  Value counter = element(shared[Slots], i64, slots + deviceNumbers.lookup(device));
  Value number = add(LLVM::LoadOp::create(b, loc, i64, counter), constant(1));
  LLVM::StoreOp::create(b, loc, number, counter);
  return number;
}

Value Conductor::keptNumberOf(plan::TransferOp transfer) {
  return element(shared[Slots], i64, slots + commandFields.lookup(transfer));
}

void Conductor::emitSpaceSizes() {
  if (deviceNumbers.empty())
    return;
  auto sizes = beginFunction("tenon_space_sizes", {pointer, pointer}, {}, 0);
  for (auto [i, space] : llvm::enumerate(ArrayRef(spaces).drop_front())) {
    Value bytes = space.slots() ? sizeOf(space) : constant(space.arena ? space.arena.getBytes() : 0);
    LLVM::StoreOp::create(b, loc, bytes, element(sizes.getArgument(1), i64, i));
  }
  func::ReturnOp::create(b, loc);
}

FailureOr<Value> Conductor::deviceOffset(Value value) {
  auto result = cast<OpResult>(plan::source(value));
  plan::PlaceAttr where = plan::placeOf(result);
  if (where.getKind() == plan::PlaceKind::output)
    return result.getOwner()->emitError("[TN5006] is in an output, which no device beside the host can write");
  return offsetOf(where);
}

void Conductor::command(Service which, ArrayRef<Value> given) {
  SmallVector<Value> arguments{service(which), shared[Invocation]};
  llvm::append_range(arguments, given);
  SmallVector<Type> types{pointer};
  llvm::append_range(types, ValueRange(given).getTypes());
  auto type = LLVM::LLVMFunctionType::get(b.getI32Type(), types);
  exitUnlessZero(LLVM::CallOp::create(b, loc, type, arguments).getResult());
}

LogicalResult Conductor::emitTransfer(plan::TransferOp transfer) {
  bool isOut = transfer.getSource() != plan::kHostSpace;
  FailureOr<Value> offset = deviceOffset(isOut ? transfer.getX() : transfer.getResult());
  if (failed(offset))
    return failure();
  unsigned device = deviceNumbers.lookup(deviceOf(transfer));
  Value number = countCommand(deviceOf(transfer));
  if (isOut)
    LLVM::StoreOp::create(b, loc, number, keptNumberOf(transfer));
  command(isOut ? ServiceCopyOut : ServiceCopyIn,
          {constant32(device), *offset, lookup(isOut ? transfer.getResult() : transfer.getX()),
           eval(plan::bytesOf(transfer.getX()))});
  return success();
}

void Conductor::checkRegion(plan::SubmitOp submit) {
  const RegionSizes &sizes = regionSizes[submit.getRegion()];
  if (sizes.assumptions.empty())
    return;
  llvm::SaveAndRestore<Value> keepSymbols(symbols);
  symbols = element(symbols, i64, sizes.firstSymbol);
  for (const graph::Assumption &assumption : sizes.assumptions) {
    auto [holds, first, second] = check(assumption);
    failUnless(holds, constant32(numberOf(assumption)), first, second);
  }
}

LogicalResult Conductor::emitSubmit(plan::SubmitOp submit) {
  checkRegion(submit);
  // The runtime copies the offsets, so that each command may use the same memory.
  unsigned count = 0;
  for (ValueRange values : {ValueRange(submit.getInputs()), ValueRange(submit.getResults())})
    for (Value value : values) {
      FailureOr<Value> offset = deviceOffset(value);
      if (failed(offset))
        return failure();
      LLVM::StoreOp::create(b, loc, *offset, element(shared[Buffers], i64, count++));
    }
  countCommand(submit.getDevice());
  command(ServiceSubmit, {constant32(regionNumbers.lookup(submit.getRegion())), shared[Buffers], constant32(count)});
  return success();
}

void Conductor::emitAwait(plan::AwaitOp await) {
  auto transfer = await.getX().getDefiningOp<plan::TransferOp>();
  command(ServiceAwait, {constant32(deviceNumbers.lookup(deviceOf(transfer))),
                         LLVM::LoadOp::create(b, loc, i64, keptNumberOf(transfer))});
}

} // namespace tenon::host
