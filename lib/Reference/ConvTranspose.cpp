// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Transposed convolution: every input element adds a scaled copy of the filter
// to the output. Accumulates in double.
#include "Families.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// Output sizes and leading pads. A given output_shape, and auto_pad same_*,
/// determine the total padding, negative where the filter does not reach every
/// output; the odd one goes to the end for same_upper.
Window geometry(graph::ConvTransposeOp op, ArrayRef<int64_t> input, ArrayRef<int64_t> kernel) {
  Window window;
  size_t rank = input.size();
  auto at = [](ArrayRef<int64_t> values, size_t i, int64_t otherwise) {
    return i < values.size() ? values[i] : otherwise;
  };
  for (size_t i = 0; i < rank; ++i) {
    int64_t stride = at(op.getStrides(), i, 1), dilation = at(op.getDilations(), i, 1);
    int64_t extra = at(op.getOutputPadding(), i, 0);
    int64_t full = stride * (input[i] - 1) + extra + (kernel[i] - 1) * dilation + 1;
    int64_t begin = at(op.getPads(), i, 0), end = at(op.getPads(), rank + i, 0), size = full - begin - end;
    bool same = op.getAutoPad() == graph::AutoPad::same_upper || op.getAutoPad() == graph::AutoPad::same_lower;
    if (op.getAutoPad() == graph::AutoPad::valid)
      begin = 0, size = full;
    if (op.getOutputShape() || same) {
      size = op.getOutputShape() ? (*op.getOutputShape())[op.getOutputShape()->size() - rank + i] : input[i] * stride;
      int64_t total = full - size, half = total >> 1;
      begin = op.getAutoPad() == graph::AutoPad::same_upper ? half : total - half;
    }
    window.kernel.push_back(kernel[i]);
    window.strides.push_back(stride);
    window.dilations.push_back(dilation);
    window.begins.push_back(begin);
    window.output.push_back(size);
  }
  return window;
}

Results evaluateConvTranspose(graph::ConvTransposeOp op, ArrayRef<Tensor> inputs) {
  const Tensor *bias = operand(op, inputs, 2);
  Tensor x = toChannelsFirst(inputs[0], op.getLayout());
  const Tensor &filter = inputs[1];
  int64_t group = op.getGroup();
  if (x.getRank() < 3 || x.getRank() != filter.getRank() || group < 1 || x.getShape()[1] != filter.getShape()[0] ||
      x.getShape()[1] % group || (bias && bias->getNumElements() != filter.getShape()[1] * group))
    return op.emitError("[TN3022] operand shapes ") << x.getType() << " and " << filter.getType() << " do not fit";
  ArrayRef<int64_t> spatial = x.getShape().drop_front(2);
  Window window = geometry(op, spatial, filter.getShape().drop_front(2));
  int64_t batch = x.getShape()[0], channels = x.getShape()[1], outPerGroup = filter.getShape()[1];
  int64_t perGroup = channels / group, outChannels = outPerGroup * group;
  int64_t inPlane = numElements(spatial), taps = numElements(window.kernel);
  Shape shape{batch, outChannels};
  shape.append(window.output);
  if (!isReasonable(shape))
    return op.emitError("[TN3023] an output size is negative or absurd");
  int64_t outPlane = numElements(window.output);
  std::vector<double> in = x.toDoubles(), weights = filter.toDoubles(), out(numElements(shape));
  if (bias) {
    std::vector<double> offsets = bias->toDoubles();
    for (size_t i = 0; i < out.size(); ++i)
      out[i] = offsets[i / outPlane % outChannels];
  }

  // Output position of each (input element, tap), -1 outside.
  std::vector<int64_t> target;
  target.reserve(inPlane * taps);
  forEachIndex(spatial, [&](ArrayRef<int64_t> from) {
    forEachIndex(window.kernel, [&](ArrayRef<int64_t> tap) {
      int64_t offset = 0;
      bool inside = true;
      for (size_t d = 0; d < from.size(); ++d) {
        int64_t to = from[d] * window.strides[d] + tap[d] * window.dilations[d] - window.begins[d];
        inside &= to >= 0 && to < window.output[d];
        offset = offset * window.output[d] + to;
      }
      target.push_back(inside ? offset : -1);
    });
  });
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t o = 0; o < outPerGroup; ++o) {
        const double *plane = &in[(n * channels + c) * inPlane], *w = &weights[(c * outPerGroup + o) * taps];
        double *to = &out[(n * outChannels + c / perGroup * outPerGroup + o) * outPlane];
        for (int64_t i = 0; i < inPlane; ++i)
          for (int64_t t = 0; t < taps; ++t)
            if (int64_t at = target[i * taps + t]; at >= 0)
              to[at] += plane[i] * w[t];
      }
  return one(fromChannelsFirst(Tensor::fromDoubles(resultElement(op), shape, out), op.getLayout()));
}

} // namespace

void tenon::reference::registerConvTranspose(Registry &registry) {
  registry.add<graph::ConvTransposeOp>(evaluateConvTranspose);
}
