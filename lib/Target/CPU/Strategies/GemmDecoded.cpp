// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products whose constant right operand stays in narrow codes, of 2 to 8 bits, and is decoded by the kernel:
//
//   y[m, n] = sum over blocks g of scale[g, n] * (sum over k in g of a[m, k] * (code[k, n] - zero[g, n]))
//
// A block is a run of steps of K that share a scale and a zero point; it is all of K where scales are one per column,
// or one. By code[k, n] its value is meant. PackedCodes.h has the layout: panels of one vector of columns, groups of 32
// steps. A kernel reads `vectors` panels side by side, W columns in all. The number of rows M decides how:
//
//   direct        One row, or a few: the codes pass from memory straight into multiply-adds. Of a block the sums
//                 S[n] = sum of a[k] * code[k, n] and, where zero points differ, X = sum of a[k] are taken of unscaled
//                 codes; then y[n] += scale[n] * (S[n] - zero[n] * X). Where the model rounds weights to 16 bits,
//                 each is scaled and rounded instead, and y is a sum of products with these.
//   multiplyFixed Few rows times codes that are bytes, on targets with AVX2 but not AVX-512: the rows are rounded to
//                 integers, where their elements allow it (FixedPointRows.h). The kernel tests that when it runs and
//                 takes one of the other two ways where they do not.
//   decodedOnce   More rows: a part of the panel is decoded to f32 once, into a buffer of the first-level cache, from
//                 where the f32 tile reads it for all row tiles of the unit.
//
// Shape and target decide the order of a result's sums, and whether the rows are rounded; how the work is split changes
// neither.
#include "FixedPointRows.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

constexpr int64_t kTileVectors = 2; // columns of a tile, in vectors, as in the f32 product
// Panels that one row reads at once: memory serves several streams faster than one (docs/Rationale/cpu-schedule.md).
constexpr int64_t kStreams = 4;
constexpr int64_t kMostRows = 12;   // of a tile, as in the f32 product
constexpr int64_t kMostDirect = 4;  // rows at most that go the way `direct`
constexpr int64_t kFewRows = 4;     // of the tile where M, known at run time, is less than the full tile
constexpr int64_t kMostTiles = 16;  // row tiles at most that share a decoded part of a panel
constexpr int64_t kChunkGroups = 8; // of a decoded part: 256 steps, 32 KiB for two vectors of 512 bits
constexpr int64_t kLine = 64;       // bytes of a cache line

using Accumulators = ContractionTile::Accumulators;

struct Schedule {
  MatMulShape p;
  PackedCodes w;
  int64_t lanes, vectors; // of a vector; packed panels, of one vector each, that a unit reads side by side
  int64_t direct;         // rows at most that go the way `direct`
  int64_t rows, tiles;    // of a row tile; row tiles of a unit
  /// A unit of work is one batch entry, one panel of columns() columns and one row block of rows * tiles rows; row
  /// blocks vary fastest.
  AffineExpr rowBlocks, panels;
  int64_t fixedRows = 0; // rows at most that may become integers; 0: none may

  int64_t columns() const { return vectors * lanes; }
  /// Whether M is known and few enough for `direct`.
  bool isDirect() const { return constantOr(p.m, direct + 1) <= direct; }
};

Schedule scheduleOf(plan::KernelOp kernel, const CpuTarget &target, PackedCodes codes) {
  Schedule s{analyzeGemm(kernel), std::move(codes), target.f32Lanes(), kTileVectors, 1, 1, 1, {}, {}};
  int64_t m = constantOr(s.p.m, -1);
  // Each row takes a total and a block's sum in each of two vectors; eight registers are left to codes, the
  // decoder's table, scales and the broadcast element.
  s.direct = m < 0 ? 1 : std::min(kMostDirect, (target.vectorRegisters - 8) / (2 * kTileVectors));
  s.rows = std::min(kMostRows, (target.vectorRegisters - 4) / kTileVectors);
  s.tiles = kMostTiles;
  if (s.isDirect()) {
    s.rows = std::max<int64_t>(m, 1);
    s.tiles = 1;
    auto padded = [&](int64_t vectors) { return llvm::alignTo(s.w.n, vectors * s.lanes); };
    // A stream holds words, a sum and a total: 16 registers have no room for four. The
    // columns may be padded by an eighth more at most.
    if (m == 1 && target.vectorRegisters >= 32 && padded(kStreams) * 8 <= padded(1) * 9)
      s.vectors = kStreams;
  } else if (m > 0) { // equal tiles, in equal blocks
    int64_t tiles = llvm::divideCeil(m, s.rows), blocks = llvm::divideCeil(tiles, kMostTiles);
    s.rows = llvm::divideCeil(m, tiles);
    s.tiles = llvm::divideCeil(tiles, blocks);
  }
  s.rowBlocks = s.p.m.ceilDiv(s.rows * s.tiles);
  s.panels = s.p.n.ceilDiv(s.columns());
  // Integers stand for rows of contiguous elements, the same for all units, and for weights that are codes times
  // scales, not numbers rounded to 16 bits.
  bool isRounded = getElementTypeOrSelf(s.w.op.getResult().getType()).getIntOrFloatBitWidth() < 32;
  if (!isRounded && s.p.batch.empty() && constantOr(s.p.aStep) == 1)
    s.fixedRows = FixedPointRows::most(s.w, s.lanes);
  if (m == 0 || m > s.fixedRows)
    s.fixedRows = 0;
  return s;
}

