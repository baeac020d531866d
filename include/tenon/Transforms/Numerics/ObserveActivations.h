// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A model that also gives what enters its layers. The function behind
// onnx-observe-activations and the calibration of `tenon convert`.
#ifndef TENON_TRANSFORMS_NUMERICS_OBSERVEACTIVATIONS_H
#define TENON_TRANSFORMS_NUMERICS_OBSERVEACTIVATIONS_H

#include "tenon/Transforms/Numerics/ConvertWeights.h"

namespace tenon::numerics {

/// A value that enters layers which `options` convert.
struct ObservedActivation {
  std::string tensor;                                 ///< where it comes from
  std::vector<std::pair<std::string, unsigned>> uses; ///< node and operand number
  int output = -1;                                    ///< number of the model output that has its values as f32
  int executed = -1;        ///< number of the output that says whether it was computed; -1: always
  std::string unobservable; ///< why there is no such output
};

/// Adds the outputs to the function `main`. Values of a branch of an If are zeros
/// in runs that take the other one.
mlir::FailureOr<std::vector<ObservedActivation>> observeActivations(mlir::ModuleOp imported,
                                                                    const ConvertOptions &options);

} // namespace tenon::numerics

#endif // TENON_TRANSFORMS_NUMERICS_OBSERVEACTIVATIONS_H
