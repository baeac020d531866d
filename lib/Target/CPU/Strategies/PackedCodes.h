// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Narrow weights of a matrix product as its kernel reads them. The weight at step k of K and column n is
//
//   w[k, n] = scale[k / block, n] * (value of code[k, n] - zero[k / block, n])
//
// with codes of b = 2 to 8 bits. Codes, scales and zero points are packed when the model is compiled, in column panels
// of one vector: W columns, the lanes of a vector of f32. Along K codes come in groups of 32 steps, which are b words
// of 32 bits a column whatever b is.
#ifndef TENON_TARGET_CPU_STRATEGIES_PACKEDCODES_H
#define TENON_TARGET_CPU_STRATEGIES_PACKEDCODES_H

#include "ContractionTile.h"
#include "HalfCodes.h"
#include "tenon/Codegen/MatMulShape.h"

namespace tenon::cpu {

/// Codes that can be read as bytes: value of a code = (byte - zero) * unit. They are those of integers
/// of 2 to 7 bits, and of other formats of up to 4 bits whose values are multiples of a unit, at most
/// 127 of them apart.
struct ByteCodes {
  double unit = 1;
  int64_t zero = 0;    ///< the byte that the value 0 has or would have
  int64_t largest = 0; ///< the largest byte
  /// The byte of each code; empty where the code is it, signed ones with the highest bit flipped.
  llvm::SmallVector<uint8_t> table;

  static std::optional<ByteCodes> of(mlir::Type element);
};

/// Layout, for codes of b bits and panels of W columns:
///
///   codes       [panels][groups][b][W] words of 32 bits
///   scales      [panels][blocks][W] of the model's type
///   zero points the same, as bytes or of the model's float type
///
/// What pads N and K is zero bits. A group of a panel is b rows of W words, so that one vector holds word i of all
/// columns; word i of column n lies at ((panel * groups + group) * b + i) * W + n % W. Within the words of a group
/// codes lie in one of two ways.
///
/// As bit strings, one a column: the code of step s is bits [s * b, s * b + b) of the column's b words, the lowest
/// bits first, and may lie in two words. For b = 3:
///
///     bits      31 30     29 .. 27    ..   5 .. 3    2 .. 0
///     word 0   [code 10][  code 9  ]  ..  [code 1]  [code 0]    two bits of code 10; its third is bit 0 of word 1
///
/// In quads (`areQuads`), where a target decodes four steps at a time: the four codes of steps 4q to 4q + 3 of a
/// column have a byte each of a row of words, with the same bits in each byte. `placeOf` says which byte, `bitRuns`
/// which bits.
///
/// Unsigned codes whose zero point is the middle of their range have the highest bit flipped: read as signed, they
/// need no subtraction. Signed codes in quads have it flipped, too: bytes are unsigned.
///
/// A kernel reads S panels side by side, and each from one unit of work to the next as a stream of its own. So every
/// S-th panel lies beside the other in memory: that of columns [p * W, p * W + W) is number
/// p % S * (panels / S) + p / S. For S = 2:
///
///     columns      0 .. W-1   W .. 2W-1   2W .. 3W-1   3W .. 4W-1   4W .. 5W-1   5W .. 6W-1
///     number          0           3            1            4            2            5
struct PackedCodes {
  static constexpr int64_t kGroup = 32; ///< steps of K in a group

  graph::DequantizeOp op;
  mlir::Type element;            ///< of the codes
  int64_t k, n, block;           ///< extents, and steps of K that share a scale; see graph::NarrowWeights
  unsigned codes, scales;        ///< kernel operands
  std::optional<unsigned> zeros; ///< kernel operand; null where one zero point, `center` (0: none), holds for all
  double center = 0;
  /// Codes in quads have one of these: those that are read as bytes, and those that become float16. Bit strings have
  /// neither.
  std::optional<ByteCodes> bytes;
  std::optional<HalfCodes> halves;

  int64_t bits() const { return num::formatOf(element)->width(); }
  int64_t groups() const { return llvm::divideCeil(k, kGroup); }
  /// Scales that a column has in the packed form: those of whole groups where a group has several.
  int64_t blocks() const { return block < kGroup ? groups() * (kGroup / block) : llvm::divideCeil(k, block); }
  /// Whether unsigned codes have their highest bit flipped and are read as signed ones.
  bool isCentered() const;
  /// A run of bits of a quad's codes that lie side by side in a byte: bits [bit, bit + count) of each code
  /// are bits [from, from + count) of its byte in row `word` of the group.
  struct BitRun {
    int64_t word, from;
    int64_t bit, count;
  };
  using BitRuns = llvm::SmallVector<BitRun>;
  /// The runs of each of the eight quads of a group. A byte holds as many whole codes as fit; the bits left in the
  /// bytes of all b words hold the other codes. For b = 3, which quad each bit of a byte belongs to:
  ///
  ///     bit      7   6   5   4   3   2   1   0
  ///     word 0 | 2   2 |     1     |     0     |    quad 2: bits 1 and 0 of its codes
  ///     word 1 | 5   2 |     4     |     3     |    bit 2 of quad 2 in bit 6, bit 0 of quad 5 in bit 7
  ///     word 2 | 5   5 |     7     |     6     |    quad 5: bits 2 and 1
  llvm::SmallVector<BitRuns> bitRuns() const;
  bool areQuads() const { return bytes || halves; }
  /// The byte of a row of W = `width` words for a column of the panel and step 0 to 3 of a quad. Codes that are bytes
  /// have the four steps of a column side by side, a lane of 32 bits a column; those that become float16 have two
  /// by two, so that half a vector of 16-bit lanes has all columns (cNsM: column N, step M):
  ///
  ///     bytes    c0s0 c0s1 c0s2 c0s3 | c1s0 c1s1 c1s2 c1s3 | ..
  ///     float16  c0s0 c0s1 | c1s0 c1s1 | .. | c0s2 c0s3 | c1s2 c1s3 | ..
  int64_t placeOf(int64_t column, int64_t step, int64_t width) const {
    return bytes ? column * 4 + step : (step / 2 * width + column) * 2 + step % 2;
  }
  /// The byte, of codes that are bytes, of the zero point that holds for all; without such a one, of the value 0.
  double zeroByte() const { return bytes->zero + center / bytes->unit; }
  /// For the ledger, e.g. "int4, block 32" or "f8E4M3FN".
  std::string text() const;
  /// How codes are decoded, for the ledger: "by table", "by arithmetic", "in fours" or "as float16".
  llvm::StringRef method(const CpuTarget &target) const;

  /// The weights of a kernel with root matmul, before or after packing; nothing
  /// if its right operand is not narrow.
  static std::optional<PackedCodes> read(plan::KernelOp kernel, const CpuTarget &target);
  /// Replaces the kernel's operands by the layout above, for a kernel that reads `streams` panels side by side.
  static mlir::LogicalResult pack(plan::KernelOp kernel, const CpuTarget &target, int64_t streams);

private:
  /// Decides whether codes lie in quads: sets `bytes` or `halves`, or neither.
  void chooseLayout(const CpuTarget &target);
};

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGIES_PACKEDCODES_H
