// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Gathers and scatters. Negative indices count from the end; an index out of
// range is an error.
#include "Families.h"
#include "Movement.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// Makes indices along an axis of the given size non-negative.
LogicalResult normalize(Operation *op, int64_t &index, int64_t size) {
  int64_t given = index;
  index += index < 0 ? size : 0;
  if (index < 0 || index >= size)
    return op->emitError("[TN3060] index ") << given << " is out of range for a dimension of " << size;
  return success();
}

Results evaluateGather(graph::GatherOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  std::vector<int64_t> along = inputs[1].toInts();
  int64_t axis = op.getAxis();
  for (int64_t &index : along)
    if (failed(normalize(op, index, x.getShape()[axis])))
      return failure();
  AxisSplit split(x.getShape(), axis);
  Shape shape(x.getShape().take_front(axis));
  shape.append(inputs[1].getShape().begin(), inputs[1].getShape().end());
  shape.append(x.getShape().begin() + axis + 1, x.getShape().end());
  Tensor result(x.getElementType(), shape);
  size_t bytes = split.inner * x.getElementBytes();
  char *to = result.getMutableBytes().data();
  for (int64_t o = 0; bytes && o < split.outer; ++o)
    for (int64_t index : along) {
      std::memcpy(to, x.getBytes().data() + (o * split.size + index) * int64_t(bytes), bytes);
      to += bytes;
    }
  return one(result);
}

/// The offset in `shape` of position `at`, with the axis replaced by index.
int64_t offsetAlong(ArrayRef<int64_t> at, ArrayRef<int64_t> strides, int64_t axis, int64_t index) {
  int64_t offset = index * strides[axis];
  for (int64_t d = 0, e = at.size(); d < e; ++d)
    offset += d == axis ? 0 : at[d] * strides[d];
  return offset;
}

/// Element indices are of the data's rank, and beside the axis within its sizes.
LogicalResult checkIndices(Operation *op, const Tensor &x, const Tensor &indices, int64_t axis) {
  bool fits = x.getRank() == indices.getRank();
  for (int64_t d = 0; fits && d < x.getRank(); ++d)
    fits = d == axis || indices.getShape()[d] <= x.getShape()[d];
  if (fits)
    return success();
  return op->emitError("[TN3062] indices ") << indices.getType() << " do not fit data " << x.getType();
}

Results evaluateGatherElements(graph::GatherElementsOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0], &indices = inputs[1];
  if (failed(checkIndices(op, x, indices, op.getAxis())))
    return failure();
  Tensor result(x.getElementType(), indices.getShape());
  Shape strides = stridesOf(x.getShape());
  std::vector<int64_t> along = indices.toInts();
  int64_t axis = op.getAxis(), i = 0, size = x.getElementBytes();
  for (int64_t &index : along)
    if (failed(normalize(op, index, x.getShape()[axis])))
      return failure();
  forEachIndex(indices.getShape(), [&](ArrayRef<int64_t> at) {
    std::memcpy(result.getMutableBytes().data() + i * size,
                x.getBytes().data() + offsetAlong(at, strides, axis, along[i]) * size, size);
    ++i;
  });
  return one(result);
}

Results evaluateGatherND(graph::GatherNDOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0], &indices = inputs[1];
  int64_t batchDims = op.getBatchDims(), depth = indices.getRank() ? indices.getShape().back() : 0;
  if (indices.getRank() <= batchDims || batchDims + depth > x.getRank() ||
      indices.getShape().take_front(batchDims) != x.getShape().take_front(batchDims))
    return op.emitError("[TN3062] indices ") << indices.getType() << " do not fit data " << x.getType();
  Shape shape(indices.getShape().drop_back()), strides = stridesOf(x.getShape());
  shape.append(x.getShape().begin() + batchDims + depth, x.getShape().end());
  Tensor result(x.getElementType(), shape);
  std::vector<int64_t> tuples = indices.toInts();
  int64_t count = depth ? tuples.size() / depth : numElements(indices.getShape().drop_back());
  int64_t batches = numElements(x.getShape().take_front(batchDims));
  int64_t bytes = numElements(x.getShape().drop_front(batchDims + depth)) * x.getElementBytes();
  int64_t perBatch = batches ? count / batches : 0;
  int64_t batchStride = numElements(x.getShape().drop_front(batchDims));
  for (int64_t i = 0; i < count; ++i) {
    int64_t offset = i / perBatch * batchStride;
    for (int64_t d = 0; d < depth; ++d) {
      int64_t &index = tuples[i * depth + d];
      if (failed(normalize(op, index, x.getShape()[batchDims + d])))
        return failure();
      offset += index * strides[batchDims + d];
    }
    if (bytes)
      std::memcpy(result.getMutableBytes().data() + i * bytes,
                  x.getBytes().data() + offset * int64_t(x.getElementBytes()), bytes);
  }
  return one(result);
}

