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
#define GET_OP_CLASSES
#include "tenon/Dialect/Plan/IR/PlanOps.h.inc"

#endif // TENON_DIALECT_PLAN_IR_PLAN_H
