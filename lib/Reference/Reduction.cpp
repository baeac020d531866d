// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Reductions, softmax, normalisation and cumulative sums, in double and in
// row-major order; integer sums and products wrap.
#include "Families.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;
using graph::ReduceKind;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Brings the reduced axes innermost: [kept elements, reduced elements].
Tensor gatherRows(const Tensor &x, ArrayRef<int64_t> axes, bool keepDims, Shape &result, int64_t &length) {
  Shape shape, strides, reducedShape, reducedStrides, own = stridesOf(x.getShape());
  for (int64_t d = 0; d < x.getRank(); ++d) {
    bool reduced = llvm::is_contained(axes, d);
    (reduced ? reducedShape : shape).push_back(x.getShape()[d]);
    (reduced ? reducedStrides : strides).push_back(own[d]);
    if (!reduced)
      result.push_back(x.getShape()[d]);
    else if (keepDims)
      result.push_back(1);
  }
  length = numElements(reducedShape);
  shape.append(reducedShape);
  strides.append(reducedStrides);
  return x.strided(shape, strides);
}

double reduce(ReduceKind kind, ArrayRef<double> values) {
  double sum = 0, largest = -kInfinity, smallest = kInfinity, product = 1;
  for (double value : values) {
    switch (kind) {
    case ReduceKind::sum:
    case ReduceKind::mean:
    case ReduceKind::log_sum: sum += value; break;
    case ReduceKind::l1: sum += std::fabs(value); break;
    case ReduceKind::l2:
    case ReduceKind::sum_square: sum += value * value; break;
    case ReduceKind::prod: product *= value; break;
    case ReduceKind::max:
    case ReduceKind::log_sum_exp: largest = std::isnan(value) || value > largest ? value : largest; break;
    case ReduceKind::min: smallest = std::isnan(value) || value < smallest ? value : smallest; break;
    }
  }
  switch (kind) {
  case ReduceKind::mean: return sum / double(values.size());
  case ReduceKind::max: return largest;
  case ReduceKind::min: return smallest;
  case ReduceKind::prod: return product;
  case ReduceKind::l2: return std::sqrt(sum);
  case ReduceKind::log_sum: return std::log(sum);
  case ReduceKind::log_sum_exp: {
    if (std::isinf(largest))
      return largest;
    for (double value : values)
      sum += std::exp(value - largest);
    return largest + std::log(sum);
  }
  default: return sum;
  }
}

std::optional<int64_t> reduceInt(ReduceKind kind, ArrayRef<int64_t> values, bool isUnsigned, Type element) {
  uint64_t sum = 0, product = 1;
  for (int64_t value : values) {
    uint64_t bits = value;
    sum += kind == ReduceKind::l1 && !isUnsigned && value < 0 ? 0 - bits
           : kind == ReduceKind::sum_square                   ? bits * bits
                                                              : bits;
    product *= bits;
  }
  auto less = [&](int64_t a, int64_t b) { return isUnsigned ? uint64_t(a) < uint64_t(b) : a < b; };
  unsigned width = element.getIntOrFloatBitWidth();
  switch (kind) {
  case ReduceKind::sum:
  case ReduceKind::l1:
  case ReduceKind::sum_square: return int64_t(sum);
  case ReduceKind::prod: return int64_t(product);
  case ReduceKind::mean:
    return values.empty() ? 0 : isUnsigned ? int64_t(sum / values.size()) : int64_t(sum) / int64_t(values.size());
  case ReduceKind::max: // of nothing: the smallest value of the type
    if (values.empty())
      return isUnsigned ? 0 : int64_t(~uint64_t(0) << (width - 1));
    return *std::max_element(values.begin(), values.end(), less);
  case ReduceKind::min:
    if (values.empty())
      return int64_t(isUnsigned ? ~uint64_t(0) >> (64 - width) : (uint64_t(1) << (width - 1)) - 1);
    return *std::min_element(values.begin(), values.end(), less);
  default: return std::nullopt;
  }
}

Results evaluateReduce(graph::ReduceOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  Shape shape;
  int64_t length = 0;
  Tensor rows = gatherRows(x, op.getAxes(), op.getKeepDims(), shape, length);
  int64_t count = numElements(shape);
  Type element = resultElement(op);
  if (!x.isFloat() && reduceInt(op.getKind(), {}, x.isUnsigned(), x.getElementType())) {
    std::vector<int64_t> values = rows.toInts(), out(count);
    for (int64_t i = 0; i < count; ++i)
      out[i] = *reduceInt(op.getKind(), ArrayRef(values).slice(i * length, length), x.isUnsigned(), x.getElementType());
    return one(Tensor::fromInts(element, shape, out));
  }
  std::vector<double> values = rows.toDoubles(), out(count);
  for (int64_t i = 0; i < count; ++i)
    out[i] = reduce(op.getKind(), ArrayRef(values).slice(i * length, length));
  return one(Tensor::fromDoubles(element, shape, out));
}

/// Integers of 64 bits stay exact by comparing as integers.
template <typename T, typename Less>
std::vector<int64_t> argBest(ArrayRef<T> values, int64_t count, int64_t length, bool last, Less better) {
  std::vector<int64_t> out(count);
  for (int64_t i = 0; i < count; ++i) {
    const T *row = values.data() + i * length;
    for (int64_t j = 1; j < length; ++j)
      if (better(row[j], row[out[i]]) || (last && !better(row[out[i]], row[j])))
        out[i] = j;
  }
  return out;
}

