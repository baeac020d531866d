// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "PairedCodes.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr int64_t kHalf = 16;            // bits of a half of a lane
constexpr int64_t kTop = 7;              // bits of a byte below the sign of bfloat16's lower one
constexpr int64_t kUpperByte = 0x40;     // of bfloat16 from 2 to 4
constexpr double kBelow = 1.0 / 65536;   // of a value in the upper half: one in the lower
// What an even step 2 + u / 2^(b-1) below an odd one adds to it, less even / 2^16: its
// bits are 0x4000 + 2^6 (even - 2), in units of the last place of a float32 from 2 to 4.
constexpr double kBelowRest = double((kUpperByte << 8) - (2 << 6)) / (1 << 22);
constexpr int64_t kMostSteps = 1 << 16;  // of a row: 256 KiB of the stack
constexpr uint32_t kLargest = 0x6F800000; // 2^96: sums of products with codes stay finite

/// What codes with the zero point of all, or 0 where each has its own, read.
double zeroOf(const PackedCodes &w) { return 2 + (w.offset() + w.center) / w.unit(); }

} // namespace

//===-- codes ----------------------------------------------------------------===//

PairDecoder::PairDecoder(KernelContext &context, const PackedCodes &codes, int64_t lanes) : c(context), w(codes), quads(codes.bitRuns()), lanes(lanes) {}

std::array<PairDecoder::Pair, 2> PairDecoder::read(int64_t quad, function_ref<Value(int64_t)> word) const {
  auto type = [&](int64_t count, unsigned bits) { return VectorType::get({count}, c.b.getIntegerType(bits)); };
  auto bytes = type(4 * lanes, 8), halves = type(2 * lanes, 16), words = type(lanes, 32);
  auto floats = VectorType::get({lanes}, c.b.getF32Type());
  auto splat = [&](VectorType type, int64_t value) -> Value {
    return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(type, APInt(type.getElementTypeBitWidth(), value)));
  };
  auto cast = [&](VectorType type, Value value) -> Value { return vector::BitCastOp::create(c.b, c.loc, type, value); };
  Value codes;
  for (const PackedCodes::BitRun &run : quads[quad]) {
    int64_t place = kTop - w.bits() + run.bit;
    Value moved = cast(halves, word(run.word)); // x86 shifts no bytes; what comes from the next is masked
    if (run.from > place)
      moved = arith::ShRUIOp::create(c.b, c.loc, moved, splat(halves, run.from - place));
    else if (run.from < place)
      moved = arith::ShLIOp::create(c.b, c.loc, moved, splat(halves, place - run.from));
    Value bits = arith::AndIOp::create(c.b, c.loc, cast(bytes, moved), splat(bytes, ((1 << run.count) - 1) << place));
    codes = codes ? arith::OrIOp::create(c.b, c.loc, codes, bits).getResult() : bits;
  }
  Value upper = splat(bytes, kUpperByte);
  std::array<Pair, 2> pairs;
  for (int64_t half = 0; half < 2; ++half) {
    SmallVector<int64_t> interleaved; // the lower or upper 8 bytes of each 128 bits with the constant
    for (int64_t i = 0; i < 4 * lanes; ++i)
      interleaved.push_back(i / 16 * 16 + half * 8 + i % 16 / 2 + i % 2 * 4 * lanes);
    Value lane = cast(words, vector::ShuffleOp::create(c.b, c.loc, codes, upper, interleaved));
    Value even = arith::ShLIOp::create(c.b, c.loc, lane, splat(words, kHalf));
    pairs[half] = {cast(floats, even), cast(floats, lane)};
  }
  return pairs;
}

PairDecoder::Pair PairDecoder::decode(Pair raw) const {
  auto words = VectorType::get({lanes}, c.b.getI32Type());
  Value mask = arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(words, APInt(32, 0xFFFF0000)));
  Value lane = vector::BitCastOp::create(c.b, c.loc, words, raw.odd);
  Value odd = vector::BitCastOp::create(c.b, c.loc, raw.odd.getType(), Value(arith::AndIOp::create(c.b, c.loc, lane, mask)));
  Value zero = c.constant(c.b.getF32Type(), zeroOf(w), lanes);
  return {arith::SubFOp::create(c.b, c.loc, raw.even, zero), arith::SubFOp::create(c.b, c.loc, odd, zero)};
}

//===-- the row --------------------------------------------------------------===//

bool PairedRow::isPossible(const PackedCodes &w, int64_t lanes) {
  return w.k <= kMostSteps && w.k % lanes == 0 && w.block % lanes == 0;
}

