// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products of floats in register tiles (ContractionTile.h):
//
//   y[m, n] = sum over k of a[m, k] * b[k, n],   m < M, k < K, n < N, and so for each batch entry
//
// A constant right operand b is packed into column panels when the model is
// compiled; any other is copied panel by panel, or read in place where its columns
// are contiguous and rows too few (or K too large) for a copy: see `Source`. The left
// operand is never copied: each step reads one scalar of each row of the tile.
//
// The kernel of a unit, which is a row tile of R rows times a panel of W columns:
//
//   acc[r, v] = 0                                      R * V vectors, loop-carried
//   for k in [0, K)
//     acc[r, v] += broadcast(a[row + r, k]) * b[k, column + v * L ..]
//   store acc through the epilogue
//
// Each result is one chain of fused multiply-adds in the order of K, so neither tile
// nor work split changes a bit.
#include "ContractionTile.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "tenon/Codegen/MatMulShape.h"
#include "tenon/Target/CPU/Codegen.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

// Rows of a tile at most. Rows of `a` that lie a multiple of 4 KiB apart fall into one set of a first-level cache whose
// ways have 4 KiB; 14 of them would not fit a set of 12 ways.
constexpr int64_t kMostRows = 12;
// K at most where a panel is staged. Tiles of two rows and more have up to four vectors (64 columns at 512 bits), so
// that the copy takes 256 KiB at most.
constexpr int64_t kMostStaged = 1024;
// Rows M from which on a panel with contiguous columns is staged; for fewer it is read in place.
constexpr int64_t kFewRows = 48;

/// Where the vectors of a panel of the right operand come from.
enum class Source {
  packed,  ///< a constant in panels [ceil(N / W)][K][W], element (k, n) at ((n / W) * K + k) * W + n % W
  inPlace, ///< the operand itself: its columns are contiguous, vectors are loaded where they lie
  staged,  ///< a buffer [K][W] of f32, to which a unit copies the panel before its row tiles read it
  gathered ///< the operand itself: its columns are not contiguous, a vector is put together lane by lane
};

struct Schedule {
  MatMulShape p;
  TileShape tile;
  Source source;
  unsigned a, b;            // kernel operands
  int64_t block;            // row tiles whose rows stay in cache while all panels pass
  AffineExpr tiles, panels; // how many row tiles and panels a batch entry has

  /// Units of work: each is one row tile times one panel of one batch entry, in the order of `blockedOrder`; where
  /// panels are staged one block of row tiles times one panel, so that a copy serves the whole block.
  AffineExpr units() const {
    AffineExpr rows = source == Source::staged ? tiles.ceilDiv(block) : tiles;
    return product(p.batch, p.op.getContext()) * rows * panels;
  }
};

Schedule scheduleOf(plan::KernelOp kernel, const CpuTarget &target) {
  Schedule s{analyzeGemm(kernel), {}, Source::gathered, 0, 0, 1, {}, {}};
  s.a = operandSource(s.p.a)->number();
  s.b = operandSource(s.p.b)->number();
  s.tile = chooseTile(constantOr(s.p.m, -1), constantOr(s.p.n, -1), target, kMostRows);
  int64_t k = constantOr(s.p.k, -1);
  if (!packedLayout(kernel, s.b).empty())
    s.source = Source::packed;
  else if (k > 0 && k <= kMostStaged && (s.p.bColumn == 1 ? constantOr(s.p.m, 0) >= kFewRows : s.p.m != 1))
    s.source = Source::staged;
  else if (s.p.bColumn == 1)
    s.source = Source::inPlace;
  s.tiles = s.p.m.ceilDiv(s.tile.rows);
  // Staged panels are copied once a block, so a block is as large as the cache allows, whatever N.
  int64_t columns = s.source == Source::staged ? -1 : constantOr(s.p.n, -1);
  s.block = tilesInBlock(k > 0 ? k : 1024, columns, s.tile, target);
  if (int64_t tiles = constantOr(s.tiles, -1); tiles > s.block) { // blocks of equal size
    int64_t blocks = (tiles + s.block - 1) / s.block;
    s.block = (tiles + blocks - 1) / blocks;
  }
  s.panels = s.p.n.ceilDiv(s.tile.columns());
  return s;
}

