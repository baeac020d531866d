// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The register tile that matrix products and convolutions share: some rows
// (matrix rows or output pixels) times some vectors of columns (output
// channels), accumulators in registers over the contraction loops.
#ifndef TENON_TARGET_CPU_STRATEGIES_CONTRACTIONTILE_H
#define TENON_TARGET_CPU_STRATEGIES_CONTRACTIONTILE_H

#include "OperandReader.h"
#include "tenon/Target/CPU/Strategy.h"

namespace tenon::cpu {

struct TileShape {
  int64_t rows, vectors, lanes;
  int64_t columns() const { return vectors * lanes; }
};

/// Tile for `columns` columns and up to `rows` rows (-1 if unknown): as many
/// accumulators as the register file holds beside the operands, but at most
/// `mostRows` rows. The choice rests on shape and target alone.
TileShape chooseTile(int64_t rows, int64_t columns, const CpuTarget &target, int64_t mostRows = 32);
/// Covers the rows that the tile at `first` owns of `extent` rows: a full tile
/// (moved up to end at the last row, which computes some rows again with the
/// same result), or narrower ones where there are fewer rows than a tile has.
void eachRowTile(KernelContext &context, TileShape tile, mlir::Value first, mlir::Value extent, int64_t staticExtent,
                 llvm::function_ref<void(TileShape, mlir::Value)> body);
/// Where a unit of work stands: row tiles vary fastest within a block of them,
/// whose rows stay in cache while all panels pass (no block: all of them).
struct BlockedUnit {
  mlir::Value tile, panel; ///< row tile and column panel
  mlir::Value number;      ///< the row tile's number within its block
  mlir::Value inBlock;     ///< row tiles of this block
};
BlockedUnit blockedOrder(KernelContext &context, mlir::Value unit, mlir::AffineExpr tiles, mlir::AffineExpr panels,
                         std::optional<int64_t> block);
/// Fetches the column panel after the one in use into the second-level cache,
/// a share with each step of each tile that uses the panel; it would otherwise
/// arrive at the speed of memory. Panels are [steps][width] in `buffer`.
class PanelFetch {
public:
  /// `number` of `count` says which tile of the panel this is.
  PanelFetch(KernelContext &context, mlir::Value buffer, mlir::Value panel, mlir::AffineExpr panels, mlir::Value steps,
             int64_t width, mlir::Value number, mlir::Value count);
  void emit(mlir::Value step) const;

private:
  KernelContext &c;
  mlir::Value buffer, from, share;
};
/// Row tiles of a block, for matrices of `steps` f32 values a row and `columns`
/// columns (-1: unknown): one where all panels fit in a part of the second-level
/// cache, so that results are written row by row; else as many as have their
/// rows fit there beside the panel in use and the next.
int64_t tilesInBlock(int64_t steps, int64_t columns, const TileShape &tile, const CpuTarget &target);

/// Packs a [K, N] matrix (element (k, n) at k * strideK + n * strideN) into panels
/// [ceil(N / width)][K][width], zero-padded.
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
/// Replaces operand `index` of a kernel by a packed constant.
void replaceByPacked(plan::KernelOp kernel, unsigned index, llvm::ArrayRef<int64_t> shape, std::vector<float> values,
                     llvm::StringRef layout);
void replaceByPacked(plan::KernelOp kernel, unsigned index, mlir::RankedTensorType type, llvm::ArrayRef<char> bytes,
                     llvm::StringRef layout);
void replaceByPacked(plan::KernelOp kernel, unsigned index, mlir::RankedTensorType type, mlir::AsmResourceBlob blob,
                     llvm::StringRef layout);
/// The layout that operand `index` was packed into, "" if none.
llvm::StringRef packedLayout(plan::KernelOp kernel, unsigned index);

/// Whether the dimensions of `space` but the last can be one run of rows: each
/// tensor of the kernel's epilogue has all of them or broadcasts all.
bool rowsMerge(plan::KernelOp kernel, llvm::ArrayRef<mlir::AffineExpr> space);

class ContractionTile {
public:
  using Accumulators = llvm::SmallVector<mlir::Value>;

  ContractionTile(KernelContext &context, TileShape shape) : c(context), shape(shape) {}

  Accumulators zero();
  /// One pass over `count` steps of the contraction: row r reads the scalar at
  /// rowOffsets[r] + step * rowStride of `a`, the columns read vectors at
  /// columnOffset + step * columnStride of `b`. Rows whose `valid` is false
  /// contribute zero (empty: all are valid). `masks` limit loads from `b`.
  /// `each`, if any, emits what else to do in a step.
  Accumulators contract(Accumulators accumulators, mlir::Value count, const OperandReader &a,
                        llvm::ArrayRef<mlir::Value> rowOffsets, mlir::Value rowStride, const OperandReader &b,
                        mlir::Value columnOffset, mlir::Value columnStride, llvm::ArrayRef<mlir::Value> valid = {},
                        llvm::ArrayRef<mlir::Value> masks = {}, llvm::function_ref<void(mlir::Value)> each = nullptr);
  /// Stores the tile through the kernel's epilogue. rowIndex(r) gives the
  /// result's coordinates without the last; column is the first column of
  /// `columnCount`. `bias`, if any, gives what to add at a column. With
  /// `merged` (see rowsMerge) the coordinates are one row number.
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
