// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The ops that are named here follow from the generic schedules in Strategies/: whether they store through the
// elementwise emitter, decode an operand's codes as they read it, address an operand in memory, or read a
// constant while code is made. When a schedule gains one of these, its op is added here.
#include "tenon/Codegen/FusionRules.h"

#include "tenon/Dialect/Graph/IR/NarrowWeights.h"

using namespace mlir;

namespace tenon::codegen {
namespace {

/// Ops whose schedules read an operand often enough for a table of its codes to pay,
/// and not so often from the same place that decoding it once would be faster.
bool readsCodes(Operation *op, unsigned operand) {
  if (auto conv = dyn_cast<graph::ConvOp>(op)) {
    auto filter = dyn_cast<RankedTensorType>(conv.getFilter().getType());
    bool isDepthwise = filter && filter.getDimSize(1) == 1 && conv.getGroup() > 1;
    return operand == 0 && conv.getLayout() == graph::ChannelLayout::last && conv.getStrides().size() <= 2 &&
           !isDepthwise;
  }
  return isa<graph::MatMulOp>(op) || (isa<graph::AttentionOp>(op) && operand < 3);
}

} // namespace

// Roots whose schedules store through the elementwise emitter.
bool GenericFusionRules::takesEpilogue(Operation *root) const {
  return isa<graph::MatMulOp, graph::ConvOp, graph::ReduceOp, graph::SoftmaxOp, graph::NormOp>(root);
}

// Codes computed at run time. Constant ones are decoded once, before the kernel, unless a
// target has a schedule for them.
bool GenericFusionRules::takesDecode(OpOperand &use) const {
  Operation *op = use.get().getDefiningOp();
  return !op->getOperand(0).getDefiningOp<graph::ConstantOp>() && graph::decodesNarrowCodes(op) &&
         readsCodes(use.getOwner(), use.getOperandNumber());
}

bool GenericFusionRules::readsMemory(Operation *op) const {
  if (auto dequantize = dyn_cast<graph::DequantizeOp>(op))
    return !dequantize.isElementwise() || dequantize.getX().getDefiningOp<graph::ConstantOp>();
  return isa<graph::GatherOp, graph::GatherElementsOp, graph::GatherNDOp, graph::ScatterNDOp, graph::ScatterElementsOp,
             graph::TransposeOp, graph::SliceOp, graph::PadOp, graph::TileOp, graph::ResizeOp, graph::ConcatOp,
             graph::MatMulOp, graph::ConvOp, graph::ConvTransposeOp, graph::AttentionOp, graph::LstmOp, graph::GruOp,
             graph::RnnOp>(op);
}

bool GenericFusionRules::isParameter(Operation *op, unsigned operand) const {
  if (isa<graph::PadOp>(op)) // its value, of any type, is moved like the data
    return operand == 1;
  if (isa<graph::SliceOp>(op)) // where it starts is data, so that slices of a size share code
    return operand == 2;
  return operand > 0 && isa<graph::TileOp, graph::ResizeOp, graph::TopKOp, graph::TriluOp>(op);
}

} // namespace tenon::codegen
