// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights of trained channels that died decay into the denormal range, where
// each multiplication is a trap into microcode, 50 to 100 times slower than
// another. The user decides whether they are worth that.
#include "tenon/Transforms/Simplify/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
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

bool isDenormal(uint32_t bits) { return (bits & 0x7f800000) == 0 && (bits & 0x007fffff) != 0; }

ArrayRef<uint32_t> wordsOf(const reference::Tensor &tensor) {
  return {reinterpret_cast<const uint32_t *>(tensor.getBytes().data()), size_t(tensor.getNumElements())};
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
      for (OpOperand &operand : op->getOpOperands())
        if (auto constant = operand.get().getDefiningOp<graph::ConstantOp>(); constant && isWeight(operand)) {
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
    if (!getElementTypeOrSelf(op.getType()).isF32())
      return 0;
    auto stored = reference::Tensor::fromAttribute(op.getValue());
    return stored ? llvm::count_if(wordsOf(*stored), isDenormal) : 0;
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

  /// Other uses of the constant keep its values.
  static void takeAsZero(graph::ConstantOp op) {
    reference::Tensor stored = *reference::Tensor::fromAttribute(op.getValue());
    reference::Tensor result(stored.getElementType(), stored.getShape());
    auto *out = reinterpret_cast<uint32_t *>(result.getMutableBytes().data());
    llvm::transform(wordsOf(stored), out, [](uint32_t bits) { return isDenormal(bits) ? bits & 0x80000000 : bits; });
    OpBuilder b(op);
    auto constant = graph::ConstantOp::create(b, op.getLoc(), op.getType(), result.toAttribute("flushed"));
    op.getResult().replaceUsesWithIf(constant, isWeight);
    if (op->use_empty())
      op->erase();
  }
};

} // namespace
} // namespace tenon::simplify
