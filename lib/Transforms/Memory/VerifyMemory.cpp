// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A memory plan as a judge reads it: from the places alone, in whatever way they
// were found.
#include "tenon/Transforms/Memory/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Analysis/Lifetimes.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"

using namespace mlir;

namespace tenon::memory {
#define GEN_PASS_DEF_VERIFYMEMORYPASS
#include "tenon/Transforms/Memory/Passes.h.inc"

namespace {

using plan::PlaceKind;

struct Placed : plan::Lifetime {
  plan::PlaceAttr place;
  int64_t begin = 0, end = 0; // in the arena, of static places
};

/// "result 0 of kernel conv_1"
std::string nameOf(const Placed &buffer) {
  return "result " + std::to_string(buffer.result) + " of " + plan::nameOf(buffer.op);
}

std::string text(AffineExpr bytes) {
  std::string text;
  llvm::raw_string_ostream(text) << bytes;
  return text;
}

class VerifyMemory : public impl::VerifyMemoryPassBase<VerifyMemory> {
public:
  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>())
      check(func);
    if (!ok)
      signalPassFailure();
  }

private:
  InFlightDiagnostic problem(const Placed &buffer) {
    ok = false;
    return buffer.op->emitOpError("[TN4002] ") << nameOf(buffer) << " ";
  }

  void check(func::FuncOp func) {
    plan::Lifetimes lifetimes = plan::lifetimesOf(func);
    std::vector<Placed> buffers;
    for (const plan::Lifetime &lifetime : lifetimes.results) {
      Placed buffer{lifetime, plan::placeOf(lifetime.value())};
      if (!buffer.place) {
        problem(buffer) << "has no place";
        continue;
      }
      if (buffer.place.getSpace() != plan::spaceOf(buffer.op)) {
        problem(buffer) << "is in the space \"" << buffer.place.getSpace() << "\", expected \""
                        << plan::spaceOf(buffer.op) << "\"";
        continue;
      }
      auto output = lifetimes.outputOf.find(lifetime.value());
      bool isReturned = output != lifetimes.outputOf.end();
      bool isInOutput = buffer.place.getKind() == PlaceKind::output;
      if (isReturned != isInOutput || (isReturned && int64_t(output->second) != buffer.place.getNumber()))
        problem(buffer) << "is in " << buffer.place << ", expected "
                        << (isReturned ? "output " + std::to_string(output->second) : std::string("an arena"));
      else if (!isReturned && fits(buffer))
        buffers.push_back(buffer);
    }
    checkSharing(buffers);
  }

  /// Whether a place lies in its arena.
  bool fits(Placed &buffer) {
    plan::ArenaAttr arena = plan::arenaOf(getOperation(), buffer.place.getSpace());
    if (!arena) {
      problem(buffer) << "is in the space \"" << buffer.place.getSpace() << "\", which has no arena";
      return false;
    }
    AffineExpr bytes = plan::bytesOf(buffer.value());
    int64_t number = buffer.place.getNumber();
    if (buffer.place.getKind() == PlaceKind::slot) {
      bool holds = number < int64_t(arena.getSlots().size()) &&
                   llvm::is_contained(cast<AffineMapAttr>(arena.getSlots()[number]).getValue().getResults(), bytes);
      if (!holds)
        problem(buffer) << "is in slot " << number << ", which does not hold its " << text(bytes) << " bytes";
      return holds;
    }
    auto size = dyn_cast<AffineConstantExpr>(bytes);
    buffer.begin = number;
    buffer.end = size ? number + size.getValue() + arena.getRedZone() : -1;
    bool isInside = size && number % arena.getAlignment() == 0 && buffer.end <= arena.getBytes();
    if (!isInside)
      problem(buffer) << "has " << text(bytes) << " bytes from byte " << number
                      << " on, which is not within the arena's " << arena.getBytes() << " or not a multiple of "
                      << arena.getAlignment();
    return isInside;
  }

  static bool shares(const Placed &a, const Placed &b) {
    if (a.place.getSpace() != b.place.getSpace() || a.place.getKind() != b.place.getKind())
      return false;
    return a.place.getKind() == PlaceKind::slot ? a.place.getNumber() == b.place.getNumber()
                                                : a.begin < b.end && b.begin < a.end;
  }

  /// Goes through the text with those that are in use.
  void checkSharing(ArrayRef<Placed> buffers) {
    SmallVector<const Placed *> live;
    for (const Placed &buffer : buffers) {
      llvm::erase_if(live, [&](const Placed *other) { return other->last < buffer.first; });
      for (const Placed *other : live)
        if (shares(buffer, *other))
          problem(buffer) << "is in " << buffer.place << ", which " << nameOf(*other) << " uses till later";
      live.push_back(&buffer);
    }
  }

  bool ok = true;
};

} // namespace
} // namespace tenon::memory
