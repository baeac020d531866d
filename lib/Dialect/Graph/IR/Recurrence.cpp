// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The conversion from ONNX, the reference evaluator and the strategies read one table, so that all of them
// know the same functions with the same defaults. Entry i of the lists alpha and beta belongs to function
// i of all directions; where a list is missing or shorter, the function's default holds.
#include "tenon/Dialect/Graph/IR/Recurrence.h"

using namespace mlir;

namespace tenon::graph {

// ONNX says that the defaults are those of the operators of these names. No
// operator set that is supported has Affine and ScaledTanh; the one that had
// them gave defaults to Affine alone.
static const RecurrentFunction kFunctions[] = {
    {"Affine", true, true, 1, 0},
    {"Elu", true, false, 1, 0},
    {"HardSigmoid", true, true, 0.2f, 0.5f},
    {"LeakyRelu", true, false, 0.01f, 0},
    {"Relu"},
    {"ScaledTanh", true, true, 0, 0, /*hasDefaults=*/false},
    {"Sigmoid"},
    {"Softplus"},
    {"Softsign"},
    {"Tanh"},
    {"ThresholdedRelu", true, false, 1, 0},
};

ArrayRef<RecurrentFunction> recurrentFunctions() { return kFunctions; }

const RecurrentFunction *recurrentFunction(StringRef name) {
  for (const RecurrentFunction &function : kFunctions)
    if (function.name.equals_insensitive(name))
      return &function;
  return nullptr;
}

SmallVector<RecurrentActivation> recurrentActivations(ArrayAttr names, DenseF32ArrayAttr alpha, DenseF32ArrayAttr beta,
                                                      ArrayRef<StringRef> defaults, unsigned directions) {
  SmallVector<RecurrentActivation> result;
  auto add = [&](StringRef name) {
    const RecurrentFunction *function = recurrentFunction(name);
    size_t i = result.size();
    auto given = [i](DenseF32ArrayAttr values, float otherwise) {
      return values && i < size_t(values.size()) ? values[i] : otherwise;
    };
    result.push_back(
        {name.lower(), given(alpha, function ? function->alpha : 0), given(beta, function ? function->beta : 0)});
  };
  if (names && !names.empty())
    for (Attribute name : names)
      add(cast<StringAttr>(name).getValue());
  else
    for (unsigned direction = 0; direction < directions; ++direction)
      llvm::for_each(defaults, add);
  return result;
}

} // namespace tenon::graph
