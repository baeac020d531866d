// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The few rows of a product with codes in quads (see QuadCodes.h), as integers: a
// segment of 32 elements, or a smaller block, is rounded to multiples of a power of
// two 2^-22 to 2^-23 of its largest, which three signed bytes hold. x86 multiplies bytes and
// adds pairs in one instruction (AVX2's vpmaddubsw), so 4 steps of 8 columns take
// six instructions of arithmetic; sums of integers are exact. An element's rounding is
// within 2^-23 of the segment's largest.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_FIXEDPOINTROWS_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_FIXEDPOINTROWS_H

#include "CodePanels.h"
#include "OperandReader.h"

namespace tenon::cpu {

class FixedPointRows {
public:
  /// How many rows' products with such codes may be those of integers; 0 for none.
  static int64_t most(const PackedCodes &codes, int64_t lanes);
  /// Allocates what holds the rows, on the stack.
  FixedPointRows(KernelContext &context, const PackedCodes &codes, int64_t lanes, int64_t rows);

  /// Rounds row number `row`, which begins at a flat offset. True (i1) if integers stand for it: not where
  /// an element is no number or 2^96 or more, or none is 2^-96, or most of a segment are
  /// below 2^-12 of its largest, which would leave them few bits.
  mlir::Value prepare(const OperandReader &reader, mlir::Value offset, mlir::Value row) const;

  /// A prepared row's products with `weights`, a vector per panel.
  llvm::SmallVector<mlir::Value> multiply(CodePanels &weights, mlir::Value row) const;

private:
  void prepareSegment(const OperandReader &reader, mlir::Value offset, mlir::Value row, mlir::Value number,
                      int64_t count, mlir::Value &largest, mlir::Value &fits) const;
  using Sums = llvm::SmallVector<mlir::Value>;
  /// Sums of a segment of a group, from step `from`.
  Sums multiplySegment(CodePanels &weights, mlir::Value row, mlir::Value group, int64_t from) const;
  /// Adds a block, the sum of `segments`, to the totals.
  Sums addBlock(CodePanels &weights, mlir::Value row, Sums totals, mlir::Value block, Sums segments) const;
  mlir::Value pinned(mlir::Value value) const;
  int64_t segment() const; ///< steps that share a unit
  mlir::Value splat(mlir::Value buffer, mlir::Value row, mlir::Value index) const;

  KernelContext &c;
  const PackedCodes &w;
  int64_t lanes;
  mlir::Value digits; ///< i32 [rows, K]: word i of four is byte i of four steps
  mlir::Value units;  ///< f32 [rows, segments], of the products
  mlir::Value starts; ///< f32 [rows, segments]: minus the sums of a row times the zero point that holds for all
  mlir::Value inputs; ///< f32 [rows, blocks]: minus the sums of a row
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_FIXEDPOINTROWS_H
