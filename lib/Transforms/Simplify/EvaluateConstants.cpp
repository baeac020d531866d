// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Replaces graph ops on constants by their values. Values live as reference
// tensors until their last use; only those that an op which stays needs are
// turned into attributes, because MLIR never frees a resource.
#include "tenon/Transforms/Simplify/ConstantEvaluator.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/ExactOps.h"
#include "tenon/Dialect/Graph/IR/NarrowWeights.h"
#include "tenon/Reference/Evaluator.h"
#include "tenon/Support/Provenance.h"
#include <bit>

using namespace mlir;

namespace tenon::simplify {
#define GEN_PASS_DEF_EVALUATECONSTANTSPASS
#include "tenon/Transforms/Simplify/Passes.h.inc"

namespace {

/// Of results above the limit, those that are at most so many times their operands
/// become constants: a cast of bytes to f32 does. What grows more is faster computed
/// than read.
constexpr int64_t kMostGrowth = 4;

/// Bytes of a tensor, or nothing where its size or type is unknown.
std::optional<int64_t> bytesOf(Value value) {
  auto tensor = dyn_cast<RankedTensorType>(value.getType());
  if (!tensor || !tensor.hasStaticShape() || reference::elementBytes(tensor.getElementType()) == 0)
    return std::nullopt;
  return tensor.getNumElements() * reference::elementBytes(tensor.getElementType());
}

/// Bytes of several, or nothing where one is unknown.
std::optional<int64_t> bytesOf(ValueRange values) {
  int64_t sum = 0;
  for (Value value : values)
    if (std::optional<int64_t> bytes = bytesOf(value))
      sum += *bytes;
    else
      return std::nullopt;
  return sum;
}

/// Ops that are smaller than their results.
bool isSpread(Operation *op) { return isa<graph::FillOp, graph::ExpandOp, graph::TileOp>(op); }

template <typename Word>
reference::Tensor withOneNan(const reference::Tensor &tensor, Word infinity, Word nan) {
  constexpr Word kMagnitude = Word(~Word(0)) >> 1;
  auto isNan = [&](Word word) { return (word & kMagnitude) > infinity; };
  ArrayRef<Word> words(reinterpret_cast<const Word *>(tensor.getBytes().data()), tensor.getNumElements());
  if (llvm::none_of(words, isNan))
    return tensor;
  reference::Tensor result(tensor.getElementType(), tensor.getShape());
  llvm::transform(words, reinterpret_cast<Word *>(result.getMutableBytes().data()),
                  [&](Word word) { return isNan(word) ? nan : word; });
  return result;
}

/// Which bits a computed NaN has depends on processor and evaluator; here it gets
/// those that arithmetic on most processors gives.
reference::Tensor withOneNan(const reference::Tensor &tensor) {
  Type element = tensor.getElementType();
  if (element.isF64())
    return withOneNan<uint64_t>(tensor, 0x7ff0000000000000, 0x7ff8000000000000);
  if (element.isF32())
    return withOneNan<uint32_t>(tensor, 0x7f800000, 0x7fc00000);
  if (element.isF16())
    return withOneNan<uint16_t>(tensor, 0x7c00, 0x7e00);
  if (element.isBF16())
    return withOneNan<uint16_t>(tensor, 0x7f80, 0x7fc0);
  return tensor;
}

StringRef nameOf(Operation *op) {
  auto name = op->getLoc()->findInstanceOf<NameLoc>();
  return name ? name.getName().getValue() : op->getName().stripDialect();
}

class EvaluateConstants : public impl::EvaluateConstantsPassBase<EvaluateConstants> {
public:
  using EvaluateConstantsPassBase::EvaluateConstantsPassBase;
  EvaluateConstants(std::shared_ptr<ConstantEvaluator> native, EvaluateConstantsPassOptions options)
      : EvaluateConstantsPassBase(std::move(options)), native(std::move(native)) {}

