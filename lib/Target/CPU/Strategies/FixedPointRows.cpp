// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Let an element be x = u (d0 + 2^8 d1 + 2^16 d2) with the segment's unit u and three signed bytes d, and a
// weight before its scale w = q (b - z) with the byte b of its code, the format's unit q and z = zeroByte().
// Then
//   sum w x = u q (sum b d0 + 2^8 sum b (d1 + 2^8 d2)) - q z sum x
// Both sums of integers fit 32 bits. Products are added up in 16 bits first, over as many quads as cannot
// overflow. For each digit and panel, in each quad of steps:
//
//     codes    b0 b1 b2 b3 | b0 b1 b2 b3 | ..      unsigned bytes: the four steps of column 0, of column 1, ..
//     digits   x0 x1 x2 x3 | x0 x1 x2 x3 | ..      signed bytes: one digit of the four steps, broadcast as a word
//              -----------   -----------
//     16 bits  b0x0 + b1x1, b2x2 + b3x3 | ..       vpmaddubsw; added to those of the quads before, in registers
//     32 bits  sum of the two           | ..       vpmaddwd, every so many quads; digit 2 times 2^8 on the way
#include "FixedPointRows.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr int64_t kMostElements = 1 << 16; // of all rows: their digits take 256 KiB
constexpr int64_t kMostRows = 8;           // more are as fast in f32 from a decoded buffer
constexpr int64_t kDigits = 3;             // signed bytes of an element
constexpr int64_t kMantissa = 23;          // bits of a float32 below its exponent
constexpr int64_t kWhole = 22;             // the largest element 2^e <= |x| < 2^(e + 1) takes the unit 2^(e - kWhole)
constexpr int64_t kExponentBias = 127;
// Added to the bits of the largest element before its exponent is taken. One of 2^23 - 2^16 units or more then takes
// twice the unit; three signed bytes hold numbers up to 127 * (2^16 + 2^8 + 1), which is less than 2^23.
constexpr int64_t kRoom = 1 << 17;
// Bits of 2^96 and 2^-96.
constexpr int64_t kLargest = (kExponentBias + 96) << kMantissa, kSmallest = (kExponentBias - 96) << kMantissa;
constexpr int64_t kFewBits = 12 << kMantissa; // an exponent so much below the largest's

} // namespace

int64_t FixedPointRows::most(const PackedCodes &w, int64_t lanes) {
  if (!w.bytes || w.k == 0 || w.k % lanes != 0 || w.block % lanes != 0)
    return 0;
  return std::min(kMostRows, kMostElements / w.k);
}

FixedPointRows::FixedPointRows(KernelContext &context, const PackedCodes &codes, int64_t lanes, int64_t rows)
    : c(context), w(codes), lanes(lanes) {
  auto buffer = [&](int64_t count, Type type) -> Value {
    return memref::AllocaOp::create(c.b, c.loc, MemRefType::get({rows, count}, type), c.b.getI64IntegerAttr(64));
  };
  digits = buffer(w.groups() * PackedCodes::kGroup, c.b.getI32Type());
  units = buffer(w.groups() * PackedCodes::kGroup / segment(), c.b.getF32Type());
  starts = buffer(w.groups() * PackedCodes::kGroup / segment(), c.b.getF32Type());
  if (w.zeros)
    inputs = buffer(w.blocks(), c.b.getF32Type());
}

int64_t FixedPointRows::segment() const { return std::min(w.block, PackedCodes::kGroup); }

//===-- rounding a row -------------------------------------------------------===//

namespace {

/// Arithmetic on words of 32 bits, the bits of floats among them: on single ones and on vectors of `lanes`.
struct Words {
  KernelContext &c;
  int64_t lanes;

