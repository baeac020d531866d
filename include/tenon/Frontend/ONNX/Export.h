// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Writing a model back with some weights in another format, and other operands
// rounded to one: the model's own nodes stay as they are, and QuantizeLinear,
// DequantizeLinear or Cast nodes give the values.
#ifndef TENON_FRONTEND_ONNX_EXPORT_H
#define TENON_FRONTEND_ONNX_EXPORT_H

#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include <string>
#include <vector>

namespace tenon {

/// A tensor for an ONNX file; one element per byte (or two, four), as in the IR.
struct OnnxTensor {
  int type = 0;      ///< TensorProto.DataType
  unsigned bits = 0; ///< of an element; those below 8 are packed, the first in the low bits
  std::vector<int64_t> shape;
  llvm::ArrayRef<uint8_t> bytes;
};

/// A new weight of a node's input.
struct OnnxWeight {
  std::string node; ///< its name, as the importer gives it
  unsigned input = 0;
  std::string name; ///< stem of the new names
  OnnxTensor codes;
  std::optional<OnnxTensor> scale = {}, zeroPoint = {}; ///< without a scale: Cast
  std::optional<float> globalScale = {};
  int64_t axis = 0, blockSize = 0;
  int result = 1;                  ///< element type and
  std::vector<int64_t> shape = {}; ///< shape that the node expects
};

/// An operand that is rounded to a format and back.
struct OnnxActivation {
  std::string node; ///< its name, as the importer gives it
  unsigned input = 0;
  int type = 0;               ///< of the codes
  unsigned bits = 0;          ///< of one
  std::optional<float> scale; ///< without one: Cast
  std::optional<uint8_t> zeroPoint = std::nullopt;
  int result = 1; ///< element type of the operand

  bool operator==(const OnnxActivation &) const = default;
};

/// Writes `output`, all or nothing. Initializers that nothing uses any longer
/// are left out. Fails after diagnostics, e.g. where the model's opset is older
/// than the types and attributes that the weights need.
mlir::LogicalResult writeOnnxConverted(mlir::MLIRContext &context, llvm::StringRef model,
                                       llvm::ArrayRef<OnnxWeight> weights, llvm::ArrayRef<OnnxActivation> activations,
                                       llvm::StringRef output);

} // namespace tenon

#endif // TENON_FRONTEND_ONNX_EXPORT_H
