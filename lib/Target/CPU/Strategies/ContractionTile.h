// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The register tile that matrix products and convolutions share. Both are contractions
//
//   y[m, n] = sum over k of a[m, k] * b[k, n]
//
//   m  a row: of the left matrix, or an output pixel of a convolution
//   n  a column: of the right matrix, or an output channel
//   k  a step: of the dimension K, or one (filter row, filter column, input channel) of a convolution
//
// A tile computes R rows times V vectors of L lanes of columns, here with V = 2:
//
//               vector 0 (L columns)   vector 1 (L columns)
//             +----------------------+----------------------+
//     row 0   |    accumulator 0     |    accumulator 1     |     In each step k:
//     row 1   |    accumulator 2     |    accumulator 3     |       load V vectors of b[k, ..],
//      ..     |          ..          |          ..          |       broadcast each of the R scalars a[m, k],
//     row R-1 |   accumulator 2R-2   |   accumulator 2R-1   |       do R * V fused multiply-adds.
//             +----------------------+----------------------+
//
// Accumulator (r, v) is number r * V + v. The accumulators are the loop-carried values of the loops over steps, so
// that they stay in registers and memory is written after the last step: the result, or where the columns are no
// multiple of a panel a buffer that `finish` copies from. Each result is one chain of
// multiply-adds in ascending order of the steps; the tile's size changes no bit of it.
//
// Terms of the strategies that use the tile:
//   row tile  rows [t * R, (t + 1) * R) of the left side
//   panel     columns [p * W, (p + 1) * W) of the right side, W = V * L being the tile's columns
//   packed    a constant right side that compilation rewrites panel by panel, see `packPanels`
//   block     consecutive row tiles that are multiplied with all panels before the next block begins
#ifndef TENON_TARGET_CPU_STRATEGIES_CONTRACTIONTILE_H
#define TENON_TARGET_CPU_STRATEGIES_CONTRACTIONTILE_H

#include "tenon/Codegen/ConstantPacking.h"
#include "tenon/Codegen/OperandReader.h"
#include "tenon/Target/CPU/Strategy.h"

