// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_LIB_PIPELINES_PLACESTAGE_H
#define TENON_LIB_PIPELINES_PLACESTAGE_H

#include "tenon/Pipelines/Compile.h"
#include "tenon/Transforms/Simplify/ConstantEvaluator.h"

namespace tenon {

/// Infers shapes, folds, and evaluates what has become constant.
void addSimplification(mlir::OpPassManager &pm, const std::shared_ptr<simplify::ConstantEvaluator> &evaluator);

/// From a graph to programs of kernels: the stage place, without its check.
mlir::LogicalResult place(mlir::ModuleOp module, const Targets &targets, const CompileOptions &options,
                          const std::shared_ptr<simplify::ConstantEvaluator> &evaluator);

} // namespace tenon

#endif // TENON_LIB_PIPELINES_PLACESTAGE_H
