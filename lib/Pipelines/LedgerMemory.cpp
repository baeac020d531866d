// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// When the buffers of a plan are in use, in the steps of the program that they are of, and
// the most that is in use at once. That is what an arena for this order of steps needs at
// least; where its plan takes more, it is because buffers do not fit into each other's gaps.
#include "LedgerMemory.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Analysis/Lifetimes.h"
#include "tenon/Analysis/NominalSizes.h"
#include "tenon/Dialect/Graph/IR/SymbolValues.h"
#include "tenon/Dialect/Plan/IR/Plan.h"

using namespace mlir;

namespace tenon {
namespace {

/// Bytes of a value at these sizes.
uint64_t bytesAt(Value value, ArrayRef<int64_t> sizes) {
  return uint64_t(std::max<int64_t>(0, graph::sizeAt(plan::bytesOf(value), sizes)));
}

uint64_t arenaBytes(plan::ArenaAttr arena, ArrayRef<int64_t> sizes) {
  uint64_t bytes = arena ? uint64_t(arena.getBytes()) : 0;
  if (arena)
    for (auto slot : arena.getSlots().getAsRange<AffineMapAttr>()) {
      int64_t largest = 0;
      for (AffineExpr size : slot.getValue().getResults())
        largest = std::max(largest, graph::sizeAt(size, sizes));
      bytes += uint64_t(largest);
    }
  return bytes;
}

/// The steps of a function: what writes buffers, by position.
struct Steps {
  std::vector<std::string> names;
  std::vector<unsigned> positions;

  explicit Steps(const plan::Lifetimes &lifetimes) {
    Operation *last = nullptr;
    for (const plan::Lifetime &lifetime : lifetimes.results) {
      if (lifetime.op == last)
        continue;
      last = lifetime.op;
      // A kernel is called by its name alone, as everywhere in the ledger.
      auto kernel = dyn_cast<plan::KernelOp>(last);
      names.push_back(kernel ? kernel.getName().str() : plan::nameOf(last));
      positions.push_back(lifetime.first);
    }
  }
  /// The last step that is not behind a position.
  unsigned upTo(unsigned position) const {
    auto behind = llvm::upper_bound(positions, position);
    return behind == positions.begin() ? 0 : unsigned(behind - positions.begin()) - 1;
  }
};

void findPeak(MemoryRecord &record) {
  std::vector<int64_t> change(record.steps.size() + 1);
  for (const BufferRecord &buffer : record.buffers) {
    change[buffer.first] += int64_t(buffer.bytes);
    change[buffer.last + 1] -= int64_t(buffer.bytes);
  }
  uint64_t inUse = 0;
  for (unsigned step = 0; step < record.steps.size(); ++step) {
    inUse += uint64_t(change[step]);
    if (inUse > record.peak)
      std::tie(record.peak, record.peakStep) = std::pair(inUse, step);
  }
}

/// One program's; a region's own arena lies in the memory of its device.
void addProgram(ModuleOp program, StringRef name, StringRef device, std::vector<MemoryRecord> &records) {
  auto func = program.lookupSymbol<func::FuncOp>("main");
  if (!func)
    return;
  SmallVector<int64_t> sizes = nominalSizes(program);
  plan::Lifetimes lifetimes = plan::lifetimesOf(func);
  Steps steps(lifetimes);
  llvm::MapVector<StringRef, MemoryRecord> spaces;
  if (auto arenas = program->getAttrOfType<ArrayAttr>(plan::kArenasAttr))
    for (auto arena : arenas.getAsRange<plan::ArenaAttr>()) {
      MemoryRecord &record = spaces[arena.getSpace()];
      record.space = arena.getSpace() == plan::kHostSpace && !device.empty() ? device.str() : arena.getSpace().str();
      record.program = name.str();
      record.arena = arenaBytes(arena, sizes);
      record.steps = steps.names;
    }
  for (const plan::Lifetime &lifetime : lifetimes.results) {
    plan::PlaceAttr place = plan::placeOf(lifetime.value());
    if (!place || place.getKind() == plan::PlaceKind::output)
      continue;
    unsigned first = steps.upTo(lifetime.first);
    spaces[place.getSpace()].buffers.push_back({steps.names[first], bytesAt(lifetime.value(), sizes),
                                                place.getKind() == plan::PlaceKind::offset ? place.getNumber() : -1,
                                                first, steps.upTo(lifetime.last)});
  }
  for (auto &[space, record] : spaces) {
    findPeak(record);
    if (!record.buffers.empty() || (device.empty() && space == plan::kHostSpace))
      records.push_back(std::move(record));
  }
}

} // namespace

std::vector<MemoryRecord> memoryOf(ModuleOp module) {
  std::vector<MemoryRecord> records;
  plan::Programs programs = plan::programsOf(module);
  addProgram(programs.host, plan::kHostProgram, "", records);
  SmallVector<plan::DeviceAttr> devices = plan::devicesOf(programs.host);
  for (ModuleOp region : programs.regions)
    addProgram(region, region.getSymName().value_or(""), devices[plan::deviceIndexOf(region)].getName(), records);
  return records;
}

std::vector<TransferRecord> transfersOf(ModuleOp host) {
  std::vector<TransferRecord> transfers;
  SmallVector<int64_t> sizes = nominalSizes(host);
  host.walk([&](plan::TransferOp transfer) {
    llvm::SetVector<StringRef> nodes = sourceNodes(transfer.getX().getLoc());
    transfers.push_back({transfer.getSource().str(), transfer.getDestination().str(),
                         nodes.empty() ? "" : nodes.back().str(), bytesAt(transfer.getResult(), sizes)});
  });
  return transfers;
}

} // namespace tenon
