// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes of the num dialect.
#ifndef TENON_DIALECT_NUM_TRANSFORMS_PASSES_H
#define TENON_DIALECT_NUM_TRANSFORMS_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tenon::num {
#define GEN_PASS_DECL
#include "tenon/Dialect/Num/Transforms/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Dialect/Num/Transforms/Passes.h.inc"
} // namespace tenon::num

#endif // TENON_DIALECT_NUM_TRANSFORMS_PASSES_H
