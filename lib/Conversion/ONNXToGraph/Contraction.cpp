// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Matrix products and convolutions.
#include "HandlerRegistry.h"
#include "NodeContext.h"
#include "Spatial.h"

#include <cmath>

using namespace mlir;
using namespace tenon::onnxtograph;
namespace graph = tenon::graph;

namespace {

LogicalResult convertGemm(NodeContext &c) {
  for (unsigned i : {0, 1})
    if (c.rank(c.input(i)) != 2)
      return c.error(Problem::range, "input " + Twine(i) + " has rank " + Twine(c.rank(c.input(i))) + ", expected 2");
  Value y = c.matmul(c.input(0), c.input(1), c.integer("transA", 0), c.integer("transB", 0));
  float alpha = c.real("alpha", 1), beta = c.real("beta", 1);
  if (!c.isFloat(y) && (alpha != std::floor(alpha) || beta != std::floor(beta)))
    return c.error(Problem::unsupported, "attributes alpha and beta must be whole numbers for integer operands");
  if (alpha != 1)
    y = c.mul(y, c.scalarLike(y, alpha));
  if (Value bias = c.input(2); bias && beta != 0) {
    if (beta != 1)
      bias = c.mul(bias, c.scalarLike(bias, beta));
    y = c.add(y, bias);
  }
  return c.set(y);
}

/// kernel_shape repeats what the filter's type says.
LogicalResult checkKernelShape(NodeContext &c, Value filter) {
  Ints given = c.ints("kernel_shape").value_or(Ints());
  for (auto [i, size] : llvm::enumerate(given))
    if (auto actual = c.staticDim(filter, i + 2); actual && *actual != size)
      return c.error(Problem::range, "attribute kernel_shape has " + Twine(size) + " for spatial dimension " +
                                         Twine(i) + ", the filter has " + Twine(*actual));
  return success();
}

LogicalResult convertConv(NodeContext &c) {
  Value x = c.input(0), filter = c.input(1);
  if (failed(checkKernelShape(c, filter)))
    return failure();
  auto spatial = Spatial::read(c, c.rank(x) - 2);
  if (c.failed())
    return failure();
  if (c.rank(filter) != c.rank(x))
    return c.error(Problem::range, "filter has rank " + Twine(c.rank(filter)) + ", input has rank " + Twine(c.rank(x)) +
                                       ", expected the same");
  return c.set(c.create<graph::ConvOp>(c.elementType(x), x, filter, c.input(2), spatial.strides, spatial.dilations,
                                       spatial.pads, uint64_t(c.integer("group", 1)), spatial.autoPad,
                                       graph::ChannelLayout::first, TypeAttr()));
}

/// Replaces output_shape by the pads that give it. Where the output is larger
/// than what the input reaches, the rest is output padding. False where a size
/// is not known.
bool padsOfOutputShape(NodeContext &c, Spatial &spatial, Ints &outputPadding, ArrayRef<int64_t> outputShape) {
  int64_t count = outputShape.size();
  for (int64_t i = 0; i < count; ++i) {
    auto size = c.staticDim(c.input(0), i + 2), kernel = c.staticDim(c.input(1), i + 2);
    if (!size || !kernel)
      return false;
    int64_t reached = spatial.strides[i] * (*size - 1) + outputPadding[i] + (*kernel - 1) * spatial.dilations[i] + 1;
    int64_t total = reached - outputShape[i];
    if (total < 0)
      outputPadding[i] -= total;
    total = std::max<int64_t>(total, 0);
    bool extraAtEnd = spatial.autoPad == graph::AutoPad::same_upper;
    spatial.pads[i] = extraAtEnd ? total / 2 : total - total / 2;
    spatial.pads[i + count] = total - spatial.pads[i];
  }
  spatial.autoPad = graph::AutoPad::notset;
  return true;
}

LogicalResult convertConvTranspose(NodeContext &c) {
  Value x = c.input(0), filter = c.input(1);
  if (failed(checkKernelShape(c, filter)))
    return failure();
  int64_t count = c.rank(x) - 2;
  auto spatial = Spatial::read(c, count);
  if (c.failed())
    return failure();
  Ints outputPadding = c.ints("output_padding").value_or(Ints());
  if (outputPadding.empty())
    outputPadding.assign(count, 0);
  DenseI64ArrayAttr outputShape;
  if (int64_t(outputPadding.size()) != count)
    return c.error(Problem::range, "attribute output_padding must have " + Twine(count) + " values");
  if (auto given = c.ints("output_shape"); given && !given->empty()) {
    // Some exporters state batch and channels too.
    auto sizes = ArrayRef(*given).take_back(count);
    if (llvm::any_of(sizes, [](int64_t size) { return size < 0; }))
      return c.error(Problem::range, "attribute output_shape has a negative size");
    if (int64_t(sizes.size()) != count)
      return c.error(Problem::range, "attribute output_shape must have " + Twine(count) + " values");
    if (!padsOfOutputShape(c, spatial, outputPadding, sizes))
      outputShape = c.builder.getDenseI64ArrayAttr(sizes);
  }
  return c.set(c.create<graph::ConvTransposeOp>(
      c.elementType(x), x, filter, c.input(2), ArrayRef<int64_t>(spatial.strides), ArrayRef<int64_t>(spatial.dilations),
      ArrayRef<int64_t>(spatial.pads), ArrayRef<int64_t>(outputPadding), outputShape, uint64_t(c.integer("group", 1)),
      spatial.autoPad));
}

} // namespace

void tenon::onnxtograph::addContraction(HandlerRegistry &registry) {
  registry.add(kOnnx, "MatMul", 1, 2, [](NodeContext &c) { return c.set(c.matmul(c.input(0), c.input(1))); });
  registry.add(kOnnx, "Gemm", 1, 2, convertGemm);
  registry.add(kOnnx, "Conv", 1, 2, convertConv);
  registry.add(kOnnx, "ConvTranspose", 1, 2, convertConvTranspose);
}