class Emitter {
public:
  Emitter(KernelContext &context, const Schedule &schedule) : c(context), s(schedule), p(s.p), a(c, p.a), b(c, p.b) {}

  LogicalResult run() {
    m = c.index(p.m);
    n = c.index(p.n);
    k = c.index(p.k);
    if (s.source == Source::staged) {
      auto type = MemRefType::get({constantOr(p.k, 1) * s.tile.columns()}, c.b.getF32Type());
      staged = memref::AllocaOp::create(c.b, c.loc, type, c.b.getI64IntegerAttr(64));
    }
    // Units of a batch entry follow each other; `within` is a unit's number in its entry.
    AffineExpr rows = s.source == Source::staged ? s.tiles.ceilDiv(s.block) : s.tiles;
    AffineExpr inBatch = rows * s.panels;
    c.eachUnit([&](Value unit) {
      Value within = unit;
      batch.clear();
      if (!p.batch.empty()) {
        Value each = c.index(inBatch);
        within = c.remU(unit, each);
        batch = c.delinearize(c.divU(unit, each), p.batch);
      }
      aBase = c.offset(batch, p.aBatch);
      bBase = c.offset(batch, p.bBatch);
      if (s.source == Source::staged) {
        Value blocks = c.index(rows);
        setPanel(c.divU(within, blocks));
        stagePanel();
        Value first = c.mul(c.remU(within, blocks), c.index(s.block));
        c.loop(first, c.minS(c.add(first, c.index(s.block)), c.index(s.tiles)), 1, [&](Value tile) { rowTile(tile); });
      } else {
        place = blockedOrder(c, within, s.tiles, s.panels, s.block);
        setPanel(place.panel);
        rowTile(place.tile);
      }
    });
    return result;
  }

private:
  void setPanel(Value value) {
    panel = value;
    column = c.mul(panel, c.index(s.tile.columns()));
  }

  void rowTile(Value tile) {
    eachRowTile(c, s.tile, c.mul(tile, c.index(s.tile.rows)), m, constantOr(p.m, -1),
                [&](TileShape shape, Value row) { emitTile(shape, row); });
  }

  /// The tile of `shape` that begins at `row` and at the panel's first column.
  void emitTile(TileShape shape, Value row) {
    ContractionTile tile(c, shape);
    SmallVector<Value> rows;
    Value first = c.add(aBase, c.mul(row, c.index(p.aRow)));
    for (int64_t r = 0; r < shape.rows; ++r)
      rows.push_back(c.add(first, c.mul(c.index(r), c.index(p.aRow))));
    Value aStep = c.index(p.aStep);
    auto contract = [&](const OperandReader &columns, Value at, Value step, ArrayRef<Value> masks = {},
                        function_ref<void(Value)> each = nullptr) {
      return tile.contract(tile.zero(), k, a, rows, aStep, columns, at, step, {}, masks, each);
    };
    ContractionTile::Accumulators sums;
    Value width = c.index(shape.columns());
    switch (s.source) {
    case Source::packed: sums = packed(shape, contract); break;
    case Source::staged: sums = contract({c, staged, c.b.getF32Type()}, c.index(int64_t(0)), width); break;
    case Source::inPlace: sums = inPlace(shape, contract); break;
    case Source::gathered: sums = gathered(shape, rows, aStep);
    }
    bool merged = p.folded && rowsMerge(c.kernel, p.result); // else every row costs divisions
    auto rowIndex = [&](Value r) {
      Value index = c.add(row, r);
      return merged ? SmallVector<Value>{index} : p.rowIndex(c, batch, index);
    };
    if (failed(tile.finish(sums, p.op.getResult(), p.result, rowIndex, column, n, constantOr(p.n, -1), merged)))
      result = failure();
  }

