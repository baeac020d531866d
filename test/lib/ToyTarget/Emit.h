// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// From a region's planned program to the device's instructions.
#ifndef TOY_EMIT_H
#define TOY_EMIT_H

#include "tenon/Dialect/Plan/IR/Plan.h"
#include "tenon/Interfaces/Target.h"

namespace toy {

/// The scratchpad and the array of a chip, in bytes and elements.
struct Sizes {
  int64_t scratchpad, rows, columns;
};
inline Sizes sizesOf(const tenon::hw::Device &chip) {
  const tenon::hw::Memory *scratchpad = chip.memory("scratchpad");
  return {scratchpad ? scratchpad->bytes : 0, chip.limit("array_rows").value_or(0),
          chip.limit("array_columns").value_or(0)};
}

/// Instructions of all kernels, or their text.
mlir::FailureOr<tenon::GeneratedCode> emit(mlir::ModuleOp program, const Sizes &sizes,
                                           const tenon::GenerateOptions &options);

/// Whether an operand's elements are those of the result's last dimensions, again and
/// again: [4] or [1, 4] beside [3, 4], and not [3, 1].
bool repeatsWhole(mlir::ArrayRef<int64_t> operand, mlir::ArrayRef<int64_t> result);

} // namespace toy

#endif // TOY_EMIT_H
