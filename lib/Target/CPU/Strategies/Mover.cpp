// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs of elements that move as they are stored. Masked accesses to bfloat16 go as 16-bit integers (see
// KernelContext::asInteger16).
#include "Mover.h"

using namespace mlir;

namespace tenon::cpu {

Mover::Mover(KernelContext &c, Value tensor) : c(c), storage(storageType(getElementTypeOrSelf(tensor.getType()))) {
  lanes = std::max<int64_t>(1, c.target.vectorBits / storage.getIntOrFloatBitWidth());
}

int64_t Mover::widthFor(int64_t extent) const {
  int64_t width = lanes;
  while (width > 1 && extent > 0 && width > extent)
    width /= 2;
  return width;
}

void Mover::element(Value from, Value source, Value to, Value target) {
  memref::StoreOp::create(c.b, c.loc, memref::LoadOp::create(c.b, c.loc, from, source), to, target);
}

void Mover::run(Value from, Value source, Value to, Value target, Value length, int64_t extent) {
  int64_t width = widthFor(extent);
  auto type = VectorType::get({width}, storage);
  c.vectorLoop(c.index(int64_t(0)), length, width, extent, [&](Value i, Value mask) {
    Value s = c.add(source, i), t = c.add(target, i);
    if (width == 1)
      return element(from, s, to, t);
    if (!mask) {
      vector::StoreOp::create(c.b, c.loc, vector::LoadOp::create(c.b, c.loc, type, from, ValueRange{s}), to,
                              ValueRange{t});
      return;
    }
    bool isBrain = storage.isBF16();
    auto bits = isBrain ? VectorType::get({width}, c.b.getI16Type()) : type;
    Value zero = arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(bits));
    Value value =
        vector::MaskedLoadOp::create(c.b, c.loc, bits, isBrain ? c.asInteger16(from) : from, ValueRange{s}, mask, zero);
    vector::MaskedStoreOp::create(c.b, c.loc, isBrain ? c.asInteger16(to) : to, ValueRange{t}, mask, value);
  });
}

void Mover::fill(Value scalar, Value to, Value target, Value length, int64_t extent) {
  int64_t width = widthFor(extent);
  c.vectorLoop(c.index(int64_t(0)), length, width, extent, [&](Value i, Value mask) {
    Value value = c.broadcast(scalar, width), t = c.add(target, i);
    if (width == 1)
      memref::StoreOp::create(c.b, c.loc, scalar, to, t);
    else if (mask && storage.isBF16())
      vector::MaskedStoreOp::create(
          c.b, c.loc, c.asInteger16(to), ValueRange{t}, mask,
          arith::BitcastOp::create(c.b, c.loc, VectorType::get({width}, c.b.getI16Type()), value));
    else if (mask)
      vector::MaskedStoreOp::create(c.b, c.loc, to, ValueRange{t}, mask, value);
    else
      vector::StoreOp::create(c.b, c.loc, value, to, ValueRange{t});
  });
}

} // namespace tenon::cpu
