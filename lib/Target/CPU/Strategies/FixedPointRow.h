// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The one row of a product with codes in quads (see QuadCodes.h), as integers: a
// segment of 32 elements, or a smaller block, is rounded to multiples of a power of
// two 2^-22 to 2^-23 of its largest, which three signed bytes hold. x86 multiplies bytes and
// adds pairs in one instruction (AVX2's vpmaddubsw), so 4 steps of 8 columns take
// six instructions of arithmetic; sums of integers are exact. An element's rounding is
// within 2^-23 of the segment's largest.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_FIXEDPOINTROW_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_FIXEDPOINTROW_H

#include "CodePanels.h"
#include "OperandReader.h"

namespace tenon::cpu {

class FixedPointRow {
public:
  /// Whether products of a row with such codes can be those of integers.
  static bool isPossible(const PackedCodes &codes, int64_t lanes);
  /// Allocates what holds the row, on the stack.
  FixedPointRow(KernelContext &context, const PackedCodes &codes, int64_t lanes);

  /// Rounds the row that begins at a flat offset. True (i1) if integers stand for it: not where
  /// an element is no number or 2^96 or more, or none is 2^-96, or most of a segment are
  /// below 2^-12 of its largest, which would leave them few bits.
  mlir::Value prepare(const OperandReader &reader, mlir::Value offset) const;

  /// The row's products with `weights` of all K, a vector per panel.
  llvm::SmallVector<mlir::Value> multiply(CodePanels &weights) const;

private:
  void prepareSegment(const OperandReader &reader, mlir::Value offset, mlir::Value number, int64_t count, mlir::Value &largest, mlir::Value &fits) const;
  using Sums = llvm::SmallVector<mlir::Value>;
  /// Sums of a segment of a group, from step `from`.
  Sums multiplySegment(CodePanels &weights, mlir::Value group, int64_t from) const;
  /// Adds a block, the sum of `segments`, to the totals.
  Sums addBlock(CodePanels &weights, Sums totals, mlir::Value block, Sums segments) const;
  mlir::Value pinned(mlir::Value value) const;
  int64_t segment() const; ///< steps that share a unit
  mlir::Value splat(mlir::Value buffer, mlir::Value index) const;

  KernelContext &c;
  const PackedCodes &w;
  int64_t lanes;
  mlir::Value digits;  ///< i32 [K]: word i of four is byte i of four steps
  mlir::Value units;   ///< f32 [segments]
  mlir::Value starts;  ///< f32 [segments]: minus the sums of the row times the zero point that holds for all
  mlir::Value inputs;  ///< f32 [blocks]: minus the sums of the row
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_FIXEDPOINTROW_H
