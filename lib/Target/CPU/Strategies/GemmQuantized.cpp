// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products whose constant right operand stays in narrow integers and is
// decoded in registers. For one row, or a few, the codes pass from memory
// straight into multiply-adds: a block's sum is taken of unscaled codes and
// enters the total with one multiply-add by the scale, unless the model rounds
// weights to 16 bits: then each is scaled and rounded. For more rows, a part of
// the panel is decoded once into a buffer of the first-level cache, from where
// the f32 tile reads it for all rows. Every result is one order of sums that
// shape and target decide, with paired codes (see PairedCodes.h) also how large the
// row's elements are.
#include "CodeDecoder.h"
#include "PairedCodes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr int64_t kTileVectors = 2;     // columns of a tile, in vectors, as in the f32 product
constexpr int64_t kStreams = 4;         // panels that one row reads at once: memory serves several streams faster than one
constexpr int64_t kMostRows = 12;       // of a tile, as in the f32 product
constexpr int64_t kMostDirect = 4;      // rows whose products decode for themselves
constexpr int64_t kFewRows = 4;         // of the tile for run-time sizes below the full one
constexpr int64_t kMostTiles = 16;      // row tiles that share a decoded part of a panel
constexpr int64_t kChunkGroups = 8;     // of a decoded part: 256 steps, 32 KiB at 512 bits
constexpr int64_t kLine = 64;           // bytes of a cache line
constexpr int64_t kFetchAhead = 8192;   // bytes over all streams; half and one and a half times that are up to 4 % slower

using Accumulators = ContractionTile::Accumulators;

struct Schedule {
  GemmProblem p;
  PackedCodes w;
  int64_t lanes, vectors; // of a vector; panels of a tile
  int64_t direct;       // most rows that decode for themselves
  int64_t rows, tiles;  // of a tile; tiles of a unit
  AffineExpr rowBlocks, panels;

  int64_t columns() const { return vectors * lanes; }
  /// Whether all products of this shape decode for themselves.
  bool isDirect() const { return constantOr(p.m, direct + 1) <= direct; }
};

Schedule schedule(plan::KernelOp kernel, const CpuTarget &target) {
  Schedule s{analyzeGemm(kernel), *PackedCodes::read(kernel, target), target.f32Lanes(), kTileVectors, 1, 1, 1, {}, {}};
  int64_t m = constantOr(s.p.m, -1);
  // Beside a total and a block's sum a row: codes, table, scale, broadcast.
  s.direct = m < 0 ? 1 : std::min(kMostDirect, (target.vectorRegisters - 8) / (2 * kTileVectors));
  s.rows = std::min(kMostRows, (target.vectorRegisters - 4) / kTileVectors);
  s.tiles = kMostTiles;
  if (s.isDirect()) {
    s.rows = m;
    s.tiles = 1;
    auto padded = [&](int64_t vectors) { return llvm::alignTo(s.w.n, vectors * s.lanes); };
    // A stream holds words, a sum and a total: 16 registers have no room for four.
    if (m == 1 && target.vectorRegisters >= 32 && padded(kStreams) * 8 <= padded(1) * 9)
      s.vectors = kStreams;
  } else if (m > 0) { // equal tiles, in equal blocks
    int64_t tiles = llvm::divideCeil(m, s.rows), blocks = llvm::divideCeil(tiles, kMostTiles);
    s.rows = llvm::divideCeil(m, tiles);
    s.tiles = llvm::divideCeil(tiles, blocks);
  }
  s.rowBlocks = s.p.m.ceilDiv(s.rows * s.tiles);
  s.panels = s.p.n.ceilDiv(s.columns());
  return s;
}

class Emitter {
public:
  Emitter(KernelContext &context, Schedule schedule)
      : c(context), s(std::move(schedule)), p(s.p), w(s.w), a(c, p.a),
        decoder(decoderOf(c, w, s.lanes)), pairDecoder(c, w, s.lanes) {
    if (Type real = getElementTypeOrSelf(w.op.getResult().getType()); real.getIntOrFloatBitWidth() < 32)
      rounded = real;
  }

