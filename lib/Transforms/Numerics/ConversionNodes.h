// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ONNX nodes that stand for a conversion, in front of the operand's consumer.
#ifndef TENON_LIB_TRANSFORMS_NUMERICS_CONVERSIONNODES_H
#define TENON_LIB_TRANSFORMS_NUMERICS_CONVERSIONNODES_H

#include "WeightSource.h"
#include "tenon/Numerics/Calibrator.h"

namespace tenon::numerics {

/// Codes, scales and the nodes that give the values back. Codes of another shape
/// than the weight's are reshaped when they are values again.
mlir::Value emitWeight(onnxir::NodeOp consumer, const WeightSource &source, mlir::ArrayRef<int64_t> codesShape,
                       Quantized quantized, mlir::Type element);
/// An operand rounded to a format and back, as was chosen before.
mlir::Value emitActivation(onnxir::NodeOp consumer, unsigned input, const FixedConversion &conversion);
/// The same with a scale from the operand's own values, if the recipe has one.
mlir::Value emitActivation(onnxir::NodeOp consumer, unsigned input, const Recipe &recipe);

} // namespace tenon::numerics

#endif // TENON_LIB_TRANSFORMS_NUMERICS_CONVERSIONNODES_H
