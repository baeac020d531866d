// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Judges a model's outputs by the reference evaluator's run of the graph as it
// was imported, and by recorded outputs.
//
// Along a whole model rounding errors add up, and where large values cancel they
// leave any fixed tolerance, in correct code too. So where two outputs differ by
// more than the tolerance, the reference evaluates the graph twice more: with
// f64 everywhere, and with f32 sums. How far the second is from the first is what
// f32 arithmetic costs this model with these inputs. Both outputs may be
// kRoundingFactor times as far from the first.
#ifndef TENON_VERIFY_OUTPUTVERIFIER_H
#define TENON_VERIFY_OUTPUTVERIFIER_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "tenon/Reference/Compare.h"
#include "tenon/Reference/Evaluator.h"

namespace tenon {

/// Another order of additions has other errors of the same size; by how much the
/// largest of them varies is what this leaves room for.
constexpr double kRoundingFactor = 2;

/// Distances from the f64 evaluation, each the largest difference as a multiple
/// of the tolerance.
struct RoundingCheck {
  double found, expected; ///< of the two outputs that differ
  double f32;             ///< of the reference's output with f32 sums
  double allowed;         ///< kRoundingFactor times that, at least 1; 0 if rounding changes what has no size

  bool ok() const { return found <= allowed && expected <= allowed; }
};

struct OutputCheck {
  std::string name;
  std::string against;                   ///< "reference" or "recorded output"
  reference::Difference difference;      ///< judged by the tolerance
  std::optional<RoundingCheck> rounding; ///< where that fails

  bool ok() const { return difference.ok() || (rounding && rounding->ok()); }
};

class OutputVerifier {
public:
  /// The tensors' bytes must outlive the verifier.
  OutputVerifier(mlir::ModuleOp graph, llvm::ArrayRef<reference::Tensor> inputs, const reference::Tolerance &tolerance)
      : graph(graph), inputs(inputs), tolerance(tolerance) {}

  /// Runs the reference; to be called first. Failure after diagnostics.
  mlir::LogicalResult evaluate();
  OutputCheck checkReference(unsigned index, llvm::StringRef name, const reference::Tensor &found);
  OutputCheck checkRecorded(unsigned index, llvm::StringRef name, const reference::Tensor &found,
                            const reference::Tensor &recorded);

private:
  OutputCheck check(unsigned index, llvm::StringRef name, llvm::StringRef against, const reference::Tensor &found,
                    const reference::Tensor &expected);
  std::optional<RoundingCheck> checkRounding(unsigned index, const reference::Tensor &found,
                                             const reference::Tensor &expected);
  void evaluateRounding();

  mlir::ModuleOp graph;
  llvm::ArrayRef<reference::Tensor> inputs;
  reference::Tolerance tolerance;
  llvm::SmallVector<reference::Tensor> expected;
  std::optional<reference::Results> inF64, inF32; ///< once asked for
};

} // namespace tenon

#endif // TENON_VERIFY_OUTPUTVERIFIER_H
