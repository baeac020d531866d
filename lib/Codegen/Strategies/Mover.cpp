// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs of elements that move as they are stored.
#include "Mover.h"

using namespace mlir;

namespace tenon::codegen {

Mover::Mover(KernelContext &c, Value tensor) : c(c), storage(storageType(getElementTypeOrSelf(tensor.getType()))) {
  lanes = c.target.lanesOf(storage.getIntOrFloatBitWidth());
}

int64_t Mover::widthFor(int64_t extent) const {
  int64_t width = lanes;
  while (width > 1 && extent > 0 && width > extent)
    width /= 2;
  return width;
}

void Mover::element(Value from, Value source, Value to, Value target) {
  c.storeStored(c.loadStored(from, storage, source), to, target);
}

void Mover::run(Value from, Value source, Value to, Value target, Value length, int64_t extent) {
  int64_t width = widthFor(extent);
  c.vectorLoop(c.index(int64_t(0)), length, width, extent, [&](Value i, Value mask) {
    Value s = c.add(source, i), t = c.add(target, i);
    c.storeStored(c.loadStored(from, storage, s, width, mask), to, t, mask);
  });
}

void Mover::fill(Value scalar, Value to, Value target, Value length, int64_t extent) {
  int64_t width = widthFor(extent);
  c.vectorLoop(c.index(int64_t(0)), length, width, extent,
               [&](Value i, Value mask) { c.storeStored(c.broadcast(scalar, width), to, c.add(target, i), mask); });
}

} // namespace tenon::codegen