PairedRow::PairedRow(KernelContext &context, const PackedCodes &codes, int64_t lanes) : c(context), w(codes), lanes(lanes) {
  auto buffer = [&](int64_t count) -> Value {
    return memref::AllocaOp::create(c.b, c.loc, MemRefType::get({count}, c.b.getF32Type()), c.b.getI64IntegerAttr(64));
  };
  row = buffer(w.groups() * PackedCodes::kGroup);
  starts = buffer(w.blocks());
  if (w.zeros)
    inputs = buffer(w.blocks());
}

Value PairedRow::prepare(const OperandReader &reader, Value offset) const {
  auto floats = VectorType::get({lanes}, c.b.getF32Type());
  auto words = VectorType::get({lanes}, c.b.getI32Type());
  auto evenOdd = [&](double even, double odd) -> Value {
    SmallVector<float> values;
    for (int64_t lane = 0; lane < lanes; ++lane)
      values.push_back(lane % 2 ? odd : even);
    return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(floats, ArrayRef<float>(values)));
  };
  SmallVector<int64_t> odds;
  for (int64_t lane = 0; lane < lanes; ++lane)
    odds.push_back(lane | 1);
  // A block's sum begins with what its zero point and the bits below odd steps will have added, negated.
  double zero = w.zeros ? 0 : zeroOf(w);
  Value weights = evenOdd(-zero, -zero - kBelowRest), below = evenOdd(-kBelow, 0);
  Value none = c.constant(c.b.getF32Type(), 0, lanes);
  Value noSign = arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(words, APInt(32, 0x7FFFFFFF)));
  Value zeroBits = arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(words, APInt(32, 0)));
  auto reduce = [&](vector::CombiningKind kind, Value value) -> Value {
    return vector::ReductionOp::create(c.b, c.loc, kind, value, arith::FastMathFlags::reassoc);
  };

  SmallVector<Value> largest = c.loop(c.index(int64_t(0)), c.index(w.blocks()), 1, {zeroBits}, [&](Value block, ValueRange outer) {
    Value first = c.mul(block, c.index(w.block)), last = c.minS(c.add(first, c.index(w.block)), c.index(w.k));
    SmallVector<Value> sums = c.loop(first, last, lanes, {outer.front(), none, none}, [&](Value step, ValueRange now) -> SmallVector<Value> {
      Value x = reader.load(c.add(offset, step), lanes);
      Value odd = vector::ShuffleOp::create(c.b, c.loc, x, x, odds);
      vector::StoreOp::create(c.b, c.loc, vector::FMAOp::create(c.b, c.loc, odd, below, x), row, ValueRange{step});
      Value bits = arith::AndIOp::create(c.b, c.loc, vector::BitCastOp::create(c.b, c.loc, words, x), noSign);
      return {arith::MaxUIOp::create(c.b, c.loc, now[0], bits), vector::FMAOp::create(c.b, c.loc, x, weights, now[1]),
              w.zeros ? arith::SubFOp::create(c.b, c.loc, now[2], x).getResult() : now[2]};
    });
    memref::StoreOp::create(c.b, c.loc, reduce(vector::CombiningKind::ADD, sums[1]), starts, ValueRange{block});
    if (w.zeros)
      memref::StoreOp::create(c.b, c.loc, reduce(vector::CombiningKind::ADD, sums[2]), inputs, ValueRange{block});
    return SmallVector<Value>{sums[0]};
  });
  for (int64_t step = w.k; step < w.groups() * PackedCodes::kGroup; step += lanes) // the codes there count as zero
    vector::StoreOp::create(c.b, c.loc, none, row, ValueRange{c.index(step)});
  Value limit = arith::ConstantIntOp::create(c.b, c.loc, c.b.getI32Type(), kLargest);
  return arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, reduce(vector::CombiningKind::MAXUI, largest.front()), limit);
}

Value PairedRow::splat(Value buffer, Value index) const {
  return c.broadcast(memref::LoadOp::create(c.b, c.loc, buffer, ValueRange{index}), lanes);
}
Value PairedRow::at(Value step) const { return splat(row, step); }
Value PairedRow::start(Value block) const { return splat(starts, block); }

Value PairedRow::subtractZeros(Value sum, Value zeros, Value block) const {
  Value read = arith::AddFOp::create(c.b, c.loc, zeros, c.constant(c.b.getF32Type(), zeroOf(w), lanes));
  return vector::FMAOp::create(c.b, c.loc, read, splat(inputs, block), sum);
}

} // namespace tenon::cpu
