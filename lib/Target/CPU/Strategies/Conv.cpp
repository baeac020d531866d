// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Direct convolution on channels-last data, without im2col and without a padded copy:
//
//   y[n, oh, ow, o] = bias[o] + sum over kh, kw, c of
//                     x[n, oh * strideH - padTop + kh * dilationH, ow * strideW - padLeft + kw * dilationW, g * C + c]
//                     * filter[o, c, kh, kw]
//
// g is the group of the output channel o, C the input channels of a group; x is zero outside the image. It is the
// contraction of ContractionTile.h with the rows being adjacent output pixels of one output row, the columns being
// output channels and the steps being (kh, kw, c). So a tile is some pixels times some vectors of output channels. Its
// accumulators are carried through the loops over kh, kw and c.
//
// Pointwise convolutions (1 x 1, see ConvShape::isPointwise) are matrix products: y[p, o] = sum over c of
// x[p, c] * filter[o, c], where the pixels p of all images are the rows.
//
// Taps outside the image are left out. Rows of the filter: the loop over kh has just those inside. Columns of the
// filter: where the image's width is known, each filter column of a tile runs over just the pixels of the tile for
// which it reads inside the image (`Span`); where it is not, tiles at a border check every value.
#include "ConvPacking.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

// Of an unknown number of pixels, a known divisor decides the tile of a pointwise convolution if it is at least this.
constexpr int64_t kFewPixels = 8;

/// The output channels of a group in panels: full ones, and a last one that
/// is narrower, by whole vectors, where that leaves fewer lanes idle.
struct Panels {
  TileShape tile, last;
  int64_t count; // of a group
  int64_t columns() const { return (count - 1) * tile.columns() + last.columns(); }
};

AffineExpr pixels(const ConvShape &p) { return p.n * p.h * p.w; }

Panels panelsOf(const ConvShape &p, const CpuTarget &target) {
  AffineExpr extent = p.isPointwise() ? pixels(p) : p.ow; // of the tile's rows
  int64_t rows = constantOr(extent), outputs = p.groupOutputs();
  // Where the number of images is unknown, the tile is chosen for the pixels of one image, if these are known: the
  // pixels of any number of images are a multiple.
  int64_t multiple = p.isPointwise() && rows < 0 ? extent.getLargestKnownDivisor() : 1;
  TileShape tile = chooseTile(multiple >= kFewPixels ? multiple : rows, outputs, target);
  // Two vectors of columns use each broadcast twice, so that one is right only where there
  // are no more columns. An odd vector at the end is left to a narrower last panel, below.
  if (tile.vectors == 1 && outputs > tile.lanes)
    tile = chooseTile(multiple >= kFewPixels ? multiple : rows, 2 * tile.lanes, target);
  if (rows < 0 && !p.isPointwise())
    tile.rows = std::min<int64_t>(tile.rows, 8);
  Panels panels{tile, tile, (outputs + tile.columns() - 1) / tile.columns()};
  int64_t rest = outputs - (panels.count - 1) * tile.columns();
  // With groups all panels are of one width, so that panel i of all begins at i times a panel's size.
  if (p.group == 1 && panels.count > 1)
    while (panels.last.vectors > 1 && rest <= (panels.last.vectors - 1) * tile.lanes)
      --panels.last.vectors;
  return panels;
}

class ConvPlan : public KernelPlan {
public:
  ConvPlan(plan::KernelOp kernel, const CpuTarget &target, ConvShape conv)
      : KernelPlan(kernel, target), p(std::move(conv)), panels(panelsOf(p, target)) {}

  ScheduleFacts facts() const override {
    std::string last =
        panels.last.vectors == panels.tile.vectors ? "" : llvm::formatv(" (the last {0})", panels.last.columns()).str();
    std::string tile = llvm::formatv("{0} pixels x {1} channels{2}", panels.tile.rows, panels.tile.columns(), last);
    return {llvm::formatv("{0}tile {1}, {2}-bit, filter packed{3}", p.isPointwise() ? "pointwise, " : "", tile,
                          target.vectorBits, operandSource(p.op.getX())->text(target)),
            tile, target.vectorBits};
  }