namespace tenon::cpu {

/// R rows times V vectors of L lanes each.
struct TileShape {
  int64_t rows, vectors, lanes;
  int64_t columns() const { return vectors * lanes; }
};

/// The tile for a matrix of `rows` rows and `columns` columns (-1 if unknown): as
/// many accumulators as the register file holds beside the operands, but at most
/// `mostRows` rows. The choice rests on shape and target alone.
TileShape chooseTile(int64_t rows, int64_t columns, const Machine &target, int64_t mostRows = 32);
/// Calls `body(shape, row)` so that rows [first, first + tile.rows) of `extent` rows are covered, `row` being the
/// first of the tile to emit. A full tile that would go beyond the last row moves up to end there. It then computes
/// some rows again, with the same result:
///
///     rows     0   1   2   3   4   5   6        extent 7, tile of 4 rows
///     tile 0   |-----------|
///     tile 1               |-----------|        begins at row 3, not 4
///
/// Where `extent` may be less than a tile (`staticExtent` is its value if known, else -1), smaller tiles of 4 rows and
/// of 1 row are emitted as well, and the kernel chooses when it runs.
void eachRowTile(KernelContext &context, TileShape tile, mlir::Value first, mlir::Value extent, int64_t staticExtent,
                 llvm::function_ref<void(TileShape, mlir::Value)> body);
/// Which row tile and which panel a unit of work is. The rows of a block stay in
/// cache while all panels pass; within the block row tiles vary fastest, so that
/// all of them use a panel before the next. The numbers of the units of 4 row tiles
/// and 3 panels, in blocks of 2 row tiles:
///
///              panel 0  panel 1  panel 2
///     tile 0      0        2        4
///     tile 1      1        3        5
///     tile 2      6        8       10
///     tile 3      7        9       11
///
/// Without a block all row tiles are one block.
struct BlockedUnit {
  mlir::Value tile, panel; ///< row tile and column panel
  mlir::Value number;      ///< the row tile's number within its block
  mlir::Value inBlock;     ///< row tiles of this block
};
BlockedUnit blockedOrder(KernelContext &context, mlir::Value unit, mlir::AffineExpr tiles, mlir::AffineExpr panels,
                         std::optional<int64_t> block);
/// Fetches the packed panel after the one in use into the second-level cache; it
/// would otherwise arrive at the speed of memory. Panels are [steps][width] in
/// `buffer`. Each of the `count` row tiles that use the panel fetches an equal part
/// of the next, with one prefetch a step: with share = ceil(width / count), tile
/// `number` prefetches in step s the value
///
///     next * steps * width + min(number * share, width) * steps + s * share
class PanelFetch {
public:
  /// `number` of `count` says which of the row tiles that use the panel this is.
  PanelFetch(KernelContext &context, mlir::Value buffer, mlir::Value panel, mlir::AffineExpr panels, mlir::Value steps,
             int64_t width, mlir::Value number, mlir::Value count);
  /// Emits the prefetch of a step.
  void emit(mlir::Value step) const;

private:
  KernelContext &c;
  mlir::Value buffer, from, share;
};
/// Row tiles of a block, for matrices of `steps` f32 values a row and `columns`
/// columns (-1: unknown). One where all panels fit in a quarter of the second-level
/// cache: the panels then follow each other for the same rows, and results are written
/// row by row. Else as many as have their rows fit in that cache beside the panel in
/// use and the next.
int64_t tilesInBlock(int64_t steps, int64_t columns, const TileShape &tile, const Machine &target);

/// Packs a matrix [K, N], whose element (k, n) lies at k * strideK + n * strideN, into panels of W = `width` columns,
/// [ceil(N / W)][K][W]. Columns beyond N are zero.
///
///     panel 0                                  panel 1
///     (0,0) .. (0,W-1)  (1,0) .. (1,W-1)  ..   (0,W) .. (0,2W-1)  (1,W) .. (1,2W-1)  ..
///
/// Element (k, n) lies at ((n / W) * K + k) * W + n % W, so a tile reads its panel from the first to the last value.
template <typename T>
void packPanels(llvm::ArrayRef<T> matrix, int64_t k, int64_t n, int64_t strideK, int64_t strideN, int64_t width,
                T *packed) {
  for (int64_t first = 0; first < n; first += width)
    for (int64_t i = 0; i < k; ++i, packed += width)
      for (int64_t j = 0; j < width; ++j)
        packed[j] = first + j < n ? matrix[i * strideK + (first + j) * strideN] : T(0);
}
/// A constant's values as f32; empty if it is not of a float type up to 32 bits.
std::vector<float> floatValues(mlir::ElementsAttr value);
/// Replaces operand `index` of a kernel by a packed constant. `layout` is noted in
/// the kernel's `packed` attribute, where `packedLayout` finds it.
void replaceByPacked(plan::KernelOp kernel, unsigned index, llvm::ArrayRef<int64_t> shape, std::vector<float> values,
                     llvm::StringRef layout);
void replaceByPacked(plan::KernelOp kernel, unsigned index, mlir::RankedTensorType type, llvm::ArrayRef<char> bytes,
                     llvm::StringRef layout);
void replaceByPacked(plan::KernelOp kernel, unsigned index, mlir::RankedTensorType type, mlir::AsmResourceBlob blob,
                     llvm::StringRef layout);

/// Whether the dimensions of `space` but the last can be one run of rows: each
/// tensor of the kernel's epilogue (the ops fused behind the root) has all of them or
/// broadcasts all. The epilogue then finds its operands by the row's number, which
/// need not be divided into coordinates.
bool rowsMerge(plan::KernelOp kernel, llvm::ArrayRef<mlir::AffineExpr> space);

/// Emits the code of one tile: accumulators, loops over steps, stores.
class ContractionTile {
public:
  using Accumulators = llvm::SmallVector<mlir::Value>;

  ContractionTile(KernelContext &context, TileShape shape) : c(context), shape(shape) {}

  Accumulators zero();
  /// One loop over `count` steps, which adds to the accumulators: for all rows r and vectors v
  ///
  ///     acc[r, v] += a[rowOffsets[r] + step * rowStride] * b[columnOffset + step * columnStride + v * L ..]
  ///
  /// A row whose `valid` is false takes zero for its scalar (empty: all are valid). `masks`, one a
  /// vector, limit the loads from `b` (empty: none does). `each`, if any, emits what else to do in a step.
  Accumulators contract(Accumulators accumulators, mlir::Value count, const OperandReader &a,
                        llvm::ArrayRef<mlir::Value> rowOffsets, mlir::Value rowStride, const OperandReader &b,
                        mlir::Value columnOffset, mlir::Value columnStride, llvm::ArrayRef<mlir::Value> valid = {},
                        llvm::ArrayRef<mlir::Value> masks = {}, llvm::function_ref<void(mlir::Value)> each = nullptr);
  /// Stores the tile through the kernel's epilogue. rowIndex(r) gives the result's coordinates
  /// of row r, without the last; with `merged` (see rowsMerge) they are one row number. The tile begins at `column` of
  /// `columnCount` columns, those beyond are not stored; `staticColumns` is their number if known, else -1.
  /// bias(column, mask), if any, gives the vector to add at a column.
  mlir::LogicalResult finish(const Accumulators &accumulators, mlir::Value rootResult, Exprs space,
                             llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value)> rowIndex,
                             mlir::Value column, mlir::Value columnCount, int64_t staticColumns, bool merged = false,
                             llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> bias = nullptr);

private:
  KernelContext &c;
  TileShape shape;
};

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGIES_CONTRACTIONTILE_H
