// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs an ONNX model through import, conversion and the reference evaluator
// and compares the outputs with test vectors.
#ifndef TENON_VERIFY_REFERENCECHECK_H
#define TENON_VERIFY_REFERENCECHECK_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LLVM.h"
#include <string>

namespace tenon {

struct ReferenceCheckOptions {
  double atol = 1e-7, rtol = 1e-3; ///< what ONNX's own backend tests use
  bool evaluateConstants = false;  ///< run tenon-evaluate-constants first
  bool freezeInputs = false;       ///< inputs of rank 0 and 1 with up to 16 elements are constants
};

/// Each folder holds input_<i>.pb and output_<i>.pb. Writes one line per folder
/// to `report`, `ok` first if all outputs fit.
mlir::LogicalResult checkWithReference(mlir::MLIRContext &context, llvm::StringRef model,
                                       llvm::ArrayRef<std::string> folders, const ReferenceCheckOptions &options,
                                       llvm::raw_ostream &report);

} // namespace tenon

#endif // TENON_VERIFY_REFERENCECHECK_H