  LogicalResult pack() override {
    if (isFilterPacked(kernel))
      return success();
    FailureOr<std::vector<float>> values = filterValues(kernel, p);
    if (failed(values))
      return failure();
    int64_t window = p.kh * p.kw, c = p.groupChannels(), o = p.groupOutputs();
    int64_t wide = (panels.count - 1) * panels.tile.columns();
    // The filter of a group is a matrix [K, O], K = kh * kw * c and O the outputs, and is packed in panels as
    // packPanels does: [group][panel][kh][kw][c][column]. With W columns in the full panels and w in panel P (W but for
    // a narrower last one), output o of group g, P = o / W, lies at
    //   g * K * columns() + P * K * W + ((kh * KW + kw) * C + c) * w + o % W
    std::vector<float> ordered(c * window * o), packed(p.group * window * c * panels.columns());
    float *to = packed.data();
    for (int64_t g = 0; g < p.group; ++g, to += window * c * panels.columns()) {
      for (int64_t k = 0; k < window; ++k)
        for (int64_t i = 0; i < c; ++i)
          for (int64_t j = 0; j < o; ++j)
            ordered[(k * c + i) * o + j] = (*values)[((g * o + j) * c + i) * window + k];
      packPanels(ArrayRef(ordered), c * window, wide, o, 1, panels.tile.columns(), to);
      packPanels(ArrayRef(ordered).drop_front(wide), c * window, o - wide, o, 1, panels.last.columns(),
                 to + window * c * wide);
    }
    packFilter(kernel, p, {p.group, window * c, panels.columns()}, std::move(packed), "panels");
    return success();
  }

  /// A unit is one panel times a tile of pixels (pointwise) or a row of the output.
  WorkSplit split() const override {
    // Multiply-adds of a unit; a chunk has about 65536 of them, or is one unit.
    TileShape tile = panels.tile;
    int64_t work =
        p.kh * p.kw * p.groupChannels() * tile.columns() * (p.isPointwise() ? tile.rows : constantOr(p.ow, 64));
    return {rows() * (p.group * panels.count), std::max<int64_t>(1, 65536 / std::max<int64_t>(1, work))};
  }

  LogicalResult emit(KernelContext &c) const override {
    TileShape tile = panels.tile;
    int64_t steps = p.kh * p.kw * p.groupChannels(), size = steps * tile.columns();
    AffineExpr all = getAffineConstantExpr(panels.count * p.group, c.kernel.getContext());
    std::optional<int64_t> block; // none: a panel's weights stay in cache while all rows of the output pass
    if (p.isPointwise())
      block = tilesInBlock(p.groupChannels(), p.outputs, tile, c.target);
    // Whether the next panel is fetched ahead: where all weights exceed half the second-level cache. A row of several
    // tiles uses a panel often enough to wait for it.
    bool streams = steps * p.outputs * 4 > c.target.l2Bytes / 2 && (p.isPointwise() || constantOr(p.ow) <= tile.rows);
    OperandReader input(c, p.op.getX()), filter(c, c.inputBuffer(p.filter), c.b.getF32Type());
    LogicalResult result = success();
    c.eachUnit([&](Value unit) {
      BlockedUnit at = blockedOrder(c, unit, rows(), all, block);
      Value group = c.divU(at.panel, c.index(panels.count)), panel = c.remU(at.panel, c.index(panels.count));
      Value base = c.mul(group, c.index(p.groupOutputs()));
      Place place{at.tile,
                  c.mul(group, c.index(p.groupChannels())),
                  c.add(base, c.mul(panel, c.index(tile.columns()))),
                  c.add(base, c.index(p.groupOutputs())),
                  c.mul(at.panel, c.index(size)),
                  {}};
      if (streams)
        place.next.emplace(c, c.inputBuffer(p.filter), at.panel, all, c.index(steps), tile.columns(), at.number,
                           at.inBlock);
      auto emit = [&](TileShape shape, bool isFull) {
        Emitter emitter{c, p, input, filter, shape, place, isFull};
        p.isPointwise() ? emitter.pointwise() : emitter.window();
        if (failed(emitter.result))
          result = failure();
      };
      bool noneIdle = panels.columns() == p.groupOutputs();
      if (panels.last.vectors == tile.vectors)
        return emit(tile, noneIdle);
      Value isLast = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, panel, c.index(panels.count - 1));
      auto choice = scf::IfOp::create(c.b, c.loc, isLast, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(c.b);
      c.b.setInsertionPointToStart(choice.thenBlock());
      emit(panels.last, noneIdle);
      c.b.setInsertionPointToStart(choice.elseBlock());
      emit(tile, true);
    });
    return result;
  }

private:
  /// Tiles of pixels of a pointwise convolution, or rows of the output.
  AffineExpr rows() const { return p.isPointwise() ? pixels(p).ceilDiv(panels.tile.rows) : p.n * p.oh; }

