// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_TARGET_COMMON_MANIFESTTYPES_H
#define TENON_TARGET_COMMON_MANIFESTTYPES_H

#include "mlir/IR/Types.h"

namespace tenon {

/// The manifest's number of an element type: ONNX's TensorProto.DataType. Formats
/// that ONNX lacks are described by the unsigned integers that hold their codes.
int32_t manifestType(mlir::Type element);

} // namespace tenon

#endif // TENON_TARGET_COMMON_MANIFESTTYPES_H
