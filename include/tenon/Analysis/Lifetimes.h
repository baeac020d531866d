// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// When the results of kernels are in use, and how large they are.
#ifndef TENON_ANALYSIS_LIFETIMES_H
#define TENON_ANALYSIS_LIFETIMES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Plan/IR/Plan.h"
#include "llvm/ADT/DenseMap.h"

namespace tenon::plan {

/// From the kernel that writes a result to the last op that reads it, as positions in
/// the function's text, both included. What a branch yields is in use as long as the
/// branch's result.
struct Lifetime {
  KernelOp kernel;
  unsigned result;
  unsigned first, last;

  mlir::Value value() const { return const_cast<KernelOp &>(kernel).getResult(result); }
  bool overlaps(const Lifetime &other) const { return first <= other.last && other.first <= last; }
};

struct Lifetimes {
  llvm::SmallVector<Lifetime> results;            ///< of all kernels, in the order of the text
  llvm::DenseMap<mlir::Value, unsigned> outputOf; ///< the first output of the model that a result is
  unsigned end = 0;                               ///< behind the last position
};
Lifetimes lifetimesOf(mlir::func::FuncOp func);

/// Bytes of a kernel's result as it is stored, over the module's symbols.
mlir::AffineExpr bytesOf(mlir::Value result);

} // namespace tenon::plan

#endif // TENON_ANALYSIS_LIFETIMES_H