  LogicalResult run() {
    m = c.index(p.m);
    aStep = c.index(p.aStep);
    if (!s.isDirect()) {
      decoded = stackBuffer(kChunkGroups * PackedCodes::kGroup * s.columns());
      sums = stackBuffer(s.tiles * s.rows * s.columns());
    }
    if (w.paired && !rounded && p.batch.empty() && constantOr(p.aStep) == 1 && constantOr(p.m, 1) == 1 && PairedRow::isPossible(w, s.lanes))
      prepareRow();
    c.loop(c.begin, c.end, 1, [&](Value unit) {
      Value each = c.index(s.rowBlocks * s.panels), within = p.batch.empty() ? unit : c.remU(unit, each);
      batch = p.batch.empty() ? SmallVector<Value>() : c.delinearize(c.divU(unit, each), p.batch);
      aBase = c.offset(batch, p.aBatch);
      panel = c.divU(within, c.index(s.rowBlocks));
      column = c.mul(panel, c.index(s.columns()));
      Value first = c.mul(c.remU(within, c.index(s.rowBlocks)), c.index(s.rows * s.tiles));
      if (s.isDirect())
        return s.rows == 1 ? oneRow(first) : direct(s.rows, first);
      if (constantOr(p.m, -1) > 0)
        return decodedOnce(s.rows, first);
      // Sizes known only at run time: one row, few, or any number.
      ifBelow(m, 2, [&]() { oneRow(first); }, [&]() {
        ifBelow(m, s.rows, [&]() { decodedOnce(kFewRows, first); }, [&]() { decodedOnce(s.rows, first); });
      });
    });
    return result;
  }

private:
  static CodeDecoder decoderOf(KernelContext &c, const PackedCodes &w, int64_t lanes) {
    if (w.isCentered()) // the codes lie as signed ones
      return {c, c.b.getIntegerType(w.bits()), lanes, 0};
    return {c, w.element, lanes, w.center};
  }

  Value stackBuffer(int64_t count) {
    return memref::AllocaOp::create(c.b, c.loc, MemRefType::get({count}, c.b.getF32Type()), c.b.getI64IntegerAttr(kLine));
  }

