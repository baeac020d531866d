// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Quantize and dequantize. The quotient x / scale is rounded to x's element
// type before it is rounded to an integer, as ONNX's float arithmetic does.
#include "Families.h"

#include "tenon/Numerics/Integer.h"
#include <cmath>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// A parameter per element of x from one per tensor, per axis, or per block.
std::vector<double> perElement(const Tensor &parameter, ArrayRef<int64_t> shape, int64_t axis, int64_t blockSize) {
  std::vector<double> values = parameter.toDoubles(), out(numElements(shape));
  if (values.size() == 1)
    return std::vector<double>(out.size(), values[0]);
  AxisSplit split(shape, axis);
  int64_t blocks = blockSize ? parameter.getShape()[axis] : 0;
  for (int64_t i = 0, e = out.size(); i < e; ++i) {
    int64_t at = i / split.inner % split.size;
    out[i] = blockSize
                 ? values[(i / split.inner / split.size * blocks + at / blockSize) * split.inner + i % split.inner]
                 : values[at];
  }
  return out;
}

LogicalResult checkParameter(Operation *op, const Tensor &parameter, ArrayRef<int64_t> shape, int64_t axis,
                             int64_t blockSize) {
  if (parameter.getNumElements() == 1)
    return success();
  bool fits = axis >= 0 && axis < int64_t(shape.size());
  if (fits && !blockSize)
    fits = parameter.getNumElements() == shape[axis];
  if (fits && blockSize) {
    Shape expected(shape);
    expected[axis] = (shape[axis] + blockSize - 1) / blockSize;
    fits = parameter.getShape() == ArrayRef<int64_t>(expected);
  }
  if (fits)
    return success();
  return op->emitError("[TN3090] a parameter of type ") << parameter.getType() << " does not fit axis " << axis;
}

double roundEven(double x) {
  double floor = std::floor(x), rest = x - floor;
  return rest < 0.5 || (rest == 0.5 && std::fmod(floor, 2) == 0) ? floor : floor + 1;
}

/// Scale and zero point of each element of x; all zeros where the op has none.
struct Parameters {
  std::vector<double> scales, zeros;
};

template <typename Op>
FailureOr<Parameters> parametersOf(Op op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0], &scale = inputs[1], *zero = operand(op, inputs, 2);
  int64_t axis = op.getAxis(), block = op.getBlockSize();
  axis += axis < 0 ? x.getRank() : 0;
  if (failed(checkParameter(op, scale, x.getShape(), axis, block)) ||
      (zero && failed(checkParameter(op, *zero, x.getShape(), axis, block))))
    return failure();
  return Parameters{perElement(scale, x.getShape(), axis, block),
                    zero ? perElement(*zero, x.getShape(), axis, block) : std::vector<double>(x.getNumElements())};
}

Results evaluateQuantize(graph::QuantizeOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  FailureOr<Parameters> parameters = parametersOf(op, inputs);
  if (failed(parameters))
    return failure();
  const auto &[scales, zeros] = *parameters;
  std::vector<double> values = x.toDoubles();
  for (size_t i = 0; i < values.size(); ++i)
    values[i] /= scales[i];
  Type precision = x.isFloat() ? x.getElementType() : inputs[1].getElementType();
  values = Tensor::fromDoubles(precision, x.getShape(), values).toDoubles();
  Type element = resultElement(op);
  if (num::isReal(element)) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] += zeros[i];
    numerics::Encoding how;
    how.overflow = op.getSaturate() ? numerics::Overflow::Saturate : numerics::Overflow::NonFinite;
    return one(Tensor::fromDoubles(element, x.getShape(), values, how));
  }
  auto range = numerics::IntegerRange::of(element.getIntOrFloatBitWidth(), !element.isUnsignedInteger());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = range.saturated(roundEven(values[i]) + zeros[i]);
  return one(Tensor::fromDoubles(element, x.getShape(), values));
}

Results evaluateDequantize(graph::DequantizeOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  FailureOr<Parameters> parameters = parametersOf(op, inputs);
  if (failed(parameters))
    return failure();
  std::vector<double> values = x.toDoubles();
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = (values[i] - parameters->zeros[i]) * parameters->scales[i];
  return one(Tensor::fromDoubles(resultElement(op), x.getShape(), values));
}

} // namespace

void tenon::reference::registerQuantize(Registry &registry) {
  registry.add<graph::QuantizeOp>(evaluateQuantize);
  registry.add<graph::DequantizeOp>(evaluateDequantize);
}
