// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Codes of a narrow number format to f32, in registers: value(code) - center. Which
// values the codes have comes from the format's declaration alone. Codes in quads have a
// decoder of their own (QuadCodes.h).
#ifndef TENON_TARGET_CPU_STRATEGIES_CODEDECODER_H
#define TENON_TARGET_CPU_STRATEGIES_CODEDECODER_H

#include "tenon/Codegen/KernelContext.h"
#include "tenon/Target/CPU/CpuTarget.h"

namespace tenon::cpu {

using namespace codegen;

class CodeDecoder {
public:
  /// Decodes to the code's value minus `center`, in vectors of `lanes`. Emits the table, if there is one.
  CodeDecoder(KernelContext &context, const CpuTarget &target, mlir::Type element, int64_t lanes, double center);

  /// `codes` are i32 lanes with a code each in the low bits; the bits above
  /// may hold anything.
  mlir::Value decode(mlir::Value codes) const;

  /// Whether codes are decoded by a table in registers; else by arithmetic.
  static bool hasTable(mlir::Type element, int64_t lanes, const CpuTarget &target);

private:
  KernelContext &c;
  const CpuTarget &target;
  mlir::Type element;
  int64_t lanes;
  double center;
  mlir::Value table; ///< f32 [lanes]: lane i has the value of code i; null: by arithmetic
  mlir::Value upper; ///< those of codes lanes + i, where codes have a bit more; else null
};

} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_STRATEGIES_CODEDECODER_H
