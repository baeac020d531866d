// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Places kernel results in the arena or in the outputs' buffers.
#include "tenon/Transforms/Memory/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tenon/Dialect/Num/IR/Num.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"

using namespace mlir;

namespace tenon::memory {
#define GEN_PASS_DEF_ASSIGNMEMORYPASS
#include "tenon/Transforms/Memory/Passes.h.inc"

namespace {

constexpr int64_t kAlign = 64; // a cache line, and an AVX-512 vector

constexpr int64_t kRedZone = 64;

int64_t alignUp(int64_t n) { return (n + kAlign - 1) / kAlign * kAlign; }

struct Buffer {
  plan::KernelOp kernel;
  unsigned result;
  unsigned first, last; // lifetime in program positions, inclusive
  AffineExpr bytes;
  int64_t offset = -1; // static
  int64_t slot = -1;   // symbolic
};

bool overlap(const Buffer &a, const Buffer &b) { return a.first <= b.last && b.first <= a.last; }

class AssignMemory : public impl::AssignMemoryPassBase<AssignMemory> {
public:
  using AssignMemoryPassBase::AssignMemoryPassBase;
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      assign(func);
  }

private:
  DenseMap<Operation *, unsigned> position;

  unsigned lastUse(Value value) {
    unsigned last = 0;
    for (Operation *user : value.getUsers()) {
      last = std::max(last, position.lookup(user));
      if (isa<plan::ViewOp, arith::SelectOp>(user))
        last = std::max(last, lastUse(user->getResult(0)));
      if (auto yield = dyn_cast<scf::YieldOp>(user))
        for (auto [i, operand] : llvm::enumerate(yield.getOperands()))
          if (operand == value)
            last = std::max(last, lastUse(yield->getParentOp()->getResult(i)));
    }
    return last;
  }

  static AffineExpr bytesOf(plan::KernelOp kernel, unsigned result) {
    auto type = cast<RankedTensorType>(kernel.getResult(result).getType());
    MLIRContext *context = kernel.getContext();
    Type element = type.getElementType();
    unsigned bits = num::isCoded(element) ? num::codeType(element).getWidth() : element.getIntOrFloatBitWidth();
    AffineExpr bytes = getAffineConstantExpr(std::max(1u, (bits + 7) / 8), context);
    for (AffineExpr size : plan::shapeOf(kernel.getResult(result)))
      bytes = bytes * size;
    return bytes;
  }

  void assign(func::FuncOp func) {
    unsigned count = 0;
    func.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if (!op->getParentOfType<plan::KernelOp>())
        position[op] = count++;
    });
    Builder b(func.getContext());

    DenseMap<Value, unsigned> outputOf;
    auto ret = cast<func::ReturnOp>(func.getBody().back().getTerminator());
    for (auto [i, value] : llvm::enumerate(ret.getOperands()))
      outputOf.try_emplace(plan::source(value), i);

    std::vector<Buffer> buffers;
    SmallVector<plan::KernelOp> kernels;
    func.walk([&](plan::KernelOp kernel) {
      kernels.push_back(kernel);
      for (auto [i, result] : llvm::enumerate(kernel.getResults()))
        if (!outputOf.contains(result))
          buffers.push_back(
              {kernel, unsigned(i), position[kernel], std::max(position[kernel], lastUse(result)), bytesOf(kernel, i)});
    });

    if (redZones) // all of them live as long as the run, so that none share
      for (Buffer &buffer : buffers)
        std::tie(buffer.first, buffer.last) = std::pair(0u, count);
    int64_t arena = placeStatic(buffers);
    SmallVector<Attribute> slots = placeSymbolic(buffers, b);
    arenaBytes += arena;
    auto module = getOperation();
    module->setAttr("plan.arena_bytes", b.getI64IntegerAttr(arena));
    module->setAttr("plan.slots", b.getArrayAttr(slots));

    if (redZones)
      module->setAttr("plan.red_zone", b.getI64IntegerAttr(kRedZone));
    DenseMap<Value, Attribute> places;
    for (Buffer &buffer : buffers) {
      SmallVector<NamedAttribute> place{buffer.slot < 0 ? b.getNamedAttr("offset", b.getI64IntegerAttr(buffer.offset))
                                                        : b.getNamedAttr("slot", b.getI64IntegerAttr(buffer.slot))};
      if (redZones)
        place.push_back(b.getNamedAttr("bytes", AffineMapAttr::get(AffineMap::get(0, symbolCount(), buffer.bytes))));
      places[buffer.kernel.getResult(buffer.result)] = b.getDictionaryAttr(place);
    }
    for (auto [value, index] : outputOf)
      places[value] = b.getDictionaryAttr(b.getNamedAttr("output", b.getI64IntegerAttr(index)));
    for (plan::KernelOp kernel : kernels) {
      SmallVector<Attribute> attrs;
      for (Value result : kernel.getResults())
        attrs.push_back(places.lookup(result));
      kernel->setAttr("plan.buffers", b.getArrayAttr(attrs));
    }
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
        if (!overlap(*buffer, *other))
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
        if (llvm::any_of(slot, [&](Buffer *other) { return overlap(*other, buffer); }))
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