class Emitter {
public:
  Emitter(KernelContext &context, const CpuTarget &target, const Schedule &schedule)
      : c(context), s(schedule), p(s.p), w(s.w), a(c, p.a), weights(c, target, w, s.lanes, s.vectors, s.panels) {}

  LogicalResult run() {
    m = c.index(p.m);
    aStep = c.index(p.aStep);
    if (!s.isDirect()) {
      decoded = stackBuffer(kChunkGroups * PackedCodes::kGroup * s.columns()); // [step of the chunk][column]
      sums = stackBuffer(s.tiles * s.rows * s.columns());                      // [row tile][row][column]
    }
    if (s.fixedRows)
      prepareRows();
    c.eachUnit([&](Value unit) {
      Value each = c.index(s.rowBlocks * s.panels), within = p.batch.empty() ? unit : c.remU(unit, each);
      batch = p.batch.empty() ? SmallVector<Value>() : c.delinearize(c.divU(unit, each), p.batch);
      aBase = c.offset(batch, p.aBatch);
      Value panel = c.divU(within, c.index(s.rowBlocks));
      weights.select(panel);
      column = c.mul(panel, c.index(s.columns()));
      Value first = c.mul(c.remU(within, c.index(s.rowBlocks)), c.index(s.rows * s.tiles));
      if (fixed)
        choose(arePrepared, [&]() { multiplyFixed(); }, [&]() { decodeEach(first); });
      else
        decodeEach(first);
    });
    return result;
  }

private:
  /// The unit's rows from `first` on, by `direct` or `decodedOnce`.
  void decodeEach(Value first) {
    if (s.isDirect())
      return direct(s.rows, first);
    if (constantOr(p.m, -1) > 0)
      return decodedOnce(s.rows, first);
    // Sizes known only at run time: one row, few, or any number.
    ifBelow(
        m, 2, [&]() { direct(1, first); },
        [&]() { ifBelow(m, s.rows, [&]() { decodedOnce(kFewRows, first); }, [&]() { decodedOnce(s.rows, first); }); });
  }