  /// What a unit is: rows and a panel; and the panel that comes next.
  struct Place {
    Value row;                      ///< pointwise: a tile of pixels; else a row of the output
    Value channel, column, end;     ///< first input channel; first output channel and the group's end
    Value weights;                  ///< offset of the panel's weights
    std::optional<PanelFetch> next; ///< the unit's part of the next panel, where weights are not in cache
  };

  struct Emitter {
    KernelContext &c;
    const ConvShape &p;
    const OperandReader &input, &filter;
    TileShape tile;
    Place place;
    bool isFull; ///< no lane of the panel is idle
    LogicalResult result = success();

    void store(ContractionTile &t, const ContractionTile::Accumulators &acc,
               function_ref<SmallVector<Value>(Value)> rowIndex, bool merged = false) {
      auto bias = [&](Value at, Value mask) { return p.biasAt(c, at, tile.lanes, mask); };
      function_ref<Value(Value, Value)> addend = nullptr;
      if (p.op.getBias())
        addend = bias;
      if (failed(t.finish(acc, p.op.getResult(), p.result, rowIndex, place.column, place.end,
                          isFull ? tile.columns() : -1, merged, addend)))
        result = failure();
    }

    void pointwise() {
      eachRowTile(c, tile, c.mul(place.row, c.index(tile.rows)), c.index(pixels(p)), constantOr(pixels(p), -1),
                  [&](TileShape shape, Value first) {
                    ContractionTile t(c, shape);
                    SmallVector<Value> rows;
                    // Offsets are one base plus constants, which become displacements of addresses.
                    Value base = c.mulAdd(first, c.index(p.channels), place.channel);
                    for (int64_t r = 0; r < shape.rows; ++r)
                      rows.push_back(c.add(base, c.index(r * p.channels)));
                    auto acc = contract(t, t.zero(), c.index(int64_t(0)), c.index(p.groupChannels()), rows);
                    Exprs outer(p.result.begin(), p.result.end() - 1);
                    bool merged = rowsMerge(c.kernel, p.result); // else every row costs divisions
                    auto rowIndex = [&](Value r) {
                      Value row = c.add(first, r);
                      return merged ? SmallVector<Value>{row} : c.delinearize(row, outer);
                    };
                    store(t, acc, rowIndex, merged);
                  });
    }

    /// Steps [first, first + count) of the contraction, numbered as they lie in the panel: (kh * KW + kw) * C + c.
    /// Row r reads `input` at rows[r] plus the number of the step within these. Beside them the unit's part of the next
    /// panel is fetched.
    ContractionTile::Accumulators contract(ContractionTile t, ContractionTile::Accumulators sums, Value first,
                                           Value count, ArrayRef<Value> rows, ArrayRef<Value> valid = {}) {
      auto fetch = [&](Value step) { place.next->emit(c.add(first, step)); };
      return t.contract(std::move(sums), count, input, rows, c.index(int64_t(1)), filter,
                        c.mulAdd(first, c.index(tile.columns()), place.weights), c.index(tile.columns()), valid, {},
                        place.next ? function_ref<void(Value)>(fetch) : nullptr);
    }

