// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The graph dialect: what to compute. Include this header for its ops.
#ifndef TENON_DIALECT_GRAPH_IR_GRAPH_H
#define TENON_DIALECT_GRAPH_IR_GRAPH_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tenon/Dialect/Graph/IR/ShapeAnalysis.h"
#include "tenon/Dialect/Num/IR/Num.h"

namespace tenon::graph {
/// Elements of the results, or -1 where a dimension is not static: the work of
/// an op that does one operation per element.
int64_t defaultWork(mlir::Operation *op);
/// The map from symbols to a tensor's sizes that shape inference recorded for it, as an
/// argument of a function or a result; null where there is none.
mlir::AffineMapAttr recordedShape(mlir::Value tensor);
/// An expression as diagnostics print it.
std::string text(mlir::AffineExpr expr);
void registerGraphDialect(mlir::DialectRegistry &registry);
} // namespace tenon::graph

#include "tenon/Dialect/Graph/IR/GraphDialect.h.inc"
#include "tenon/Dialect/Graph/IR/GraphEnums.h.inc"
#include "tenon/Dialect/Graph/IR/GraphInterfaces.h.inc"
#define GET_OP_CLASSES
#include "tenon/Dialect/Graph/IR/GraphOps.h.inc"

#endif // TENON_DIALECT_GRAPH_IR_GRAPH_H
