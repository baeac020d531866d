// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shape rules of ops that make tensors or read shapes: shape, size, fill,
// range, one_hot, top_k.
#include "ShapeContents.h"
#include "SymbolicPolynomial.h"
#include "mlir/IR/Matchers.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include <cmath>

using namespace mlir;
using namespace tenon::graph;
using Dims = ShapeAnalysis::Dims;

/// The single element of a scalar (or one-element) operand; null if unknown.
static AffineExpr scalarOf(ShapeAnalysis &a, Value value) {
  auto contents = a.getContents(value);
  return contents && contents->size() == 1 ? contents->front() : AffineExpr();
}

LogicalResult ShapeOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX());
  int64_t start = std::clamp<int64_t>(getStart(), 0, x.size()), end = std::clamp<int64_t>(getEnd(), start, x.size());
  a.setShape(getResult(), {a.constant(end - start)});
  a.setContents(getResult(), Dims(x.begin() + start, x.begin() + end));
  return success();
}

LogicalResult SizeOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX());
  a.setShape(getResult(), {});
  a.setContents(getResult(), {productOf(x, a.getContext())});
  return success();
}

LogicalResult FillOp::inferShapes(ShapeAnalysis &a) {
  auto shape = a.getContents(getShape());
  if (!shape) {
    Dims lengths = a.getShape(getShape());
    auto length = lengths.empty() ? std::nullopt : asConstant(lengths[0]);
    if (!length)
      return emitError("[TN2049] fill of a shape of unknown length; its rank must be known when the model is compiled");
    shape = Dims(*length);
  }
  for (AffineExpr &dim : *shape) {
    if (auto size = asConstant(dim); size && *size < 0)
      return emitError("[TN2049] fill of a shape with the dimension ") << *size;
    dim = dim ? dim : a.dataSymbol();
  }
  a.setShape(getResult(), *shape);
  AffineExpr value = scalarOf(a, getValue());
  auto sizes = staticSizes(a.getShape(getResult()));
  if (!value || !sizes)
    return success();
  Dims contents;
  int64_t count = 1;
  for (int64_t size : *sizes)
    if (count *= size; count > 256)
      return success();
  a.setContents(getResult(), Dims(count, value));
  return success();
}

/// The single element of a floating-point constant.
static std::optional<double> realOf(Value value) {
  DenseFPElementsAttr elements;
  if (!matchPattern(value, m_Constant(&elements)) || elements.getNumElements() != 1)
    return std::nullopt;
  return (*elements.value_begin<APFloat>()).convertToDouble();
}

LogicalResult RangeOp::inferShapes(ShapeAnalysis &a) {
  auto realStart = realOf(getStart()), realLimit = realOf(getLimit()), realStep = realOf(getDelta());
  if (realStart && realLimit && realStep && *realStep != 0) {
    double count = std::ceil((*realLimit - *realStart) / *realStep);
    if (!(count < double(int64_t(1) << 48)))
      return emitError("[TN2050] range from ")
             << *realStart << " to " << *realLimit << " by " << *realStep << " has no end";
    a.setShape(getResult(), {a.constant(std::max<int64_t>(0, int64_t(count)))});
    return success();
  }
  AffineExpr start = scalarOf(a, getStart()), limit = scalarOf(a, getLimit()), delta = scalarOf(a, getDelta());
  auto isWhole = [&](AffineExpr e) {
    return e && !(a.derivedSymbol(e) && a.derivedSymbol(e)->derivation == Derivation::ratio);
  };
  auto step = asConstant(delta);
  if (step && *step == 0)
    return emitError("[TN2050] range with a delta of 0");
  if (!isWhole(start) || !isWhole(limit) || !isWhole(delta)) {
    a.setShape(getResult(), {a.dataSymbol()});
    return success();
  }
  AffineExpr span = limit - start;
  AffineExpr count = step && *step < 0 ? a.ceilDiv(-span, a.constant(-*step)) : a.ceilDiv(span, delta);
  a.setShape(getResult(), {a.max(count, a.constant(0))});
  if (!step)
    return success();
  count = a.getShape(getResult())[0];
  if (auto known = asConstant(count); known && *known <= 256) {
    Dims contents;
    for (int64_t i = 0; i < *known; ++i)
      contents.push_back(start + i * *step);
    a.setContents(getResult(), contents);
  }
  return success();
}

LogicalResult OneHotOp::inferShapes(ShapeAnalysis &a) {
  Dims out = a.getShape(getIndices());
  int64_t rank = int64_t(out.size()) + 1,
          axis = int64_t(getAxis()) < 0 ? int64_t(getAxis()) + rank : int64_t(getAxis());
  if (axis < 0 || axis >= rank)
    return emitError("[TN2051] one_hot axis ") << int64_t(getAxis()) << " is outside the result's rank " << rank;
  AffineExpr depth = scalarOf(a, getDepth());
  out.insert(out.begin() + axis, depth ? depth : a.dataSymbol());
  a.setShape(getResult(), out);
  return success();
}

LogicalResult TopKOp::inferShapes(ShapeAnalysis &a) {
  Dims out = a.getShape(getX());
  int64_t axis = getAxis();
  if (axis < 0 || axis >= int64_t(out.size()))
    return emitError("[TN2052] top_k axis ") << axis << " is outside rank " << out.size();
  AffineExpr k = scalarOf(a, getK());
  if (auto known = asConstant(k), size = asConstant(out[axis]); known && size && *known > *size)
    return emitError("[TN2052] top_k of ") << *known << " elements of a dimension of " << *size;
  out[axis] = k ? k : a.dataSymbol();
  getIndices().setType(UnrankedTensorType::get(IntegerType::get(getContext(), 64)));
  a.setShape(getValues(), out);
  a.setShape(getIndices(), out);
  return success();
}
