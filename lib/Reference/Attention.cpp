// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Scaled dot-product attention, with scores and weights kept in double.
#include "Families.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace tenon;
using namespace tenon::reference;

namespace {

/// Softmax of a row in place; a row without any visible key becomes zeros, as
/// ONNX's tests of masks want it; scores that are -inf by themselves give NaN.
void softmax(MutableArrayRef<double> row, bool isBlind) {
  if (isBlind) {
    std::fill(row.begin(), row.end(), 0.0);
    return;
  }
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (double value : row)
    largest = std::max(largest, value);
  for (double &value : row)
    sum += value = std::exp(value - largest);
  for (double &value : row)
    value /= sum;
}

Results evaluateAttention(graph::AttentionOp op, ArrayRef<Tensor> inputs) {
  const Tensor &q = inputs[0], &k = inputs[1], &v = inputs[2], *mask = operand(op, inputs, 3);
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (q.getRank() != 4 || k.getRank() != 4 || v.getRank() != 4 || k.getShape()[1] == 0 ||
      q.getShape()[1] % k.getShape()[1] || q.getShape()[3] != k.getShape()[3] ||
      k.getShape().take_front(3) != v.getShape().take_front(3) || q.getShape()[0] != k.getShape()[0])
    return op.emitError("[TN3080] attention operands do not fit");
  int64_t batch = q.getShape()[0], heads = q.getShape()[1], queries = q.getShape()[2], size = q.getShape()[3];
  int64_t kvHeads = k.getShape()[1], keys = k.getShape()[2], valueSize = v.getShape()[3];
  std::vector<double> qs = q.toDoubles(), ks = k.toDoubles(), vs = v.toDoubles(), masks;
  if (Shape scores{batch, heads, queries, keys}; mask && broadcastShapes(scores, mask->getShape()) != scores)
    return op.emitError("[TN3080] attention's mask ") << mask->getType() << " does not broadcast to the scores";
  if (mask) {
    masks = mask->broadcast({batch, heads, queries, keys}).toDoubles();
    if (mask->getElementType().isInteger(1))
      for (double &value : masks)
        value = value != 0 ? 0 : -kInfinity;
  }
  double scale = op.getScale().convertToFloat();
  std::vector<double> out(batch * heads * queries * valueSize), row(keys);
  for (int64_t head = 0; head < batch * heads; ++head) {
    int64_t kvHead = head / heads * kvHeads + head % heads / (heads / kvHeads);
    for (int64_t i = 0; i < queries; ++i) {
      int64_t seen = 0;
      for (int64_t j = 0; j < keys; ++j) {
        double sum = 0;
        for (int64_t d = 0; d < size; ++d)
          sum += qs[(head * queries + i) * size + d] * ks[(kvHead * keys + j) * size + d];
        bool hidden = op.getCausal() && j > i + keys - queries;
        double added = hidden ? -kInfinity : mask ? masks[(head * queries + i) * keys + j] : 0;
        row[j] = hidden ? added : sum * scale + added;
        seen += added != -kInfinity;
      }
      softmax(row, !seen);
      multiplyAdd(row.data(), &vs[kvHead * keys * valueSize], &out[(head * queries + i) * valueSize], 1, valueSize,
                  keys);
    }
  }
  return one(Tensor::fromDoubles(resultElement(op), {batch, heads, queries, valueSize}, out));
}

} // namespace

void tenon::reference::registerAttention(Registry &registry) { registry.add<graph::AttentionOp>(evaluateAttention); }