  template <typename Contract>
  ContractionTile::Accumulators packed(TileShape shape, Contract &&contract) {
    Value width = c.index(shape.columns()), at = c.mul(panel, c.mul(k, width));
    // With a single row tile each panel is used once, and units read the panels one after the other as they lie.
    if (constantOr(p.m, kMostRows + 1) <= shape.rows)
      return contract(b, at, width);
    PanelFetch fetch(c, c.inputBuffer(s.b), panel, s.panels, k, shape.columns(), place.number, place.inBlock);
    return contract(b, at, width, {}, [&](Value step) { fetch.emit(step); });
  }

  /// b[k, n] lies at bBase + k * bStep + n. Only a panel that N cuts needs masks; where N is known at run time
  /// only, or the last panel alone is cut, the kernel has a loop with and a loop without them.
  template <typename Contract>
  ContractionTile::Accumulators inPlace(TileShape shape, Contract &&contract) {
    Value at = c.add(bBase, column), step = c.index(p.bStep);
    int64_t columns = constantOr(p.n, -1);
    if (columns > 0 && columns % shape.columns() == 0)
      return contract(b, at, step);
    auto masked = [&]() {
      SmallVector<Value> masks;
      for (int64_t v = 0; v < shape.vectors; ++v) {
        Value rest = c.maxS(c.sub(n, c.add(column, c.index(v * shape.lanes))), c.index(int64_t(0)));
        masks.push_back(c.maskOf(rest, shape.lanes));
      }
      return contract(b, at, step, masks);
    };
    if (columns > 0 && columns < shape.columns())
      return masked();
    Value whole =
        arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sle, c.add(column, c.index(shape.columns())), n);
    SmallVector<Type> types(shape.rows * shape.vectors, VectorType::get({shape.lanes}, c.b.getF32Type()));
    auto choice = scf::IfOp::create(c.b, c.loc, types, whole, /*withElseRegion=*/true);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(choice.thenBlock());
    scf::YieldOp::create(c.b, c.loc, contract(b, at, step));
    c.b.setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(c.b, c.loc, masked());
    return llvm::to_vector_of<Value>(choice.getResults());
  }

  /// Copies the panel to `staged`, [K][W] in f32: element (k, j) of the panel to k * W + j. Columns beyond N become
  /// zero, or repeat the last where columns are not contiguous; their sums are not stored.
  void stagePanel() {
    Value last = c.sub(n, c.index(int64_t(1))), zero = c.index(int64_t(0)), width = c.index(s.tile.columns());
    if (p.bColumn == 1) {
      int64_t columns = constantOr(p.n, -1), lanes = s.tile.lanes;
      bool whole = columns > 0 && columns % s.tile.columns() == 0;
      SmallVector<Value> masks(s.tile.vectors);
      for (int64_t v = 0; v < s.tile.vectors && !whole; ++v) {
        Value rest = c.maxS(c.sub(n, c.add(column, c.index(v * lanes))), zero);
        masks[v] = c.maskOf(rest, lanes);
      }
      c.loop(zero, k, 1, [&](Value step) {
        Value from = c.add(c.add(bBase, column), c.mul(step, c.index(p.bStep)));
        for (int64_t v = 0; v < s.tile.vectors; ++v) {
          Value value = b.load(c.add(from, c.index(v * lanes)), lanes, masks[v]);
          vector::StoreOp::create(c.b, c.loc, value, staged, ValueRange{c.mulAdd(step, width, c.index(v * lanes))});
        }
      });
      return;
    }
    // Columns apart, as of a transposed operand: one column after the other.
    c.loop(zero, width, 1, [&](Value j) {
      Value from = c.mulAdd(c.minS(c.add(column, j), last), c.index(p.bColumn), bBase);
      c.loop(zero, k, 1, [&](Value step) {
        Value value = b.load(c.mulAdd(step, c.index(p.bStep), from), 1);
        memref::StoreOp::create(c.b, c.loc, value, staged, ValueRange{c.mulAdd(step, width, j)});
      });
    });
  }

  /// Columns that are neither contiguous nor worth a copy: each vector of b is put together from L single loads.
  /// Columns beyond N repeat the last; their sums are not stored.
  ContractionTile::Accumulators gathered(TileShape shape, ArrayRef<Value> rows, Value aStep) {
    Value last = c.sub(n, c.index(int64_t(1)));
    SmallVector<Value> lanes;
    for (int64_t j = 0; j < shape.columns(); ++j)
      lanes.push_back(c.mulAdd(c.minS(c.add(column, c.index(j)), last), c.index(p.bColumn), bBase));
    ContractionTile tile(c, shape);
    return c.loop(c.index(int64_t(0)), k, 1, tile.zero(), [&](Value step, ValueRange current) {
      SmallVector<Value> next, columns;
      Value at = c.mul(step, c.index(p.bStep));
      for (int64_t v = 0; v < shape.vectors; ++v) {
        SmallVector<Value> scalars;
        for (int64_t j = 0; j < shape.lanes; ++j)
          scalars.push_back(b.load(c.add(at, lanes[v * shape.lanes + j]), 1));
        columns.push_back(
            vector::FromElementsOp::create(c.b, c.loc, VectorType::get({shape.lanes}, c.b.getF32Type()), scalars));
      }
      for (int64_t r = 0; r < shape.rows; ++r) {
        Value row = c.broadcast(a.load(c.mulAdd(step, aStep, rows[r]), 1), shape.lanes);
        for (int64_t v = 0; v < shape.vectors; ++v)
          next.push_back(vector::FMAOp::create(c.b, c.loc, row, columns[v], current[r * shape.vectors + v]));
      }
      return next;
    });
  }

  KernelContext &c;
  const Schedule &s;
  const MatMulShape &p;
  OperandReader a, b;
  Value m, n, k, staged, panel, column, aBase, bBase;
  BlockedUnit place;
  SmallVector<Value> batch;
  LogicalResult result = success();
};

