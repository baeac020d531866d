// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Sizes, strides and buffers of planned values, over the module's symbols.
#ifndef TENON_DIALECT_PLAN_IR_SHAPES_H
#define TENON_DIALECT_PLAN_IR_SHAPES_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Value.h"
#include "llvm/ADT/SmallVector.h"

namespace tenon::plan {

using Exprs = llvm::SmallVector<mlir::AffineExpr>;

/// The map that gives a tensor's sizes: of an argument of a kernel its arg_shapes,
/// else graph::recordedShape. Null where none was recorded: the type has it all.
mlir::AffineMapAttr recordedShape(mlir::Value tensor);
/// A tensor's sizes: constants of its type, else of its recorded shape. An
/// expression is null if the size is in neither.
Exprs shapeOf(mlir::Value tensor);
/// Row-major strides of a shape, in elements.
Exprs stridesOf(llvm::ArrayRef<mlir::AffineExpr> shape);
/// Product of expressions (1 if empty).
mlir::AffineExpr product(llvm::ArrayRef<mlir::AffineExpr> exprs, mlir::MLIRContext *context);
/// The larger of 1 and a size.
mlir::AffineExpr atLeastOne(mlir::AffineExpr size);
/// The value whose buffer a value is: itself, or what it is a view of or waits for.
mlir::Value source(mlir::Value value);

} // namespace tenon::plan

#endif // TENON_DIALECT_PLAN_IR_SHAPES_H
