// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// When the results of kernels, submits and transfers are in use, and how large they are.
#ifndef TENON_ANALYSIS_LIFETIMES_H
#define TENON_ANALYSIS_LIFETIMES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "llvm/ADT/DenseMap.h"

namespace tenon::plan {

/// From the op that writes a result to the last op that reads it, as positions in the
/// function's text, both included. What a branch yields is in use as long as the
/// branch's result. What a device's queue copies from the host is in use until the host
/// has waited for the copy, or for a later one of the same queue: a wait in a branch is one
/// for what was copied in it, and for what was copied before where the other branch waits, too.
struct Lifetime {
  mlir::Operation *op; ///< plan::writesBuffers
  unsigned result;
  unsigned first, last;

  mlir::OpResult value() const { return op->getResult(result); }
  bool overlaps(const Lifetime &other) const { return first <= other.last && other.first <= last; }
};

struct Lifetimes {
  llvm::SmallVector<Lifetime> results;            ///< in the order of the text
  llvm::DenseMap<mlir::Value, unsigned> outputOf; ///< the first output of the model that a result is
  unsigned end = 0;                               ///< behind the last position
};
Lifetimes lifetimesOf(mlir::func::FuncOp func);

/// Bytes of a tensor as it is stored, over the module's symbols.
mlir::AffineExpr bytesOf(mlir::Value tensor);

} // namespace tenon::plan

#endif // TENON_ANALYSIS_LIFETIMES_H