Results evaluateArgReduce(graph::ArgReduceOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  Shape shape;
  int64_t length = 0;
  Tensor rows = gatherRows(x, {int64_t(op.getAxis())}, op.getKeepDims(), shape, length);
  int64_t count = numElements(shape);
  if (length == 0 && count > 0 && !op->hasAttr("graph.unchecked"))
    return op.emitError("[TN3040] arg_reduce of an empty axis");
  bool isMax = op.getIsMax(), last = op.getSelectLast();
  std::vector<int64_t> out;
  if (length == 0) { // of nothing that is read
    out.assign(count, 0);
  } else if (x.isFloat()) {
    std::vector<double> values = rows.toDoubles();
    // NaN is beyond all numbers.
    out = argBest<double>(values, count, length, last, [&](double a, double b) {
      return std::isnan(a) ? !std::isnan(b) : isMax ? a > b : a < b;
    });
  } else {
    std::vector<int64_t> values = rows.toInts();
    out = argBest<int64_t>(values, count, length, last, [&](int64_t a, int64_t b) {
      bool less = x.isUnsigned() ? uint64_t(a) < uint64_t(b) : a < b;
      return isMax ? !less && a != b : less;
    });
  }
  return one(Tensor::fromInts(resultElement(op), shape, out));
}

Results evaluateSoftmax(graph::SoftmaxOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  AxisSplit split(x.getShape(), op.getAxis());
  std::vector<double> v = x.toDoubles();
  for (int64_t o = 0; o < split.outer; ++o)
    for (int64_t i = 0; i < split.inner; ++i) {
      double *row = &v[o * split.size * split.inner + i];
      double largest = -kInfinity, sum = 0;
      for (int64_t a = 0; a < split.size; ++a)
        largest = std::max(largest, row[a * split.inner]);
      for (int64_t a = 0; a < split.size; ++a)
        sum += std::exp(row[a * split.inner] - largest);
      for (int64_t a = 0; a < split.size; ++a) {
        double &value = row[a * split.inner];
        value = op.getLog() ? value - largest - std::log(sum) : std::exp(value - largest) / sum;
      }
    }
  return one(Tensor::fromDoubles(resultElement(op), x.getShape(), v));
}

Results evaluateNorm(graph::NormOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  const Tensor *scale = operand(op, inputs, 1), *bias = operand(op, inputs, 2);
  ArrayRef<int64_t> shape = x.getShape();
  for (const Tensor *parameter : {scale, bias})
    if (parameter && broadcastShapes(shape, parameter->getShape()) != Shape(shape))
      return op.emitError("[TN3041] ") << parameter->getType() << " does not broadcast to " << x.getType();
  int64_t outer = numElements(shape.take_front(op.getAxis())), inner = numElements(shape.drop_front(op.getAxis()));
  std::vector<double> v = x.toDoubles(), scales, biases;
  if (scale)
    scales = scale->broadcast(shape).toDoubles();
  if (bias)
    biases = bias->broadcast(shape).toDoubles();
  double epsilon = op.getEpsilon().convertToFloat();
  for (int64_t o = 0; o < outer; ++o) {
    double *row = &v[o * inner];
    double mean = 0, square = 0;
    if (op.getKind() == graph::NormKind::layer) {
      for (int64_t i = 0; i < inner; ++i)
        mean += row[i];
      mean /= double(inner);
    }
    for (int64_t i = 0; i < inner; ++i)
      square += (row[i] - mean) * (row[i] - mean);
    double factor = 1 / std::sqrt(square / double(inner) + epsilon);
    for (int64_t i = 0; i < inner; ++i) {
      row[i] = (row[i] - mean) * factor;
      if (scale)
        row[i] *= scales[o * inner + i];
      if (bias)
        row[i] += biases[o * inner + i];
    }
  }
  return one(Tensor::fromDoubles(resultElement(op), shape, v));
}

template <typename T>
void cumulate(std::vector<T> &values, AxisSplit split, bool exclusive, bool reverse) {
  for (int64_t o = 0; o < split.outer; ++o)
    for (int64_t i = 0; i < split.inner; ++i) {
      T sum = 0;
      for (int64_t a = 0; a < split.size; ++a) {
        T &value = values[(o * split.size + (reverse ? split.size - 1 - a : a)) * split.inner + i];
        T own = value;
        value = exclusive ? sum : sum + own;
        sum += own;
      }
    }
}

Results evaluateCumSum(graph::CumSumOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  AxisSplit split(x.getShape(), op.getAxis());
  if (x.isFloat()) {
    std::vector<double> values = x.toDoubles();
    cumulate(values, split, op.getExclusive(), op.getReverse());
    return one(Tensor::fromDoubles(resultElement(op), x.getShape(), values));
  }
  std::vector<int64_t> ints = x.toInts();
  std::vector<uint64_t> values(ints.begin(), ints.end());
  cumulate(values, split, op.getExclusive(), op.getReverse());
  return one(Tensor::fromInts(resultElement(op), x.getShape(), std::vector<int64_t>(values.begin(), values.end())));
}

} // namespace

void tenon::reference::registerReduction(Registry &registry) {
  registry.add<graph::ReduceOp>(evaluateReduce);
  registry.add<graph::ArgReduceOp>(evaluateArgReduce);
  registry.add<graph::SoftmaxOp>(evaluateSoftmax);
  registry.add<graph::NormOp>(evaluateNorm);
  registry.add<graph::CumSumOp>(evaluateCumSum);
}
