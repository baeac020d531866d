// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_DIALECT_NUM_IR_STORAGETYPE_H
#define TENON_DIALECT_NUM_IR_STORAGETYPE_H

#include "mlir/IR/Types.h"

namespace tenon {

/// Storage type of a tensor element type: i8 for i1, signless integers, codes
/// of formats that are no builtin float of 16 bits or more.
mlir::Type storageType(mlir::Type elementType);

} // namespace tenon

#endif // TENON_DIALECT_NUM_IR_STORAGETYPE_H
