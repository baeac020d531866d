// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Passes of the CPU target.
#ifndef TENON_TARGET_CPU_PASSES_H
#define TENON_TARGET_CPU_PASSES_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

namespace tenon::cpu {
#define GEN_PASS_DECL
#include "tenon/Target/CPU/Passes.h.inc"
#define GEN_PASS_REGISTRATION
#include "tenon/Target/CPU/Passes.h.inc"
} // namespace tenon::cpu

#endif // TENON_TARGET_CPU_PASSES_H
