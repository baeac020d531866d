// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which operands of ONNX operators are weights, and the values behind them.
#ifndef TENON_LIB_TRANSFORMS_NUMERICS_WEIGHTSOURCE_H
#define TENON_LIB_TRANSFORMS_NUMERICS_WEIGHTSOURCE_H

#include "tenon/Dialect/ONNX/IR/Onnx.h"

namespace tenon::numerics {

/// An operand that is multiplied and summed: channels of the result run along
/// channelAxis, the sum along blockAxis, and of one channel along all axes behind it if
/// sumsTrailing.
struct WeightOperand {
  unsigned input;
  int64_t channelAxis, blockAxis;
  bool sumsTrailing = false;
};
/// Operands of a node that are weights if they are constant; empty for other
/// operators.
mlir::SmallVector<WeightOperand> weightOperands(onnxir::NodeOp node);
/// Why a constant float operand that is no such weight stays as it is; nothing
/// of operands with fewer than two dimensions longer than one: biases, scales, limits.
std::optional<std::string> reasonToKeep(onnxir::NodeOp node, unsigned input);

/// Operands of a layer that are multiplied with its weights.
mlir::SmallVector<unsigned> activationInputs(onnxir::NodeOp node);
/// "x" for a model's input, else "output of NODE".
std::string nameOfValue(mlir::Value value);

/// The float values of a constant, seen through Reshape, Transpose and the like.
struct WeightSource {
  std::string name; ///< of the initializer
  mlir::SmallVector<int64_t> shape;
  uint64_t bytes = 0;           ///< in the model
  mlir::ArrayRef<float> mapped; ///< the model's own bytes, or
  std::vector<float> copied;    ///< values that had to be moved or widened

  mlir::ArrayRef<float> values() const { return copied.empty() ? mapped : mlir::ArrayRef<float>(copied); }
  int64_t count() const { return int64_t(values().size()); }
};
/// Without `withValues`, the values stay unread.
std::optional<WeightSource> findWeight(mlir::Value value, bool withValues = true);

} // namespace tenon::numerics

#endif // TENON_LIB_TRANSFORMS_NUMERICS_WEIGHTSOURCE_H
