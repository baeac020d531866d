// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that decide number formats.
#ifndef TENON_TRANSFORMS_NUMERICS_PASSES_H
#define TENON_TRANSFORMS_NUMERICS_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Num/IR/Num.h"
#include "tenon/Dialect/ONNX/IR/Onnx.h"

namespace tenon::numerics {
#define GEN_PASS_DECL
#include "tenon/Transforms/Numerics/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Transforms/Numerics/Passes.h.inc"
} // namespace tenon::numerics

#endif // TENON_TRANSFORMS_NUMERICS_PASSES_H
