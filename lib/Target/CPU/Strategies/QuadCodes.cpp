// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "QuadCodes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace tenon::cpu {

QuadDecoder::QuadDecoder(KernelContext &context, const PackedCodes &codes, int64_t lanes)
    : c(context), w(codes), quads(codes.bitRuns()), lanes(lanes) {}

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
  if (w.bytes->table.empty())
    return codes;
  SmallVector<uint8_t> table; // once for each 128 bits, where the permutation looks
  for (int64_t i = 0; i < 4 * lanes; ++i)
    table.push_back(w.bytes->table[i % w.bytes->table.size()]);
  Value values = arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(bytes, ArrayRef<uint8_t>(table)));
  return LLVM::CallIntrinsicOp::create(c.b, c.loc, bytes, c.b.getStringAttr("llvm.x86.avx2.pshuf.b"), ValueRange{values, codes}).getResult(0);
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
  auto constant = [&](double number) { return c.constant(c.b.getF32Type(), number, lanes); };
  if (double zero = w.zeroByte())
    value = arith::SubFOp::create(c.b, c.loc, value, constant(zero));
  return w.bytes->unit == 1 ? value : arith::MulFOp::create(c.b, c.loc, value, constant(w.bytes->unit)).getResult();
}

} // namespace tenon::cpu
