// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Places the results of kernels, submits and transfers in the arenas of their spaces or
// in the outputs' buffers. How places are aligned, and how much there is, the chips say
// whose memories the spaces are.
#include "tenon/Transforms/Memory/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Analysis/Lifetimes.h"

using namespace mlir;

namespace tenon::memory {
#define GEN_PASS_DEF_ASSIGNMEMORYPASS
#include "tenon/Transforms/Memory/Passes.h.inc"

namespace {

constexpr int64_t kRedZone = 64;

struct Buffer : plan::Lifetime {
  AffineExpr bytes;
  int64_t offset = -1; // static
  int64_t slot = -1;   // symbolic
};

class AssignMemory : public impl::AssignMemoryPassBase<AssignMemory> {
public:
  using AssignMemoryPassBase::AssignMemoryPassBase;
  void runOnOperation() override {
    Builder b(&getContext());
    spaces.assign({std::string(plan::kHostSpace)});
    for (plan::DeviceAttr device : plan::devicesOf(getOperation()))
      spaces.push_back(device.getName().str());
    arenas.clear();
    for (auto func : getOperation().getOps<func::FuncOp>())
      assign(func, b);
    SmallVector<Attribute> attrs;
    for (const std::string &space : spaces) {
      const Arena &arena = arenas[space];
      if (failed(checkSize(space, arena.bytes)))
        return signalPassFailure();
      attrs.push_back(plan::ArenaAttr::get(&getContext(), space, arena.bytes, b.getArrayAttr(arena.slots), redZone(),
                                           alignmentOf(space)));
    }
    getOperation()->setAttr(plan::kArenasAttr, b.getArrayAttr(attrs));
    arenaBytes += arenas[plan::kHostSpace].bytes;
  }

private:
  struct Arena {
    int64_t bytes = 0;            // of all functions, one of which runs
    SmallVector<Attribute> slots; // of one function behind those of another
  };

  int64_t redZone() const { return redZones ? kRedZone : 0; }

  /// The memory that a space is; null where the module does not say.
  hw::MemoryAttr memoryOf(StringRef space) {
    plan::DeviceAttr device = plan::deviceOf(getOperation(), space);
    return device && device.getChip() ? device.getChip().getBufferMemory() : hw::MemoryAttr();
  }

  /// Copies between the host and a device are of whole cache lines, whatever a device asks for.
  int64_t alignmentOf(StringRef space) {
    hw::MemoryAttr memory = memoryOf(space);
    return std::max(plan::kLeastAlignment, memory ? memory.getAlignment() : 1);
  }

  /// The host's memory is that of the machine which runs the model, whatever a declaration says.
  LogicalResult checkSize(StringRef space, int64_t bytes) {
    bool isOfHost = space == plan::kHostSpace && !getOperation()->hasAttr(plan::kDeviceAttr);
    hw::MemoryAttr memory = memoryOf(space);
    if (isOfHost || !memory || memory.getBytes() == 0 || bytes <= memory.getBytes())
      return success();
    return getOperation().emitError("[TN4004] the buffers of device \"")
           << plan::deviceOf(getOperation(), space).getName() << "\" need " << bytes << " bytes, its memory '"
           << memory.getName() << "' has " << memory.getBytes()
           << "; give it less of the model (--pin, --forbid), or smaller sizes (--sizes)";
  }

  void assign(func::FuncOp func, Builder &b) {
    plan::Lifetimes lifetimes = plan::lifetimesOf(func);
    DenseMap<Value, Attribute> places;
    for (auto [value, index] : lifetimes.outputOf)
      places[value] =
          plan::PlaceAttr::get(&getContext(), plan::kHostSpace, plan::PlaceKind::output, index, AffineMapAttr());
    for (const std::string &space : spaces)
      assign(space, lifetimes, places, b);
    func.walk([&](Operation *op) {
      if (!plan::writesBuffers(op))
        return;
      SmallVector<Attribute> attrs;
      for (Value result : op->getResults())
        attrs.push_back(places.lookup(result));
      plan::setPlaces(op, attrs);
    });
  }

