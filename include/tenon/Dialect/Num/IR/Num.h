// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The num dialect: number formats as types, and conversions. Include this
// header for its types, its ops, and the way from a type to its format.
#ifndef TENON_DIALECT_NUM_IR_NUM_H
#define TENON_DIALECT_NUM_IR_NUM_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tenon/Numerics/FormatRegistry.h"

#include "tenon/Dialect/Num/IR/NumDialect.h.inc"
#include "tenon/Dialect/Num/IR/NumEnums.h.inc"
#define GET_TYPEDEF_CLASSES
#include "tenon/Dialect/Num/IR/NumTypes.h.inc"
#define GET_OP_CLASSES
#include "tenon/Dialect/Num/IR/NumOps.h.inc"

namespace tenon::num {

/// The format of an element type, builtin or !num.format; null for types that
/// are no number format (index, complex, strings).
const numerics::Format *formatOf(mlir::Type type);
/// The element type of a format of single values: the builtin type if there is
/// one, else !num.format.
mlir::Type typeOf(mlir::MLIRContext *context, const numerics::Format &format);
/// The formats that a context knows. Loads the dialect.
numerics::FormatRegistry &formatsOf(mlir::MLIRContext *context);

/// Whether values of the type are real numbers held in a format that the
/// builtin float types lack, or that they have in fewer than 16 bits: code
/// holds them as integers and converts them by num.decode and num.encode.
bool isCoded(mlir::Type type);
/// Whether the type's values are real numbers: a builtin float type or !num.format.
inline bool isReal(mlir::Type type) { return mlir::isa<mlir::FloatType, FormatType>(type); }
/// The integer type that a code is held in: 8, 16 or 32 bits.
mlir::IntegerType codeType(mlir::Type type);
/// How a type's name reads: "f8E4M3FN", "f8E6M1", "i4".
std::string nameOf(mlir::Type type);

} // namespace tenon::num

#endif // TENON_DIALECT_NUM_IR_NUM_H
