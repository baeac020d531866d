// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation of constants by compiled code.
#ifndef TENON_PIPELINES_NATIVECONSTANTS_H
#define TENON_PIPELINES_NATIVECONSTANTS_H

#include "tenon/Transforms/Simplify/ConstantEvaluator.h"

namespace tenon {

/// Compiles exactly rounded ops for what every processor of this process's
/// architecture has, and runs them in this process. Where operands have the result's
/// shape, one element, or one for each slice along an axis, ops of all sizes are
/// compiled once in the evaluator's life; others once for each shape.
std::shared_ptr<simplify::ConstantEvaluator> nativeConstants();

} // namespace tenon

#endif // TENON_PIPELINES_NATIVECONSTANTS_H