  /// Places what a function has in one space.
  void assign(StringRef space, const plan::Lifetimes &lifetimes, DenseMap<Value, Attribute> &places, Builder &b) {
    std::vector<Buffer> buffers;
    for (const plan::Lifetime &lifetime : lifetimes.results)
      if (plan::spaceOf(lifetime.op) == space && !lifetimes.outputOf.contains(lifetime.value()))
        buffers.push_back({lifetime, plan::bytesOf(lifetime.value())});
    if (redZones) // all of them live as long as the run, so that none share
      for (Buffer &buffer : buffers)
        std::tie(buffer.first, buffer.last) = std::pair(0u, lifetimes.end);
    Arena &arena = arenas[space];
    arena.bytes = std::max(arena.bytes, placeStatic(buffers, redZone(), alignmentOf(space)));
    size_t firstSlot = arena.slots.size();
    llvm::append_range(arena.slots, placeSymbolic(buffers, b));
    for (Buffer &buffer : buffers) {
      AffineMapAttr bytes;
      if (redZones)
        bytes = AffineMapAttr::get(AffineMap::get(0, symbolCount(), buffer.bytes));
      bool isStatic = buffer.slot < 0;
      places[buffer.value()] =
          plan::PlaceAttr::get(&getContext(), space, isStatic ? plan::PlaceKind::offset : plan::PlaceKind::slot,
                               isStatic ? buffer.offset : int64_t(firstSlot) + buffer.slot, bytes);
    }
  }

  unsigned symbolCount() {
    auto attr = getOperation()->getAttrOfType<ArrayAttr>("graph.symbols");
    return attr ? attr.size() : 0;
  }

  /// Greedy by size: the largest buffer first, each into the tightest gap
  /// between the already placed buffers that live at the same time.
  int64_t placeStatic(std::vector<Buffer> &buffers, int64_t zone, int64_t alignment) {
    SmallVector<Buffer *> order;
    for (Buffer &buffer : buffers)
      if (isa<AffineConstantExpr>(buffer.bytes))
        order.push_back(&buffer);
    auto size = [&](const Buffer *buffer) {
      return int64_t(llvm::alignTo(cast<AffineConstantExpr>(buffer->bytes).getValue() + zone, alignment));
    };
    llvm::stable_sort(order, [&](Buffer *a, Buffer *b) { return size(a) > size(b); });
    SmallVector<Buffer *> placed; // by offset
    int64_t total = 0;
    for (Buffer *buffer : order) {
      unsharedBytes += size(buffer);
      int64_t best = -1, bestGap = std::numeric_limits<int64_t>::max(), end = 0;
      for (Buffer *other : placed) {
        if (!buffer->overlaps(*other))
          continue;
        int64_t gap = other->offset - end;
        if (gap >= size(buffer) && gap < bestGap) {
          best = end;
          bestGap = gap;
        }
        end = std::max(end, other->offset + size(other));
      }
      buffer->offset = best >= 0 ? best : end;
      total = std::max(total, buffer->offset + size(buffer));
      placed.insert(llvm::upper_bound(placed, buffer, [](Buffer *a, Buffer *b) { return a->offset < b->offset; }),
                    buffer);
    }
    return total;
  }

  /// Symbolic sizes: a buffer shares the first slot free over its lifetime,
  /// preferring one that already holds its size.
  SmallVector<Attribute> placeSymbolic(std::vector<Buffer> &buffers, Builder &b) {
    SmallVector<SmallVector<Buffer *>> slots;
    for (Buffer &buffer : buffers) {
      if (isa<AffineConstantExpr>(buffer.bytes))
        continue;
      int64_t chosen = -1;
      for (auto [i, slot] : llvm::enumerate(slots)) {
        if (llvm::any_of(slot, [&](Buffer *other) { return other->overlaps(buffer); }))
          continue;
        bool same = llvm::any_of(slot, [&](Buffer *other) { return other->bytes == buffer.bytes; });
        if (chosen < 0 || same)
          chosen = i;
        if (same)
          break;
      }
      if (chosen < 0) {
        chosen = slots.size();
        slots.emplace_back();
      }
      buffer.slot = chosen;
      slots[chosen].push_back(&buffer);
    }
    unsigned symbols = symbolCount();
    SmallVector<Attribute> attrs;
    for (auto &slot : slots) {
      SetVector<AffineExpr> sizes;
      for (Buffer *buffer : slot)
        sizes.insert(buffer->bytes);
      attrs.push_back(AffineMapAttr::get(AffineMap::get(0, symbols, sizes.getArrayRef(), b.getContext())));
    }
    return attrs;
  }

  std::vector<std::string> spaces; // the host's first
  llvm::StringMap<Arena> arenas;
};

} // namespace
} // namespace tenon::memory
