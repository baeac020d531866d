// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The onnx dialect: an ONNX model as it was written. Include this header for
// its ops and types. It depends on nothing of ONNX's own library.
#ifndef TENON_DIALECT_ONNX_IR_ONNX_H
#define TENON_DIALECT_ONNX_IR_ONNX_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "tenon/Dialect/Num/IR/Num.h"

#include "tenon/Dialect/ONNX/IR/OnnxDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "tenon/Dialect/ONNX/IR/OnnxTypes.h.inc"
#define GET_OP_CLASSES
#include "tenon/Dialect/ONNX/IR/OnnxOps.h.inc"

namespace tenon::onnxir {
/// Names of the attributes that func.func and module carry.
inline constexpr llvm::StringLiteral kNameAttr = "onnx.name";
inline constexpr llvm::StringLiteral kDimsAttr = "onnx.dims";
inline constexpr llvm::StringLiteral kOpsetAttr = "onnx.opset";
inline constexpr llvm::StringLiteral kIrVersionAttr = "onnx.ir_version";
inline constexpr llvm::StringLiteral kProducerAttr = "onnx.producer";

/// The element type with this number in TensorProto.DataType; null if ONNX has none.
mlir::Type elementTypeOfCode(mlir::MLIRContext *context, int64_t code);
/// Its inverse; 0 for a type that is none of ONNX's.
int codeOfElementType(mlir::Type type);
/// ONNX's name of an element type, e.g. "FLOAT16".
std::string elementTypeName(mlir::MLIRContext *context, int64_t code);
} // namespace tenon::onnxir

#endif // TENON_DIALECT_ONNX_IR_ONNX_H
