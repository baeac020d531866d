// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Evaluation of constants by compiled code.
#ifndef TENON_PIPELINES_NATIVECONSTANTS_H
#define TENON_PIPELINES_NATIVECONSTANTS_H

#include "tenon/Transforms/Simplify/ConstantEvaluator.h"

namespace tenon {

/// Compiles exactly rounded ops for what every processor of this process's
/// architecture has, and runs them in this process. Ops that differ in the values
/// of their operands only are compiled once in the evaluator's life.
simplify::ConstantEvaluator nativeConstants();

} // namespace tenon

#endif // TENON_PIPELINES_NATIVECONSTANTS_H
