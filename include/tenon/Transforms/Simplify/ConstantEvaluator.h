// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the pass that evaluates constants gets at code that is faster than the
// reference, of which it knows nothing: the pipeline brings it along.
#ifndef TENON_TRANSFORMS_SIMPLIFY_CONSTANTEVALUATOR_H
#define TENON_TRANSFORMS_SIMPLIFY_CONSTANTEVALUATOR_H

#include "tenon/Reference/Tensor.h"
#include "tenon/Transforms/Simplify/Passes.h"
#include <functional>
#include <optional>

namespace tenon::simplify {

/// Computes the results of an exactly rounded op (graph::isExactlyRounded), with
/// the reference's bits; nothing if it cannot. A NaN for which the reference has
/// one may have other bits.
using ConstantEvaluator = std::function<std::optional<llvm::SmallVector<reference::Tensor>>(
    mlir::Operation *, llvm::ArrayRef<reference::Tensor>)>;

/// The pass with an evaluator beside the reference.
std::unique_ptr<mlir::Pass> createEvaluateConstantsPass(ConstantEvaluator evaluator,
                                                        EvaluateConstantsPassOptions options = {});

} // namespace tenon::simplify

#endif // TENON_TRANSFORMS_SIMPLIFY_CONSTANTEVALUATOR_H
