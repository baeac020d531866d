// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The table of symbols that sizes are written in (module attribute
// `graph.symbols`), and the checks that sizes must pass at run time
// (`graph.assumptions`). A symbol is a named dimension of the model, whose value
// the inputs give, or a derived one: an operation on affine expressions over
// earlier symbols, for what such expressions cannot say. Derived symbols are
// evaluated once a run, in order, by the same total function everywhere.
#ifndef TENON_DIALECT_GRAPH_IR_SYMBOLS_H
#define TENON_DIALECT_GRAPH_IR_SYMBOLS_H

#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"
#include <limits>
#include <optional>
#include <string>

namespace tenon::graph {

/// What a derived symbol computes of its arguments. Every operation is total:
/// division by zero is 0. Truth is 1, falsehood 0.
enum class Derivation {
  none,      ///< a symbol that is not derived
  min,       ///< the smallest of one or more
  max,       ///< the largest of one or more
  floordiv,  ///< a / b, rounded down
  mod,       ///< a - b * floordiv(a, b)
  truncdiv,  ///< a / b, rounded towards zero
  eq,        ///< a == b
  lt,        ///< a < b
  select,    ///< a != 0 ? b : c
  broadcast, ///< the first that is not 1; 1 if all are
  ratio,     ///< a / b as a real number: only inside the analysis, never a size
};

llvm::StringRef derivationName(Derivation kind);
std::optional<Derivation> parseDerivation(llvm::StringRef name);
inline bool isCommutative(Derivation kind) {
  return kind == Derivation::min || kind == Derivation::max || kind == Derivation::eq || kind == Derivation::broadcast;
}
/// The value for these arguments; sums beyond 64 bits do not arise here.
int64_t evaluate(Derivation kind, llvm::ArrayRef<int64_t> arguments);

struct Symbol {
  std::string name; ///< of a dimension of the model; empty where derived
  /// What its value may be at run time.
  int64_t min = 0, max = std::numeric_limits<int64_t>::max();
  int64_t divisor = 1;
  /// A size that depends on data, not on input dimensions.
  bool dataDependent = false;
  Derivation derivation = Derivation::none;
  llvm::SmallVector<mlir::AffineExpr, 2> arguments; ///< over earlier symbols
  /// The kernel after which it is known; empty: before the first one.
  std::string after;

  bool isDerived() const { return derivation != Derivation::none; }
};

/// A relation of two sizes that a run must find to hold.
struct Assumption {
  enum Kind {
    equal,      ///< a == b
    atMost,     ///< a <= b
    broadcasts, ///< a == 1 or a == b
    never,      ///< nothing makes it hold: what needs it breaks a shape rule at every size
  } kind;
  mlir::AffineExpr a, b; ///< 0 and 0 for `never`
  std::string node;      ///< the ONNX nodes that need it, for messages
  std::string why;       ///< for `never`: the shape rule and what breaks it

  bool sameAs(const Assumption &other) const {
    return kind == other.kind && a == other.a && b == other.b && why == other.why;
  }
};

/// The symbols of a module, from its attribute `graph.symbols`.
std::vector<Symbol> readSymbols(mlir::ModuleOp module);
mlir::ArrayAttr symbolsAttr(llvm::ArrayRef<Symbol> symbols, mlir::MLIRContext *context);

/// The assumptions in an attribute: `graph.assumptions` of a module, or
/// `graph.then_assumptions` and `graph.else_assumptions` of an scf.if.
std::vector<Assumption> readAssumptions(mlir::Operation *op, llvm::StringRef attribute);
mlir::ArrayAttr assumptionsAttr(llvm::ArrayRef<Assumption> assumptions, size_t symbols, mlir::MLIRContext *context);
/// The attribute that holds the assumptions of one branch of an scf.if.
llvm::StringRef branchAssumptions(unsigned region);
/// "equal", "at_most", "broadcasts", "never".
llvm::StringRef assumptionName(Assumption::Kind kind);

/// Why an attribute is no table of symbols, or no list of assumptions over
/// `symbols` of them; empty if it is one.
std::string whyNoSymbols(mlir::Attribute attribute);
std::string whyNoAssumptions(mlir::Attribute attribute, size_t symbols);

} // namespace tenon::graph

#endif // TENON_DIALECT_GRAPH_IR_SYMBOLS_H
