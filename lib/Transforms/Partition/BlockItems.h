// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A graph as placement sees it: what computes, what it reads, and what it makes.
#ifndef TENON_LIB_TRANSFORMS_PARTITION_BLOCKITEMS_H
#define TENON_LIB_TRANSFORMS_PARTITION_BLOCKITEMS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Transforms/Partition/BlockPlacement.h"
#include "llvm/ADT/DenseMap.h"
#include <deque>

namespace tenon::partition {

/// What every program that reads it has for itself, as it needs no tensor of another one:
/// constants, and what plan-detach-sizes has made of sizes.
bool isEverywhere(mlir::Operation *op);

struct BlockItems {
  /// All ops but what every program has, and the terminator; of a branch with the block around it.
  explicit BlockItems(mlir::Block &block, const BlockItems *outer = nullptr);

  mlir::Block &block;
  std::vector<mlir::Operation *> ops; ///< of the problem's items
  BlockProblem problem;               ///< without devices, times, and the block around it

private:
  void add(mlir::Value value, int by);
  /// What an op, or one in it, reads.
  std::vector<unsigned> readsOf(mlir::Operation &op, const BlockItems *outer);
  llvm::DenseMap<mlir::Value, unsigned> numbers; // of the problem's values
};

/// The function's block, and behind it the branches of each scf.if, in the order of the text.
/// One of two branches is taken in half of the runs, as long as nobody says how often.
std::deque<BlockItems> itemsOf(mlir::func::FuncOp func);

} // namespace tenon::partition

#endif // TENON_LIB_TRANSFORMS_PARTITION_BLOCKITEMS_H