/// Combines updates into a tensor one by one, in order.
class Scatter {
public:
  Scatter(const Tensor &x, const Tensor &updates, graph::ScatterKind kind)
      : kind(kind), result(x.strided(x.getShape(), stridesOf(x.getShape()))), updates(updates) {
    if (kind == graph::ScatterKind::none)
      return;
    if (x.isFloat())
      values = x.toDoubles(), changes = updates.toDoubles();
    else
      ints = x.toInts(), intChanges = updates.toInts();
  }

  void combine(int64_t to, int64_t from, int64_t count = 1) {
    if (kind == graph::ScatterKind::none) {
      int64_t size = result.getElementBytes();
      std::memcpy(result.getMutableBytes().data() + to * size, updates.getBytes().data() + from * size, count * size);
      return;
    }
    for (int64_t i = 0; i < count; ++i)
      if (!values.empty())
        values[to + i] = merge(values[to + i], changes[from + i]);
      else if (result.isUnsigned())
        ints[to + i] = int64_t(merge(uint64_t(ints[to + i]), uint64_t(intChanges[from + i])));
      else
        ints[to + i] = merge(ints[to + i], intChanges[from + i]);
  }

  Tensor finish() {
    if (kind == graph::ScatterKind::none)
      return result;
    return result.isFloat() ? Tensor::fromDoubles(result.getElementType(), result.getShape(), values)
                            : Tensor::fromInts(result.getElementType(), result.getShape(), ints);
  }

private:
  template <typename T>
  T merge(T a, T b) const {
    using U = std::conditional_t<std::is_same_v<T, int64_t>, uint64_t, T>;
    switch (kind) {
    case graph::ScatterKind::add: return T(U(a) + U(b));
    case graph::ScatterKind::mul: return T(U(a) * U(b));
    case graph::ScatterKind::max: return a != a || a > b ? a : b; // keeps a NaN
    case graph::ScatterKind::min: return a != a || a < b ? a : b;
    case graph::ScatterKind::none: break;
    }
    return b;
  }

  graph::ScatterKind kind;
  Tensor result, updates;
  std::vector<double> values, changes;
  std::vector<int64_t> ints, intChanges;
};

Results evaluateScatterElements(graph::ScatterElementsOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0], &indices = inputs[1];
  if (failed(checkIndices(op, x, indices, op.getAxis())))
    return failure();
  if (inputs[2].getShape() != indices.getShape())
    return op.emitError("[TN3062] updates ") << inputs[2].getType() << " do not fit indices " << indices.getType();
  std::vector<int64_t> along = indices.toInts();
  int64_t axis = op.getAxis(), i = 0;
  for (int64_t &index : along)
    if (failed(normalize(op, index, x.getShape()[axis])))
      return failure();
  Scatter scatter(x, inputs[2], op.getKind());
  Shape strides = stridesOf(x.getShape());
  forEachIndex(indices.getShape(), [&](ArrayRef<int64_t> at) {
    scatter.combine(offsetAlong(at, strides, axis, along[i]), i);
    ++i;
  });
  return one(scatter.finish());
}

Results evaluateScatterND(graph::ScatterNDOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0], &indices = inputs[1];
  int64_t depth = indices.getRank() ? indices.getShape().back() : -1;
  bool fits = depth >= 0 && depth <= x.getRank();
  if (fits) {
    Shape expected(indices.getShape().drop_back());
    expected.append(x.getShape().begin() + depth, x.getShape().end());
    fits = inputs[2].getShape() == ArrayRef(expected);
  }
  if (!fits)
    return op.emitError("[TN3062] indices ")
           << indices.getType() << " and updates " << inputs[2].getType() << " do not fit data " << x.getType();
  int64_t slice = numElements(x.getShape().drop_front(depth));
  std::vector<int64_t> tuples = indices.toInts();
  Shape strides = stridesOf(x.getShape());
  Scatter scatter(x, inputs[2], op.getKind());
  for (int64_t i = 0, count = numElements(indices.getShape().drop_back()); i < count; ++i) {
    int64_t offset = 0;
    for (int64_t d = 0; d < depth; ++d) {
      int64_t &index = tuples[i * depth + d];
      if (failed(normalize(op, index, x.getShape()[d])))
        return failure();
      offset += index * strides[d];
    }
    scatter.combine(offset, i * slice, slice);
  }
  return one(scatter.finish());
}

