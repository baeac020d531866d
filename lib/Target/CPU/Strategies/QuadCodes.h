// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes that can be read as bytes (see ByteCodes) or become float16 (see HalfCodes) lie in
// quads: a byte of a word holds codes of one step of four. One shift and one mask make 4
// steps of 8 columns bytes; for ByteCodes that are no integers one look-up follows.
#ifndef TENON_LIB_TARGET_CPU_STRATEGIES_QUADCODES_H
#define TENON_LIB_TARGET_CPU_STRATEGIES_QUADCODES_H

#include "PackedCodes.h"
#include "tenon/Target/CPU/KernelContext.h"

namespace tenon::cpu {

class QuadDecoder {
public:
  QuadDecoder(KernelContext &context, const PackedCodes &codes, int64_t lanes);

  /// Steps 4 * quad to 4 * quad + 3 of a group: i8 [4 * lanes], unsigned, as PackedCodes::placeOf
  /// says. `word(i)` is word i of the group, i32 [lanes].
  mlir::Value bytes(int64_t quad, llvm::function_ref<mlir::Value(int64_t)> word) const;
  /// The first word that a quad is read from.
  int64_t firstWord(int64_t quad) const { return quads[quad].front().word; }
  /// One of the four steps as f32 [lanes], less the zero point that holds for all, in units.
  mlir::Value decode(mlir::Value bytes, int64_t step) const;
  /// By what decoded codes are to be multiplied, which a product does with its sums.
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
