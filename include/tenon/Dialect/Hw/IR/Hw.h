// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The hw dialect: chips as attributes.
#ifndef TENON_DIALECT_HW_IR_HW_H
#define TENON_DIALECT_HW_IR_HW_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Dialect.h"
#include "tenon/Dialect/Hw/IR/Device.h"

namespace tenon::hw {
/// What a number is called, and the number.
using Number = std::pair<mlir::StringAttr, int64_t>;
} // namespace tenon::hw

#include "tenon/Dialect/Hw/IR/HwDialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "tenon/Dialect/Hw/IR/HwAttrs.h.inc"

#endif // TENON_DIALECT_HW_IR_HW_H