  Value isBelow(Value value, int64_t limit) {
    return arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, value, c.index(limit));
  }
  void ifBelow(Value value, int64_t limit, function_ref<void()> then, function_ref<void()> otherwise) {
    choose(isBelow(value, limit), then, otherwise);
  }
  void choose(Value condition, function_ref<void()> then, function_ref<void()> otherwise) {
    auto choice = scf::IfOp::create(c.b, c.loc, condition, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(choice.thenBlock());
    then();
    c.b.setInsertionPointToStart(choice.elseBlock());
    otherwise();
  }

  Value fma(Value x, Value y, Value z) { return vector::FMAOp::create(c.b, c.loc, x, y, z); }

  //===-- codes, scales and zero points --------------------------------------===//

  /// Where word `row` of a group begins, and the scales of a block.
  Value codesAt(int64_t vector, Value group, int64_t row = 0) {
    Value rows = c.mul(c.add(c.mul(panelOf(vector), c.index(w.groups())), group), c.index(w.bits()));
    return c.mul(c.add(rows, c.index(row)), c.index(s.lanes));
  }
  Value scalesAt(int64_t vector, Value block) {
    return c.mul(c.add(c.mul(panelOf(vector), c.index(w.blocks())), block), c.index(s.lanes));
  }
  Value panelOf(int64_t vector) { return c.add(c.mul(c.index(s.panels), c.index(vector)), panel); }

  /// `word`, for LLVM's scheduler no earlier than `sum`: it would start so many
  /// decodings at once that registers spill. Costs no instruction.
  Value after(Value sum, Value word) {
    if (!c.target.isX86())
      return word;
    return LLVM::InlineAsmOp::create(c.b, c.loc, word.getType(), ValueRange{word, sum}, /*asm_string=*/"", /*constraints=*/"=x,0,x",
                                     /*has_side_effects=*/false, /*is_align_stack=*/false, LLVM::TailCallKind::None,
                                     LLVM::AsmDialectAttr(), ArrayAttr()).getResult(0);
  }

  /// Word `number` of a group, of each column vector, loaded where it is first asked for.
  class Words {
  public:
    Words(Emitter &e, Value group) : e(e), group(group), loaded(e.s.vectors * e.w.bits()) {}
    Value &at(int64_t number, int64_t vector) {
      Value &value = loaded[number * e.s.vectors + vector];
      if (!value)
        value = e.c.load(e.c.inputBuffer(e.w.codes), e.c.b.getI32Type(), e.codesAt(vector, group, number), e.s.lanes);
      return value;
    }

  private:
    Emitter &e;
    Value group;
    SmallVector<Value> loaded;
  };

  /// Decodes steps [from, to) of a group, each a vector per column vector;
  /// `fence` says after what the words of every second step are read.
  void eachStep(Value group, int64_t from, int64_t to, function_ref<void(int64_t, ArrayRef<Value>)> body,
                function_ref<Value(Value, int64_t)> fence = {}) {
    if (w.paired)
      return eachPair(group, from, to, [&](int64_t step, ArrayRef<PairDecoder::Pair> pairs) {
        SmallVector<Value> even, odd;
        for (const PairDecoder::Pair &raw : pairs) {
          PairDecoder::Pair pair = pairDecoder.decode(raw);
          even.push_back(pair.even);
          odd.push_back(pair.odd);
        }
        if (step >= from)
          body(step, even);
        if (step + 1 >= from && step + 1 < to)
          body(step + 1, odd);
      }, fence);
    auto words = VectorType::get({s.lanes}, c.b.getI32Type());
    auto shift = [&](int64_t by) {
      return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(words, c.b.getI32IntegerAttr(by)));
    };
    Words word(*this, group);
    for (int64_t step = from; step < to; ++step) {
      SmallVector<Value> values;
      for (int64_t v = 0; v < s.vectors; ++v) {
        int64_t at = step * w.bits(), number = at / 32, low = at % 32;
        Value codes = word.at(number, v);
        if (fence && step % 2 == 0 && step > from)
          codes = word.at(number, v) = fence(codes, v);
        if (low)
          codes = arith::ShRUIOp::create(c.b, c.loc, codes, shift(low));
        if (low + w.bits() > 32) // the rest lies in the next word
          codes = arith::OrIOp::create(c.b, c.loc, codes, arith::ShLIOp::create(c.b, c.loc, word.at(number + 1, v), shift(32 - low)));
        values.push_back(decoder.decode(codes));
      }
      body(step, values);
    }
  }

  /// Reads the pairs of steps that cover [from, to) of a group, one per column vector.
  void eachPair(Value group, int64_t from, int64_t to, function_ref<void(int64_t, ArrayRef<PairDecoder::Pair>)> body,
                function_ref<Value(Value, int64_t)> fence = {}) {
    Words word(*this, group);
    for (int64_t quad = from / 4; 4 * quad < to; ++quad) {
      SmallVector<PairDecoder::Pair> lower, upper;
      for (int64_t v = 0; v < s.vectors; ++v) {
        Value &first = word.at(pairDecoder.firstWord(quad), v);
        if (fence && 4 * quad > from)
          first = fence(first, v);
        auto [low, high] = pairDecoder.read(quad, [&](int64_t number) { return word.at(number, v); });
        lower.push_back(low);
        upper.push_back(high);
      }
      if (4 * quad + 2 > from)
        body(4 * quad, lower);
      if (4 * quad + 2 < to)
        body(4 * quad + 2, upper);
    }
  }

  /// `value` times `factor`, which may be 1.
  Value times(Value value, double factor) {
    return factor == 1 ? value : arith::MulFOp::create(c.b, c.loc, value, c.constant(c.b.getF32Type(), factor, s.lanes)).getResult();
  }

  /// Scales of codes as they are decoded; `unit`: 1 for codes themselves.
  SmallVector<Value> scales(Value block) { return scales(block, w.unit()); }
  SmallVector<Value> scales(Value block, double unit) {
    SmallVector<Value> values;
    Type type = getElementTypeOrSelf(w.op.getScale().getType());
    for (int64_t v = 0; v < s.vectors; ++v)
      values.push_back(times(c.load(c.inputBuffer(w.scales), type, scalesAt(v, block), s.lanes), unit));
    return values;
  }

  /// Zero points of a block, in the units of decoded codes; empty where one for all is in the decoder.
  SmallVector<Value> zeros(Value block) {
    SmallVector<Value> values;
    if (!w.zeros)
      return values;
    Type type = getElementTypeOrSelf(w.op.getZeroPoint().getType());
    for (int64_t v = 0; v < s.vectors; ++v) {
      Value zero = c.load(c.inputBuffer(*w.zeros), type, scalesAt(v, block), s.lanes);
      if (type.isInteger()) {
        zero = arith::ExtUIOp::create(c.b, c.loc, VectorType::get({s.lanes}, c.b.getI32Type()), zero);
        zero = wrapToWidth(c.b, c.loc, zero, cast<IntegerType>(w.element));
        zero = arith::SIToFPOp::create(c.b, c.loc, VectorType::get({s.lanes}, c.b.getF32Type()), zero);
      }
      values.push_back(times(zero, 1 / w.unit()));
    }
    return values;
  }

  /// The weight that the model makes of a decoded code.
  Value weightOf(Value code, ArrayRef<Value> scale, ArrayRef<Value> zero, int64_t v) {
    if (w.zeros)
      code = arith::SubFOp::create(c.b, c.loc, code, zero[v]);
    Value value = arith::MulFOp::create(c.b, c.loc, code, scale[v]);
    if (!rounded)
      return value;
    return arith::ExtFOp::create(c.b, c.loc, value.getType(), Value(arith::TruncFOp::create(c.b, c.loc, VectorType::get({s.lanes}, rounded), value)));
  }

  /// Fetches ahead of `count` elements of each stream.
  void fetchAhead(Value buffer, int64_t count, function_ref<Value(int64_t)> at) {
    int64_t size = cast<MemRefType>(buffer.getType()).getElementTypeBitWidth() / 8;
    for (int64_t v = 0; v < s.vectors; ++v)
      for (int64_t line = 0; line < count * size; line += kLine)
        memref::PrefetchOp::create(c.b, c.loc, buffer, ValueRange{c.add(at(v), c.index((kFetchAhead / s.vectors + line) / size))},
                                   /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  }
  void fetchCodes(Value group) {
    fetchAhead(c.inputBuffer(w.codes), w.bits() * s.lanes, [&](int64_t v) { return codesAt(v, group); });
  }

  //===-- few rows: from memory to multiply-adds -----------------------------===//

  /// A block's sums of codes times x, and of x alone where zero points need it;
  /// where weights are rounded, of weights times x. One row sums even and odd
  /// steps apart: its few sums would else wait for each other's additions.
  struct BlockSums {
    Accumulators products, inputs;
    SmallVector<Value> flat() const { return llvm::to_vector(llvm::concat<const Value>(products, inputs)); }
  };
  bool sumsInputs() const { return w.zeros && !rounded; }
  static int64_t parts(int64_t rows) { return rows == 1 ? 2 : 1; }
  BlockSums noSums(int64_t rows) {
    Value zero = c.constant(c.b.getF32Type(), 0, s.lanes);
    return {Accumulators(rows * s.vectors * parts(rows), zero), Accumulators(sumsInputs() ? rows : 0, zero)};
  }
  BlockSums unflatten(int64_t rows, ValueRange values) {
    int64_t products = rows * s.vectors * parts(rows);
    return {Accumulators(values.take_front(products)), Accumulators(values.drop_front(products))};
  }

  /// Adds steps [from, to) of a group in a block.
  BlockSums addSteps(ArrayRef<Value> rowOffsets, Value block, Value group, int64_t from, int64_t to, BlockSums now) {
    Value base = c.mul(group, c.index(PackedCodes::kGroup));
    SmallVector<Value> scale, zero;
    if (rounded) {
      scale = scales(block);
      zero = zeros(block);
    }
    eachStep(group, from, to, [&](int64_t step, ArrayRef<Value> codes) {
      SmallVector<Value> values(codes);
      if (rounded)
        for (int64_t v = 0; v < s.vectors; ++v)
          values[v] = weightOf(codes[v], scale, zero, v);
      Value at = c.mul(c.add(base, c.index(step)), aStep);
      for (auto [r, offset] : llvm::enumerate(rowOffsets)) {
        Value x = c.broadcast(a.load(c.add(offset, at), 1), s.lanes);
        for (int64_t v = 0; v < s.vectors; ++v) {
          Value &sum = now.products[(step % parts(rowOffsets.size()) + r) * s.vectors + v];
          sum = fma(values[v], x, sum);
        }
        if (sumsInputs())
          now.inputs[r] = arith::AddFOp::create(c.b, c.loc, now.inputs[r], x);
      }
    }, [&](Value word, int64_t v) { return rowOffsets.size() == 1 ? after(now.products[v], word) : word; });
    return now;
  }

  /// Adds a block's sums to the totals.
  Accumulators addBlock(Accumulators totals, Value block, BlockSums sums) {
    for (size_t i = totals.size(); i < sums.products.size(); ++i) {
      Value &sum = sums.products[i % totals.size()];
      sum = arith::AddFOp::create(c.b, c.loc, sum, sums.products[i]);
    }
    if (rounded) {
      for (auto [total, sum] : llvm::zip_first(totals, sums.products))
        total = arith::AddFOp::create(c.b, c.loc, total, sum);
      return totals;
    }
    SmallVector<Value> scale = scales(block), zero = zeros(block);
    for (size_t i = 0; i < totals.size(); ++i) {
      Value sum = sums.products[i];
      if (sumsInputs())
        sum = fma(arith::NegFOp::create(c.b, c.loc, zero[i % s.vectors]), sums.inputs[i / s.vectors], sum);
      totals[i] = fma(sum, scale[i % s.vectors], totals[i]);
    }
    return totals;
  }

  /// The sums of `count` whole groups from `first`, and of `rest` more steps.
  BlockSums blockSums(ArrayRef<Value> rowOffsets, Value block, Value first, int64_t count, int64_t rest) {
    BlockSums sums = noSums(rowOffsets.size());
    auto whole = [&](Value group, BlockSums now) {
      fetchCodes(group);
      return addSteps(rowOffsets, block, group, 0, PackedCodes::kGroup, std::move(now));
    };
    if (count == 1)
      sums = whole(first, std::move(sums));
    else if (count > 1)
      sums = unflatten(rowOffsets.size(), c.loop(first, c.add(first, c.index(count)), 1, sums.flat(), [&](Value group, ValueRange now) {
        return whole(group, unflatten(rowOffsets.size(), now)).flat();
      }));
    return rest ? addSteps(rowOffsets, block, c.add(first, c.index(count)), 0, rest, std::move(sums)) : sums;
  }

  /// The totals of one group that holds several blocks, of `steps` steps.
  Accumulators smallBlocks(ArrayRef<Value> rowOffsets, Value group, int64_t steps, Accumulators totals) {
    for (int64_t from = 0; from < steps; from += w.block) {
      Value block = c.add(c.mul(group, c.index(PackedCodes::kGroup / w.block)), c.index(from / w.block));
      BlockSums sums = addSteps(rowOffsets, block, group, from, std::min(steps, from + w.block), noSums(rowOffsets.size()));
      totals = addBlock(std::move(totals), block, sums);
    }
    return totals;
  }

  void direct(int64_t rows, Value first) {
    SmallVector<Value> offsets;
    for (int64_t r = 0; r < rows; ++r)
      offsets.push_back(c.mulAdd(c.add(first, c.index(r)), c.index(p.aRow), aBase));
    ContractionTile tile(c, {rows, s.vectors, s.lanes});
    Value zero = c.index(int64_t(0));
    Accumulators totals = tile.zero();
    if (w.block < PackedCodes::kGroup) {
      Value whole = c.index(w.k / PackedCodes::kGroup);
      totals = c.loop(zero, whole, 1, totals, [&](Value group, ValueRange now) -> SmallVector<Value> {
        fetchCodes(group);
        return smallBlocks(offsets, group, PackedCodes::kGroup, Accumulators(now));
      });
      if (int64_t rest = w.k % PackedCodes::kGroup)
        totals = smallBlocks(offsets, whole, rest, std::move(totals));
    } else {
      int64_t groups = w.block / PackedCodes::kGroup, rest = w.k % w.block;
      Value whole = c.index(w.k / w.block);
      if (w.block % PackedCodes::kGroup) { // one block, K itself
        rest = w.k;
        whole = zero;
      } else {
        totals = c.loop(zero, whole, 1, totals, [&](Value block, ValueRange now) -> SmallVector<Value> {
          fetchAhead(c.inputBuffer(w.scales), s.lanes, [&](int64_t v) { return scalesAt(v, block); });
          return addBlock(Accumulators(now), block, blockSums(offsets, block, c.mul(block, c.index(groups)), groups, 0));
        });
      }
      if (rest)
        totals = addBlock(std::move(totals), whole,
                          blockSums(offsets, whole, c.mul(whole, c.index(groups)), rest / PackedCodes::kGroup, rest % PackedCodes::kGroup));
    }
    finish(tile, totals, [&](Value r) { return c.add(first, r); });
  }

  //===-- one row that fits paired codes -------------------------------------===//

  void prepareRow() {
    pairedRow.emplace(c, w, s.lanes);
    if (constantOr(p.m) == 1) {
      isPrepared = pairedRow->prepare(a, c.index(int64_t(0)));
      return;
    }
    auto choice = scf::IfOp::create(c.b, c.loc, TypeRange(c.b.getI1Type()), isBelow(m, 2), /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(c.b, c.loc, pairedRow->prepare(a, c.index(int64_t(0))));
    c.b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(c.b, c.loc, Value(arith::ConstantIntOp::create(c.b, c.loc, c.b.getI1Type(), 0)));
    isPrepared = choice.getResult(0);
  }

  void oneRow(Value first) {
    if (pairedRow)
      choose(isPrepared, [&]() { directPaired(first); }, [&]() { direct(1, first); });
    else
      direct(1, first);
  }

  /// Adds steps [from, to) of a group to sums of even steps, then of odd ones.
  Accumulators addPairs(Value group, int64_t from, int64_t to, Accumulators sums) {
    Value base = c.mul(group, c.index(PackedCodes::kGroup));
    eachPair(group, from, to, [&](int64_t step, ArrayRef<PairDecoder::Pair> pairs) {
      Value even = pairedRow->at(c.add(base, c.index(step))), odd = pairedRow->at(c.add(base, c.index(step + 1)));
      for (int64_t v = 0; v < s.vectors; ++v) {
        sums[v] = fma(pairs[v].even, even, sums[v]);
        sums[s.vectors + v] = fma(pairs[v].odd, odd, sums[s.vectors + v]);
      }
    }, [&](Value word, int64_t v) { return after(sums[v], word); });
    return sums;
  }

  /// Adds a block, whose sums `add` adds to those it is given, to the totals.
  Accumulators addPairedBlock(Accumulators totals, Value block, function_ref<Accumulators(Accumulators)> add) {
    Accumulators sums(s.vectors, c.constant(c.b.getF32Type(), 0, s.lanes));
    sums.append(s.vectors, pairedRow->start(block));
    sums = add(std::move(sums));
    SmallVector<Value> scale = scales(block, 1), zero = zeros(block);
    for (int64_t v = 0; v < s.vectors; ++v) {
      Value sum = arith::AddFOp::create(c.b, c.loc, sums[v], sums[s.vectors + v]);
      if (w.zeros)
        sum = pairedRow->subtractZeros(sum, zero[v], block);
      totals[v] = fma(sum, scale[v], totals[v]);
    }
    return totals;
  }

  void directPaired(Value first) {
    constexpr int64_t kGroup = PackedCodes::kGroup;
    ContractionTile tile(c, {1, s.vectors, s.lanes});
    Value zero = c.index(int64_t(0)), groups = c.index(w.groups());
    Accumulators totals;
    if (w.block < kGroup) {
      totals = c.loop(zero, groups, 1, tile.zero(), [&](Value group, ValueRange now) -> SmallVector<Value> {
        fetchCodes(group);
        Accumulators totals(now);
        for (int64_t from = 0; from < kGroup; from += w.block) {
          Value block = c.add(c.mul(group, c.index(kGroup / w.block)), c.index(from / w.block));
          totals = addPairedBlock(totals, block, [&](Accumulators sums) { return addPairs(group, from, from + w.block, std::move(sums)); });
        }
        return totals;
      });
    } else {
      int64_t each = llvm::divideCeil(w.block, kGroup);
      auto whole = [&](Value group, Accumulators sums) {
        fetchCodes(group);
        return addPairs(group, 0, kGroup, std::move(sums));
      };
      totals = c.loop(zero, c.index(w.blocks()), 1, tile.zero(), [&](Value block, ValueRange now) -> SmallVector<Value> {
        fetchAhead(c.inputBuffer(w.scales), s.lanes, [&](int64_t v) { return scalesAt(v, block); });
        Value from = c.mul(block, c.index(each));
        return addPairedBlock(Accumulators(now), block, [&](Accumulators sums) -> Accumulators {
          if (each == 1)
            return whole(from, std::move(sums));
          return c.loop(from, c.minS(c.add(from, c.index(each)), groups), 1, sums, [&](Value group, ValueRange now) -> SmallVector<Value> {
            return whole(group, Accumulators(now));
          });
        });
      });
    }
    for (Value &total : totals)
      total = times(total, w.unit());
    finish(tile, totals, [&](Value) { return first; });
  }

  //===-- more rows: through a buffer ----------------------------------------===//

  /// Decodes a group to f32 rows of the panel at `at`.
  void decodeGroup(Value group, Value at) {
    auto part = [&](int64_t from, int64_t to, Value block) {
      SmallVector<Value> scale = scales(block), zero = zeros(block);
      eachStep(group, from, to, [&](int64_t step, ArrayRef<Value> values) {
        for (int64_t v = 0; v < s.vectors; ++v) {
          vector::StoreOp::create(c.b, c.loc, weightOf(values[v], scale, zero, v), decoded, ValueRange{c.add(at, c.index(step * s.columns() + v * s.lanes))});
        }
      });
    };
    if (w.block >= PackedCodes::kGroup)
      return part(0, PackedCodes::kGroup, c.divU(c.mul(group, c.index(PackedCodes::kGroup)), c.index(w.block)));
    for (int64_t from = 0; from < PackedCodes::kGroup; from += w.block)
      part(from, from + w.block, c.add(c.mul(group, c.index(PackedCodes::kGroup / w.block)), c.index(from / w.block)));
  }

  void decodedOnce(int64_t rows, Value first) {
    ContractionTile tile(c, {rows, s.vectors, s.lanes});
    Value zero = c.index(int64_t(0)), last = c.sub(m, c.index(int64_t(1)));
    Value end = c.minS(m, c.add(first, c.index(s.rows * s.tiles)));
    auto vectorType = VectorType::get({s.lanes}, c.b.getF32Type());
    // Rows of a last tile that go beyond the matrix repeat its last.
    auto rowOf = [&](Value tileFirst, Value r) { return c.minS(c.add(tileFirst, r), last); };
    auto eachTile = [&](function_ref<void(Value, Value)> body) {
      c.loop(first, end, rows, [&](Value tileFirst) { body(tileFirst, c.mul(c.sub(tileFirst, first), c.index(s.columns()))); });
    };
    auto load = [&](Value at) {
      Accumulators values;
      for (int64_t i = 0; i < rows * s.vectors; ++i)
        values.push_back(vector::LoadOp::create(c.b, c.loc, vectorType, sums, ValueRange{c.add(at, c.index(i * s.lanes))}));
      return values;
    };
    auto store = [&](const Accumulators &values, Value at) {
      for (auto [i, value] : llvm::enumerate(values))
        vector::StoreOp::create(c.b, c.loc, value, sums, ValueRange{c.add(at, c.index(i * s.lanes))});
    };
    eachTile([&](Value, Value at) { store(tile.zero(), at); });
    c.loop(zero, c.index(w.groups()), kChunkGroups, [&](Value firstGroup) {
      Value endGroup = c.minS(c.add(firstGroup, c.index(kChunkGroups)), c.index(w.groups()));
      c.loop(firstGroup, endGroup, 1, [&](Value group) {
        decodeGroup(group, c.mul(c.sub(group, firstGroup), c.index(PackedCodes::kGroup * s.columns())));
      });
      Value firstStep = c.mul(firstGroup, c.index(PackedCodes::kGroup));
      Value steps = c.minS(c.sub(c.index(w.k), firstStep), c.index(kChunkGroups * PackedCodes::kGroup));
      eachTile([&](Value tileFirst, Value at) {
        SmallVector<Value> offsets;
        for (int64_t r = 0; r < rows; ++r)
          offsets.push_back(c.add(c.mulAdd(rowOf(tileFirst, c.index(r)), c.index(p.aRow), aBase), c.mul(firstStep, aStep)));
        store(tile.contract(load(at), steps, a, offsets, aStep, {c, decoded, c.b.getF32Type()}, zero, c.index(s.columns())), at);
      });
    });
    eachTile([&](Value tileFirst, Value at) {
      finish(tile, load(at), [&](Value r) { return rowOf(tileFirst, r); });
    });
  }

  void finish(ContractionTile &tile, const Accumulators &totals, function_ref<Value(Value)> rowOf) {
    bool merged = p.folded && rowsMerge(c.kernel, p.result);
    auto rowIndex = [&](Value r) { return merged ? SmallVector<Value>{rowOf(r)} : p.rowIndex(c, batch, rowOf(r)); };
    if (failed(tile.finish(totals, p.op.getResult(), p.result, rowIndex, column, c.index(p.n), w.n, merged)))
      result = failure();
  }

  KernelContext &c;
  Schedule s;
  GemmProblem &p;
  PackedCodes &w;
  OperandReader a;
  Type rounded; ///< the type of 16 bits that weights have in the model, or null
  CodeDecoder decoder;
  PairDecoder pairDecoder;
  std::optional<PairedRow> pairedRow;
  Value isPrepared; ///< whether the row fits paired codes (i1)
  Value m, aStep, decoded, sums, aBase, panel, column;
  SmallVector<Value> batch;
  LogicalResult result = success();
};

class QuantizedGemmStrategy : public Strategy {
public:
  StringRef name() const override { return "gemm-quantized"; }
  std::vector<StringRef> roots() const override { return {"matmul"}; }

  bool matches(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) const override {
    auto op = cast<graph::MatMulOp>(kernel.getRootOp());
    if (PackedCodes::read(kernel, target))
      return areReadable(op.getLhs(), reason) && accumulatesInF32(op, reason);
    reason = "the right operand is no constant of narrow codes";
    return false;
  }

  std::string describe(plan::KernelOp kernel, const CpuTarget &target) const override {
    Schedule s = schedule(kernel, target);
    return llvm::formatv("tile {0}x{1}, {2}-bit f32, weights {3}, decoded {4}{5}", s.rows, s.columns(), target.vectorBits, s.w.text(),
                         s.w.paired ? "in pairs" : CodeDecoder::method(s.w.element, s.lanes, target), operandSource(s.p.a)->text()).str();
  }

  LogicalResult packConstants(plan::KernelOp kernel, const CpuTarget &target) const override {
    return PackedCodes::pack(kernel, target, schedule(kernel, target).vectors);
  }

  WorkSplit split(plan::KernelOp kernel, const CpuTarget &target) const override {
    Schedule s = schedule(kernel, target);
    int64_t work = s.rows * s.tiles * s.columns() * s.w.k;
    return {product(s.p.batch, kernel.getContext()) * s.rowBlocks * s.panels, std::max<int64_t>(1, 65536 / work)};
  }

  LogicalResult emit(KernelContext &c) const override { return Emitter(c, schedule(c.kernel, c.target)).run(); }
};

} // namespace

void registerQuantizedGemm(StrategyRegistry &registry) { registry.add(std::make_unique<QuantizedGemmStrategy>()); }

} // namespace tenon::cpu
