// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The op families of the reference evaluator, one file each, and what their
// rules share.
#ifndef TENON_LIB_REFERENCE_FAMILIES_H
#define TENON_LIB_REFERENCE_FAMILIES_H

#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Reference/Evaluator.h"

namespace tenon::reference {

void registerElementwise(Registry &registry);
void registerContraction(Registry &registry, Sums sums);
void registerConvTranspose(Registry &registry);
void registerWindow(Registry &registry);
void registerReduction(Registry &registry);
void registerMovement(Registry &registry);
void registerIndexing(Registry &registry);
void registerCreation(Registry &registry);
void registerRecurrence(Registry &registry);
void registerAttention(Registry &registry);
void registerResize(Registry &registry);
void registerQuantize(Registry &registry);

/// The element type of result i.
inline mlir::Type resultElement(mlir::Operation *op, unsigned i = 0) {
  return mlir::cast<mlir::ShapedType>(op->getResult(i).getType()).getElementType();
}

/// The tensor of the op's declared operand i, or null where that is omitted.
template <typename OpTy>
const Tensor *operand(OpTy op, llvm::ArrayRef<Tensor> inputs, unsigned i) {
  auto [first, length] = op.getODSOperandIndexAndLength(i);
  return length ? &inputs[first] : nullptr;
}

/// A size that an evaluation may have: what is larger is no tensor but a mistake.
inline bool isReasonable(llvm::ArrayRef<int64_t> shape) {
  int64_t count = 1;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(count, std::max<int64_t>(size, 1), &count) || count > int64_t(1) << 32)
      return false;
  return true;
}

inline Results one(Tensor tensor) { return llvm::SmallVector<Tensor>{std::move(tensor)}; }

/// Dimensions before, at, and after an axis.
struct AxisSplit {
  int64_t outer = 1, size = 1, inner = 1;
  AxisSplit(llvm::ArrayRef<int64_t> shape, int64_t axis) {
    for (int64_t i = 0, e = shape.size(); i < e; ++i)
      (i < axis ? outer : i == axis ? size : inner) *= shape[i];
  }
};

/// A window's geometry over the spatial dimensions.
struct Window {
  Shape kernel, strides, dilations, begins, ends, output;
};
/// Derives pads and output sizes from the attributes as ONNX defines them.
mlir::FailureOr<Window> windowOf(mlir::Operation *op, llvm::ArrayRef<int64_t> input, llvm::ArrayRef<int64_t> kernel,
                                 llvm::ArrayRef<int64_t> strides, llvm::ArrayRef<int64_t> dilations,
                                 llvm::ArrayRef<int64_t> pads, graph::AutoPad autoPad, bool ceilMode);

/// Channels first from either layout, and back.
Tensor toChannelsFirst(const Tensor &x, graph::ChannelLayout layout);
Tensor fromChannelsFirst(const Tensor &x, graph::ChannelLayout layout);

/// c[m,n] += a[m,k] * b[k,n], rows contiguous.
void multiplyAdd(const double *a, const double *b, double *c, int64_t m, int64_t n, int64_t k);

/// Calls f(index) for every index of the shape in row-major order.
template <typename Function>
void forEachIndex(llvm::ArrayRef<int64_t> shape, Function f) {
  Shape index(shape.size(), 0);
  for (int64_t count = numElements(shape); count > 0; --count) {
    f(index);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++index[d] < shape[d])
        break;
      index[d] = 0;
    }
  }
}

} // namespace tenon::reference

#endif // TENON_LIB_REFERENCE_FAMILIES_H
