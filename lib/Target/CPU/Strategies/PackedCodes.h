// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Narrow weights of a matrix product as its kernel reads them: column panels
// of one vector, codes in groups of 32 steps of K.
#ifndef TENON_TARGET_CPU_STRATEGIES_PACKEDCODES_H
#define TENON_TARGET_CPU_STRATEGIES_PACKEDCODES_H

#include "GemmProblem.h"

namespace tenon::cpu {

/// Layout, for codes of b bits and panels of W columns:
///   codes       [panels][groups][b][W] words: the b words of a column are the
///               bit string of its 32 codes, the first in the low bits; in
///               quads they lie in bytes instead, see `bitRuns`
///   scales      [panels][blocks][W] of the model's type
///   zero points the same, as bytes or of the model's float type
/// Unsigned codes whose zero point is the middle of their range have the
/// highest bit flipped: read as signed, they need no subtraction. Codes in quads are
/// read as unsigned: signed ones have it flipped.
/// What pads N and K is zero. A kernel reads S panels at a time, each a stream
/// of its own from one time to the next: the panel of columns p * W to p * W +
/// W - 1 is number p % S * (panels / S) + p / S.
struct PackedCodes {
  static constexpr int64_t kGroup = 32; ///< steps of K in a group

  graph::DequantizeOp op;
  mlir::Type element;        ///< of the codes
  int64_t k, n, block;       ///< see graph::NarrowWeights
  unsigned codes, scales;    ///< kernel operands
  std::optional<unsigned> zeros; ///< kernel operand; none where one zero point, `center`, holds for all
  double center = 0;
  bool inQuads = false;

  int64_t bits() const { return num::formatOf(element)->width(); }
  int64_t groups() const { return llvm::divideCeil(k, kGroup); }
  /// Scales of a column; whole groups of them where a group has several.
  int64_t blocks() const { return block < kGroup ? groups() * (kGroup / block) : llvm::divideCeil(k, block); }
  /// Whether codes are read as signed ones, though they are not.
  bool isCentered() const;
  /// Where four steps' codes lie in the b words of a group, each in a byte of its
  /// own (see `placeOf`): as many whole codes as a byte holds, then codes of the bits left.
  struct BitRun {
    int64_t word, from; ///< lowest bit in the word's byte
    int64_t bit, count; ///< lowest bit of the code, and how many
  };
  using BitRuns = llvm::SmallVector<BitRun>;
  llvm::SmallVector<BitRuns> bitRuns() const;
  /// The byte of a row of words for a column of the panel and a step of four.
  static int64_t placeOf(int64_t column, int64_t step) { return column * 4 + step; }
  /// What was added to codes in quads: half their range if they are signed.
  int64_t offset() const { return element.isSignedInteger() || element.isSignlessInteger() ? int64_t(1) << (bits() - 1) : 0; }
  /// The zero point of all codes in quads as they lie; without one of all, what was added.
  double storedZero() const { return offset() + center; }
  /// For the ledger, e.g. "int4, block 32" or "f8E4M3FN".
  std::string text() const;

  /// The weights of a kernel with root matmul, before or after packing; nothing
  /// if its right operand is not narrow.
  static std::optional<PackedCodes> read(plan::KernelOp kernel, const CpuTarget &target);
  /// Replaces the kernel's operands by the layout above.
  static mlir::LogicalResult pack(plan::KernelOp kernel, const CpuTarget &target, int64_t streams);
};

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGIES_PACKEDCODES_H