  Value stackBuffer(int64_t count) {
    return memref::AllocaOp::create(c.b, c.loc, MemRefType::get({count}, c.b.getF32Type()),
                                    c.b.getI64IntegerAttr(kLine));
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

  //===-- few rows: from memory to multiply-adds -----------------------------===//

  /// What a block adds up: products[part][r][v] = sum of a[r, k] * code[k, v] (where weights are rounded, of weights
  /// instead of codes) and, where zero points need it, inputs[r] = sum of a[r, k]. With one row even and
  /// odd steps are two parts: its few chains of multiply-adds would else wait for their own results.
  struct BlockSums {
    Accumulators products, inputs;
    SmallVector<Value> flat() const { return llvm::to_vector(llvm::concat<const Value>(products, inputs)); }
  };
  bool sumsInputs() const { return w.zeros && !weights.rounded(); }
  static int64_t parts(int64_t rows) { return rows == 1 ? 2 : 1; }
  BlockSums noSums(int64_t rows) {
    Value zero = c.constant(c.b.getF32Type(), 0, s.lanes);
    return {Accumulators(rows * s.vectors * parts(rows), zero), Accumulators(sumsInputs() ? rows : 0, zero)};
  }
  BlockSums unflatten(int64_t rows, ValueRange values) {
    int64_t products = rows * s.vectors * parts(rows);
    return {Accumulators(values.take_front(products)), Accumulators(values.drop_front(products))};
  }

  /// Adds steps [from, to) of a group, all in one block, to `now`. They are unrolled.
  BlockSums addSteps(ArrayRef<Value> rowOffsets, Value block, Value group, int64_t from, int64_t to, BlockSums now) {
    Value base = c.mul(group, c.index(PackedCodes::kGroup));
    auto sumOf = [&](int64_t v) { return now.products[v]; };
    SmallVector<Value> scale, zero;
    if (weights.rounded()) {
      scale = weights.scales(block);
      zero = weights.zeros(block);
    }
    weights.eachStep(
        group, from, to,
        [&](int64_t step, ArrayRef<Value> codes) {
          SmallVector<Value> values(codes);
          if (weights.rounded())
            for (int64_t v = 0; v < s.vectors; ++v)
              values[v] = weights.weightOf(codes[v], scale[v], w.zeros ? zero[v] : Value());
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
        },
        rowOffsets.size() == 1 ? CodePanels::Fence(sumOf) : CodePanels::Fence());
    return now;
  }

  /// Adds a block's sums to the totals: total += scale * (unit * S - zero * X), where `unit` is what decoded codes
  /// lack (CodePanels::unit).
  Accumulators addBlock(Accumulators totals, Value block, BlockSums sums) {
    // The two parts of one row become one sum.
    for (size_t i = totals.size(); i < sums.products.size(); ++i) {
      Value &sum = sums.products[i % totals.size()];
      sum = arith::AddFOp::create(c.b, c.loc, sum, sums.products[i]);
    }
    if (weights.rounded()) {
      for (auto [total, sum] : llvm::zip_first(totals, sums.products))
        total = arith::AddFOp::create(c.b, c.loc, total, sum);
      return totals;
    }
    SmallVector<Value> scale = weights.scales(block), zero = weights.zeros(block);
    for (size_t i = 0; i < totals.size(); ++i) {
      Value sum = sums.products[i];
      if (weights.unit() != 1)
        sum = arith::MulFOp::create(c.b, c.loc, sum, c.constant(c.b.getF32Type(), weights.unit(), s.lanes));
      if (sumsInputs())
        sum = fma(arith::NegFOp::create(c.b, c.loc, zero[i % s.vectors]), sums.inputs[i / s.vectors], sum);
      totals[i] = fma(sum, scale[i % s.vectors], totals[i]);
    }
    return totals;
  }

  /// The sums of `count` whole groups from group `first` on, and of `rest` more steps, all in one block. They are
  /// carried through a loop over the groups.
  BlockSums blockSums(ArrayRef<Value> rowOffsets, Value block, Value first, int64_t count, int64_t rest) {
    BlockSums sums = noSums(rowOffsets.size());
    auto whole = [&](Value group, BlockSums now) {
      weights.fetchCodes(group);
      return addSteps(rowOffsets, block, group, 0, PackedCodes::kGroup, std::move(now));
    };
    if (count == 1)
      sums = whole(first, std::move(sums));
    else if (count > 1)
      sums = unflatten(rowOffsets.size(),
                       c.loop(first, c.add(first, c.index(count)), 1, sums.flat(), [&](Value group, ValueRange now) {
                         return whole(group, unflatten(rowOffsets.size(), now)).flat();
                       }));
    return rest ? addSteps(rowOffsets, block, c.add(first, c.index(count)), 0, rest, std::move(sums)) : sums;
  }

  /// Adds the first `steps` steps of a group that holds several blocks to the totals.
  Accumulators smallBlocks(ArrayRef<Value> rowOffsets, Value group, int64_t steps, Accumulators totals) {
    for (int64_t from = 0; from < steps; from += w.block) {
      Value block = c.add(c.mul(group, c.index(PackedCodes::kGroup / w.block)), c.index(from / w.block));
      BlockSums sums =
          addSteps(rowOffsets, block, group, from, std::min(steps, from + w.block), noSums(rowOffsets.size()));
      totals = addBlock(std::move(totals), block, sums);
    }
    return totals;
  }

  /// The loops: over blocks, which carry the totals, and within over the groups of a block, which carry its sums; or,
  /// with blocks smaller than a group, over groups, the blocks of a group being unrolled. What K leaves at the end
  /// of whole blocks and groups follows the loops.
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
        weights.fetchCodes(group);
        return smallBlocks(offsets, group, PackedCodes::kGroup, Accumulators(now));
      });
      if (int64_t rest = w.k % PackedCodes::kGroup)
        totals = smallBlocks(offsets, whole, rest, std::move(totals));
    } else {
      int64_t groups = w.block / PackedCodes::kGroup, rest = w.k % w.block;
      Value whole = c.index(w.k / w.block);
      if (w.block % PackedCodes::kGroup) { // not whole groups, so it is the only block: K itself
        rest = w.k;
        whole = zero;
      } else {
        totals = c.loop(zero, whole, 1, totals, [&](Value block, ValueRange now) -> SmallVector<Value> {
          weights.fetchScales(block);
          return addBlock(Accumulators(now), block,
                          blockSums(offsets, block, c.mul(block, c.index(groups)), groups, 0));
        });
      }
      if (rest)
        totals = addBlock(std::move(totals), whole,
                          blockSums(offsets, whole, c.mul(whole, c.index(groups)), rest / PackedCodes::kGroup,
                                    rest % PackedCodes::kGroup));
    }
    finish(tile, totals, [&](Value r) { return c.add(first, r); });
  }

  //===-- few rows as integers ------------------------------------------------===//

  /// Rounds all rows before the first unit. `arePrepared` tells whether integers stand for all of them; where M is
  /// known at run time only, it is false for more rows than the buffers hold.
  void prepareRows() {
    int64_t known = constantOr(p.m, -1);
    fixed.emplace(c, w, s.lanes, known < 0 ? s.fixedRows : known);
    auto constant = [&](bool value) -> Value {
      return arith::ConstantIntOp::create(c.b, c.loc, c.b.getI1Type(), value);
    };
    auto prepare = [&]() -> Value {
      return c
          .loop(c.index(int64_t(0)), m, 1, {constant(true)},
                [&](Value row, ValueRange now) -> SmallVector<Value> {
                  return {arith::AndIOp::create(c.b, c.loc, now.front(),
                                                fixed->prepare(a, c.mul(row, c.index(p.aRow)), row))};
                })
          .front();
    };
    if (known >= 0) {
      arePrepared = prepare();
      return;
    }
    auto choice =
        scf::IfOp::create(c.b, c.loc, TypeRange(c.b.getI1Type()), isBelow(m, s.fixedRows + 1), /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(c.b, c.loc, prepare());
    c.b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(c.b, c.loc, constant(false));
    arePrepared = choice.getResult(0);
  }

  /// All rows: there are so few that a unit has them all.
  void multiplyFixed() {
    c.loop(c.index(int64_t(0)), m, 1, [&](Value row) {
      finish(ContractionTile(c, {1, s.vectors, s.lanes}), fixed->multiply(weights, row), [&](Value) { return row; });
    });
  }

  //===-- more rows: through a buffer ----------------------------------------===//

  /// Decodes a group to weights in f32: step s, column n of the unit goes to decoded[at + s * W + n].
  void decodeGroup(Value group, Value at) {
    auto part = [&](int64_t from, int64_t to, Value block) {
      SmallVector<Value> scale = weights.scales(block), zero = weights.zeros(block);
      weights.eachStep(group, from, to, [&](int64_t step, ArrayRef<Value> values) {
        for (int64_t v = 0; v < s.vectors; ++v) {
          Value weight = weights.weightOf(values[v], scale[v], w.zeros ? zero[v] : Value());
          vector::StoreOp::create(c.b, c.loc, weight, decoded,
                                  ValueRange{c.add(at, c.index(step * s.columns() + v * s.lanes))});
        }
      });
    };
    if (w.block >= PackedCodes::kGroup)
      return part(0, PackedCodes::kGroup, c.divU(c.mul(group, c.index(PackedCodes::kGroup)), c.index(w.block)));
    for (int64_t from = 0; from < PackedCodes::kGroup; from += w.block)
      part(from, from + w.block, c.add(c.mul(group, c.index(PackedCodes::kGroup / w.block)), c.index(from / w.block)));
  }

  /// The row block from `first` on, in tiles of `rows` rows:
  ///
  ///   sums = 0
  ///   for each chunk of 8 groups of K
  ///     decode the panel's part, [steps of the chunk][W], into `decoded`
  ///     for each row tile: load its accumulators from `sums`, add the chunk's steps to them, store them
  ///   for each row tile: its sums pass through the epilogue
  void decodedOnce(int64_t rows, Value first) {
    ContractionTile tile(c, {rows, s.vectors, s.lanes});
    Value zero = c.index(int64_t(0)), last = c.sub(m, c.index(int64_t(1)));
    Value end = c.minS(m, c.add(first, c.index(s.rows * s.tiles)));
    auto vectorType = VectorType::get({s.lanes}, c.b.getF32Type());
    // Rows of the last tile that go beyond the matrix repeat the matrix's last row.
    auto rowOf = [&](Value tileFirst, Value r) { return c.minS(c.add(tileFirst, r), last); };
    auto eachTile = [&](function_ref<void(Value, Value)> body) {
      c.loop(first, end, rows,
             [&](Value tileFirst) { body(tileFirst, c.mul(c.sub(tileFirst, first), c.index(s.columns()))); });
    };
    auto load = [&](Value at) {
      Accumulators values;
      for (int64_t i = 0; i < rows * s.vectors; ++i)
        values.push_back(
            vector::LoadOp::create(c.b, c.loc, vectorType, sums, ValueRange{c.add(at, c.index(i * s.lanes))}));
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
          offsets.push_back(
              c.add(c.mulAdd(rowOf(tileFirst, c.index(r)), c.index(p.aRow), aBase), c.mul(firstStep, aStep)));
        store(tile.contract(load(at), steps, a, offsets, aStep, {c, decoded, c.b.getF32Type()}, zero,
                            c.index(s.columns())),
              at);
      });
    });
    eachTile([&](Value tileFirst, Value at) { finish(tile, load(at), [&](Value r) { return rowOf(tileFirst, r); }); });
  }

  void finish(ContractionTile tile, const Accumulators &totals, function_ref<Value(Value)> rowOf) {
    bool merged = p.folded && rowsMerge(c.kernel, p.result);
    auto rowIndex = [&](Value r) { return merged ? SmallVector<Value>{rowOf(r)} : p.rowIndex(c, batch, rowOf(r)); };
    if (failed(tile.finish(totals, p.op.getResult(), p.result, rowIndex, column, c.index(p.n), w.n, merged)))
      result = failure();
  }

  KernelContext &c;
  const Schedule &s;
  const MatMulShape &p;
  const PackedCodes &w;
  OperandReader a;
  CodePanels weights;
  std::optional<FixedPointRows> fixed;
  Value arePrepared; ///< whether integers stand for the rows (i1)
  Value m, aStep, decoded, sums, aBase, column;
  SmallVector<Value> batch;
  LogicalResult result = success();
};

