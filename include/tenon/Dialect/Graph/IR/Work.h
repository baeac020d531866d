// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What an op asks a device to compute, by kind and number format: the numbers that a chip's
// declaration has rates for.
#ifndef TENON_DIALECT_GRAPH_IR_WORK_H
#define TENON_DIALECT_GRAPH_IR_WORK_H

#include "mlir/IR/Operation.h"
#include "llvm/ADT/SmallVector.h"
#include <string>

namespace tenon::graph {

/// Operations of one kind; a multiply-add counts two.
struct Work {
  llvm::StringRef kind; ///< one of hw::workKinds()
  std::string format;   ///< "f32": what its operands are in
  double operations = 0;
  /// Results that lie side by side and are computed alike (channels of a convolution,
  /// columns of a product): how well vectors are filled. 0: as well as they can be.
  int64_t inner = 0;
};

/// An op may do work of several kinds: a softmax sums, and computes exponentials. Nothing
/// for views, constants, and where a size is not known.
llvm::SmallVector<Work, 2> workOf(mlir::Operation *op);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_WORK_H
