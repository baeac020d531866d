// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products and convolutions. Floats accumulate in double (or float, if
// asked, or a 16-bit float, if the op names it as its accumulator), in ascending
// order of the contracted index for matmul and (channel, window) for
// convolutions; integers accumulate in wrapping 64-bit integers.
#include "Families.h"

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// Sums in T, each term rounded as T's arithmetic does.
template <typename T>
struct Sum {
  using Value = T;
  T add(T sum, T a, T b) const { return sum + a * b; }
  T add(T sum, T a) const { return sum + a; }
};

/// Sums in a 16-bit float: product and addition in f32, then one rounding.
struct RoundedSum {
  using Value = float;
  const numerics::Format &format;
  float add(float sum, float a) const { return float(format.decode(format.encode(sum + a))); }
  float add(float sum, float a, float b) const { return add(sum, a * b); }
};

/// Rows of c are updated by whole rows of b: contiguous, so that compilers
/// vectorise it, and in the same order for every n.
template <typename Sum, typename T = typename Sum::Value>
void accumulate(Sum sum, const T *a, const T *b, T *c, int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kBlock = 512; // columns of c that stay in the cache
  for (int64_t first = 0; first < n; first += kBlock) {
    int64_t last = std::min(n, first + kBlock);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t l = 0; l < k; ++l) {
        T scale = a[i * k + l];
        const T *row = b + l * n;
        T *to = c + i * n;
        for (int64_t j = first; j < last; ++j)
          to[j] = sum.add(to[j], scale, row[j]);
      }
  }
}

template <typename T>
std::vector<T> valuesOf(const Tensor &tensor) {
  if constexpr (std::is_floating_point_v<T>) {
    std::vector<double> reals = tensor.toDoubles();
    return std::vector<T>(reals.begin(), reals.end());
  } else {
    std::vector<int64_t> ints = tensor.toInts();
    return std::vector<T>(ints.begin(), ints.end());
  }
}

template <typename T>
Tensor tensorOf(Type element, ArrayRef<int64_t> shape, const std::vector<T> &values) {
  if constexpr (std::is_floating_point_v<T>)
    return Tensor::fromDoubles(element, shape, std::vector<double>(values.begin(), values.end()));
  else
    return Tensor::fromInts(element, shape, std::vector<int64_t>(values.begin(), values.end()));
}

Tensor swapLastTwo(const Tensor &x) {
  Shape shape(x.getShape()), strides = stridesOf(shape);
  std::swap(shape[shape.size() - 1], shape[shape.size() - 2]);
  std::swap(strides[shape.size() - 1], strides[shape.size() - 2]);
  return x.strided(shape, strides);
}

template <typename Sum, typename T = typename Sum::Value>
Tensor matmul(Sum sum, Type element, ArrayRef<int64_t> shape, const Tensor &lhs, const Tensor &rhs, int64_t m,
              int64_t n, int64_t k) {
  std::vector<T> a = valuesOf<T>(lhs), b = valuesOf<T>(rhs), c(numElements(shape));
  int64_t batch = m * n ? c.size() / (m * n) : 0;
  for (int64_t i = 0; i < batch; ++i)
    accumulate(sum, &a[i * m * k], &b[i * k * n], &c[i * m * n], m, n, k);
  return tensorOf(element, shape, c);
}

/// Calls `evaluate` with the way that the op's sums are taken; `asked` is for
/// floats whose op names no accumulator.
template <typename Op, typename Evaluate>
Tensor withSum(Op op, Sums asked, Evaluate evaluate) {
  Type element = resultElement(op);
  if (!num::isReal(element))
    return evaluate(Sum<uint64_t>());
  std::optional<Type> accumulator = op.getAccumulator();
  if (accumulator && (accumulator->isF16() || accumulator->isBF16()))
    return evaluate(RoundedSum{*num::formatOf(*accumulator)});
  bool isWide = accumulator ? accumulator->isF64() : element.isF64();
  return asked == Sums::inF32 && !isWide ? evaluate(Sum<float>()) : evaluate(Sum<double>());
}

Results evaluateMatMul(graph::MatMulOp op, ArrayRef<Tensor> inputs, Sums sums) {
  Tensor lhs = inputs[0], rhs = inputs[1];
  bool vectorLhs = lhs.getRank() == 1, vectorRhs = rhs.getRank() == 1;
  if (lhs.getRank() == 0 || rhs.getRank() == 0)
    return op.emitError("[TN3020] matmul of a scalar");
  if (vectorLhs)
    lhs = lhs.reshaped({1, lhs.getNumElements()});
  else if (op.getTransposeLhs())
    lhs = swapLastTwo(lhs);
  if (vectorRhs)
    rhs = rhs.reshaped({rhs.getNumElements(), 1});
  else if (op.getTransposeRhs())
    rhs = swapLastTwo(rhs);
  ArrayRef<int64_t> a = lhs.getShape(), b = rhs.getShape();
  int64_t m = a[a.size() - 2], k = a.back(), n = b.back();
  auto batch = broadcastShapes(a.drop_back(2), b.drop_back(2));
  if (!batch || b[b.size() - 2] != k)
    return op.emitError("[TN3021] operand shapes ") << lhs.getType() << " and " << rhs.getType() << " do not fit";
  Shape aShape = *batch, bShape = *batch, shape = *batch, result = *batch;
  aShape.append({m, k});
  bShape.append({k, n});
  shape.append({m, n});
  if (!vectorLhs)
    result.push_back(m);
  if (!vectorRhs)
    result.push_back(n);
  lhs = lhs.broadcast(aShape);
  rhs = rhs.broadcast(bShape);
  Type element = resultElement(op);
  Tensor product = withSum(op, sums, [&](auto sum) { return matmul(sum, element, shape, lhs, rhs, m, n, k); });
  return one(product.reshaped(result));
}

