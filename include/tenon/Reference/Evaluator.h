// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The reference evaluator of the graph dialect: the slow, obvious oracle that
// compiled code is compared with, and the engine of constant evaluation.
//
// Numbers: float operands are read as doubles, each op computes in double
// (sums and transcendental functions included) and rounds its result once to
// the result's element type. Integers wrap. An integer divided by zero is 0.
// Casts follow ONNX. The results do not depend on the host, except for the last
// bit of transcendental functions in f64 (docs/Rationale/reference.md).
#ifndef TENON_REFERENCE_EVALUATOR_H
#define TENON_REFERENCE_EVALUATOR_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Reference/Tensor.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include <functional>

namespace tenon::reference {

using Results = mlir::FailureOr<llvm::SmallVector<Tensor>>;
/// Computes an op's results from its operands, or reports why not on the op.
using Rule = std::function<Results(mlir::Operation *, llvm::ArrayRef<Tensor>)>;

/// Where matrix products and convolutions of floats add up. Sums in f32, each
/// product and each addition rounded, show what f32 arithmetic makes of a graph.
enum class Sums { inF64, inF32 };

/// What the evaluator knows: rules by op name, and ops whose single-block
/// region is evaluated with the operands as block arguments.
class Registry {
public:
  /// All graph ops.
  static Registry graphOps(Sums sums = Sums::inF64);

  void add(llvm::StringRef name, Rule rule) { rules[name] = std::move(rule); }
  template <typename OpTy, typename Function>
  void add(Function function) {
    add(OpTy::getOperationName(), [function](mlir::Operation *op, llvm::ArrayRef<Tensor> inputs) -> Results {
      return function(mlir::cast<OpTy>(op), inputs);
    });
  }
  /// The results of such an op are the operands of the region's terminator.
  void addRegionOp(llvm::StringRef name) { regionOps.insert(name); }

  const Rule *find(llvm::StringRef name) const {
    auto it = rules.find(name);
    return it == rules.end() ? nullptr : &it->second;
  }
  bool isRegionOp(llvm::StringRef name) const { return regionOps.contains(name); }

private:
  llvm::StringMap<Rule> rules;
  llvm::StringSet<> regionOps;
};

class Evaluator {
public:
  /// Called after each op outside of nested regions' control flow.
  using Observer = std::function<void(mlir::Operation *, llvm::ArrayRef<Tensor>)>;

  explicit Evaluator(Registry registry = Registry::graphOps()) : registry(std::move(registry)) {}

  bool knows(mlir::Operation *op) const { return registry.find(op->getName().getStringRef()); }
  void setObserver(Observer newObserver) { observer = std::move(newObserver); }

  /// One op whose regions, if any, capture nothing.
  Results evaluate(mlir::Operation *op, llvm::ArrayRef<Tensor> inputs) const;
  /// Whether each element of an op's result depends on the elements at its place in
  /// the operands alone, and not on the place.
  static bool isElementwise(mlir::Operation *op);
  /// The same as evaluate, of elementwise ops some rows at a time: what doubles take
  /// beside operands and results is bounded.
  Results evaluateInTiles(mlir::Operation *op, llvm::ArrayRef<Tensor> inputs) const;
  /// A function of one block. Values are dropped after their last use.
  Results evaluate(mlir::func::FuncOp func, llvm::ArrayRef<Tensor> inputs) const;

private:
  using Environment = llvm::DenseMap<mlir::Value, Tensor>;
  Results evaluateBlock(mlir::Block &block, llvm::ArrayRef<Tensor> arguments, Environment &values) const;
  Results evaluateOp(mlir::Operation *op, llvm::ArrayRef<Tensor> inputs, Environment &values) const;

  Registry registry;
  Observer observer;
};

} // namespace tenon::reference

#endif // TENON_REFERENCE_EVALUATOR_H
