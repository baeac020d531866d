// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The two halves of num-lower-conversions.
#ifndef TENON_DIALECT_NUM_TRANSFORMS_CONVERSIONS_H
#define TENON_DIALECT_NUM_TRANSFORMS_CONVERSIONS_H

#include "tenon/Dialect/Num/IR/Num.h"

namespace tenon::num {

/// A format with exponents only, whose smallest value is float32's subnormal 2^-127.
bool isExponentScale(const numerics::Format &format);

mlir::Value lowerDecode(mlir::OpBuilder &b, DecodeOp op);
mlir::Value lowerEncode(mlir::OpBuilder &b, EncodeOp op);

} // namespace tenon::num

#endif // TENON_DIALECT_NUM_TRANSFORMS_CONVERSIONS_H
