// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Copies between the memories of devices.
#ifndef TENON_LIB_TRANSFORMS_PARTITION_INSERTTRANSFERS_H
#define TENON_LIB_TRANSFORMS_PARTITION_INSERTTRANSFERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace tenon::partition {

/// Says of an op's results which sizes these values have, over so many symbols.
void recordShapes(mlir::Operation *op, mlir::ValueRange values, std::size_t symbols);

/// Puts transfers where a value is read in another space than it is in: submits read what is
/// in their device's memory, all else what is in the host's, the yields of branches among it.
/// A value is copied once to each space: where it is made, if every run needs it there, else
/// in the branches that do.
void insertTransfers(mlir::func::FuncOp func, std::size_t symbols);

} // namespace tenon::partition

#endif // TENON_LIB_TRANSFORMS_PARTITION_INSERTTRANSFERS_H
