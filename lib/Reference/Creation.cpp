// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constants, shapes, and tensors made from scalars.
#include "Families.h"

#include <cmath>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

Results evaluateConstant(graph::ConstantOp op, ArrayRef<Tensor>) {
  std::optional<Tensor> value = Tensor::fromAttribute(op.getValue());
  if (!value)
    return op.emitError("[TN3070] the reference cannot read this constant");
  return one(*value);
}

Results evaluateShape(graph::ShapeOp op, ArrayRef<Tensor> inputs) {
  std::vector<int64_t> dims;
  for (int64_t i = op.getStart(); i < int64_t(op.getEnd()); ++i)
    dims.push_back(inputs[0].getShape()[i]);
  return one(Tensor::fromInts(resultElement(op), {int64_t(dims.size())}, dims));
}

Results evaluateSize(graph::SizeOp op, ArrayRef<Tensor> inputs) {
  return one(Tensor::fromInts(resultElement(op), {}, {inputs[0].getNumElements()}));
}

Results evaluateFill(graph::FillOp op, ArrayRef<Tensor> inputs) {
  std::vector<int64_t> shape = inputs[0].toInts();
  if (inputs[1].getNumElements() != 1 || !isReasonable(shape))
    return op.emitError("[TN3071] fill with ")
           << inputs[1].getType() << ", expected one element and sizes a tensor can have";
  return one(inputs[1].strided(shape, Shape(shape.size(), 0)));
}

Results evaluateRange(graph::RangeOp op, ArrayRef<Tensor> inputs) {
  Type element = resultElement(op);
  for (const Tensor &input : inputs)
    if (input.getNumElements() != 1)
      return op.emitError("[TN3072] range with an operand ") << input.getType() << ", expected one element";
  double first = inputs[0].toDoubles()[0], step = inputs[2].toDoubles()[0];
  double count = std::max(0.0, std::ceil((inputs[1].toDoubles()[0] - first) / step)); // NaN is 0
  if (step == 0 || std::isnan(step) || !isReasonable(int64_t(std::min(count, 1e18))))
    return op.emitError("[TN3072] range with a delta of ") << step << " and " << count << " elements";
  if (inputs[0].isFloat()) {
    std::vector<double> values(static_cast<size_t>(count));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = first + double(i) * step;
    return one(Tensor::fromDoubles(element, {int64_t(values.size())}, values));
  }
  int64_t start = inputs[0].toInts()[0], limit = inputs[1].toInts()[0], delta = inputs[2].toInts()[0];
  std::vector<int64_t> values;
  for (int64_t value = start; delta > 0 ? value < limit : value > limit;) {
    values.push_back(value);
    if (__builtin_add_overflow(value, delta, &value))
      break;
  }
  return one(Tensor::fromInts(element, {int64_t(values.size())}, values));
}

Results evaluateTrilu(graph::TriluOp op, ArrayRef<Tensor> inputs) {
  const Tensor &x = inputs[0];
  if (x.getRank() < 2)
    return op.emitError("[TN3073] trilu of rank ") << x.getRank();
  if (inputs[1].getNumElements() != 1)
    return op.emitError("[TN3073] trilu with k of ") << inputs[1].getType() << ", expected one number";
  int64_t k = inputs[1].toInts()[0], rows = x.getShape()[x.getRank() - 2], columns = x.getShape().back();
  Tensor result = x.strided(x.getShape(), stridesOf(x.getShape()));
  size_t size = x.getElementBytes();
  for (int64_t i = 0, e = x.getNumElements(); i < e; ++i) {
    int64_t diagonal = i % columns - i / columns % rows;
    if (op.getUpper() ? diagonal < k : diagonal > k)
      std::fill_n(result.getMutableBytes().data() + i * int64_t(size), size, char(0));
  }
  return one(result);
}

} // namespace

void tenon::reference::registerCreation(Registry &registry) {
  registry.add<graph::ConstantOp>(evaluateConstant);
  registry.add<graph::ShapeOp>(evaluateShape);
  registry.add<graph::SizeOp>(evaluateSize);
  registry.add<graph::FillOp>(evaluateFill);
  registry.add<graph::RangeOp>(evaluateRange);
  registry.add<graph::TriluOp>(evaluateTrilu);
}
