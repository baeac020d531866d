// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Makes a module that shows a fault smaller, as long as it still shows it.
#ifndef TENON_REDUCE_REDUCE_H
#define TENON_REDUCE_REDUCE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tenon {

struct Reduction {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  unsigned tried = 0, kept = 0; ///< smaller modules that were judged, and that became the module
};

/// Applies reductions until none of them gives a module that verifies and that
/// `isInteresting`, which holds for `module`. The judge may be asked for the same
/// text twice, and must answer the same.
Reduction reduceModule(mlir::OwningOpRef<mlir::ModuleOp> module,
                       llvm::function_ref<bool(mlir::ModuleOp)> isInteresting);

} // namespace tenon

#endif // TENON_REDUCE_REDUCE_H
