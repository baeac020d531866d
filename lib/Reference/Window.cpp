// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Window geometry (shared with convolutions) and pooling.
#include "Families.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

FailureOr<Window> tenon::reference::windowOf(Operation *op, ArrayRef<int64_t> input, ArrayRef<int64_t> kernel,
                                             ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations,
                                             ArrayRef<int64_t> pads, graph::AutoPad autoPad, bool ceilMode) {
  size_t rank = input.size();
  if (kernel.size() != rank)
    return op->emitError("[TN3030] the window has ") << kernel.size() << " dimensions, expected " << rank;
  Window window;
  window.kernel = Shape(kernel);
  for (size_t i = 0; i < rank; ++i) {
    int64_t stride = i < strides.size() ? strides[i] : 1, dilation = i < dilations.size() ? dilations[i] : 1;
    int64_t begin = i < pads.size() ? pads[i] : 0, end = rank + i < pads.size() ? pads[rank + i] : 0;
    int64_t extent = (kernel[i] - 1) * dilation + 1;
    if (stride < 1)
      return op->emitError("[TN3031] stride ") << stride << ", expected a positive one";
    if (autoPad == graph::AutoPad::valid)
      begin = end = 0;
    if (autoPad == graph::AutoPad::same_upper || autoPad == graph::AutoPad::same_lower) {
      int64_t size = (input[i] + stride - 1) / stride;
      int64_t total = std::max<int64_t>((size - 1) * stride + extent - input[i], 0);
      begin = autoPad == graph::AutoPad::same_upper ? total / 2 : total - total / 2;
      end = total - begin;
    }
    int64_t room = input[i] + begin + end - extent;
    int64_t size = (ceilMode ? llvm::divideCeilSigned(room, stride) : llvm::divideFloorSigned(room, stride)) + 1;
    if (size < 0)
      return op->emitError("[TN3032] the window is larger than the padded input");
    if (ceilMode && size > 0 && (size - 1) * stride >= input[i] + begin) // would start in the end padding
      --size;
    window.strides.push_back(stride);
    window.dilations.push_back(dilation);
    window.begins.push_back(begin);
    window.ends.push_back(end);
    window.output.push_back(size);
  }
  return window;
}

Tensor tenon::reference::toChannelsFirst(const Tensor &x, graph::ChannelLayout layout) {
  if (layout == graph::ChannelLayout::first || x.getRank() < 3)
    return x;
  Shape shape(x.getShape()), strides = stridesOf(shape);
  std::rotate(shape.begin() + 1, shape.end() - 1, shape.end());
  std::rotate(strides.begin() + 1, strides.end() - 1, strides.end());
  return x.strided(shape, strides);
}

Tensor tenon::reference::fromChannelsFirst(const Tensor &x, graph::ChannelLayout layout) {
  if (layout == graph::ChannelLayout::first || x.getRank() < 3)
    return x;
  Shape shape(x.getShape()), strides = stridesOf(shape);
  std::rotate(shape.begin() + 1, shape.begin() + 2, shape.end());
  std::rotate(strides.begin() + 1, strides.begin() + 2, strides.end());
  return x.strided(shape, strides);
}

namespace {

/// The pooled value of one window whose elements inside the input are given.
double pool(graph::PoolOp op, ArrayRef<double> values, int64_t counted) {
  switch (op.getKind()) {
  case graph::PoolKind::max: {
    double result = -std::numeric_limits<double>::infinity();
    for (double value : values)
      result = std::isnan(value) || value > result ? value : result;
    return result;
  }
  case graph::PoolKind::average: {
    double sum = 0;
    for (double value : values)
      sum += value;
    return sum / double(counted);
  }
  case graph::PoolKind::lp: {
    double sum = 0, p = double(op.getP());
    for (double value : values)
      sum += std::pow(std::fabs(value), p);
    return std::pow(sum, 1 / p);
  }
  }
  return 0;
}

Results evaluatePool(graph::PoolOp op, ArrayRef<Tensor> inputs) {
  Tensor x = toChannelsFirst(inputs[0], op.getLayout());
  if (x.getRank() < 3)
    return op.emitError("[TN3033] pooling of rank ") << x.getRank();
  ArrayRef<int64_t> spatial = x.getShape().drop_front(2);
  auto window = windowOf(op, spatial, op.getKernel(), op.getStrides(), op.getDilations(), op.getPads(), op.getAutoPad(),
                         op.getCeilMode());
  if (failed(window))
    return failure();
  Shape shape(x.getShape().take_front(2));
  int64_t planes = numElements(shape), inPlane = numElements(spatial);
  shape.append(window->output);
  std::vector<double> in = x.toDoubles(), out;
  out.reserve(numElements(shape));
  SmallVector<double> values;
  for (int64_t plane = 0; plane < planes; ++plane)
    forEachIndex(window->output, [&](ArrayRef<int64_t> at) {
      values.clear();
      int64_t padded = 0; // taps inside the input or its padding, but not beyond it
      forEachIndex(window->kernel, [&](ArrayRef<int64_t> tap) {
        int64_t offset = 0;
        bool inside = true, inPadding = true;
        for (size_t d = 0; d < at.size(); ++d) {
          int64_t i = at[d] * window->strides[d] - window->begins[d] + tap[d] * window->dilations[d];
          inside &= i >= 0 && i < spatial[d];
          inPadding &= i < spatial[d] + window->ends[d];
          offset = offset * spatial[d] + i;
        }
        padded += inPadding;
        if (inside)
          values.push_back(in[plane * inPlane + offset]);
      });
      out.push_back(pool(op, values, op.getCountIncludePad() ? padded : int64_t(values.size())));
    });
  return one(fromChannelsFirst(Tensor::fromDoubles(resultElement(op), shape, out), op.getLayout()));
}

} // namespace

void tenon::reference::registerWindow(Registry &registry) { registry.add<graph::PoolOp>(evaluatePool); }
