// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the pass that evaluates constants gets at code that is faster than the
// reference, of which it knows nothing: the pipeline brings it along.
#ifndef TENON_TRANSFORMS_SIMPLIFY_CONSTANTEVALUATOR_H
#define TENON_TRANSFORMS_SIMPLIFY_CONSTANTEVALUATOR_H

#include "tenon/Reference/Tensor.h"
#include "tenon/Transforms/Simplify/Passes.h"
#include <memory>
#include <optional>

namespace tenon::simplify {

/// Computes the results of exactly rounded ops (graph::isExactlyRounded).
class ConstantEvaluator {
public:
  virtual ~ConstantEvaluator() = default;

  /// The same number for ops that the evaluator prepares for once, together.
  virtual uint64_t formOf(mlir::Operation *op) const = 0;

  /// The op's results with the reference's bits; nothing if it cannot compute them. A NaN
  /// for which the reference has one may have other bits.
  virtual std::optional<llvm::SmallVector<reference::Tensor>> evaluate(mlir::Operation *op,
                                                                       llvm::ArrayRef<reference::Tensor> operands) = 0;
};

/// The pass with an evaluator beside the reference.
std::unique_ptr<mlir::Pass> createEvaluateConstantsPass(std::shared_ptr<ConstantEvaluator> evaluator,
                                                        EvaluateConstantsPassOptions options = {});

} // namespace tenon::simplify

#endif // TENON_TRANSFORMS_SIMPLIFY_CONSTANTEVALUATOR_H
