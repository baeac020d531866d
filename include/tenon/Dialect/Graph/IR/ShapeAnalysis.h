// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symbolic shape analysis of graph ops. Every dimension is an AffineExpr over
// symbols s0, s1, ... (named dimensions of the model): a constant, or a
// (semi-)affine expression such as `s0 * 4`, `s0 * s1`, `(s0 + 1) floordiv 2`.
// Small integer tensors (shape arithmetic) carry one expression per element.
// The analysis is incremental: a converter creates an op, calls visit(op), and
// the op's result types are refined in place.
#ifndef TENON_DIALECT_GRAPH_IR_SHAPEANALYSIS_H
#define TENON_DIALECT_GRAPH_IR_SHAPEANALYSIS_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/AffineMap.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/Operation.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace tenon::graph {

/// A named dimension: the model's name, and what its value may be at run time.
struct Symbol {
  std::string name;
  int64_t min = 1;
  int64_t max = std::numeric_limits<int64_t>::max();
  int64_t divisor = 1;
};

class ShapeAnalysis {
public:
  using Dims = llvm::SmallVector<mlir::AffineExpr>;

  explicit ShapeAnalysis(mlir::MLIRContext *context) : context(context) {}
  /// Starts from the `graph.symbols` attribute of a module, if it has one.
  static ShapeAnalysis fromModule(mlir::ModuleOp module);
  void writeSymbols(mlir::ModuleOp module) const;

  mlir::MLIRContext *getContext() const { return context; }
  mlir::AffineExpr constant(int64_t value) const { return mlir::getAffineConstantExpr(value, context); }
  /// The symbol of that name, made on first use. An empty name makes a fresh one.
  mlir::AffineExpr symbol(llvm::StringRef name);
  llvm::ArrayRef<Symbol> getSymbols() const { return symbols; }
  /// False if expressions may be unequal for some symbol values.
  static bool equal(mlir::AffineExpr a, mlir::AffineExpr b) { return a == b; }

  /// Dimensions of a ranked value. Values never visited: static dims of the
  /// type, fresh symbols elsewhere.
  const Dims &getShape(mlir::Value value);
  /// Sets the dims and refines the value's type (element type kept).
  void setShape(mlir::Value value, Dims dims);

  /// Contents of an integer (or float, if integral) tensor of at most 256
  /// elements in row-major order, nullopt if unknown as a whole; single
  /// unknown elements are null expressions.
  std::optional<Dims> getContents(mlir::Value value);
  void setContents(mlir::Value value, Dims contents);
  /// Contents as constants; nullopt unless every element is one.
  std::optional<llvm::SmallVector<int64_t>> getConstantInts(mlir::Value value);

  /// Applies the op's shape rule (graph ops, scf.if, and ops of fixed type),
  /// refining result types. Emits an error on the op where a rule is violated.
  mlir::LogicalResult visit(mlir::Operation *op);
  /// Visits all ops below `root` in order.
  mlir::LogicalResult run(mlir::Operation *root);

  /// NumPy broadcast of two dimensions; null if they can never match.
  mlir::AffineExpr broadcast(mlir::AffineExpr a, mlir::AffineExpr b);

private:
  mlir::MLIRContext *context;
  std::vector<Symbol> symbols;
  llvm::DenseMap<mlir::Value, Dims> shapes;
  llvm::DenseMap<mlir::Value, Dims> contents;
};

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_SHAPEANALYSIS_H
