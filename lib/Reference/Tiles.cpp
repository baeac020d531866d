// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elementwise ops on large tensors, some rows at a time.
#include "tenon/Dialect/Graph/IR/Graph.h"
#include "tenon/Reference/Evaluator.h"
#include <cstring>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

constexpr int64_t kTileElements = 1 << 20;

/// The operand's axis of which a tile of the result's axis `axis` takes rows;
/// nothing if each tile takes all of it, and -1 if that cannot be said.
std::optional<int64_t> rowAxis(Operation *op, unsigned number, const Tensor &operand, ArrayRef<int64_t> result,
                               int64_t axis) {
  if (operand.getNumElements() == 1)
    return std::nullopt;
  if (number > 0 && isa<graph::QuantizeOp, graph::DequantizeOp>(op)) {
    auto attribute = [&](StringRef name) { return op->getAttrOfType<IntegerAttr>(name).getInt(); };
    int64_t own = attribute("axis");
    own += own < 0 ? int64_t(result.size()) : 0;
    if (attribute("block_size") == 0)
      return own == axis ? std::optional<int64_t>(0) : std::nullopt;
    return own == axis ? -1 : axis;
  }
  int64_t at = axis - int64_t(result.size()) + operand.getRank();
  if (at < 0 || operand.getShape()[at] == 1)
    return std::nullopt;
  return at;
}

/// Rows [first, first + count) of an axis before which all sizes are 1.
Tensor rows(const Tensor &tensor, int64_t axis, int64_t first, int64_t count) {
  Shape shape(tensor.getShape());
  size_t bytes = tensor.getBytes().size() / std::max<int64_t>(shape[axis], 1);
  shape[axis] = count;
  return Tensor::borrow(tensor.getElementType(), shape, tensor.getBytes().slice(first * bytes, count * bytes));
}

} // namespace

bool Evaluator::isElementwise(Operation *op) {
  if (auto cast = dyn_cast<graph::CastOp>(op))
    return !cast.isStochastic();
  return isa<graph::UnaryOp, graph::BinaryOp, graph::SelectOp, graph::QuantizeOp, graph::DequantizeOp>(op);
}

Results Evaluator::evaluateInTiles(Operation *op, ArrayRef<Tensor> inputs) const {
  auto type = op->getNumResults() == 1 ? dyn_cast<RankedTensorType>(op->getResult(0).getType()) : RankedTensorType();
  if (!isElementwise(op) || !type || !type.hasStaticShape() || type.getNumElements() <= kTileElements)
    return evaluate(op, inputs);
  ArrayRef<int64_t> shape = type.getShape();
  int64_t axis = 0;
  while (shape[axis] == 1)
    ++axis;
  SmallVector<std::optional<int64_t>> axes;
  for (auto [i, input] : llvm::enumerate(inputs)) {
    axes.push_back(rowAxis(op, i, input, shape, axis));
    if (axes.back() && (*axes.back() < 0 || input.getShape()[*axes.back()] != shape[axis]))
      return evaluate(op, inputs);
  }
  int64_t size = shape[axis], step = std::max<int64_t>(1, kTileElements / (type.getNumElements() / size));
  Tensor result(type.getElementType(), shape);
  char *to = result.getMutableBytes().data();
  for (int64_t first = 0; first < size; first += step) {
    int64_t count = std::min(step, size - first);
    SmallVector<Tensor> tile;
    for (auto [input, at] : llvm::zip(inputs, axes))
      tile.push_back(at ? rows(input, *at, first, count) : input);
    Results part = evaluate(op, tile);
    if (failed(part))
      return failure();
    ArrayRef<char> bytes = part->front().getBytes();
    std::memcpy(to, bytes.data(), bytes.size());
    to += bytes.size();
  }
  return SmallVector<Tensor>{result};
}
