// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Decoding of codes in quads (PackedCodes.h): those that are read as bytes (ByteCodes) or become float16 (HalfCodes).
// The four steps of a quad have a byte each and the same bits in each byte, so that one shift and one mask of a vector
// of words make bytes of all of them, with 256 bits 4 steps of 8 columns. For ByteCodes of formats that are no integers
// a look-up follows.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_QUADCODES_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_QUADCODES_H

#include "PackedCodes.h"
#include "tenon/Codegen/KernelContext.h"

namespace tenon::cpu {

using namespace codegen;

class QuadDecoder {
public:
  QuadDecoder(KernelContext &context, const PackedCodes &codes, int64_t lanes);

  /// Steps 4 * quad to 4 * quad + 3 of a group: i8 [4 * lanes], unsigned, each step and column where
  /// PackedCodes::placeOf says. `word(i)` is row i of the words of the group, i32 [lanes].
  mlir::Value bytes(int64_t quad, llvm::function_ref<mlir::Value(int64_t)> word) const;
  /// The first word that a quad is read from.
  int64_t firstWord(int64_t quad) const { return quads[quad].front().word; }
  /// One of the four steps of `bytes`, of all columns, as f32 [lanes]: the value less the zero point that holds for
  /// all, divided by `unit`.
  mlir::Value decode(mlir::Value bytes, int64_t step) const;
  /// By what decoded codes are to be multiplied; a product does that with its sums.
  double unit() const;

private:
  mlir::Value decodeHalf(mlir::Value bytes, int64_t step) const;

  KernelContext &c;
  const PackedCodes &w;
  llvm::SmallVector<PackedCodes::BitRuns> quads;
  int64_t lanes;
};

} // namespace tenon::cpu

#endif // TENON_LIB_TARGET_CPU_STRATEGIES_QUADCODES_H
