// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kinds of the work that CostOpInterface counts. A kind is what a processor does at a speed
// of its own: a function such as exp is a polynomial where an addition is an instruction.
#include "tenon/Dialect/Graph/IR/Work.h"

#include "tenon/Dialect/Graph/IR/Graph.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tenon::graph {
namespace {

constexpr StringLiteral kContraction = "contraction", kDepthwise = "depthwise", kElementwise = "elementwise",
                        kFunction = "function", kReduction = "reduction", kWindow = "window", kMovement = "movement",
                        kRecurrence = "recurrence", kQuantize = "quantize", kOther = "other";

std::string formatOf(Value value) {
  const numerics::Format *format = num::formatOf(getElementTypeOrSelf(value.getType()));
  return format ? num::nameOf(getElementTypeOrSelf(value.getType())) : "";
}

double elements(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? double(type.getNumElements()) : 0;
}

int64_t lastSize(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.getRank() && !type.isDynamicDim(type.getRank() - 1) ? type.getShape().back() : 0;
}

/// Whether one element takes one instruction or a few of them.
bool isPlain(UnaryKind kind) {
  switch (kind) {
  case UnaryKind::abs:
  case UnaryKind::neg:
  case UnaryKind::sqrt:
  case UnaryKind::rsqrt:
  case UnaryKind::reciprocal:
  case UnaryKind::floor:
  case UnaryKind::ceil:
  case UnaryKind::round_even:
  case UnaryKind::sign:
  case UnaryKind::relu:
  case UnaryKind::leaky_relu:
  case UnaryKind::softsign:
  case UnaryKind::hard_sigmoid:
  case UnaryKind::hard_swish:
  case UnaryKind::thresholded_relu:
  case UnaryKind::shrink:
  case UnaryKind::logical_not:
  case UnaryKind::bitwise_not:
  case UnaryKind::is_nan:
  case UnaryKind::is_inf:
  case UnaryKind::is_pos_inf:
  case UnaryKind::is_neg_inf: return true;
  default: return false;
  }
}

bool isPlain(BinaryKind kind) {
  return !llvm::is_contained({BinaryKind::pow, BinaryKind::mod, BinaryKind::fmod, BinaryKind::atan2}, kind);
}

/// Of an op that does `getWork` operations of one kind.
SmallVector<Work, 2> single(Operation *op, StringRef kind, int64_t inner = 0) {
  auto cost = dyn_cast<CostOpInterface>(op);
  int64_t work = cost ? cost.getWork() : -1;
  if (work <= 0 || op->getNumOperands() == 0)
    return {};
  return {{kind, formatOf(op->getOperand(0)), double(work), inner}};
}

/// A format that is decoded before it is multiplied is not what the product is in.
SmallVector<Work, 2> ofConvolution(ConvOp op) {
  auto filter = dyn_cast<RankedTensorType>(op.getFilter().getType());
  if (!filter || filter.isDynamicDim(0) || filter.isDynamicDim(1))
    return {};
  bool isDepthwise = op.getGroup() > 1 && filter.getDimSize(1) == 1;
  return single(op, isDepthwise ? kDepthwise : kContraction,
                isDepthwise ? filter.getDimSize(0) : filter.getDimSize(0) / op.getGroup());
}

/// Scores are multiplied, and each has an exponential.
SmallVector<Work, 2> ofAttention(AttentionOp op) {
  SmallVector<Work, 2> work = single(op, kContraction, lastSize(op.getV()));
  int64_t size = lastSize(op.getQ()) + lastSize(op.getV());
  if (!work.empty() && size > 0)
    work.push_back({kFunction, work.front().format, work.front().operations / double(2 * size + 5)});
  return work;
}

} // namespace

SmallVector<Work, 2> workOf(Operation *op) {
  using Result = SmallVector<Work, 2>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<ReshapeOp, SqueezeOp, UnsqueezeOp, FlattenOp, ConstantOp, ShapeOp, SizeOp>([](auto) { return Result(); })
      .Case([](ConvOp conv) { return ofConvolution(conv); })
      .Case([](AttentionOp attention) { return ofAttention(attention); })
      .Case([](MatMulOp matmul) { return single(matmul, kContraction, lastSize(matmul.getResult())); })
      .Case([](ConvTransposeOp conv) { return single(conv, kContraction); })
      .Case<LstmOp, GruOp, RnnOp>([](auto recurrent) { return single(recurrent, kRecurrence); })
      .Case([](UnaryOp unary) { return single(unary, isPlain(unary.getKind()) ? kElementwise : kFunction); })
      .Case([](BinaryOp binary) { return single(binary, isPlain(binary.getKind()) ? kElementwise : kFunction); })
      .Case<SelectOp, CastOp>([](auto simple) { return single(simple, kElementwise); })
      .Case([](SoftmaxOp softmax) {
        Result work = single(softmax, kReduction);
        for (Work &sums : work)
          sums.operations *= 2; // the largest element, and the sum
        work.push_back({kFunction, formatOf(softmax.getX()), elements(softmax.getX())});
        return work;
      })
      .Case([](NormOp norm) {
        Result work = single(norm, kReduction);
        for (Work &sums : work)
          sums.operations *= norm.getKind() == NormKind::layer ? 4 : 3;
        return work;
      })
      .Case<ReduceOp, ArgReduceOp>(
          [](auto reduce) { return Result{{kReduction, formatOf(reduce.getX()), elements(reduce.getX()), 0}}; })
      .Case<PoolOp, ResizeOp>([](auto window) { return single(window, kWindow); })
      .Case<QuantizeOp, DequantizeOp>([](auto code) { return single(code, kQuantize); })
      .Case<CumSumOp, TriluOp, OneHotOp, TopKOp, RangeOp>([](auto other) { return single(other, kOther); })
      .Default([](Operation *moved) { return single(moved, kMovement); });
}

} // namespace tenon::graph
