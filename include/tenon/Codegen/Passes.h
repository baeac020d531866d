// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes over emitted kernels that targets share.
#ifndef TENON_CODEGEN_PASSES_H
#define TENON_CODEGEN_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tenon::codegen {
#define GEN_PASS_DECL
#include "tenon/Codegen/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Codegen/Passes.h.inc"
} // namespace tenon::codegen

#endif // TENON_CODEGEN_PASSES_H
