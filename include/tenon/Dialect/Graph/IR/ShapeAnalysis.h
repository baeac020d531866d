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
  /// A size that depends on data, not on input dimensions.
  bool dataDependent = false;
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
  /// A fresh symbol for a size that nothing determines before run time.
  mlir::AffineExpr dataSymbol();
  bool isDataDependent(mlir::AffineExpr expr) const;
  llvm::ArrayRef<Symbol> getSymbols() const { return symbols; }
  /// Renumbers the symbols so that only those of values under `root` are left.
  void dropUnusedSymbols(mlir::Operation *root);
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

  /// NumPy broadcast of two dimensions; null if they can never match. Where
  /// either may turn out to be 1 at run time, an expression that is right then.
  mlir::AffineExpr broadcast(mlir::AffineExpr a, mlir::AffineExpr b);
  /// Requires that `dim` is `to` or 1; false if it never is. Where that is not
  /// certain it becomes an assumption.
  bool broadcastsTo(mlir::AffineExpr dim, mlir::AffineExpr to);
  /// Two dimensions that must be equal, as one; null if they never are. Where
  /// that is not certain it becomes an assumption.
  mlir::AffineExpr unify(mlir::AffineExpr a, mlir::AffineExpr b);
  /// Pairs of expressions taken as equal, which the runtime may check.
  llvm::ArrayRef<std::pair<mlir::AffineExpr, mlir::AffineExpr>> getAssumptions() const { return assumptions; }
  /// Restricts `expr >= low` (`<= high`) where expr is a symbol; the runtime
  /// checks symbols against their ranges.
  void assumeAtLeast(mlir::AffineExpr expr, int64_t low);
  void assumeAtMost(mlir::AffineExpr expr, int64_t high);
  /// Requires that a size is not larger than another one.
  void assumeWithin(mlir::AffineExpr size, mlir::AffineExpr limit);
  /// The values an expression may take, by the ranges of its symbols.
  std::pair<int64_t, int64_t> getRange(mlir::AffineExpr expr) const;

private:
  void assume(mlir::AffineExpr a, mlir::AffineExpr b);
  mlir::LogicalResult visitIf(mlir::Operation *op);
  mlir::MLIRContext *context;
  std::vector<Symbol> symbols;
  llvm::SmallVector<std::pair<mlir::AffineExpr, mlir::AffineExpr>> assumptions;
  /// Results of broadcasts of dimensions that are not comparable, and what they join.
  llvm::SmallVector<std::pair<mlir::AffineExpr, llvm::SmallVector<mlir::AffineExpr>>> joins;
  llvm::DenseMap<mlir::Value, Dims> shapes;
  llvm::DenseMap<mlir::Value, Dims> contents;
};

/// Refuses a negative static dimension (TN2061), and static sizes that no machine
/// can address (TN2062).
llvm::LogicalResult checkMemorySize(mlir::Type type, llvm::function_ref<mlir::InFlightDiagnostic()> report);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_SHAPEANALYSIS_H
