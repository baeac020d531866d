// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Symbolic shape analysis of graph ops. Every dimension is an AffineExpr over
// symbols s0, s1, ... (Symbols.h): a constant, or an expression such as `s0 * 4`,
// `s0 * s1`, `(s0 + 1) floordiv 2`. What sums, products and quotients by positive
// constants cannot say, such as the smaller of two sizes, is a derived symbol.
// Small integer tensors (shape arithmetic) carry one expression per element.
// The analysis is incremental: a converter creates an op, calls visit(op), and
// the op's result types are refined in place.
#ifndef TENON_DIALECT_GRAPH_IR_SHAPEANALYSIS_H
#define TENON_DIALECT_GRAPH_IR_SHAPEANALYSIS_H

#include "mlir/IR/AffineMap.h"
#include "mlir/IR/Operation.h"
#include "tenon/Dialect/Graph/IR/Symbols.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include <map>
#include <set>

namespace tenon::graph {

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

  /// The value of an operation: a constant or an affine expression where those say
  /// it or ranges decide it, else the derived symbol of it. Equal operations on
  /// equal arguments are one symbol.
  mlir::AffineExpr derive(Derivation kind, llvm::ArrayRef<mlir::AffineExpr> arguments);
  mlir::AffineExpr min(mlir::AffineExpr a, mlir::AffineExpr b) { return derive(Derivation::min, {a, b}); }
  mlir::AffineExpr max(mlir::AffineExpr a, mlir::AffineExpr b) { return derive(Derivation::max, {a, b}); }
  mlir::AffineExpr clamp(mlir::AffineExpr x, mlir::AffineExpr low, mlir::AffineExpr high) {
    return min(max(x, low), high);
  }
  mlir::AffineExpr floorDiv(mlir::AffineExpr a, mlir::AffineExpr b) { return derive(Derivation::floordiv, {a, b}); }
  mlir::AffineExpr ceilDiv(mlir::AffineExpr a, mlir::AffineExpr b);
  /// A sum with a minimum, maximum or choice in it as one symbol: N - min(1, N) is
  /// max(N - 1, 0). Dimensions have this form, so that equal ones are equal and
  /// products of them stay short.
  mlir::AffineExpr absorb(mlir::AffineExpr expr);
  /// The derived symbol that an expression is, or null.
  const Symbol *derivedSymbol(mlir::AffineExpr expr) const;

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

  /// Says where what follows stands: assumptions made in a branch of an scf.if are
  /// checked only when it is taken. visit() does so for the op that it visits.
  void enter(mlir::Block *block, mlir::Location loc);
  /// A branch has become part of the block around it, and so have its assumptions.
  void inlineAssumptions(mlir::Operation *branch, unsigned region);

  /// No run may take this branch: `node` in it breaks a shape rule, as `why` says.
  /// What was known of the values in it is forgotten; the If's results have the
  /// shapes of the other branch.
  void refuseBranch(mlir::Operation *branch, unsigned region, llvm::StringRef node, llvm::StringRef why);
  bool isRefused(mlir::Operation *branch, unsigned region) const;

  /// NumPy broadcast of two dimensions; null if they can never match. Where
  /// either may turn out to be 1 at run time, an expression that is right then.
  mlir::AffineExpr broadcast(mlir::AffineExpr a, mlir::AffineExpr b);
  /// Requires that `dim` is `to` or 1; false if it never is. Where that is not
  /// certain it becomes an assumption.
  bool broadcastsTo(mlir::AffineExpr dim, mlir::AffineExpr to);
  /// Two dimensions that must be equal, as one; null if they never are. Where
  /// that is not certain it becomes an assumption.
  mlir::AffineExpr unify(mlir::AffineExpr a, mlir::AffineExpr b);
  /// Requires `expr >= low` (`<= high`): symbols of inputs get that range where it
  /// holds for the whole run, else the runtime checks it.
  void assumeAtLeast(mlir::AffineExpr expr, int64_t low);
  void assumeAtMost(mlir::AffineExpr expr, int64_t high);
  /// Requires that a size is not larger than another one.
  void assumeWithin(mlir::AffineExpr size, mlir::AffineExpr limit);
  /// The values an expression may take, by the ranges of its symbols.
  std::pair<int64_t, int64_t> getRange(mlir::AffineExpr expr) const;

private:
  /// Where assumptions are made: in a branch of an scf.if, or (null) for the whole run.
  using Scope = std::pair<mlir::Operation *, unsigned>;
  using Key = std::pair<Derivation, std::vector<const void *>>;

  static Key keyOf(Derivation kind, llvm::ArrayRef<mlir::AffineExpr> arguments);
  llvm::SmallVector<mlir::AffineExpr> flatten(Derivation kind, llvm::ArrayRef<mlir::AffineExpr> arguments) const;
  mlir::AffineExpr simplify(Derivation kind, llvm::SmallVectorImpl<mlir::AffineExpr> &x);
  std::pair<int64_t, int64_t> rangeOf(Derivation kind, llvm::ArrayRef<mlir::AffineExpr> arguments) const;
  std::pair<int64_t, int64_t> getInterval(mlir::AffineExpr expr) const;
  std::pair<int64_t, int64_t> getRange(mlir::AffineExpr expr, unsigned depth) const;
  mlir::AffineExpr pinned(mlir::AffineExpr expr) const;
  void addSymbol(Symbol symbol);
  void assume(Assumption::Kind kind, mlir::AffineExpr a, mlir::AffineExpr b);
  void learn(const Assumption &assumption);
  void learn(mlir::AffineExpr expr, int64_t high);
  void relearn();
  bool requireChoice(mlir::AffineExpr choice, mlir::AffineExpr of);
  mlir::AffineExpr joined(mlir::Value condition, mlir::AffineExpr a, mlir::AffineExpr b);
  mlir::LogicalResult visitIf(mlir::Operation *op);
  void castTo(mlir::RankedTensorType type, mlir::OpOperand &operand);

  mlir::MLIRContext *context;
  std::vector<Symbol> symbols;
  llvm::StringMap<unsigned> named; ///< positions of named symbols
  std::map<Key, unsigned> derived; ///< positions of derived symbols
  Scope scope = {nullptr, 0};
  mlir::LocationAttr where; ///< of the op that is visited
  llvm::DenseMap<Scope, std::vector<Assumption>> assumptions;
  /// What assumptions of the whole run say: an expression without a constant term
  /// is not above a number.
  llvm::DenseMap<mlir::AffineExpr, int64_t> facts;
  llvm::DenseMap<mlir::Value, Dims> shapes;
  llvm::DenseMap<mlir::Value, Dims> contents;
};

/// Refuses a negative static dimension (TN2061), and static sizes that no machine
/// can address (TN2062).
llvm::LogicalResult checkMemorySize(mlir::Type type, llvm::function_ref<mlir::InFlightDiagnostic()> report);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_SHAPEANALYSIS_H