/// Whether weights of 16 bits stay as they are in panels, to be widened by each row
/// tile, which is faster where they come from memory, or are read once
/// (docs/Rationale/number-formats.md).
bool staysHalf(const Schedule &s, Type element, const CpuTarget &target) {
  // Of the weights as f32: so many bytes where all rows fit one row tile, else more than so many second-level caches.
  constexpr int64_t kLeastBytes = 1 << 20, kCaches = 16;
  if (!element.isBF16() && !(element.isF16() && target.convertsHalf()))
    return false;
  int64_t rows = constantOr(s.p.m), bytes = constantOr(s.p.k) * constantOr(s.p.n) * 4;
  if (rows <= s.tile.rows) // rows is -1 for an unknown number
    return bytes >= kLeastBytes;
  return target.vectorBits >= 256 && bytes > kCaches * target.l2Bytes;
}

class GemmPlan : public KernelPlan {
public:
  GemmPlan(plan::KernelOp kernel, const CpuTarget &target)
      : KernelPlan(kernel, target), s(scheduleOf(kernel, target)) {}

  ScheduleFacts facts() const override {
    std::string packed =
        "packed at compile time as " + num::nameOf(getElementTypeOrSelf(kernel.getBody().getArgument(s.b).getType()));
    StringRef source[] = {packed, "read in place", "copied panel by panel", "gathered lane by lane"};
    std::string tile = llvm::formatv("{0}x{1}", s.tile.rows, s.tile.columns());
    return {llvm::formatv("tile {0}, {1}-bit f32, right operand {2}{3}", tile, target.vectorBits, source[int(s.source)],
                          operandsText(kernel.getRootOp()->getOperands(), target)),
            tile, target.vectorBits};
  }