  VectorType type() const { return VectorType::get({lanes}, c.b.getI32Type()); }
  Value scalar(int64_t value) const { return arith::ConstantIntOp::create(c.b, c.loc, c.b.getI32Type(), value); }
  Value splat(int64_t value) const { return c.broadcast(scalar(value), lanes); }
  Value add(Value x, Value y) const { return arith::AddIOp::create(c.b, c.loc, x, y); }
  Value sub(Value x, Value y) const { return arith::SubIOp::create(c.b, c.loc, x, y); }
  Value both(Value x, Value y) const { return arith::AndIOp::create(c.b, c.loc, x, y); }
  Value max(Value x, Value y) const { return arith::MaxUIOp::create(c.b, c.loc, x, y); }
  Value compare(arith::CmpIPredicate predicate, Value x, Value y) const {
    return arith::CmpIOp::create(c.b, c.loc, predicate, x, y);
  }
  /// Of all lanes.
  Value reduce(vector::CombiningKind kind, Value value) const {
    return vector::ReductionOp::create(c.b, c.loc, kind, value);
  }
  /// The same bits as another type.
  Value cast(Type type, Value value) const {
    return isa<VectorType>(type) ? vector::BitCastOp::create(c.b, c.loc, type, value).getResult()
                                 : arith::BitcastOp::create(c.b, c.loc, type, value).getResult();
  }
};

/// Whether at most half of the elements are other than zero and below 2^-12 of the largest, whose size is `most`.
/// Sizes are below 2^31, so signed comparisons, which x86 has for vectors, order them.
Value haveBits(const Words &words, ArrayRef<Value> sizes, Value most) {
  KernelContext &c = words.c;
  Value limit = c.broadcast(words.sub(words.max(most, words.scalar(kFewBits)), words.scalar(kFewBits)), words.lanes);
  Value few = words.splat(0);
  for (Value size : sizes) {
    Value isFew = words.both(words.compare(arith::CmpIPredicate::sgt, size, words.splat(0)),
                             words.compare(arith::CmpIPredicate::slt, size, limit));
    few = words.add(few, arith::ExtUIOp::create(c.b, c.loc, words.type(), isFew));
  }
  Value half = words.scalar(int64_t(sizes.size()) * words.lanes / 2);
  return words.compare(arith::CmpIPredicate::sle, words.reduce(vector::CombiningKind::ADD, few), half);
}

/// The unit of a segment whose largest element has the size `most`, and its inverse. The largest is 2^22 to 2^23 units
/// (kRoom moves both bounds by 2^-7 at most). The exponent is large enough for unit and inverse to be normal numbers.
std::pair<Value, Value> unitOf(const Words &words, Value most) {
  Value exponent = words.both(words.add(most, words.scalar(kRoom)), words.scalar(0x7F800000));
  exponent = words.max(exponent, words.scalar((kWhole + 1) << kMantissa));
  Type f32 = words.c.b.getF32Type();
  Value unit = words.cast(f32, words.sub(exponent, words.scalar(kWhole << kMantissa)));
  Value inverse = words.cast(f32, words.sub(words.scalar((2 * kExponentBias + kWhole) << kMantissa), exponent));
  return {unit, inverse};
}

} // namespace

