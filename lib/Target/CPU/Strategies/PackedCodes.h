// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Narrow weights of a matrix product as its kernel reads them: column panels
// of one vector, codes in groups of 32 steps of K.
#ifndef TENON_TARGET_CPU_STRATEGIES_PACKEDCODES_H
#define TENON_TARGET_CPU_STRATEGIES_PACKEDCODES_H

#include "GemmProblem.h"
#include "HalfCodes.h"

namespace tenon::cpu {

/// Codes that can be read as bytes: those of integers of 2 to 7 bits, and of other formats
/// of up to 4 bits whose values are multiples of a unit, at most 127 of them apart.
struct ByteCodes {
  double unit = 1;
  int64_t zero = 0;    ///< the byte that the value 0 has or would have
  int64_t largest = 0; ///< the largest byte
  /// The byte of each code; empty where the code is it, signed ones with the highest bit flipped.
  llvm::SmallVector<uint8_t> table;

  static std::optional<ByteCodes> of(mlir::Type element);
};

/// Layout, for codes of b bits and panels of W columns:
///   codes       [panels][groups][b][W] words: the b words of a column are the
///               bit string of its 32 codes, the first in the low bits; in
///               quads they lie in bytes instead, see `bitRuns`
///   scales      [panels][blocks][W] of the model's type
///   zero points the same, as bytes or of the model's float type
/// Unsigned codes whose zero point is the middle of their range have the
/// highest bit flipped: read as signed, they need no subtraction. Signed codes in quads
/// have it flipped, too: bytes are unsigned.
/// What pads N and K is zero. A kernel reads S panels at a time, each a stream
/// of its own from one time to the next: the panel of columns p * W to p * W +
/// W - 1 is number p % S * (panels / S) + p / S.
struct PackedCodes {
  static constexpr int64_t kGroup = 32; ///< steps of K in a group

  graph::DequantizeOp op;
  mlir::Type element;            ///< of the codes
  int64_t k, n, block;           ///< see graph::NarrowWeights
  unsigned codes, scales;        ///< kernel operands
  std::optional<unsigned> zeros; ///< kernel operand; none where one zero point, `center`, holds for all
  double center = 0;
  std::optional<ByteCodes> bytes;  ///< of codes in quads that are bytes
  std::optional<HalfCodes> halves; ///< of codes in quads that become float16

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
  bool areQuads() const { return bytes || halves; }
  /// The byte of a row of words for a column of the panel of `width` and a step of four: those of a
  /// column side by side, or two by two for float16, of which half a vector is a step of all columns.
  int64_t placeOf(int64_t column, int64_t step, int64_t width) const {
    return bytes ? column * 4 + step : (step / 2 * width + column) * 2 + step % 2;
  }
  /// The byte of the zero point of all codes in quads; without one of all, of 0.
  double zeroByte() const { return bytes->zero + center / bytes->unit; }
  /// For the ledger, e.g. "int4, block 32" or "f8E4M3FN".
  std::string text() const;
  /// How codes are decoded, for the ledger: "by table", "by arithmetic", "in fours" or "as float16".
  llvm::StringRef method(const CpuTarget &target) const;

  /// The weights of a kernel with root matmul, before or after packing; nothing
  /// if its right operand is not narrow.
  static std::optional<PackedCodes> read(plan::KernelOp kernel, const CpuTarget &target);
  /// Replaces the kernel's operands by the layout above.
  static mlir::LogicalResult pack(plan::KernelOp kernel, const CpuTarget &target, int64_t streams);

private:
  void chooseLayout(const CpuTarget &target);
};

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGIES_PACKEDCODES_H