class DecodedGemmPlan : public KernelPlan {
public:
  DecodedGemmPlan(plan::KernelOp kernel, const CpuTarget &target, PackedCodes codes)
      : KernelPlan(kernel, target), s(scheduleOf(kernel, target, std::move(codes))) {}

  ScheduleFacts facts() const override {
    std::string integers;
    if (s.fixedRows)
      integers = constantOr(s.p.m, -1) < 0 ? llvm::formatv(", up to {0} rows as 24-bit integers", s.fixedRows).str()
                                           : ", rows as 24-bit integers";
    std::string tile = llvm::formatv("{0}x{1}", s.rows, s.columns());
    return {llvm::formatv("tile {0}, {1}-bit f32, weights {2}, decoded {3}{4}{5}", tile, target.vectorBits, s.w.text(),
                          s.w.method(target), integers, operandSource(s.p.a)->text(target)),
            tile, target.vectorBits};
  }

  LogicalResult pack() override { return PackedCodes::pack(kernel, target, s.vectors); }

  WorkSplit split() const override {
    // Multiply-adds of a unit; a chunk has about 65536 of them, or is one unit.
    int64_t work = s.rows * s.tiles * s.columns() * s.w.k;
    // Each chunk rounds the rows anew, at more than half the cost of a unit.
    int64_t least = s.fixedRows && constantOr(s.p.m, -1) > 0 ? 4 : 1;
    return {product(s.p.batch, kernel.getContext()) * s.rowBlocks * s.panels, std::max(least, 65536 / work)};
  }

  LogicalResult emit(KernelContext &c) const override { return Emitter(c, target, s).run(); }

private:
  Schedule s;
};

std::unique_ptr<KernelPlan> planDecodedGemm(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) {
  auto op = cast<graph::MatMulOp>(kernel.getRootOp());
  std::optional<PackedCodes> codes = PackedCodes::read(kernel, target);
  if (!codes)
    reason = "the right operand is no constant of narrow codes";
  else if (areReadable(op.getLhs(), reason) && accumulatesInF32(op, reason))
    return std::make_unique<DecodedGemmPlan>(kernel, target, std::move(*codes));
  return nullptr;
}

} // namespace

void registerDecodedGemm(StrategyRegistry &registry) { registry.add({"gemm-quantized", {"matmul"}, planDecodedGemm}); }

} // namespace tenon::cpu
