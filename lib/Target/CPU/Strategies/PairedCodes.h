// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Integer codes of up to 7 bits that become float32 two at a time. A code of b
// bits, put at the top of a byte's lower seven and that byte below one of 0x40, is the
// bfloat16 2 + u / 2^(b-1), where a signed code counts from its lowest. So one shift
// and one mask serve four steps of 8 columns, and bfloat16 is the upper half of a
// float32: fewer operations than converting each. In a product with one row, whose
// left operand can be made to fit, the odd step is read as it lies, the even one's
// bits below it:
//
//   odd' = odd + even / 2^16 + c, so x0 even + x1 odd = (x0 - x1 / 2^16) even + x1 odd' - c x1
//
// Sums of values from 2 to 4 lose up to two bits against sums around zero.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_PAIREDCODES_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_PAIREDCODES_H

#include "OperandReader.h"
#include "PackedCodes.h"

namespace tenon::cpu {

class PairDecoder {
public:
  PairDecoder(KernelContext &context, const PackedCodes &codes, int64_t lanes);

  /// Two steps of a column as f32: 2 + u / 2^(b-1), the odd one as it lies.
  struct Pair {
    mlir::Value even, odd;
  };
  /// Steps 4 * quad to 4 * quad + 3 of a group. `word(i)` is word i of the group, i32 lanes.
  std::array<Pair, 2> read(int64_t quad, llvm::function_ref<mlir::Value(int64_t)> word) const;
  /// The first word that a quad is read from.
  int64_t firstWord(int64_t quad) const { return quads[quad].front().word; }
  /// The codes divided by 2^(b-1), less the zero point that holds for all.
  Pair decode(Pair raw) const;

private:
  KernelContext &c;
  const PackedCodes &w;
  llvm::SmallVector<PackedCodes::BitRuns> quads;
  int64_t lanes;
};

/// The one row of a product, made to fit codes as they lie, on the stack.
class PairedRow {
public:
  /// Whether a row of K consecutive elements can be prepared.
  static bool isPossible(const PackedCodes &codes, int64_t lanes);
  PairedRow(KernelContext &context, const PackedCodes &codes, int64_t lanes);

  /// Prepares the row that begins at a flat offset. True (i1) unless an element
  /// is so large, or no number, that sums could not stand for those of products.
  mlir::Value prepare(const OperandReader &reader, mlir::Value offset) const;
  /// Element `step`, an index, splat.
  mlir::Value at(mlir::Value step) const;
  /// What a block's sum begins with, splat.
  mlir::Value start(mlir::Value block) const;
  /// A block's sum less its zero points, divided like codes, times the row; where blocks have their own.
  mlir::Value subtractZeros(mlir::Value sum, mlir::Value zeros, mlir::Value block) const;

private:
  mlir::Value splat(mlir::Value buffer, mlir::Value index) const;

  KernelContext &c;
  const PackedCodes &w;
  int64_t lanes;
  mlir::Value row, starts, inputs; ///< f32 buffers: [K], [blocks], minus the sums [blocks]
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_PAIREDCODES_H
