// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Costs of open sizes are those at sizes to expect: what the user called nominal
// (--nominal, --optShapes), or else a middling size that is allowed.
#ifndef TENON_ANALYSIS_NOMINALSIZES_H
#define TENON_ANALYSIS_NOMINALSIZES_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/SmallVector.h"

namespace tenon {

/// What is expected of an open dimension that nobody gave a size: neither one, at which a
/// product looks like a sum, nor what only few models take.
inline constexpr int64_t kExpectedSize = 32;

/// The sizes to expect of a module's symbols, in their order.
llvm::SmallVector<int64_t> nominalSizes(mlir::ModuleOp module);
/// A copy of an op with regions, e.g. a kernel or a function, in which values have the types
/// that they have at these sizes; `mapping` has the copies of its values. The copy is for
/// asking, no verifier has seen it.
mlir::OwningOpRef<mlir::Operation *> atSizes(mlir::Operation *op, llvm::ArrayRef<int64_t> sizes,
                                             mlir::IRMapping *mapping = nullptr);

} // namespace tenon

#endif // TENON_ANALYSIS_NOMINALSIZES_H