void FixedPointRows::prepareSegment(const OperandReader &reader, Value offset, Value row, Value number, int64_t count,
                                    Value &largest, Value &fits) const {
  Words words{c, lanes};
  // The bits of a float32 without the sign, its size, are in the order of absolute values.
  Value first = c.mul(number, c.index(segment()));
  SmallVector<Value> elements, sizes;
  Value top = words.splat(0);
  for (int64_t at = 0; at < count; at += lanes) {
    elements.push_back(reader.load(c.add(offset, c.add(first, c.index(at))), lanes));
    sizes.push_back(words.both(words.cast(words.type(), elements.back()), words.splat(0x7FFFFFFF)));
    top = words.max(top, sizes.back());
  }
  Value most = words.reduce(vector::CombiningKind::MAXUI, top);
  largest = words.max(largest, most);
  fits = words.both(fits, haveBits(words, sizes, most));

  auto [unit, inverse] = unitOf(words, most);
  Value both = arith::MulFOp::create(c.b, c.loc, unit, c.constant(c.b.getF32Type(), w.bytes->unit, 1));
  memref::StoreOp::create(c.b, c.loc, both, units, ValueRange{row, number});
  Value sum = storeDigits(elements, inverse, row, first);

  // The sum of the rounded elements, which zero points multiply.
  Value total = arith::SIToFPOp::create(c.b, c.loc, c.b.getF32Type(), words.reduce(vector::CombiningKind::ADD, sum));
  total = arith::MulFOp::create(c.b, c.loc, total, unit);
  Value start =
      arith::MulFOp::create(c.b, c.loc, total, c.constant(c.b.getF32Type(), -w.zeroByte() * w.bytes->unit, 1));
  memref::StoreOp::create(c.b, c.loc, start, starts, ValueRange{row, number});
  if (!w.zeros)
    return;
  Value block = c.divU(first, c.index(w.block));
  Value less = arith::SubFOp::create(c.b, c.loc,
                                     Value(memref::LoadOp::create(c.b, c.loc, inputs, ValueRange{row, block})), total);
  memref::StoreOp::create(c.b, c.loc, less, inputs, ValueRange{row, block});
}

// With x = d0 + 2^8 * d1 + 2^16 * d2, x + 0x808080 has the bytes d0 + 0x80, d1 + 0x80 and d2 + 0x80, which are not
// negative and carry nothing; flipping the highest bit of each leaves the digits.
Value FixedPointRows::storeDigits(ArrayRef<Value> elements, Value inverse, Value row, Value first) const {
  Words words{c, lanes};
  auto bytes = VectorType::get({4 * lanes}, c.b.getI8Type());
  Value scale = c.broadcast(inverse, lanes), bias = words.splat(0x808080), sum = words.splat(0);
  SmallVector<int64_t> transposed; // 4 x 4 bytes of each 128 bits: from digits of a step to steps of a digit
  for (int64_t i = 0; i < 4 * lanes; ++i)
    transposed.push_back(i / 16 * 16 + i % 4 * 4 + i % 16 / 4);
  for (auto [i, x] : llvm::enumerate(elements)) {
    Value rounded = math::RoundEvenOp::create(c.b, c.loc, Value(arith::MulFOp::create(c.b, c.loc, x, scale)));
    // Elements that do not fit (NaN among them) are not used, but must not be poison.
    Value integer =
        LLVM::FreezeOp::create(c.b, c.loc, Value(arith::FPToSIOp::create(c.b, c.loc, words.type(), rounded)));
    sum = words.add(sum, integer);
    Value parts = arith::XOrIOp::create(c.b, c.loc, words.add(integer, bias), bias);
    parts = vector::ShuffleOp::create(c.b, c.loc, words.cast(bytes, parts), words.cast(bytes, parts), transposed);
    vector::StoreOp::create(c.b, c.loc, words.cast(words.type(), parts), digits,
                            ValueRange{row, c.add(first, c.index(int64_t(i) * lanes))});
  }
  return sum;
}

