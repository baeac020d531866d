// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights of trained channels that died decay into the denormal range, where
// each multiplication is a trap into microcode, 50 to 100 times slower than
// another. The user decides whether they are worth that.
#include "tenon/Transforms/Simplify/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Dialect/Graph/IR/NarrowWeights.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Support/Provenance.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace tenon::simplify {
#define GEN_PASS_DEF_DENORMALWEIGHTSPASS
#include "tenon/Transforms/Simplify/Passes.h.inc"

namespace {

/// Whether `operand` of a contraction is multiplied or added into its sums.
bool isWeight(OpOperand &operand) {
  return isa<graph::ConvOp, graph::ConvTransposeOp, graph::MatMulOp>(operand.getOwner());
}

/// Whether the kernel of a product reads `operand`, a constant, through a cast.
bool isWidened(OpOperand &operand) {
  auto cast = dyn_cast<graph::CastOp>(operand.getOwner());
  return cast && !cast->use_empty() && graph::widensWeights(cast);
}

/// The bits of an f32, or of a bf16 in the upper half: they have the same exponents.
constexpr uint32_t kExponent = 0x7f800000, kFraction = 0x007fffff;
template <typename Word>
uint32_t bitsOf(Word word) {
  return uint32_t(word) << (32 - 8 * sizeof(Word));
}
template <typename Word>
bool isDenormal(Word word) {
  return (bitsOf(word) & kExponent) == 0 && (bitsOf(word) & kFraction) != 0;
}

template <typename Word>
ArrayRef<Word> wordsOf(const reference::Tensor &tensor) {
  return {reinterpret_cast<const Word *>(tensor.getBytes().data()), size_t(tensor.getNumElements())};
}

/// "Conv.1, Conv.2 and 3 more": the first ONNX node of each operation.
std::string namesOf(ArrayRef<Operation *> users) {
  constexpr size_t kMostNames = 4;
  llvm::SetVector<StringRef> names;
  for (Operation *user : users) {
    llvm::SetVector<StringRef> nodes = sourceNodes(user->getLoc());
    names.insert(nodes.empty() ? user->getName().getStringRef() : nodes.front());
  }
  std::string text = llvm::join(names.getArrayRef().take_front(kMostNames), ", ");
  if (names.size() > kMostNames)
    text += " and " + std::to_string(names.size() - kMostNames) + " more";
  return text;
}

class DenormalWeights : public impl::DenormalWeightsPassBase<DenormalWeights> {
public:
  using DenormalWeightsPassBase::DenormalWeightsPassBase;

  void runOnOperation() override {
    SmallVector<Operation *> users; // in program order
    llvm::MapVector<graph::ConstantOp, int64_t> counts;
    getOperation().walk([&](Operation *op) {
      bool reads = false;
      for (OpOperand &operand : op->getOpOperands()) {
        if (!isWeight(operand))
          continue;
        Value weights = operand.get();
        if (auto cast = weights.getDefiningOp<graph::CastOp>(); cast && graph::widensWeights(cast))
          weights = cast.getX();
        auto constant = weights.getDefiningOp<graph::ConstantOp>();
        if (!constant)
          continue;
        auto [it, isNew] = counts.try_emplace(constant, 0);
        if (isNew)
          it->second = count(constant);
        reads |= it->second > 0;
      }
      if (reads)
        users.push_back(op);
    });
    int64_t values = 0;
    for (auto [constant, count] : counts)
      values += count;
    found += values;
    if (values)
      report(values, users);
    if (flush)
      for (auto [constant, count] : counts)
        if (count)
          takeAsZero(constant);
  }

private:
  static int64_t count(graph::ConstantOp op) {
    Type element = getElementTypeOrSelf(op.getType());
    auto stored = element.isF32() || element.isBF16() ? reference::Tensor::fromAttribute(op.getValue()) : std::nullopt;
    if (!stored)
      return 0;
    return element.isF32() ? llvm::count_if(wordsOf<uint32_t>(*stored), isDenormal<uint32_t>)
                           : llvm::count_if(wordsOf<uint16_t>(*stored), isDenormal<uint16_t>);
  }

  /// One text for all, so that the ledger shows one note.
  void report(int64_t values, ArrayRef<Operation *> users) {
    StringRef code = flush ? "TN4010" : "TN4013";
    std::string text = std::to_string(values) + " denormal weights (below 1.2e-38) of " + namesOf(users);
    text += flush ? " are taken as zero" : " are kept and cost time; --flush-denormals takes them as zero";
    for (Operation *user : users)
      user->setLoc(withNote(user->getLoc(), code, text));
    getOperation().emitRemark("[") << code << "] " << text;
  }

  template <typename Word>
  static void flushWords(const reference::Tensor &stored, reference::Tensor &result) {
    llvm::transform(wordsOf<Word>(stored), reinterpret_cast<Word *>(result.getMutableBytes().data()), [](Word word) {
      return isDenormal(word) ? Word(word & (Word(1) << (8 * sizeof(Word) - 1))) : word;
    });
  }

  /// Other uses of the constant keep its values.
  static void takeAsZero(graph::ConstantOp op) {
    reference::Tensor stored = *reference::Tensor::fromAttribute(op.getValue());
    reference::Tensor result(stored.getElementType(), stored.getShape());
    if (stored.getElementType().isF32())
      flushWords<uint32_t>(stored, result);
    else
      flushWords<uint16_t>(stored, result);
    OpBuilder b(op);
    auto constant = graph::ConstantOp::create(b, op.getLoc(), op.getType(), result.toAttribute("flushed"));
    op.getResult().replaceUsesWithIf(constant, [](OpOperand &use) { return isWeight(use) || isWidened(use); });
    if (op->use_empty())
      op->erase();
  }
};

} // namespace
} // namespace tenon::simplify
