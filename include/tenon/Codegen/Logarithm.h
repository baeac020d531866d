// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The natural logarithm of every float, denormals too.
#ifndef TENON_CODEGEN_LOGARITHM_H
#define TENON_CODEGEN_LOGARITHM_H

#include "mlir/IR/Builders.h"

namespace tenon::codegen {

/// log x, of a scalar or of lanes, in float32. Where x is known to be no denormal,
/// math.log alone will do.
mlir::Value emitLogarithm(mlir::OpBuilder &b, mlir::Location loc, mlir::Value x);

} // namespace tenon::codegen

#endif // TENON_CODEGEN_LOGARITHM_H