  void runOnOperation() override {
    for (auto func : getOperation().getOps<func::FuncOp>()) {
      mark(func);
      evaluateMarked();
      reportLate(func);
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

  /// Whether the evaluator beside the reference may be asked.
  bool isNative(Operation *op) const { return native && nativeBytes >= 0 && graph::isExactlyRounded(op); }

  bool isKnown(Value value) const { return known.contains(value) || value.getDefiningOp<graph::ConstantOp>(); }

  /// Weights that a product's kernel decodes faster than it would read them as f32.
  bool staysNarrow(Operation *op) const {
    auto isLazy = [&](Value operand) { return known.lookup(operand).isLazy; };
    if (llvm::any_of(op->getOperands(), isLazy))
      return false;
    if (auto cast = dyn_cast<graph::CastOp>(op))
      return !op->use_empty() && graph::widensWeights(cast) && *bytesOf(cast.getResult()) >= minNarrowBytes;
    auto dequantize = dyn_cast<graph::DequantizeOp>(op);
    auto weights = dequantize ? graph::narrowWeights(dequantize) : std::nullopt;
    return weights && weights->k * weights->n * 4 >= minNarrowBytes;
  }

  /// Whether evaluating an op on known operands is within bounds of memory, and
  /// the result worth its place among the weights.
  bool isWithinBounds(Operation *op, int64_t bytes) const {
    bool inParts = graph::movesElements(op) || reference::Evaluator::isElementwise(op), readsLargeSpread = false;
    int64_t read = 0;
    for (Value operand : op->getOperands()) {
      int64_t size = bytesOf(operand).value_or(0);
      bool isLazy = known.lookup(operand).isLazy;
      read += isLazy ? 0 : size;
      readsLargeSpread |= isLazy && size > maxBytes;
    }
    if (bytes <= maxBytes)
      return inParts || !readsLargeSpread;
    return isSpread(op) || (inParts && bytes <= kMostGrowth * read);
  }

  /// Finds the ops to evaluate and counts their uses of each other's results.
  void mark(func::FuncOp func) {
    func.walk<WalkOrder::PreOrder>([&](Operation *op) {
      std::optional<int64_t> bytes = bytesOf(op->getResults());
      bool canFold = isa<graph::GraphDialect>(op->getDialect()) && !isa<graph::ConstantOp>(op) &&
                     op->getNumResults() > 0 && op->getNumRegions() == 0 && evaluator.knows(op) && bytes;
      bool foldable = canFold && llvm::all_of(op->getOperands(), [&](Value v) { return isKnown(v); }) &&
                      isWithinBounds(op, *bytes) && !staysNarrow(op);
      for (Value operand : op->getOperands())
        if (auto it = known.find(operand); it != known.end()) {
          it->second.uses += foldable;
          it->second.stays |= !foldable;
        }
      if (!foldable) {
        if (canFold && !staysNarrow(op))
          left.insert(op);
        return;
      }
      bool lazy = isSpread(op) && *bytes > maxSplatBytes;
      marked.push_back(op);
      if (isNative(op))
        formBytes[native->formOf(op)] += *bytes + bytesOf(op->getOperands()).value_or(0);
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
    // An evaluation that fails is no error here.
    ScopedDiagnosticHandler quiet(&getContext(), [](Diagnostic &) { return success(); });
    std::optional<SmallVector<reference::Tensor>> results;
    if (isNative(op) && formBytes[native->formOf(op)] >= nativeBytes)
      results = native->evaluate(op, inputs);
    evaluatedNatively += results.has_value();
    if (!results)
      if (reference::Results slow = evaluator.evaluateInTiles(op, inputs); succeeded(slow))
        results = std::move(*slow);
    if (!results || results->size() != op->getNumResults())
      return false;
    for (auto [value, tensor] : llvm::zip(op->getResults(), *results))
      if (value.getType() != tensor.getType())
        return false;
    for (auto [value, tensor] : llvm::zip(op->getResults(), *results))
      known[value].tensor = graph::movesElements(op) ? tensor : withOneNan(tensor);
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

  void evaluateMarked() {
    for (Operation *op : marked) {
      bool unwanted = llvm::all_of(op->getResults(), [&](Value v) { return known[v].isLazy && !known[v].uses; });
      bool done = !unwanted && evaluate(op);
      if (!done && !unwanted)
        left.insert(op);
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

  /// Says what large results each run computes from nothing but constants.
  void reportLate(func::FuncOp func) {
    func.walk<WalkOrder::PreOrder>([&](Operation *op) {
      bool isKept = isSpread(op) && known.lookup(op->getResult(0)).isLazy && known.lookup(op->getResult(0)).stays;
      bool isLate =
          left.contains(op) && llvm::all_of(op->getOperands(), [&](Value v) { return isKnown(v) || late.contains(v); });
      if (!isKept && !isLate)
        return;
      late.insert_range(op->getResults());
      int64_t bytes = *bytesOf(op->getResults());
      SmallVector<Note> notes;
      collectNotes(op->getLoc(), notes);
      if (bytes <= maxBytes || llvm::any_of(notes, [](const Note &note) { return note.code == kLateCode; }))
        return;
      std::string text = llvm::formatv(
          "{0} is computed in each run, though from constants alone: its result of {1} MiB is above the {2} MiB "
          "that a constant is evaluated to{3}",
          nameOf(op), llvm::divideCeil(bytes, 1 << 20), llvm::divideCeil(maxBytes, 1 << 20),
          isSpread(op) ? ", and more than what it is made of" : "; an initializer with its value saves the time");
      op->setLoc(withNote(op->getLoc(), kLateCode, text));
      getOperation().emitRemark("[") << kLateCode << "] " << text;
    });
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
    left.clear();
    late.clear();
    formBytes.clear();
  }

  static constexpr StringLiteral kLateCode = "TN4014";

  reference::Evaluator evaluator;
  std::shared_ptr<ConstantEvaluator> native;
  DenseMap<Value, Known> known;
  SmallVector<Operation *> marked;
  DenseSet<Operation *> left; // that could be evaluated but for their size, or for operands that are not known
  DenseSet<Value> late;       // of them, those of constants alone
  DenseMap<uint64_t, int64_t> formBytes; // that all ops of a form read and write
};

} // namespace

std::unique_ptr<Pass> createEvaluateConstantsPass(std::shared_ptr<ConstantEvaluator> evaluator,
                                                  EvaluateConstantsPassOptions options) {
  return std::make_unique<EvaluateConstants>(std::move(evaluator), std::move(options));
}

} // namespace tenon::simplify