Results evaluateOneHot(graph::OneHotOp op, ArrayRef<Tensor> inputs) {
  const Tensor &indices = inputs[0], &values = inputs[2];
  if (inputs[1].getNumElements() != 1 || values.getNumElements() != 2)
    return op.emitError("[TN3063] one_hot needs one depth and two values");
  int64_t depth = inputs[1].toInts()[0], axis = op.getAxis();
  axis += axis < 0 ? indices.getRank() + 1 : 0;
  Shape shape(indices.getShape());
  shape.insert(shape.begin() + axis, depth);
  if (!isReasonable(shape))
    return op.emitError("[TN3063] one_hot with a depth of ") << depth;
  AxisSplit split(shape, axis);
  std::vector<int64_t> hot = indices.toInts();
  Tensor result = values.reshaped({2}).strided(shape, Shape(shape.size(), 0)); // all off
  size_t size = values.getElementBytes();
  for (int64_t i = 0, e = hot.size(); i < e; ++i) {
    int64_t index = hot[i] < 0 ? hot[i] + depth : hot[i];
    if (index >= 0 && index < depth)
      std::memcpy(result.getMutableBytes().data() +
                      ((i / split.inner * depth + index) * split.inner + i % split.inner) * int64_t(size),
                  values.getBytes().data() + size, size);
  }
  return one(result);
}

/// Sorted by value, equal values by position; NaN counts as the largest.
Results evaluateTopK(graph::TopKOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  if (inputs[1].getNumElements() != 1)
    return op.emitError("[TN3061] k is ") << inputs[1].getType() << ", expected one number";
  int64_t k = inputs[1].toInts()[0], axis = op.getAxis();
  AxisSplit split(x.getShape(), axis);
  if (k < 0 || k > split.size)
    return op.emitError("[TN3061] k is ") << k << ", expected at most " << split.size;
  std::vector<double> doubles = x.isFloat() ? x.toDoubles() : std::vector<double>();
  std::vector<int64_t> ints = x.isFloat() ? std::vector<int64_t>() : x.toInts();
  auto less = [&](int64_t a, int64_t b) {
    if (!x.isFloat())
      return x.isUnsigned() ? uint64_t(ints[a]) < uint64_t(ints[b]) : ints[a] < ints[b];
    return doubles[a] < doubles[b] || (!std::isnan(doubles[a]) && std::isnan(doubles[b]));
  };
  Shape shape(x.getShape());
  shape[axis] = k;
  Tensor values(x.getElementType(), shape);
  std::vector<int64_t> indices(numElements(shape));
  size_t size = x.getElementBytes();
  for (int64_t o = 0; o < split.outer; ++o)
    for (int64_t i = 0; i < split.inner; ++i) {
      auto at = [&](int64_t a) { return (o * split.size + a) * split.inner + i; };
      std::vector<int64_t> order = allIndices(split.size);
      std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
        bool before = op.getLargest() ? less(at(b), at(a)) : less(at(a), at(b));
        bool after = op.getLargest() ? less(at(a), at(b)) : less(at(b), at(a));
        return before || (!after && a < b);
      });
      for (int64_t j = 0; j < k; ++j) {
        int64_t to = (o * k + j) * split.inner + i;
        indices[to] = order[j];
        std::memcpy(values.getMutableBytes().data() + to * int64_t(size),
                    x.getBytes().data() + at(order[j]) * int64_t(size), size);
      }
    }
  return SmallVector<Tensor>{values, Tensor::fromInts(resultElement(op, 1), shape, indices)};
}

} // namespace

void tenon::reference::registerIndexing(Registry &registry) {
  registry.add<graph::GatherOp>(evaluateGather);
  registry.add<graph::GatherElementsOp>(evaluateGatherElements);
  registry.add<graph::GatherNDOp>(evaluateGatherND);
  registry.add<graph::ScatterElementsOp>(evaluateScatterElements);
  registry.add<graph::ScatterNDOp>(evaluateScatterND);
  registry.add<graph::OneHotOp>(evaluateOneHot);
  registry.add<graph::TopKOp>(evaluateTopK);
}
