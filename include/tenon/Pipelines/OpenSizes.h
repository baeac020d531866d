// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a user says of a model's open dimensions before it is compiled: a size, or
// a range of sizes that the runtime then checks.
#ifndef TENON_PIPELINES_OPENSIZES_H
#define TENON_PIPELINES_OPENSIZES_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/StringRef.h"
#include <optional>
#include <string>
#include <vector>

namespace tenon {

/// About one dimension. Equal `min` and `max` fix it.
struct OpenSize {
  std::string flag;            ///< as it was given, for messages: "--sizes=batch=1"
  std::string name;            ///< of a dimension, or of an input
  std::optional<int64_t> axis; ///< of the input; without one, `name` may still be INPUT:AXIS
  std::optional<int64_t> min, max, nominal;
  int64_t rank = -1; ///< that the input must have; -1: any
};

/// Reads "NAME=SIZE,INPUT:AXIS=MIN..MAX". False with a coded message.
bool parseSizes(llvm::StringRef text, std::vector<OpenSize> &sizes, std::string &error);

/// Reads "NAME=SIZE,INPUT:AXIS=SIZE": sizes to expect.
bool parseNominal(llvm::StringRef text, std::vector<OpenSize> &sizes, std::string &error);

enum class ShapeBound { Min, Nominal, Max };
/// Reads "INPUT:1x3x224x224,..." as trtexec writes it, a bound for each axis;
/// `flag` is its spelling.
bool parseShapeBounds(llvm::StringRef flag, llvm::StringRef text, ShapeBound bound, std::vector<OpenSize> &sizes,
                      std::string &error);

/// Applies them to the inputs of an imported module: fixed sizes become static
/// types, ranges the attribute `onnx.sizes` that the conversion to graph reads.
/// All problems are reported.
mlir::LogicalResult applySizes(mlir::ModuleOp imported, llvm::ArrayRef<OpenSize> sizes);

} // namespace tenon

#endif // TENON_PIPELINES_OPENSIZES_H
