// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights and biases of trained channels that died decay into the denormal
// range, where each multiplication is a trap into microcode, 50 to 100 times
// slower than another. They become zero, once, while compiling.
#include "tenon/Transforms/Simplify/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Reference/Tensor.h"
#include "tenon/Support/Provenance.h"

using namespace mlir;

namespace tenon::simplify {
#define GEN_PASS_DEF_FLUSHDENORMALWEIGHTSPASS
#include "tenon/Transforms/Simplify/Passes.h.inc"

namespace {

/// Whether `operand` of a contraction is multiplied or added into its sums.
bool isWeight(OpOperand &operand) {
  return isa<graph::ConvOp, graph::ConvTransposeOp, graph::MatMulOp>(operand.getOwner());
}

bool isDenormal(uint32_t bits) { return (bits & 0x7f800000) == 0 && (bits & 0x007fffff) != 0; }

class FlushDenormalWeights : public impl::FlushDenormalWeightsPassBase<FlushDenormalWeights> {
public:
  void runOnOperation() override {
    int64_t values = 0, constants = 0;
    getOperation().walk([&](graph::ConstantOp op) {
      if (int64_t count = flush(op)) {
        values += count;
        ++constants;
      }
    });
    flushed += values;
    if (values)
      getOperation().emitRemark("[TN4010] ") << values << " denormal values (below 1.2e-38) in " << constants
                                             << " constants of convolutions and matrix products are taken as zero";
  }

private:
  /// Uses of `op` as a weight read the flushed values; how many differ.
  int64_t flush(graph::ConstantOp op) {
    if (!cast<RankedTensorType>(op.getType()).getElementType().isF32() || llvm::none_of(op->getUses(), isWeight))
      return 0;
    auto stored = reference::Tensor::fromAttribute(op.getValue());
    if (!stored)
      return 0;
    ArrayRef words(reinterpret_cast<const uint32_t *>(stored->getBytes().data()), stored->getNumElements());
    int64_t count = llvm::count_if(words, isDenormal);
    if (count == 0)
      return 0;
    reference::Tensor result(stored->getElementType(), stored->getShape());
    auto *out = reinterpret_cast<uint32_t *>(result.getMutableBytes().data());
    llvm::transform(words, out, [](uint32_t bits) { return isDenormal(bits) ? bits & 0x80000000 : bits; });
    OpBuilder b(op);
    auto constant = graph::ConstantOp::create(b, op.getLoc(), op.getType(), result.toAttribute("flushed"));
    for (OpOperand &use : llvm::make_early_inc_range(op->getUses()))
      if (isWeight(use)) {
        Operation *user = use.getOwner();
        user->setLoc(withNote(user->getLoc(), "TN4010", "denormal weights (below 1.2e-38) are taken as zero"));
        use.set(constant);
      }
    if (op->use_empty())
      op->erase();
    return count;
  }
};

} // namespace
} // namespace tenon::simplify
