// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes that make memory explicit.
#ifndef TENON_TRANSFORMS_MEMORY_PASSES_H
#define TENON_TRANSFORMS_MEMORY_PASSES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace tenon::memory {
#define GEN_PASS_DECL
#include "tenon/Transforms/Memory/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Transforms/Memory/Passes.h.inc"
} // namespace tenon::memory

#endif // TENON_TRANSFORMS_MEMORY_PASSES_H
