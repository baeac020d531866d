// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model's outputs by the tolerance, then by what rounding costs.
#include "tenon/Verify/OutputVerifier.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/PassManager.h"
#include "tenon/Dialect/Graph/Transforms/Passes.h"
#include <cmath>

using namespace mlir;
using namespace tenon;
using reference::Tensor;

static reference::Results run(ModuleOp module, ArrayRef<Tensor> inputs, reference::Sums sums = reference::Sums::inF64) {
  return reference::Evaluator(reference::Registry::graphOps(sums))
      .evaluate(module.lookupSymbol<func::FuncOp>("main"), inputs);
}

LogicalResult OutputVerifier::evaluate() {
  reference::Results results = run(graph, inputs);
  if (failed(results))
    return failure();
  expected = std::move(*results);
  return success();
}

void OutputVerifier::evaluateRounding() {
  OwningOpRef<ModuleOp> wide = graph.clone();
  PassManager passes(graph.getContext());
  passes.addPass(graph::createWidenToF64Pass());
  inF64 = succeeded(passes.run(*wide)) ? run(*wide, inputs) : reference::Results(failure());
  inF32 = run(graph, inputs, reference::Sums::inF32);
}

std::optional<RoundingCheck> OutputVerifier::checkRounding(unsigned index, const Tensor &found, const Tensor &other) {
  if (!inF64)
    evaluateRounding();
  if (failed(*inF64) || failed(*inF32))
    return std::nullopt;
  auto distance = [&](const Tensor &tensor) {
    reference::Difference difference = compare(tensor, (**inF64)[index], tolerance);
    return difference.problem.empty() ? difference.excess : std::numeric_limits<double>::infinity();
  };
  RoundingCheck check{distance(found), distance(other), distance((**inF32)[index]), 0};
  // Of an integer, a NaN or a shape that rounding changes nothing follows for others.
  if (std::isfinite(check.f32))
    check.allowed = std::max(1.0, kRoundingFactor * check.f32);
  return check;
}

OutputCheck OutputVerifier::check(unsigned index, StringRef name, StringRef against, const Tensor &found,
                                  const Tensor &other) {
  OutputCheck check{name.str(), against.str(), compare(found, other, tolerance), std::nullopt};
  if (check.difference.problem.empty() && !check.difference.ok())
    check.rounding = checkRounding(index, found, other);
  return check;
}

OutputCheck OutputVerifier::checkReference(unsigned index, StringRef name, const Tensor &found) {
  return check(index, name, "reference", found, expected[index]);
}

OutputCheck OutputVerifier::checkRecorded(unsigned index, StringRef name, const Tensor &found, const Tensor &recorded) {
  return check(index, name, "recorded output", found, recorded);
}
