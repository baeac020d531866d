// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The symbols that a part of a program needs, as a table of its own.
#ifndef TENON_LIB_TRANSFORMS_PARTITION_SYMBOLSUBSET_H
#define TENON_LIB_TRANSFORMS_PARTITION_SYMBOLSUBSET_H

#include "tenon/Dialect/Graph/IR/Symbols.h"

namespace tenon::partition {

class SymbolSubset {
public:
  /// Symbols of `whole`, for a program `part` whose sizes are written in them so far.
  SymbolSubset(mlir::ModuleOp whole, mlir::ModuleOp part);
  /// Rewrites the part's sizes and gives it its table: the symbols that they need, in the
  /// order of the whole's, with names and ranges, and those of the whole's assumptions, and
  /// of the `others` where the part runs, that are about these dimensions alone. They hold:
  /// the host checks them before a device gets anything to do.
  void write(llvm::ArrayRef<graph::Assumption> others);

private:
  void use(mlir::AffineExpr size);
  void useAll();
  void useAssumptions(llvm::ArrayRef<graph::Assumption> others);
  /// Whether it follows from named dimensions that are in use.
  bool isLive(mlir::AffineExpr size) const;
  mlir::Attribute renamed(mlir::Attribute shapes) const;

  mlir::ModuleOp whole, part;
  std::vector<graph::Symbol> symbols;
  std::vector<graph::Assumption> assumptions; // of the part
  std::vector<bool> used;
  llvm::SmallVector<mlir::AffineExpr> names; // new ones of those in use
  size_t count = 0;
};

} // namespace tenon::partition

#endif // TENON_LIB_TRANSFORMS_PARTITION_SYMBOLSUBSET_H
