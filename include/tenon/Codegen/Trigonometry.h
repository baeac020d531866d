// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sine, cosine and tangent of kernels.
#ifndef TENON_CODEGEN_TRIGONOMETRY_H
#define TENON_CODEGEN_TRIGONOMETRY_H

#include "mlir/IR/Builders.h"

namespace tenon::codegen {

/// sin(x) and cos(x) of f32, scalars or vectors alike: within [-1, 1] and 3 ULP for
/// every number, NaN for infinities and NaN. `fma`: whether the target multiplies and
/// adds in one instruction.
mlir::Value emitSine(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, bool fma);
mlir::Value emitCosine(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, bool fma);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_TRIGONOMETRY_H
