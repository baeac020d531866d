// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes of a narrow number format to f32, in registers. Every schedule that
// reads narrow weights goes through it: a format is a matter of its declaration.
#ifndef TENON_TARGET_CPU_STRATEGIES_CODEDECODER_H
#define TENON_TARGET_CPU_STRATEGIES_CODEDECODER_H

#include "tenon/Target/CPU/KernelContext.h"

namespace tenon::cpu {

class CodeDecoder {
public:
  /// Decodes to the code's value minus `center`, in vectors of `lanes`.
  CodeDecoder(KernelContext &context, mlir::Type element, int64_t lanes, double center);

  /// `codes` are i32 lanes with a code each in the low bits; the bits above
  /// may hold anything.
  mlir::Value decode(mlir::Value codes) const;

  /// Whether by a table in registers; else by arithmetic.
  static bool hasTable(mlir::Type element, int64_t lanes, const CpuTarget &target);

private:
  KernelContext &c;
  mlir::Type element;
  int64_t lanes;
  double center;
  mlir::Value table; ///< the values in one register; null: by arithmetic
  mlir::Value upper; ///< those of codes with the highest bit, where one has no room for all
};

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGIES_CODEDECODER_H