Value FixedPointRows::prepare(const OperandReader &reader, Value offset, Value row) const {
  Value none = c.constant(c.b.getF32Type(), 0, 1), zero = c.index(int64_t(0));
  if (w.zeros)
    c.loop(zero, c.index(w.blocks()), 1,
           [&](Value block) { memref::StoreOp::create(c.b, c.loc, none, inputs, ValueRange{row, block}); });
  Value nothing = arith::ConstantIntOp::create(c.b, c.loc, c.b.getI32Type(), 0),
        fits = arith::ConstantIntOp::create(c.b, c.loc, c.b.getI1Type(), 1);
  int64_t whole = w.k / segment(), rest = w.k % segment();
  SmallVector<Value> found = c.loop(zero, c.index(whole), 1, {nothing, fits}, [&](Value number, ValueRange now) {
    SmallVector<Value> next(now);
    prepareSegment(reader, offset, row, number, segment(), next[0], next[1]);
    return next;
  });
  if (rest)
    prepareSegment(reader, offset, row, c.index(whole), rest, found[0], found[1]);
  // The last group is read to its end: codes beyond K are multiplied by digits and units of zero.
  for (int64_t step = w.k; step < w.groups() * PackedCodes::kGroup; step += lanes)
    vector::StoreOp::create(c.b, c.loc, c.broadcast(nothing, lanes), digits, ValueRange{row, c.index(step)});
  for (int64_t number = whole + (rest ? 1 : 0); number < w.groups() * PackedCodes::kGroup / segment(); ++number)
    for (Value buffer : {units, starts})
      memref::StoreOp::create(c.b, c.loc, none, buffer, ValueRange{row, c.index(number)});

  auto limit = [&](int64_t value) -> Value {
    return arith::ConstantIntOp::create(c.b, c.loc, c.b.getI32Type(), value);
  };
  Value above = arith::SubIOp::create(c.b, c.loc, found[0], limit(kSmallest));
  Value isNear = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, above, limit(kLargest - kSmallest));
  return arith::AndIOp::create(c.b, c.loc, isNear, found[1]);
}

//===-- products -------------------------------------------------------------===//

Value FixedPointRows::splat(Value buffer, Value row, Value index) const {
  return c.broadcast(memref::LoadOp::create(c.b, c.loc, buffer, ValueRange{row, index}), lanes);
}

/// The value, as the result of empty assembly. It keeps LLVM from adding in another order and from working on totals
/// during a block, with either of which registers spill. Costs no instruction.
Value FixedPointRows::pinned(Value value) const {
  return LLVM::InlineAsmOp::create(c.b, c.loc, value.getType(), ValueRange{value}, /*asm_string=*/"",
                                   /*constraints=*/"=x,0",
                                   /*has_side_effects=*/false, /*is_align_stack=*/false, LLVM::TailCallKind::None,
                                   LLVM::AsmDialectAttr(), ArrayAttr())
      .getResult(0);
}

FixedPointRows::Sums FixedPointRows::multiplySegment(CodePanels &weights, Value row, Value group, int64_t from) const {
  auto bytes = VectorType::get({4 * lanes}, c.b.getI8Type()), halves = VectorType::get({2 * lanes}, c.b.getI16Type());
  auto words = VectorType::get({lanes}, c.b.getI32Type()), floats = VectorType::get({lanes}, c.b.getF32Type());
  auto call = [&](Type type, StringRef name, Value x, Value y) -> Value {
    return LLVM::CallIntrinsicOp::create(c.b, c.loc, type, c.b.getStringAttr(name), ValueRange{x, y}).getResult(0);
  };
  auto pairs = [&](Value x, int64_t factor) {
    Value factors =
        arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(halves, c.b.getI16IntegerAttr(factor)));
    return call(words, "llvm.x86.avx2.pmadd.wd", x, factors);
  };
  auto add = [&](Value x, Value y) -> Value { return x ? arith::AddIOp::create(c.b, c.loc, x, y).getResult() : y; };

  int64_t count = weights.count();
  // Each quad adds two products of a byte and at most 128 to a 16-bit sum: so many quads cannot overflow it.
  int64_t most = llvm::bit_floor(uint64_t(((1 << 15) - 1) / (256 * w.bytes->largest)));
  // parts[v * 3 + i]: 16-bit sums of digit i, two lanes a column. Every `most` quads they enter 32-bit sums, one lane a
  // column: low of digit 0, high of 256 times digit 2 plus digit 1. The segment's sum is low + 256 * high.
  Sums high(count), low(count), parts(count * kDigits);
  int64_t end = (from + segment()) / 4;
  weights.eachQuad(group, from / 4, end, [&](int64_t quad, ArrayRef<Value> codes) {
    Value at = c.add(c.mul(group, c.index(PackedCodes::kGroup)), c.index(4 * quad));
    for (int64_t digit = 0; digit < kDigits; ++digit) {
      Value x = vector::BitCastOp::create(c.b, c.loc, bytes, splat(digits, row, c.add(at, c.index(digit))));
      for (int64_t v = 0; v < count; ++v) {
        Value &part = parts[v * kDigits + digit];
        part = pinned(add(part, call(halves, "llvm.x86.avx2.pmadd.ub.sw", codes[v], x)));
      }
    }
    if ((quad + 1) % most != 0 && quad + 1 < end)
      return;
    for (int64_t v = 0; v < count; ++v) {
      high[v] = add(high[v], add(pairs(parts[v * kDigits + 2], 256), pairs(parts[v * kDigits + 1], 1)));
      low[v] = add(low[v], pairs(parts[v * kDigits], 1));
    }
    parts.assign(count * kDigits, Value());
  });
  Value number = c.add(c.mul(group, c.index(PackedCodes::kGroup / segment())), c.index(from / segment()));
  Value unit = splat(units, row, number), start = splat(starts, row, number);
  Value highUnit = arith::MulFOp::create(c.b, c.loc, unit, c.constant(c.b.getF32Type(), 256, lanes));
  Sums sums;
  for (int64_t v = 0; v < count; ++v) {
    auto real = [&](Value integer) -> Value { return arith::SIToFPOp::create(c.b, c.loc, floats, integer); };
    Value sum = vector::FMAOp::create(c.b, c.loc, real(low[v]), unit, start);
    sums.push_back(vector::FMAOp::create(c.b, c.loc, real(high[v]), highUnit, sum));
  }
  return sums;
}

