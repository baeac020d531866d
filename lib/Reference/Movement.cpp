// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Ops that move elements without looking at their values.
#include "Movement.h"
#include "Families.h"

#include <cstring>
#include <numeric>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

std::vector<int64_t> tenon::reference::allIndices(int64_t size) {
  std::vector<int64_t> indices(size);
  std::iota(indices.begin(), indices.end(), 0);
  return indices;
}

Tensor tenon::reference::gatherAxes(const Tensor &x, ArrayRef<std::vector<int64_t>> indices, const Tensor *fill) {
  Shape shape, strides = stridesOf(x.getShape());
  for (const std::vector<int64_t> &axis : indices)
    shape.push_back(axis.size());
  Tensor result(x.getElementType(), shape);
  size_t size = x.getElementBytes();
  char *to = result.getMutableBytes().data();
  const char *from = x.getBytes().data();
  forEachIndex(shape, [&](ArrayRef<int64_t> at) {
    int64_t offset = 0;
    bool inside = true;
    for (size_t d = 0; d < at.size(); ++d) {
      int64_t index = indices[d][at[d]];
      inside &= index >= 0;
      offset += index * strides[d];
    }
    if (inside)
      std::memcpy(to, from + offset * int64_t(size), size);
    else if (fill)
      std::memcpy(to, fill->getBytes().data(), size);
    to += size;
  });
  return result;
}

namespace {

Results evaluateReshape(graph::ReshapeOp op, ArrayRef<Tensor> inputs) {
  std::vector<int64_t> sizes = inputs[1].toInts();
  Shape shape(sizes.begin(), sizes.end());
  int64_t known = 1, open = -1;
  for (auto [i, size] : llvm::enumerate(shape))
    if (size == -1)
      open = i;
    else if (size < 0 || __builtin_mul_overflow(known, size, &known))
      return op.emitError("[TN3050] size ") << size << " in the new shape";
  if (open >= 0)
    shape[open] = known ? inputs[0].getNumElements() / known : 0;
  if (!isReasonable(shape) || numElements(shape) != inputs[0].getNumElements())
    return op.emitError("[TN3050] ") << inputs[0].getType() << " does not have the new shape's number of elements";
  return one(inputs[0].reshaped(shape));
}

Results evaluateSqueeze(graph::SqueezeOp op, ArrayRef<Tensor> inputs) {
  Shape shape;
  for (auto [i, size] : llvm::enumerate(inputs[0].getShape()))
    if (!llvm::is_contained(op.getAxes(), int64_t(i)))
      shape.push_back(size);
    else if (size != 1)
      return op.emitError("[TN3051] dimension ") << i << " is " << size << ", expected 1";
  return one(inputs[0].reshaped(shape));
}

Results evaluateUnsqueeze(graph::UnsqueezeOp op, ArrayRef<Tensor> inputs) {
  Shape shape(inputs[0].getShape());
  for (int64_t axis : op.getAxes()) {
    if (axis < 0 || axis > int64_t(shape.size()))
      return op.emitError("[TN3052] axis ") << axis << " is out of range";
    shape.insert(shape.begin() + axis, 1);
  }
  return one(inputs[0].reshaped(shape));
}

Results evaluateFlatten(graph::FlattenOp op, ArrayRef<Tensor> inputs) {
  ArrayRef<int64_t> x = inputs[0].getShape();
  int64_t begin = op.getBegin(), end = op.getEnd();
  Shape shape(x.take_front(begin));
  shape.push_back(numElements(x.slice(begin, end - begin)));
  shape.append(x.begin() + end, x.end());
  return one(inputs[0].reshaped(shape));
}

Results evaluateTranspose(graph::TransposeOp op, ArrayRef<Tensor> inputs) {
  Shape shape, strides, own = stridesOf(inputs[0].getShape());
  for (int64_t axis : op.getPerm()) {
    shape.push_back(inputs[0].getShape()[axis]);
    strides.push_back(own[axis]);
  }
  return one(inputs[0].strided(shape, strides));
}

Results evaluateExpand(graph::ExpandOp op, ArrayRef<Tensor> inputs) {
  auto shape = broadcastShapes(inputs[0].getShape(), inputs[1].toInts());
  if (!shape || !isReasonable(*shape))
    return op.emitError("[TN3010] ") << inputs[0].getType() << " does not broadcast to the shape";
  return one(inputs[0].broadcast(*shape));
}

Results evaluateSlice(graph::SliceOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  std::vector<int64_t> starts = inputs[1].toInts(), ends = inputs[2].toInts();
  Shape shape(x.getShape()), strides = stridesOf(shape);
  int64_t offset = 0;
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    int64_t size = x.getShape()[axis], step = op.getSteps()[i], start = starts[i], end = ends[i];
    if (step == 0)
      return op.emitError("[TN3053] step 0");
    start += start < 0 ? size : 0;
    end += end < 0 ? size : 0;
    start = std::clamp<int64_t>(start, 0, step > 0 ? size : size - 1);
    end = step > 0 ? std::clamp<int64_t>(end, 0, size) : std::clamp<int64_t>(end, -1, size - 1);
    int64_t span = step > 0 ? end - start : start - end;
    uint64_t pace = step > 0 ? uint64_t(step) : 0 - uint64_t(step);
    shape[axis] = span > 0 ? int64_t((uint64_t(span) - 1) / pace) + 1 : 0;
    offset += shape[axis] ? start * strides[axis] : 0;
    strides[axis] = int64_t(uint64_t(strides[axis]) * uint64_t(step));
  }
  return one(x.strided(shape, strides, offset));
}