    /// A row of the output, in tiles of pixels: by classes of known tiles if there are some, else by tiles that find
    /// out when they run where they are.
    void window() {
      ConvRow at = p.rowAt(c, place.row);
      Value zero = c.index(int64_t(0)), ow = c.index(p.ow);
      int64_t width = constantOr(p.ow, -1);
      SmallVector<TileClass> classes = tileClasses();
      if (classes.empty()) {
        c.loop(zero, ow, tile.rows, [&](Value column) {
          eachRowTile(c, tile, column, ow, width, [&](TileShape shape, Value first) { anyTile(shape, at, first); });
        });
        return;
      }
      Value lastFirst = c.index(width - tile.rows);
      for (const TileClass &tiles : classes)
        c.loop(c.index(tiles.begin), c.index(tiles.end), 1,
               [&](Value t) { knownTile(tile, at, c.minS(c.mul(t, c.index(tile.rows)), lastFirst), tiles.spans); });
    }

    /// The rows [low, high) of a tile, that is output pixels, for which one filter column reads inside the image. A
    /// filter of 3 columns with stride 1 and padding 1 on 8 pixels, in tiles of 4:
    ///
    ///                              reads columns of the image      span
    ///     tile 0, pixels 0 to 3
    ///       kw = 0                    -1   0   1   2               [1, 4)
    ///       kw = 1                     0   1   2   3               [0, 4)
    ///       kw = 2                     1   2   3   4               [0, 4)
    ///     tile 1, pixels 4 to 7
    ///       kw = 0                     3   4   5   6               [0, 4)
    ///       kw = 1                     4   5   6   7               [0, 4)
    ///       kw = 2                     5   6   7   8               [0, 3)
    struct Span {
      int64_t low, high;
      bool operator==(const Span &) const = default;
    };
    /// Adjacent tiles [begin, end) whose filter columns have the same spans.
    struct TileClass {
      int64_t begin, end;
      SmallVector<Span> spans;
    };

    /// The classes of all tiles of a row where widths are known and few tiles differ; else none. Each class is emitted
    /// as a loop over its tiles, with a loop over steps for each run of filter columns of one span.
    SmallVector<TileClass> tileClasses() {
      // What may be emitted: classes, and loops over steps of all of them. What compilation may look at: tiles.
      constexpr size_t kMostClasses = 5, kMostBorderCode = 64;
      constexpr int64_t kMostSteps = 4096;
      int64_t ow = constantOr(p.ow, -1), w = constantOr(p.w, -1), left = constantOr(p.padLeft, -1);
      if (ow < tile.rows || w < 0 || left < 0)
        return {};
      SmallVector<TileClass> classes;
      size_t code = 0;
      // The last `first` pixel of a tile that reads nothing beyond the image's right border:
      // (first + rows - 1) * stride - left + (kw - 1) * dilation < w.
      int64_t lastInside =
          llvm::divideFloorSigned(w - 1 + left - (p.kw - 1) * p.dilationW, p.strideW) - (tile.rows - 1);
      lastInside = std::min(lastInside, ow - tile.rows);
      for (int64_t t = 0, steps = 0; t * tile.rows < ow; ++t, ++steps) {
        if (steps > kMostSteps || classes.size() > kMostClasses)
          return {};
        int64_t first = std::min(t * tile.rows, ow - tile.rows);
        if (first * p.strideW >= left && first <= lastInside && first == t * tile.rows) {
          // The tile is inside the image, and so are all that follow up to lastInside.
          int64_t end = lastInside / tile.rows + 1;
          code += 1;
          classes.push_back({t, end, SmallVector<Span>(p.kw, Span{0, tile.rows})});
          t = end - 1;
          continue;
        }
        SmallVector<Span> spans;
        for (int64_t kw = 0; kw < p.kw; ++kw) {
          Span span{tile.rows, 0};
          for (int64_t r = 0; r < tile.rows; ++r) {
            int64_t x = (first + r) * p.strideW - left + kw * p.dilationW;
            if (x >= 0 && x < w)
              span = {std::min(span.low, r), r + 1};
          }
          spans.push_back(span);
        }
        if (!classes.empty() && classes.back().spans == spans) {
          classes.back().end = t + 1;
          continue;
        }
        for (size_t kw = 0; kw < spans.size(); ++kw)
          code += kw == 0 || !(spans[kw] == spans[kw - 1]);
        classes.push_back({t, t + 1, std::move(spans)});
      }
      return classes.size() > kMostClasses || code > kMostBorderCode ? SmallVector<TileClass>() : classes;
    }

