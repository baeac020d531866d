// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "QuadCodes.h"

using namespace mlir;

namespace tenon::cpu {

QuadDecoder::QuadDecoder(KernelContext &context, const PackedCodes &codes, int64_t lanes)
    : c(context), quads(codes.bitRuns()), lanes(lanes), zero(codes.storedZero()) {}

Value QuadDecoder::bytes(int64_t quad, function_ref<Value(int64_t)> word) const {
  auto type = [&](int64_t count, unsigned bits) { return VectorType::get({count}, c.b.getIntegerType(bits)); };
  auto splat = [&](VectorType type, int64_t value) -> Value {
    return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(type, APInt(type.getElementTypeBitWidth(), value)));
  };
  auto bytes = type(4 * lanes, 8), halves = type(2 * lanes, 16);
  Value codes;
  for (const PackedCodes::BitRun &run : quads[quad]) {
    // x86 shifts no bytes; what comes from the next is masked.
    Value moved = vector::BitCastOp::create(c.b, c.loc, halves, word(run.word));
    if (run.from > run.bit)
      moved = arith::ShRUIOp::create(c.b, c.loc, moved, splat(halves, run.from - run.bit));
    else if (run.from < run.bit)
      moved = arith::ShLIOp::create(c.b, c.loc, moved, splat(halves, run.bit - run.from));
    Value bits = vector::BitCastOp::create(c.b, c.loc, bytes, moved);
    bits = arith::AndIOp::create(c.b, c.loc, bits, splat(bytes, ((1 << run.count) - 1) << run.bit));
    codes = codes ? arith::OrIOp::create(c.b, c.loc, codes, bits).getResult() : bits;
  }
  return codes;
}

Value QuadDecoder::decode(Value bytes, int64_t step) const {
  auto words = VectorType::get({lanes}, c.b.getI32Type());
  auto floats = VectorType::get({lanes}, c.b.getF32Type());
  Value lane = vector::BitCastOp::create(c.b, c.loc, words, bytes);
  auto splat = [&](int64_t value) -> Value { return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(words, APInt(32, value))); };
  if (step)
    lane = arith::ShRUIOp::create(c.b, c.loc, lane, splat(8 * step));
  if (step < 3)
    lane = arith::AndIOp::create(c.b, c.loc, lane, splat(0xFF));
  Value value = arith::SIToFPOp::create(c.b, c.loc, floats, lane);
  return zero == 0 ? value : arith::SubFOp::create(c.b, c.loc, value, c.constant(c.b.getF32Type(), zero, lanes)).getResult();
}

} // namespace tenon::cpu
