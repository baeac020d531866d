// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An op as it is at nominal sizes, to be asked for its cost.
#ifndef TENON_LIB_TRANSFORMS_PARTITION_NOMINALOP_H
#define TENON_LIB_TRANSFORMS_PARTITION_NOMINALOP_H

#include "mlir/IR/Block.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/ArrayRef.h"

namespace tenon::partition {

/// The op itself where its sizes are known, else a copy in no program whose operands and
/// results have the sizes that open ones have at these values of the symbols.
class NominalOp {
public:
  NominalOp(mlir::Operation *op, llvm::ArrayRef<int64_t> symbols);
  mlir::Operation *get() const { return op; }

private:
  mlir::Block scratch; // with the copy and what stands for its operands
  mlir::Operation *op;
};

} // namespace tenon::partition

#endif // TENON_LIB_TRANSFORMS_PARTITION_NOMINALOP_H