FixedPointRows::Sums FixedPointRows::addBlock(CodePanels &weights, Value row, Sums totals, Value block,
                                              Sums segments) const {
  auto fma = [&](Value x, Value y, Value z) -> Value { return vector::FMAOp::create(c.b, c.loc, x, y, z); };
  SmallVector<Value> scale = weights.scales(block), zero = weights.zeros(block);
  for (size_t v = 0; v < totals.size(); ++v) {
    Value sum = w.zeros ? fma(zero[v], splat(inputs, row, block), segments[v]) : segments[v];
    totals[v] = fma(sum, scale[v], pinned(totals[v]));
  }
  return totals;
}

/// Totals, and the sums of a block that has several groups, are carried through loops; the segments of a group are
/// unrolled.
SmallVector<Value> FixedPointRows::multiply(CodePanels &weights, Value row) const {
  constexpr int64_t kGroup = PackedCodes::kGroup;
  Value zero = c.index(int64_t(0)), groups = c.index(w.groups());
  Sums none(weights.count(), c.constant(c.b.getF32Type(), 0, lanes));
  auto whole = [&](Value group) {
    weights.fetchCodes(group);
    return multiplySegment(weights, row, group, 0);
  };
  if (w.block < kGroup)
    return c.loop(zero, groups, 1, none, [&](Value group, ValueRange now) -> Sums {
      weights.fetchCodes(group);
      Sums totals(now);
      for (int64_t from = 0; from < kGroup; from += w.block) {
        Value block = c.add(c.mul(group, c.index(kGroup / w.block)), c.index(from / w.block));
        totals = addBlock(weights, row, std::move(totals), block, multiplySegment(weights, row, group, from));
      }
      return totals;
    });
  int64_t each = llvm::divideCeil(w.block, kGroup);
  return c.loop(zero, c.index(w.blocks()), 1, none, [&](Value block, ValueRange now) -> Sums {
    weights.fetchScales(block);
    if (each == 1)
      return addBlock(weights, row, Sums(now), block, whole(block));
    Value first = c.mul(block, c.index(each));
    Sums sums =
        c.loop(first, c.minS(c.add(first, c.index(each)), groups), 1, none, [&](Value group, ValueRange now) -> Sums {
          Sums next = whole(group);
          for (auto [sum, before] : llvm::zip_equal(next, now))
            sum = arith::AddFOp::create(c.b, c.loc, before, sum);
          return next;
        });
    return addBlock(weights, row, Sums(now), block, std::move(sums));
  });
}

} // namespace tenon::cpu
