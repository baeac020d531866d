// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Work of ops that do more than one operation per element of their result.
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;
using namespace tenon::graph;

/// Elements of a value, or -1 if its shape is not static.
static int64_t count(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && type.hasStaticShape() ? type.getNumElements() : -1;
}

static int64_t dim(Value value, int64_t i) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || i < 0 || i >= type.getRank() || type.isDynamicDim(i))
    return -1;
  return type.getDimSize(i);
}

static int64_t product(std::initializer_list<int64_t> factors) {
  int64_t result = 1;
  for (int64_t factor : factors) {
    if (factor < 0)
      return -1;
    result *= factor;
  }
  return result;
}

int64_t MatMulOp::getWork() {
  auto type = dyn_cast<RankedTensorType>(getLhs().getType());
  if (!type || type.getRank() == 0)
    return -1;
  int64_t k = dim(getLhs(), getTransposeLhs() && type.getRank() > 1 ? type.getRank() - 2 : type.getRank() - 1);
  return product({2, count(getResult()), k});
}

int64_t ConvOp::getWork() {
  int64_t filter = count(getFilter()), outChannels = dim(getFilter(), 0);
  if (filter < 0 || outChannels <= 0)
    return -1;
  return product({2, count(getResult()), filter / outChannels});
}

int64_t ConvTransposeOp::getWork() {
  int64_t filter = count(getFilter()), inChannels = dim(getFilter(), 0);
  if (filter < 0 || inChannels <= 0)
    return -1;
  return product({2, count(getX()), filter / inChannels});
}

int64_t PoolOp::getWork() {
  int64_t window = 1;
  for (int64_t size : getKernel())
    window *= size;
  return product({count(getResult()), window});
}

int64_t ReduceOp::getWork() { return count(getX()); }

int64_t AttentionOp::getWork() {
  // q k^T and the weighted sum of v, and about five operations a score.
  int64_t scores = product({dim(getQ(), 0), dim(getQ(), 1), dim(getQ(), 2), dim(getK(), 2)});
  int64_t size = dim(getQ(), 3), valueSize = dim(getV(), 3);
  return size < 0 || valueSize < 0 ? -1 : product({scores, 2 * size + 2 * valueSize + 5});
}

/// Each step multiplies the input and the state by every gate's matrix.
template <typename Op>
static int64_t recurrentWork(Op op) {
  int64_t weights = count(op.getW()), state = count(op.getR());
  return weights < 0 || state < 0 ? -1 : product({2, dim(op.getX(), 0), dim(op.getX(), 1), weights + state});
}

int64_t LstmOp::getWork() { return recurrentWork(*this); }
int64_t GruOp::getWork() { return recurrentWork(*this); }
int64_t RnnOp::getWork() { return recurrentWork(*this); }