Results evaluateConcat(graph::ConcatOp op, ArrayRef<Tensor> inputs) {
  int64_t axis = op.getAxis();
  Shape shape(inputs[0].getShape());
  shape[axis] = 0;
  for (const Tensor &input : inputs) {
    Shape others(input.getShape());
    if (input.getRank() == int64_t(shape.size()))
      others[axis] = shape[axis];
    if (others != shape)
      return op.emitError("[TN3056] ") << inputs[0].getType() << " and " << input.getType() << " differ beside axis "
                                       << axis;
    shape[axis] += input.getShape()[axis];
  }
  Tensor result(resultElement(op), shape);
  int64_t rowBytes = AxisSplit(shape, axis).size * AxisSplit(shape, axis).inner * result.getElementBytes();
  char *to = result.getMutableBytes().data();
  for (const Tensor &input : inputs) {
    AxisSplit split(input.getShape(), axis);
    int64_t bytes = split.size * split.inner * input.getElementBytes();
    for (int64_t o = 0; bytes && o < split.outer; ++o)
      std::memcpy(to + o * rowBytes, input.getBytes().data() + o * bytes, bytes);
    to += bytes;
  }
  return one(result);
}

/// The source index of a padded position, or -1 for the fill value.
int64_t padSource(graph::PadMode mode, int64_t index, int64_t size) {
  if (index >= 0 && index < size)
    return index;
  if (size == 0)
    return -1;
  switch (mode) {
  case graph::PadMode::constant: return -1;
  case graph::PadMode::edge: return index < 0 ? 0 : size - 1;
  case graph::PadMode::wrap: return ((index % size) + size) % size;
  case graph::PadMode::reflect: {
    if (size == 1)
      return 0;
    int64_t period = 2 * (size - 1), at = ((index % period) + period) % period;
    return at < size ? at : period - at;
  }
  }
  return -1;
}

Results evaluatePad(graph::PadOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  std::vector<int64_t> pads = inputs[1].toInts();
  if (int64_t(pads.size()) != 2 * x.getRank())
    return op.emitError("[TN3054] ") << pads.size() << " pads, expected " << 2 * x.getRank();
  Shape shape(x.getShape());
  for (int64_t d = 0; d < x.getRank(); ++d)
    if (__builtin_add_overflow(shape[d], pads[d], &shape[d]) ||
        __builtin_add_overflow(shape[d], pads[x.getRank() + d], &shape[d]))
      shape[d] = -1;
  for (int64_t d = 0; d < x.getRank() && op.getMode() != graph::PadMode::constant; ++d)
    if (x.getShape()[d] == 0 && (pads[d] > 0 || pads[x.getRank() + d] > 0))
      return op.emitError("[TN3125] axis ") << d << " has no elements to pad with";
  if (!isReasonable(shape))
    return op.emitError("[TN3054] pads that give ") << x.getType() << " no size a tensor can have";
  SmallVector<std::vector<int64_t>> indices(x.getRank());
  for (int64_t d = 0; d < x.getRank(); ++d) {
    int64_t size = x.getShape()[d];
    for (int64_t i = -pads[d], e = size + pads[x.getRank() + d]; i < e; ++i)
      indices[d].push_back(padSource(op.getMode(), i, size));
  }
  return one(gatherAxes(x, indices, operand(op, inputs, 2)));
}

Results evaluateTile(graph::TileOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  std::vector<int64_t> repeats = inputs[1].toInts();
  if (int64_t(repeats.size()) != x.getRank())
    return op.emitError("[TN3055] ") << repeats.size() << " repeats, expected " << x.getRank();
  Shape shape(x.getShape());
  for (int64_t d = 0; d < x.getRank(); ++d)
    if (__builtin_mul_overflow(shape[d], repeats[d], &shape[d]))
      shape[d] = -1;
  if (!isReasonable(shape))
    return op.emitError("[TN3055] repeats that give ") << x.getType() << " no size a tensor can have";
  SmallVector<std::vector<int64_t>> indices(x.getRank());
  for (int64_t d = 0; d < x.getRank(); ++d)
    for (int64_t i = 0; i < shape[d]; ++i)
      indices[d].push_back(i % x.getShape()[d]);
  return one(gatherAxes(x, indices));
}

} // namespace

void tenon::reference::registerMovement(Registry &registry) {
  registry.add<graph::ReshapeOp>(evaluateReshape);
  registry.add<graph::SqueezeOp>(evaluateSqueeze);
  registry.add<graph::UnsqueezeOp>(evaluateUnsqueeze);
  registry.add<graph::FlattenOp>(evaluateFlatten);
  registry.add<graph::TransposeOp>(evaluateTranspose);
  registry.add<graph::ExpandOp>(evaluateExpand);
  registry.add<graph::SliceOp>(evaluateSlice);
  registry.add<graph::ConcatOp>(evaluateConcat);
  registry.add<graph::PadOp>(evaluatePad);
  registry.add<graph::TileOp>(evaluateTile);
}