    /// Column of the image, possibly outside, that filter column 0 reads for output pixel `first`.
    Value leftOf(Value first) { return c.sub(c.mul(first, c.index(p.strideW)), c.index(p.padLeft)); }

    void finishTile(TileShape shape, const ConvRow &at, Value first, const ContractionTile::Accumulators &sums) {
      ContractionTile t(c, shape);
      store(t, sums, [&](Value r) { return p.pixelIndex(at.image, at.oh, c.add(first, r)); });
    }

    /// Adds filter columns kw, ..., kw + count - 1 of filter row kh to the sums of the span's rows. Side by side they
    /// read, for each pixel, one run of count * C values of memory (unless dilated or grouped), as they do of the
    /// panel, and so are one loop over steps. `line` is the number of the first pixel of the image's row, `left` the
    /// column under filter column 0 of the tile's first row.
    ContractionTile::Accumulators taps(TileShape shape, const ConvRow &at, Value line, Value left, Value kh, int64_t kw,
                                       int64_t count, Span span, ValueRange sums) {
      ContractionTile part(c, {span.high - span.low, shape.vectors, shape.lanes});
      auto some = [&](Value column, int64_t columns, ValueRange current) {
        Value x = c.add(c.add(line, left), c.mul(column, c.index(p.dilationW)));
        SmallVector<Value> rows;
        Value base = c.mulAdd(x, c.index(p.channels), place.channel);
        for (int64_t r = span.low; r < span.high; ++r)
          rows.push_back(c.add(base, c.index(r * p.strideW * p.channels)));
        Value tap = c.mul(c.mulAdd(kh, c.index(p.kw), column), c.index(p.groupChannels()));
        auto begin = current.begin() + span.low * shape.vectors, end = current.begin() + span.high * shape.vectors;
        auto next =
            contract(part, ContractionTile::Accumulators(begin, end), tap, c.index(columns * p.groupChannels()), rows);
        ContractionTile::Accumulators all(current.begin(), current.end());
        std::copy(next.begin(), next.end(), all.begin() + span.low * shape.vectors);
        return all;
      };
      if (count == 1 || (p.dilationW == 1 && p.group == 1))
        return some(c.index(kw), count, sums);
      return c.loop(c.index(kw), c.index(kw + count), 1, sums,
                    [&](Value column, ValueRange current) { return some(column, 1, current); });
    }

    /// The sums of a tile whose spans are known, one for each filter column: no step reads outside the image. The loop
    /// over filter rows carries the accumulators; filter columns of one span, side by side, are one call of `taps`.
    ContractionTile::Accumulators knownSums(TileShape shape, const ConvRow &at, Value first, ArrayRef<Span> spans) {
      Value left = leftOf(first);
      return c.loop(at.firstKh, at.lastKh, 1, ContractionTile(c, shape).zero(), [&](Value kh, ValueRange rowSums) {
        Value line = p.lineOf(c, at, kh);
        auto sums = llvm::to_vector_of<Value>(rowSums);
        for (size_t kw = 0, next; kw < spans.size(); kw = next) {
          next = kw + 1;
          while (next < spans.size() && spans[next] == spans[kw])
            ++next;
          if (spans[kw].low < spans[kw].high)
            sums = taps(shape, at, line, left, kh, kw, next - kw, spans[kw], sums);
        }
        return sums;
      });
    }
    void knownTile(TileShape shape, const ConvRow &at, Value first, ArrayRef<Span> spans) {
      finishTile(shape, at, first, knownSums(shape, at, first, spans));
    }

