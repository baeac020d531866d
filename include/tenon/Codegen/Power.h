// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The power function of kernels.
#ifndef TENON_CODEGEN_POWER_H
#define TENON_CODEGEN_POWER_H

#include "mlir/IR/Builders.h"

namespace tenon::codegen {

/// x^y of f32 or f64, scalars or vectors alike: a negative x has a power for every
/// whole y, and none (NaN) for another; 1^y and x^0 are 1. `fma`: whether the
/// target multiplies and adds in one instruction.
mlir::Value emitPower(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x, mlir::Value y, bool fma);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_POWER_H
