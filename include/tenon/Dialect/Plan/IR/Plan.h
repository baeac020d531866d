// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The plan dialect: kernels, their devices and buffers.
#ifndef TENON_DIALECT_PLAN_IR_PLAN_H
#define TENON_DIALECT_PLAN_IR_PLAN_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "tenon/Dialect/Plan/IR/PlanDialect.h.inc"
#include "tenon/Dialect/Plan/IR/PlanEnums.h.inc"
#define GET_ATTRDEF_CLASSES
#include "tenon/Dialect/Plan/IR/PlanAttrs.h.inc"
#define GET_OP_CLASSES
#include "tenon/Dialect/Plan/IR/PlanOps.h.inc"

namespace tenon::plan {

/// The memory that model inputs and outputs are in.
inline constexpr llvm::StringLiteral kHostSpace = "host";
/// The module's attribute with its arenas.
inline constexpr llvm::StringLiteral kArenasAttr = "plan.arenas";
/// The arena of a space; null where none has been assigned.
ArenaAttr arenaOf(mlir::ModuleOp module, llvm::StringRef space);

} // namespace tenon::plan

#endif // TENON_DIALECT_PLAN_IR_PLAN_H