    /// A tile of unknown place: inside the image it runs as a known one, at a
    /// border every value is checked.
    void anyTile(TileShape shape, const ConvRow &at, Value first) {
      auto compare = [&](arith::CmpIPredicate predicate, Value a, Value b) -> Value {
        return arith::CmpIOp::create(c.b, c.loc, predicate, a, b);
      };
      Value left = leftOf(first), w = c.index(p.w);
      Value right = c.add(left, c.index((shape.rows - 1) * p.strideW + (p.kw - 1) * p.dilationW));
      Value inside = arith::AndIOp::create(c.b, c.loc, compare(arith::CmpIPredicate::sge, left, c.index(int64_t(0))),
                                           compare(arith::CmpIPredicate::slt, right, w));
      auto zero = ContractionTile(c, shape).zero();
      auto choice = scf::IfOp::create(c.b, c.loc, ValueRange(zero).getTypes(), inside, /*withElseRegion=*/true);
      {
        OpBuilder::InsertionGuard guard(c.b);
        c.b.setInsertionPointToStart(choice.thenBlock());
        scf::YieldOp::create(c.b, c.loc, knownSums(shape, at, first, SmallVector<Span>(p.kw, Span{0, shape.rows})));
        c.b.setInsertionPointToStart(choice.elseBlock());
        scf::YieldOp::create(c.b, c.loc, checkedSums(shape, at, left));
      }
      finishTile(shape, at, first, llvm::to_vector_of<Value>(choice.getResults()));
    }

    /// The sums of a tile of which any filter column may leave the image: its reads are moved to the nearest column
    /// inside, and what they give counts as zero.
    ContractionTile::Accumulators checkedSums(TileShape shape, const ConvRow &at, Value left) {
      ContractionTile t(c, shape);
      Value w = c.index(p.w), zero = c.index(int64_t(0)), lastX = c.sub(w, c.index(int64_t(1)));
      return c.loop(at.firstKh, at.lastKh, 1, t.zero(), [&](Value kh, ValueRange rowSums) {
        Value line = p.lineOf(c, at, kh);
        return c.loop(zero, c.index(p.kw), 1, rowSums, [&](Value kw, ValueRange current) {
          Value iw = c.add(left, c.mul(kw, c.index(p.dilationW)));
          SmallVector<Value> rows, valid;
          for (int64_t r = 0; r < shape.rows; ++r) {
            Value x = c.add(iw, c.index(r * p.strideW));
            valid.push_back(arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, x, w));
            rows.push_back(c.mulAdd(c.add(line, c.minS(c.maxS(x, zero), lastX)), c.index(p.channels), place.channel));
          }
          Value tap = c.mul(c.mulAdd(kh, c.index(p.kw), kw), c.index(p.groupChannels()));
          return contract(t, llvm::to_vector_of<Value>(current), tap, c.index(p.groupChannels()), rows, valid);
        });
      });
    }
  };

  ConvShape p;
  Panels panels;
};

std::unique_ptr<KernelPlan> planConv(plan::KernelOp kernel, const CpuTarget &target, std::string &reason) {
  std::optional<ConvShape> p = analyzeConv(kernel, reason);
  if (!p || !hasPackableFilter(kernel, *p, reason))
    return nullptr;
  return std::make_unique<ConvPlan>(kernel, target, std::move(*p));
}

} // namespace

void registerConvStrategies(StrategyRegistry &registry) {
  registry.add({"direct-conv", {"conv"}, planConv});
  registerDepthwiseConv(registry);
}

} // namespace tenon::cpu