/// x[i * stride - begin + w * dilation] of one plane for all i, zero outside.
template <typename T>
void gatherWindow(const T *plane, T *row, ArrayRef<int64_t> input, const Window &window, ArrayRef<int64_t> tap) {
  size_t rank = input.size();
  int64_t step = window.strides[rank - 1], first = tap[rank - 1] * window.dilations[rank - 1] - window.begins[rank - 1];
  int64_t width = window.output[rank - 1];
  forEachIndex(ArrayRef(window.output).drop_back(), [&](ArrayRef<int64_t> out) {
    int64_t offset = 0;
    bool inside = true;
    for (size_t d = 0; d + 1 < rank; ++d) {
      int64_t at = out[d] * window.strides[d] - window.begins[d] + tap[d] * window.dilations[d];
      inside &= at >= 0 && at < input[d];
      offset = offset * input[d] + at;
    }
    const T *from = plane + offset * input[rank - 1];
    for (int64_t i = 0; i < width; ++i) {
      int64_t at = i * step + first;
      row[i] = inside && at >= 0 && at < input[rank - 1] ? from[at] : T(0);
    }
    row += width;
  });
}

template <typename Sum, typename T = typename Sum::Value>
Tensor convolve(Sum sum, Type element, const Tensor &x, const Tensor &filter, const Tensor *bias, const Window &window,
                int64_t group) {
  std::vector<T> in = valuesOf<T>(x), weights = valuesOf<T>(filter);
  std::vector<T> offsets = bias ? valuesOf<T>(*bias) : std::vector<T>();
  int64_t batch = x.getShape()[0], channels = x.getShape()[1], outChannels = filter.getShape()[0];
  int64_t perGroup = channels / group, outPerGroup = outChannels / group;
  ArrayRef<int64_t> spatial = x.getShape().drop_front(2);
  int64_t inPlane = numElements(spatial), outPlane = numElements(window.output), taps = numElements(window.kernel);
  Shape shape{batch, outChannels};
  shape.append(window.output);
  std::vector<T> out(numElements(shape)), columns(taps * outPlane);
  if (bias)
    for (int64_t i = 0; i < batch * outChannels; ++i)
      std::fill_n(out.begin() + i * outPlane, outPlane, sum.add(T(0), offsets[i % outChannels]));
  for (int64_t n = 0; n < batch; ++n)
    for (int64_t g = 0; g < group; ++g)
      for (int64_t c = 0; c < perGroup; ++c) {
        T *row = columns.data();
        const T *plane = &in[((n * group + g) * perGroup + c) * inPlane];
        forEachIndex(window.kernel, [&](ArrayRef<int64_t> tap) {
          gatherWindow(plane, row, spatial, window, tap);
          row += outPlane;
        });
        for (int64_t o = 0; o < outPerGroup; ++o) {
          int64_t channel = g * outPerGroup + o;
          accumulate(sum, &weights[(channel * perGroup + c) * taps], columns.data(),
                     &out[(n * outChannels + channel) * outPlane], 1, outPlane, taps);
        }
      }
  return tensorOf(element, shape, out);
}

Results evaluateConv(graph::ConvOp op, ArrayRef<Tensor> inputs, Sums sums) {
  const Tensor *bias = operand(op, inputs, 2);
  Tensor x = toChannelsFirst(inputs[0], op.getLayout());
  const Tensor &filter = inputs[1];
  int64_t group = op.getGroup();
  if (x.getRank() < 3 || x.getRank() != filter.getRank() || group < 1 || filter.getShape()[0] % group ||
      x.getShape()[1] != filter.getShape()[1] * group || (bias && bias->getNumElements() != filter.getShape()[0]))
    return op.emitError("[TN3022] operand shapes ") << x.getType() << " and " << filter.getType() << " do not fit";
  auto window = windowOf(op, x.getShape().drop_front(2), filter.getShape().drop_front(2), op.getStrides(),
                         op.getDilations(), op.getPads(), op.getAutoPad(), /*ceilMode=*/false);
  if (failed(window))
    return failure();
  Type element = resultElement(op);
  Tensor result = withSum(op, sums, [&](auto sum) { return convolve(sum, element, x, filter, bias, *window, group); });
  return one(fromChannelsFirst(result, op.getLayout()));
}

} // namespace

void tenon::reference::multiplyAdd(const double *a, const double *b, double *c, int64_t m, int64_t n, int64_t k) {
  accumulate(Sum<double>(), a, b, c, m, n, k);
}

void tenon::reference::registerContraction(Registry &registry, Sums sums) {
  registry.add<graph::MatMulOp>(
      [=](graph::MatMulOp op, ArrayRef<Tensor> inputs) { return evaluateMatMul(op, inputs, sums); });
  registry.add<graph::ConvOp>(
      [=](graph::ConvOp op, ArrayRef<Tensor> inputs) { return evaluateConv(op, inputs, sums); });
}
