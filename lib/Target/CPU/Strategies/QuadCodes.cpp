// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes become float16 by HalfCodes::bits on vectors; HalfCodes.cpp has tried the same steps on numbers. The
// unit of such codes is left to the product, which multiplies its sums by it, but for a unit that is so large
// or small that sums without it could leave the range of f32: decode multiplies by that one.
#include "QuadCodes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

/// Sums of codes are multiplied by units from 1 / kMostUnit to kMostUnit; codes of other units are multiplied one by
/// one. With any other unit, sums of float16 values could leave f32's range where sums of products with the weights
/// stay in it.
constexpr double kMostUnit = 1 << 16;

/// A vector of 16-bit lanes, for HalfCodes::bits.
struct HalfLanes {
  using Value = mlir::Value;
  KernelContext &c;
  VectorType type;
  Value splat(int v) const {
    return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(type, APInt(16, uint16_t(v))));
  }
  Value extended(arith::CmpIPredicate predicate, Value x, int y) const {
    return arith::ExtSIOp::create(c.b, c.loc, type, Value(arith::CmpIOp::create(c.b, c.loc, predicate, x, splat(y))));
  }
  Value bitAnd(Value x, int y) const { return arith::AndIOp::create(c.b, c.loc, x, splat(y)); }
  Value bitOr(Value x, Value y) const { return arith::OrIOp::create(c.b, c.loc, x, y); }
  Value shiftRight(Value x, int by) const { return arith::ShRSIOp::create(c.b, c.loc, x, splat(by)); }
  Value shiftLeft(Value x, int by) const { return arith::ShLIOp::create(c.b, c.loc, x, splat(by)); }
  Value subtract(Value x, int y) const { return arith::SubIOp::create(c.b, c.loc, x, splat(y)); }
  Value larger(Value x, Value y) const { return arith::MaxSIOp::create(c.b, c.loc, x, y); }
  Value isEqual(Value x, int y) const { return extended(arith::CmpIPredicate::eq, x, y); }
  Value isAbove(Value x, int y) const { return extended(arith::CmpIPredicate::sgt, x, y); }
};

} // namespace

QuadDecoder::QuadDecoder(KernelContext &context, const PackedCodes &codes, int64_t lanes)
    : c(context), w(codes), quads(codes.bitRuns()), lanes(lanes) {}

Value QuadDecoder::bytes(int64_t quad, function_ref<Value(int64_t)> word) const {
  auto type = [&](int64_t count, unsigned bits) { return VectorType::get({count}, c.b.getIntegerType(bits)); };
  auto splat = [&](VectorType type, int64_t value) -> Value {
    return arith::ConstantOp::create(c.b, c.loc,
                                     DenseElementsAttr::get(type, APInt(type.getElementTypeBitWidth(), value)));
  };
  auto bytes = type(4 * lanes, 8), halves = type(2 * lanes, 16);
  Value codes;
  for (const PackedCodes::BitRun &run : quads[quad]) {
    // Bits [from, from + count) of each byte move to [bit, bit + count). x86 has no shift of bytes, but one of 16-bit
    // lanes; what comes in from the other byte of a lane is masked away.
    Value moved = vector::BitCastOp::create(c.b, c.loc, halves, word(run.word));
    if (run.from > run.bit)
      moved = arith::ShRUIOp::create(c.b, c.loc, moved, splat(halves, run.from - run.bit));
    else if (run.from < run.bit)
      moved = arith::ShLIOp::create(c.b, c.loc, moved, splat(halves, run.bit - run.from));
    Value bits = vector::BitCastOp::create(c.b, c.loc, bytes, moved);
    bits = arith::AndIOp::create(c.b, c.loc, bits, splat(bytes, ((1 << run.count) - 1) << run.bit));
    codes = codes ? arith::OrIOp::create(c.b, c.loc, codes, bits).getResult() : bits;
  }
  if (!w.bytes || w.bytes->table.empty())
    return codes;
  SmallVector<uint8_t> table; // once for each 128 bits, within which the permutation looks
  for (int64_t i = 0; i < 4 * lanes; ++i)
    table.push_back(w.bytes->table[i % w.bytes->table.size()]);
  Value values = arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(bytes, ArrayRef<uint8_t>(table)));
  return LLVM::CallIntrinsicOp::create(c.b, c.loc, bytes, c.b.getStringAttr("llvm.x86.avx2.pshuf.b"),
                                       ValueRange{values, codes})
      .getResult(0);
}

Value QuadDecoder::decode(Value bytes, int64_t step) const {
  if (w.halves)
    return decodeHalf(bytes, step);
  // A lane of 32 bits has the four steps of a column, byte `step` is the one asked for.
  auto words = VectorType::get({lanes}, c.b.getI32Type());
  auto floats = VectorType::get({lanes}, c.b.getF32Type());
  Value lane = vector::BitCastOp::create(c.b, c.loc, words, bytes);
  auto splat = [&](int64_t value) -> Value {
    return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(words, APInt(32, value)));
  };
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

double QuadDecoder::unit() const {
  double unit = w.halves ? w.halves->unit : 1; // floats have no zero points here
  return unit >= 1 / kMostUnit && unit <= kMostUnit ? unit : 1;
}

Value QuadDecoder::decodeHalf(Value bytes, int64_t step) const {
  HalfLanes on{c, VectorType::get({2 * lanes}, c.b.getI16Type())};
  // A 16-bit lane has an even step of a column in the low byte, the next step in the high one. HalfCodes::bits wants
  // the code in the highest bits, and ignores what is below.
  Value code = vector::BitCastOp::create(c.b, c.loc, on.type, bytes);
  if (int64_t by = (step % 2 == 0 ? 16 : 8) - w.halves->width)
    code = on.shiftLeft(code, by);
  Value halves =
      vector::BitCastOp::create(c.b, c.loc, VectorType::get({2 * lanes}, c.b.getF16Type()), w.halves->bits(on, code));
  // Steps 0 and 1 of all columns are the first half of the lanes, steps 2 and 3 the second.
  halves = vector::ExtractStridedSliceOp::create(c.b, c.loc, halves, ArrayRef<int64_t>{step / 2 * lanes},
                                                 ArrayRef<int64_t>{lanes}, ArrayRef<int64_t>{1});
  Value value = arith::ExtFOp::create(c.b, c.loc, VectorType::get({lanes}, c.b.getF32Type()), halves);
  if (unit() == w.halves->unit)
    return value;
  return arith::MulFOp::create(c.b, c.loc, value, c.constant(c.b.getF32Type(), w.halves->unit, lanes));
}

} // namespace tenon::cpu
