// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elements that move as they are stored, whatever they mean: neither arithmetic nor a conversion touches them, so that
// NaNs keep their bits. KernelContext's loads and stores convert to the compute type and back, where a signalling NaN
// becomes a quiet one.
#ifndef TENON_LIB_CODEGEN_STRATEGIES_MOVER_H
#define TENON_LIB_CODEGEN_STRATEGIES_MOVER_H

#include "tenon/Codegen/RowSchedule.h"

namespace tenon::codegen {

struct Mover {
  KernelContext &c;
  mlir::Type storage;
  int64_t lanes; // of the target's vectors

  /// Of elements that are stored as those of `tensor` are.
  Mover(KernelContext &c, mlir::Value tensor);

  /// Lanes of vectors over a run of `extent` elements; as many as the target has, where that is not known.
  int64_t widthFor(int64_t extent) const;
  void element(mlir::Value from, mlir::Value source, mlir::Value to, mlir::Value target);
  /// Copies `length` contiguous elements of a buffer; `extent` is their number if known, else negative.
  void run(mlir::Value from, mlir::Value source, mlir::Value to, mlir::Value target, mlir::Value length,
           int64_t extent);
  /// The same, from one value.
  void fill(mlir::Value scalar, mlir::Value to, mlir::Value target, mlir::Value length, int64_t extent);
};

} // namespace tenon::codegen

#endif // TENON_LIB_CODEGEN_STRATEGIES_MOVER_H