  /// Packs a constant right operand that the product alone reads and that is the same for all batch entries, as the
  /// element type it has or, unless `staysHalf`, as f32. A cast to f32 between the constant and the product goes.
  LogicalResult pack() override {
    auto constant = kernel.getInputs()[s.b].getDefiningOp<graph::ConstantOp>();
    auto widening = s.p.b.getDefiningOp<graph::CastOp>();
    bool widensToF32 = widening && getElementTypeOrSelf(s.p.b.getType()).isF32();
    if (!constant || !(isa<BlockArgument>(s.p.b) || widensToF32) || !kernel.getArgShapes() ||
        s.source == Source::packed || !s.p.b.hasOneUse())
      return success();
    for (AffineExpr stride : s.p.bBatch)
      if (stride != 0)
        return success();
    int64_t k = constantOr(s.p.k, -1), n = constantOr(s.p.n, -1), width = s.tile.columns();
    if (k <= 0 || n <= 0 || constant.getValue().getNumElements() != k * n)
      return success();
    ElementsAttr value = constant.getValue();
    Type element = getElementTypeOrSelf(constant.getType());
    Type packed = staysHalf(s, element, target) ? element : Float32Type::get(kernel.getContext());
    // Large weights are read where they lie: no copy of them beside the panels.
    std::vector<float> widened;
    std::string copied;
    ArrayRef<char> bytes;
    if (packed != element) {
      widened = floatValues(value);
      bytes = {reinterpret_cast<const char *>(widened.data()), widened.size() * sizeof(float)};
    } else if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
      if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
        bytes = blob->getData();
    } else {
      copied = weightBytes(value);
      bytes = copied;
    }
    if (int64_t(bytes.size()) != k * n * packed.getIntOrFloatBitWidth() / 8)
      return success();
    auto type = RankedTensorType::get({(n + width - 1) / width, k, width}, packed);
    auto panels = [&](auto zero) {
      using T = decltype(zero);
      AsmResourceBlob blob = HeapAsmResourceBlob::allocate(type.getNumElements() * sizeof(T), 64);
      packPanels(ArrayRef(reinterpret_cast<const T *>(bytes.data()), k * n), k, n, constantOr(s.p.bStep, 0),
                 constantOr(s.p.bColumn, 0), width, reinterpret_cast<T *>(blob.getMutableData().data()));
      return blob;
    };
    kernel->setAttr("gemm.rhs_shape", (*kernel.getArgShapes())[s.b]);
    replaceByPacked(kernel, s.b, type, packed.isF32() ? panels(float()) : panels(uint16_t()), "panels");
    if (widening && packed.isF32()) {
      widening.getResult().replaceAllUsesWith(widening.getX());
      widening.erase();
    }
    return success();
  }

  WorkSplit split() const override {
    // Multiply-adds of a row tile with a panel; a chunk has about 65536 of them, or is one unit.
    int64_t work = s.tile.rows * s.tile.columns() * std::max<int64_t>(1, constantOr(s.p.k, 64));
    return {s.units(), std::max<int64_t>(1, 65536 / work)};
  }

  LogicalResult emit(KernelContext &c) const override { return Emitter(c, s).run(); }

private:
  Schedule s;
};

std::unique_ptr<KernelPlan> planGemm(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) {
  auto op = cast<graph::MatMulOp>(kernel.getRootOp());
  if (!areReadable(op->getOperands(), reason) || !accumulatesInF32(op, reason))
    return nullptr;
  return std::make_unique<GemmPlan>(kernel, target);
}

} // namespace

void registerGemmStrategies(StrategyRegistry &registry) {
  registry.add({"gemm", {"matmul"}, planGemm});
  registerDecodedGemm(registry);
}

} // namespace tenon::cpu
