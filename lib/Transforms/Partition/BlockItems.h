// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A graph as placement sees it: what computes, what it reads, and what it makes.
#ifndef TENON_LIB_TRANSFORMS_PARTITION_BLOCKITEMS_H
#define TENON_LIB_TRANSFORMS_PARTITION_BLOCKITEMS_H

#include "mlir/IR/Block.h"
#include "tenon/Transforms/Partition/Placement.h"
#include "llvm/ADT/DenseMap.h"

namespace tenon::partition {

/// What every program that reads it has for itself, as it needs no tensor of another one:
/// constants, and what plan-detach-sizes has made of sizes.
bool isEverywhere(mlir::Operation *op);

struct BlockItems {
  /// All ops but what every program has, and the terminator.
  explicit BlockItems(mlir::Block &block);

  std::vector<mlir::Operation *> ops; ///< of the problem's items
  Problem problem;                    ///< without devices and times

private:
  void add(mlir::Value value, int by);
  llvm::DenseMap<mlir::Value, unsigned> numbers; // of the problem's values
};

} // namespace tenon::partition

#endif // TENON_LIB_TRANSFORMS_PARTITION_BLOCKITEMS_H
