// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where tensors are during a run: in an input, an output, the weights or the arena.
#include "Conductor.h"

#include "tenon/Dialect/Num/IR/StorageType.h"
#include "tenon/Dialect/Plan/IR/Shapes.h"

using namespace mlir;

namespace tenon::host {

Value Conductor::lookup(Value value) {
  if (Value known = pointers.lookup(value))
    return known;
  Value found;
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    found = LLVM::LoadOp::create(b, loc, pointer, element(shared[Inputs], pointer, argument.getArgNumber()));
  } else if (auto constantOp = value.getDefiningOp<graph::ConstantOp>()) {
    found =
        LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), shared[Weights], ValueRange{constant(weight(constantOp))});
  } else if (Value buffer = plan::source(value); buffer != value) {
    found = lookup(buffer);
  } else if (plan::writesBuffers(value.getDefiningOp())) {
    found = place(cast<OpResult>(value));
  } else if (auto select = value.getDefiningOp<arith::SelectOp>()) {
    found = arith::SelectOp::create(b, loc, scalar(select.getCondition()), lookup(select.getTrueValue()),
                                    lookup(select.getFalseValue()));
  } else {
    assert(frameOf.contains(value) && "used before it was emitted");
    found = LLVM::LoadOp::create(b, loc, pointer, element(frame, i64, frameOf.lookup(value)));
  }
  return pointers[value] = found;
}

int64_t Conductor::weight(graph::ConstantOp op) {
  auto [it, isNew] = weightOf.try_emplace(op.getValue(), out.weights.size());
  if (isNew) {
    auto type = cast<ShapedType>(op.getType());
    uint64_t bytes = type.getNumElements() * storageType(type.getElementType()).getIntOrFloatBitWidth() / 8;
    out.weights.push_back({op.getValue(), out.weightBytes, bytes});
    out.weightBytes += (bytes + kAlign - 1) / kAlign * kAlign;
  }
  return out.weights[it->second].offset;
}

Value Conductor::place(OpResult result) {
  plan::PlaceAttr where = plan::placeOf(result);
  if (where.getKind() == plan::PlaceKind::output)
    return LLVM::LoadOp::create(b, loc, pointer, element(shared[Outputs], pointer, where.getNumber()));
  return LLVM::GEPOp::create(b, loc, pointer, b.getI8Type(), shared[Arena], ValueRange{offsetOf(where)});
}

unsigned Conductor::indexOf(StringRef space) const {
  auto device = deviceNumbers.find(space);
  return device == deviceNumbers.end() ? 0 : device->second + 1;
}

Value Conductor::offsetOf(plan::PlaceAttr place) {
  if (place.getKind() == plan::PlaceKind::offset)
    return constant(place.getNumber());
  const Space &space = spaces[indexOf(place.getSpace())];
  return LLVM::LoadOp::create(b, loc, i64, element(shared[Slots], i64, space.firstSlot + place.getNumber()));
}

} // namespace tenon::host
