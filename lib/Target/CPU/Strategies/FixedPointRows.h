// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The few rows of a product with codes that are bytes (ByteCodes in PackedCodes.h), as integers. A segment of a row,
// 32 elements or a smaller block, is rounded to multiples of one power of two u, of which its largest element has 2^22
// to 2^23. Three signed bytes hold such a multiple:
//
//   x[k] = u * (d0[k] + 2^8 * d1[k] + 2^16 * d2[k])      each d a signed byte, a digit
//
//     segment   | u | x[0] = (d0, d1, d2) | x[1] = (d0, d1, d2) | ..      digits lie by fours of steps, see `digits`
//
// AVX2's vpmaddubsw multiplies unsigned bytes (codes) with signed ones (digits) and adds the products by pairs. So 4
// steps of 8 columns take six instructions of arithmetic: for each digit one product and one addition. Sums of integers
// are exact. An element's rounding is within 2^-23 of the segment's largest.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_FIXEDPOINTROWS_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_FIXEDPOINTROWS_H

#include "CodePanels.h"
#include "tenon/Codegen/OperandReader.h"

namespace tenon::cpu {

class FixedPointRows {
public:
  /// How many rows at most may become integers for a product with such codes; 0: none may.
  static int64_t most(const PackedCodes &codes, int64_t lanes);
  /// Allocates the buffers of `rows` rows.
  FixedPointRows(KernelContext &context, const PackedCodes &codes, int64_t lanes, int64_t rows);

  /// Rounds row number `row`, which begins at the flat offset `offset`. The result (i1) is true if integers stand for
  /// it. They do not where an element is infinite, NaN or 2^96 or more, where all are below 2^-96, or where most of a
  /// segment are below 2^-12 of its largest, which would leave them few bits.
  mlir::Value prepare(const OperandReader &reader, mlir::Value offset, mlir::Value row) const;

  /// A prepared row's products with the selected panels of `weights`, a vector per panel.
  llvm::SmallVector<mlir::Value> multiply(CodePanels &weights, mlir::Value row) const;

private:
  /// Rounds segment `number` of a row, of which `count` elements are in K. Raises `largest` (bits of an absolute value)
  /// to the segment's largest; clears `fits` (i1) where too many elements are small.
  void prepareSegment(const OperandReader &reader, mlir::Value offset, mlir::Value row, mlir::Value number,
                      int64_t count, mlir::Value &largest, mlir::Value &fits) const;
  /// Stores the digits of elements times `inverse`, rounded, from step `first` of the row on. Returns the integers'
  /// sums, a vector.
  mlir::Value storeDigits(llvm::ArrayRef<mlir::Value> elements, mlir::Value inverse, mlir::Value row,
                          mlir::Value first) const;
  using Sums = llvm::SmallVector<mlir::Value>;
  /// The segment of a group that begins at step `from`, a vector per panel: the sum of x[k] times the code's value less
  /// the zero point that holds for all, if any. Neither scales nor zero points of blocks are in it.
  Sums multiplySegment(CodePanels &weights, mlir::Value row, mlir::Value group, int64_t from) const;
  /// Adds a block whose segments' sum is `segments` to the totals: total += scale * (segments - zero * sum of x).
  Sums addBlock(CodePanels &weights, mlir::Value row, Sums totals, mlir::Value block, Sums segments) const;
  mlir::Value pinned(mlir::Value value) const;
  int64_t segment() const; ///< steps that share a unit
  mlir::Value splat(mlir::Value buffer, mlir::Value row, mlir::Value index) const;

  KernelContext &c;
  const PackedCodes &w;
  int64_t lanes;
  /// i32 [rows, K in whole groups]. The digits of four steps lie transposed in four words: word 4q + i has digit i of
  /// steps 4q, 4q + 1, 4q + 2 and 4q + 3 in its bytes, the lowest first, as a quad has its codes. Word 4q + 3 is not
  /// read.
  mlir::Value digits;
  mlir::Value units;  ///< f32 [rows, segments]: u times the unit of the codes
  mlir::Value starts; ///< f32 [rows, segments]: minus the sum of x, times the zero point that holds for all
  mlir::Value inputs; ///< f32 [rows, blocks]: minus the sum of x; null where blocks have no zero points
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_FIXEDPOINTROWS_H
