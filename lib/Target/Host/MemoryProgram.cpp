// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Memory of a run: how large the arena is, where in it the buffers are whose sizes
// depend on symbols, and what the run needs for itself.
#include "Conductor.h"

#include "tenon/Dialect/Plan/IR/Symbols.h"

using namespace mlir;

namespace tenon::host {

/// Fields of 8 bytes that a run keeps on the stack; more go to the arena.
static constexpr size_t kMostOwnOnStack = 1024;

void Conductor::measure(func::FuncOp func) {
  plan.walk([&](Operation *op) {
    if (plan::writesBuffers(op))
      mostBuffers = std::max<size_t>(mostBuffers, op->getNumOperands() + op->getNumResults() + 1);
    if (auto kernel = dyn_cast<plan::KernelOp>(op))
      mostSizes = std::max(mostSizes, plan::symbolsOf(kernel).size());
  });
  if (isLong(func.getBody().front()) || std::max(mostBuffers, mostSizes) > kMostSizes) {
    frameFields = kFrameFields;
    func.walk([&](Operation *op) {
      if (isa<scf::IfOp, tensor::ExtractOp>(op))
        for (Value result : op->getResults())
          frameOf[result] = frameFields++;
    });
  }
  slots = spaces.back().firstSlot + spaces.back().slots();
  size_t fields = slots + commandNumbers() + mostBuffers + mostSizes + frameFields;
  ownInArena = fields > kMostOwnOnStack ? llvm::alignTo(8 * fields, kAlign) : 0;
}

Value Conductor::own(Type field, size_t fields) {
  if (!ownInArena)
    return LLVM::AllocaOp::create(b, loc, pointer, field, constant(fields), 8);
  ownUsed += fields;
  return element(ownMemory, i64, ownUsed - fields);
}

void Conductor::emitSlots(Space &space) {
  if (!space.arena)
    return;
  struct Term {
    AffineExpr bytes;
    bool isLast; ///< of its slot
  };
  std::vector<Term> terms;
  for (Attribute attr : space.arena.getSlots()) {
    for (AffineExpr expr : cast<AffineMapAttr>(attr).getValue().getResults())
      terms.push_back({expr, false});
    terms.back().isLast = true;
  }
  for (size_t from = 0; from < terms.size(); from += kMostSizes) {
    auto part = beginFunction(("tenon_slots_" + Twine(parts++)).str(), {pointer, pointer, i64, i64}, {i64, i64}, 0);
    part.setPrivate();
    Value bytes = part.getArgument(3);
    int64_t stored = 0;
    Value isLost = compare(arith::CmpIPredicate::slt, part.getArgument(2), constant(0));
    Value end = size([&]() {
      Value at = part.getArgument(2);
      for (const Term &term : ArrayRef(terms).slice(from, std::min(kMostSizes, terms.size() - from))) {
        bytes = arith::MaxSIOp::create(b, loc, bytes, eval(term.bytes));
        if (!term.isLast)
          continue;
        LLVM::StoreOp::create(b, loc, at, element(part.getArgument(1), i64, stored++));
        Value rounded = add(bytes, constant(space.alignment() - 1 + space.redZone()));
        at = add(at, arith::AndIOp::create(b, loc, rounded, constant(-space.alignment())));
        bytes = constant(0);
      }
      return at;
    });
    end = arith::SelectOp::create(b, loc, isLost, constant(-1), end);
    func::ReturnOp::create(b, loc, ValueRange{end, bytes});
    space.parts.push_back({part, stored});
  }
}

Value Conductor::placeSlots(const Space &space, function_ref<Value(int64_t first)> place) {
  Value at = constant(space.arena.getBytes()), bytes = constant(0);
  int64_t first = 0;
  for (auto [part, count] : space.parts) {
    auto call = func::CallOp::create(b, loc, part, ValueRange{symbols, place(first), at, bytes});
    at = call.getResult(0);
    bytes = call.getResult(1);
    first += count;
  }
  return at;
}

Value Conductor::sizeOf(const Space &space) {
  Value unused = LLVM::AllocaOp::create(b, loc, pointer, i64, constant(kMostSizes), 8);
  return placeSlots(space, [&](int64_t) { return unused; });
}

void Conductor::emitArenaSize() {
  beginFunction("tenon_arena_size", {pointer}, {i64}, 0);
  Value bytes = sizeOf(spaces.front());
  Value isLost = compare(arith::CmpIPredicate::slt, bytes, constant(0));
  bytes = size([&]() { return add(bytes, constant(ownInArena)); });
  func::ReturnOp::create(b, loc, arith::SelectOp::create(b, loc, isLost, constant(-1), bytes).getResult());
}

void Conductor::announceRedZones() {
  std::vector<SmallVector<Value>> begins(spaces.size()); // addresses in the host's, offsets in the others
  plan.walk([&](Operation *op) {
    if (!plan::writesBuffers(op))
      return;
    for (OpResult result : op->getResults()) {
      plan::PlaceAttr where = plan::placeOf(result);
      if (!where.getBytes())
        continue;
      Value size = arith::MaxSIOp::create(b, loc, eval(where.getBytes().getValue().getResult(0)), constant(0));
      unsigned space = indexOf(where.getSpace());
      begins[space].push_back(
          space ? add(offsetOf(where), size)
                : LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), place(result), ValueRange{size}).getResult());
    }
  });
  for (auto [space, list] : llvm::enumerate(begins)) {
    if (list.empty())
      continue;
    Type type = list.front().getType();
    Value memory = LLVM::AllocaOp::create(b, loc, pointer, type, constant(list.size()), 8);
    for (auto [i, begin] : llvm::enumerate(list))
      LLVM::StoreOp::create(b, loc, begin, element(memory, type, i));
    if (space)
      command(ServiceDeviceZones, {constant32(space - 1), memory, constant32(list.size())});
    else
      command(ServiceRedZones, {memory, constant32(list.size())});
  }
}

} // namespace tenon::host
