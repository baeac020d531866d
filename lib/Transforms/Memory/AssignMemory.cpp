// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Places kernel results in the arena or in the outputs' buffers.
#include "tenon/Transforms/Memory/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Analysis/Lifetimes.h"

using namespace mlir;

namespace tenon::memory {
#define GEN_PASS_DEF_ASSIGNMEMORYPASS
#include "tenon/Transforms/Memory/Passes.h.inc"

namespace {

constexpr int64_t kRedZone = 64;

int64_t alignUp(int64_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

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
    arenaSize = 0;
    slots.clear();
    for (auto func : getOperation().getOps<func::FuncOp>())
      assign(func, b);
    auto arena = plan::ArenaAttr::get(&getContext(), plan::kHostSpace, arenaSize, b.getArrayAttr(slots),
                                      redZones ? kRedZone : 0);
    getOperation()->setAttr(plan::kArenasAttr, b.getArrayAttr(arena));
    arenaBytes += arenaSize;
  }

private:
  int64_t arenaSize;            // of all functions, one of which runs
  SmallVector<Attribute> slots; // of one function behind those of another

  void assign(func::FuncOp func, Builder &b) {
    MLIRContext *context = func.getContext();
    plan::Lifetimes lifetimes = plan::lifetimesOf(func);
    std::vector<Buffer> buffers;
    for (const plan::Lifetime &lifetime : lifetimes.results)
      if (!lifetimes.outputOf.contains(lifetime.value()))
        buffers.push_back({lifetime, plan::bytesOf(lifetime.value())});
    if (redZones) // all of them live as long as the run, so that none share
      for (Buffer &buffer : buffers)
        std::tie(buffer.first, buffer.last) = std::pair(0u, lifetimes.end);
    arenaSize = std::max(arenaSize, placeStatic(buffers));
    size_t firstSlot = slots.size();
    llvm::append_range(slots, placeSymbolic(buffers, b));
    DenseMap<Value, Attribute> places;
    using K = plan::PlaceKind;
    for (Buffer &buffer : buffers) {
      AffineMapAttr bytes;
      if (redZones)
        bytes = AffineMapAttr::get(AffineMap::get(0, symbolCount(), buffer.bytes));
      bool isStatic = buffer.slot < 0;
      places[buffer.value()] = plan::PlaceAttr::get(context, plan::kHostSpace, isStatic ? K::offset : K::slot,
                                                    isStatic ? buffer.offset : int64_t(firstSlot) + buffer.slot, bytes);
    }
    for (auto [value, index] : lifetimes.outputOf)
      places[value] = plan::PlaceAttr::get(context, plan::kHostSpace, K::output, index, {});
    func.walk([&](plan::KernelOp kernel) {
      SmallVector<Attribute> attrs;
      for (Value result : kernel.getResults())
        attrs.push_back(places.lookup(result));
      kernel.setPlacesAttr(b.getArrayAttr(attrs));
    });
  }

  unsigned symbolCount() {
    auto attr = getOperation()->getAttrOfType<ArrayAttr>("graph.symbols");
    return attr ? attr.size() : 0;
  }

  /// Greedy by size: the largest buffer first, each into the tightest gap
  /// between the already placed buffers that live at the same time.
  int64_t placeStatic(std::vector<Buffer> &buffers) {
    SmallVector<Buffer *> order;
    for (Buffer &buffer : buffers)
      if (isa<AffineConstantExpr>(buffer.bytes))
        order.push_back(&buffer);
    int64_t zone = redZones ? kRedZone : 0;
    auto size = [&](const Buffer *buffer) {
      return alignUp(cast<AffineConstantExpr>(buffer->bytes).getValue()) + zone;
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
};

} // namespace
} // namespace tenon::memory
