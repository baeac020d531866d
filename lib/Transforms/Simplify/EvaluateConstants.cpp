// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Replaces graph ops on constants by their values. Values live as reference
// tensors until their last use; only those that an op which stays needs are
// turned into attributes, because MLIR never frees a resource.
#include "tenon/Transforms/Simplify/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/NarrowWeights.h"
#include "tenon/Reference/Evaluator.h"

using namespace mlir;

namespace tenon::simplify {
#define GEN_PASS_DEF_EVALUATECONSTANTSPASS
#include "tenon/Transforms/Simplify/Passes.h.inc"

namespace {

/// Bytes of all results, or nothing where a size or type is unknown.
std::optional<int64_t> resultBytes(Operation *op) {
  int64_t bytes = 0;
  for (Type type : op->getResultTypes()) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    if (!tensor || !tensor.hasStaticShape() || reference::elementBytes(tensor.getElementType()) == 0)
      return std::nullopt;
    bytes += tensor.getNumElements() * reference::elementBytes(tensor.getElementType());
  }
  return bytes;
}

StringRef nameOf(Operation *op) {
  auto name = op->getLoc()->findInstanceOf<NameLoc>();
  return name ? name.getName().getValue() : op->getName().stripDialect();
}

class EvaluateConstants : public impl::EvaluateConstantsPassBase<EvaluateConstants> {
public:
  using EvaluateConstantsPassBase::EvaluateConstantsPassBase;

  void runOnOperation() override {
    // An evaluation that fails is no error here.
    ScopedDiagnosticHandler quiet(&getContext(), [](Diagnostic &) { return success(); });
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      mark(func);
      evaluateMarked(func);
      sweep(func);
    }
  }

private:
  /// What is known of a value: where it comes from, and who still wants it.
  struct Known {
    int64_t uses = 0;   // by marked ops that were not reached yet
    bool stays = false; // an op that stays uses it
    bool isLazy = false;
    std::optional<reference::Tensor> tensor;
  };

  bool isKnown(Value value) const { return known.contains(value) || value.getDefiningOp<graph::ConstantOp>(); }

  /// Weights that a product's kernel decodes faster than it would read them as f32.
  bool staysNarrow(Operation *op) const {
    auto dequantize = dyn_cast<graph::DequantizeOp>(op);
    auto weights = dequantize ? graph::narrowWeights(dequantize) : std::nullopt;
    auto isLazy = [&](Value operand) { return known.lookup(operand).isLazy; };
    return weights && weights->k * weights->n * 4 >= minNarrowBytes && llvm::none_of(op->getOperands(), isLazy);
  }

  /// Finds the ops to evaluate and counts their uses of each other's results.
  void mark(func::FuncOp func) {
    known.clear();
    marked.clear();
    func.walk<WalkOrder::PreOrder>([&](Operation *op) {
      std::optional<int64_t> bytes = resultBytes(op);
      bool foldable = isa<graph::GraphDialect>(op->getDialect()) && !isa<graph::ConstantOp>(op) &&
                      op->getNumResults() > 0 && op->getNumRegions() == 0 && evaluator.knows(op) && bytes &&
                      *bytes <= maxBytes && llvm::all_of(op->getOperands(), [&](Value v) { return isKnown(v); }) &&
                      !staysNarrow(op);
      for (Value operand : op->getOperands())
        if (auto it = known.find(operand); it != known.end()) {
          it->second.uses += foldable;
          it->second.stays |= !foldable;
        }
      if (!foldable)
        return;
      bool lazy = isa<graph::FillOp, graph::ExpandOp, graph::TileOp>(op) && *bytes > maxSplatBytes;
      marked.push_back(op);
      for (Value result : op->getResults())
        known[result].isLazy = lazy;
    });
  }

  std::optional<reference::Tensor> tensorOf(Value value) {
    if (auto it = known.find(value); it != known.end())
      return it->second.tensor;
    return reference::Tensor::fromAttribute(value.getDefiningOp<graph::ConstantOp>().getValue());
  }

  bool evaluate(Operation *op) {
    SmallVector<reference::Tensor> inputs;
    for (Value operand : op->getOperands()) {
      std::optional<reference::Tensor> tensor = tensorOf(operand);
      if (!tensor)
        return false;
      inputs.push_back(*tensor);
    }
    reference::Results results = evaluator.evaluate(op, inputs);
    if (failed(results) || results->size() != op->getNumResults())
      return false;
    for (auto [value, tensor] : llvm::zip(op->getResults(), *results))
      if (value.getType() != tensor.getType())
        return false;
    for (auto [value, tensor] : llvm::zip(op->getResults(), *results))
      known[value].tensor = tensor;
    ++evaluated;
    return true;
  }

  /// Once nobody is left to evaluate from it, a value becomes a constant if an
  /// op that stays uses it, and its tensor is freed.
  void settle(Value value) {
    auto it = known.find(value);
    if (it == known.end() || it->second.uses > 0 || !it->second.tensor)
      return;
    if (it->second.stays && !it->second.isLazy) {
      Operation *op = value.getDefiningOp();
      OpBuilder builder(op);
      auto constant =
          graph::ConstantOp::create(builder, op->getLoc(), value.getType(), it->second.tensor->toAttribute(nameOf(op)));
      value.replaceAllUsesWith(constant.getResult());
    }
    it->second.tensor.reset();
  }

  void evaluateMarked(func::FuncOp func) {
    for (Operation *op : marked) {
      bool unwanted = llvm::all_of(op->getResults(), [&](Value v) { return known[v].isLazy && !known[v].uses; });
      bool done = !unwanted && evaluate(op);
      for (Value operand : op->getOperands())
        if (auto it = known.find(operand); it != known.end()) {
          --it->second.uses;
          // A lazy op stays itself, if somebody uses it, and so do its operands.
          bool lazy = llvm::any_of(op->getResults(), [&](Value v) { return known[v].isLazy && known[v].stays; });
          it->second.stays |= !done || lazy;
        }
      SmallVector<Value> operands(op->getOperands());
      for (Value operand : operands)
        settle(operand);
      for (Value result : op->getResults())
        settle(result);
    }
  }

  void sweep(func::FuncOp func) {
    for (Operation *op : llvm::reverse(marked))
      if (op->use_empty())
        op->erase();
    SmallVector<graph::ConstantOp> constants;
    func.walk([&](graph::ConstantOp op) { constants.push_back(op); });
    for (graph::ConstantOp op : constants)
      if (op->use_empty())
        op->erase();
    known.clear();
    marked.clear();
  }

  reference::Evaluator evaluator;
  DenseMap<Value, Known> known;
  SmallVector<Operation *> marked;
};

} // namespace
} // namespace tenon::simplify
