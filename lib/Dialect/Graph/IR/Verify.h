// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that the verifiers of graph ops share. Ranks and sizes are checked
// where types know them: while a model is converted, results start unranked.
#ifndef TENON_DIALECT_GRAPH_IR_VERIFY_H
#define TENON_DIALECT_GRAPH_IR_VERIFY_H

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Operation.h"
#include "tenon/Dialect/Num/IR/Num.h"
#include <optional>

namespace tenon::graph {

inline mlir::Type elementOf(mlir::Value value) { return mlir::getElementTypeOrSelf(value.getType()); }
inline bool isFloat(mlir::Value value) { return tenon::num::isReal(elementOf(value)); }

inline std::optional<int64_t> rankOf(mlir::Value value) {
  auto type = llvm::dyn_cast<mlir::RankedTensorType>(value.getType());
  return type ? std::optional<int64_t>(type.getRank()) : std::nullopt;
}

/// The size of a dimension if the type has it and it is static.
inline std::optional<int64_t> sizeOf(mlir::Value value, int64_t dim) {
  auto type = llvm::dyn_cast<mlir::RankedTensorType>(value.getType());
  if (!type || dim < 0 || dim >= type.getRank() || type.isDynamicDim(dim))
    return std::nullopt;
  return type.getDimSize(dim);
}

/// Reports that constraint `number` of the op does not hold.
mlir::InFlightDiagnostic violation(mlir::Operation *op, int number);

/// All values have one element type.
mlir::LogicalResult checkElements(mlir::Operation *op, int number, mlir::ValueRange values);
mlir::LogicalResult checkAxis(mlir::Operation *op, int number, int64_t axis, std::optional<int64_t> rank);
/// Axes are ascending and within the rank.
mlir::LogicalResult checkAxes(mlir::Operation *op, int number, llvm::ArrayRef<int64_t> axes,
                              std::optional<int64_t> rank);
mlir::LogicalResult checkIntegers(mlir::Operation *op, int number, mlir::Value value);
/// A rank-1 operand has `count` elements, where both are known.
mlir::LogicalResult checkCount(mlir::Operation *op, int number, mlir::Value list, std::optional<int64_t> count);

/// The value has `count` elements, where its type tells.
mlir::LogicalResult checkElementCount(mlir::Operation *op, int number, mlir::Value value, int64_t count);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_VERIFY_H
