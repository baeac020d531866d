// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shape rules of data movement: slice, concat, pad, tile, gather, scatter,
// resize; and the elements of small integer tensors that they move.
#include "ShapeContents.h"
#include "SymbolicPolynomial.h"
#include "tenon/Dialect/Graph/IR/Graph.h"
#include <cmath>

using namespace mlir;
using namespace tenon::graph;
using Dims = ShapeAnalysis::Dims;

// Exporters write INT64_MAX, INT32_MAX, 10^9 or so for "to the end".
static constexpr int64_t kEnd = 1000000000;

/// Where a bound of a slice lies in [low, high]: a bound below 0 counts from the
/// end of the dimension. Null if it is not known.
static AffineExpr clampedBound(AffineExpr dim, AffineExpr bound, AffineExpr low, AffineExpr high, ShapeAnalysis &a) {
  if (!bound)
    return {};
  if (auto at = asConstant(bound); at && (*at >= kEnd || *at <= -kEnd)) {
    // Beyond every size, or the runtime says so.
    a.assumeAtMost(dim, *at > 0 ? *at : std::max(*at, -std::numeric_limits<int64_t>::max()) * -1);
    return *at > 0 ? high : low;
  }
  // Minima and maxima cost nothing where ranges decide them.
  AffineExpr fromEnd = a.max(dim + bound, low);
  return a.min(
      a.derive(Derivation::select, {a.derive(Derivation::lt, {bound, a.constant(0)}), fromEnd, a.max(bound, low)}),
      high);
}

LogicalResult SliceOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out = x;
  auto starts = a.getContents(getStarts()), ends = a.getContents(getEnds());
  ArrayRef<int64_t> axes = getAxes(), steps = getSteps();
  if (steps.size() != axes.size() || (starts && starts->size() != axes.size()) || (ends && ends->size() != axes.size()))
    return emitError("[TN2037] slice needs one start, end and step for each axis");
  Dims begins(axes.size());
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (axis < 0 || size_t(axis) >= x.size() || steps[i] == 0)
      return emitError("[TN2037] slice of axis ") << axis << " of rank " << x.size() << " with step " << steps[i];
    AffineExpr dim = x[axis];
    bool forward = steps[i] > 0;
    // A negative step may end one before the first element.
    AffineExpr zero = a.constant(0), high = forward ? dim : dim - 1;
    AffineExpr begin = clampedBound(dim, starts ? (*starts)[i] : AffineExpr(), zero, high, a);
    AffineExpr end = clampedBound(dim, ends ? (*ends)[i] : AffineExpr(), forward ? zero : a.constant(-1), high, a);
    begins[i] = begin;
    if (!begin || !end) {
      // [v, v + n) has n elements even where v is not known; else anything.
      out[axis] = a.dataSymbol();
      continue;
    }
    // No dimension is as large as the limit, which has an absolute value.
    int64_t pace = std::abs(std::max(steps[i], -std::numeric_limits<int64_t>::max()));
    AffineExpr span = a.max(a.absorb(forward ? end - begin : begin - end), zero);
    out[axis] = a.ceilDiv(span, a.constant(pace));
  }
  a.setShape(getResult(), out);
  if (llvm::all_of(begins, [](AffineExpr begin) { return asConstant(begin).has_value(); }))
    moveContents(a, getX(), getResult(), [&](ArrayRef<int64_t> index) {
      Index source(index);
      for (auto [i, axis] : llvm::enumerate(axes))
        source[axis] = *asConstant(begins[i]) + index[axis] * steps[i];
      return source;
    });
  return success();
}

LogicalResult ConcatOp::inferShapes(ShapeAnalysis &a) {
  Dims out;
  int64_t axis = getAxis();
  for (Value input : getInputs()) {
    Dims x = a.getShape(input);
    if (axis < 0 || size_t(axis) >= x.size() || (!out.empty() && x.size() != out.size()))
      return emitError("[TN2039] concat along axis ") << axis << " of operands of rank " << x.size();
    if (out.empty()) {
      out = x;
      continue;
    }
    for (size_t i = 0; i < x.size(); ++i) {
      AffineExpr joined = int64_t(i) == axis ? out[i] + x[i] : a.unify(out[i], x[i]);
      if (!joined)
        return emitError("[TN2040] concat operands differ in dimension ")
               << i << ": " << text(out[i]) << " and " << text(x[i]);
      out[i] = joined;
    }
  }
  a.setShape(getResult(), out);
  // Unknown parts of a shape tensor leave the other parts known.
  auto total = staticSizes(a.getShape(getResult()));
  if (!total || out.size() != 1 || (*total)[0] > 256 || !isa<IntegerType>(getElementTypeOrSelf(getResult().getType())))
    return success();
  Dims contents;
  for (Value input : getInputs()) {
    auto part = a.getContents(input);
    if (!part)
      part = Dims(*asConstant(a.getShape(input)[0]));
    contents.append(part->begin(), part->end());
  }
  a.setContents(getResult(), contents);
  return success();
}

// Sums of sizes up to here do not overflow.
static constexpr int64_t kMostPadding = int64_t(1) << 60;

LogicalResult PadOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out;
  auto pads = a.getContents(getPads());
  if (pads && pads->size() != 2 * x.size())
    return emitError("[TN2041] pad of rank ")
           << x.size() << " with " << pads->size() << " amounts, expected " << 2 * x.size();
  for (size_t i = 0; i < x.size(); ++i) {
    AffineExpr begin = pads ? (*pads)[i] : AffineExpr(), end = pads ? (*pads)[i + x.size()] : AffineExpr();
    for (AffineExpr amount : {begin, end})
      if (auto known = asConstant(amount); known && (*known > kMostPadding || *known < -kMostPadding))
        return emitError("[TN2041] pad of ") << *known << " elements, expected at most " << kMostPadding;
    out.push_back(begin && end ? x[i] + begin + end : a.dataSymbol());
  }
  a.setShape(getResult(), out);
  return success();
}

LogicalResult TileOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out;
  auto repeats = a.getContents(getRepeats());
  if (repeats && repeats->size() != x.size())
    return emitError("[TN2042] tile of rank ") << x.size() << " with " << repeats->size() << " counts";
  for (size_t i = 0; i < x.size(); ++i)
    out.push_back(repeats && (*repeats)[i] ? x[i] * (*repeats)[i] : a.dataSymbol());
  a.setShape(getResult(), out);
  moveContents(a, getX(), getResult(), [&](ArrayRef<int64_t> index) {
    Index source(index);
    for (auto [i, size] : llvm::enumerate(x))
      source[i] %= *asConstant(size);
    return source;
  });
  return success();
}

LogicalResult GatherOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), indices = a.getShape(getIndices()), out;
  int64_t axis = getAxis();
  if (axis < 0 || size_t(axis) >= x.size())
    return emitError("[TN2043] gather axis ") << axis << " is outside rank " << x.size();
  out.append(x.begin(), x.begin() + axis);
  out.append(indices.begin(), indices.end());
  out.append(x.begin() + axis + 1, x.end());
  a.setShape(getResult(), out);
  auto positions = a.getConstantInts(getIndices());
  auto size = asConstant(x[axis]);
  if (!positions || !size)
    return success();
  for (int64_t &p : *positions) {
    if (p < -*size || p >= *size)
      return emitError("[TN2044] gather index ") << p << " is outside a dimension of " << *size;
    p = p < 0 ? p + *size : p;
  }
  auto indexSizes = staticSizes(indices);
  moveContents(a, getX(), getResult(), [&](ArrayRef<int64_t> index) {
    Index source(index.take_front(axis));
    source.push_back((*positions)[linearIndex(*indexSizes, index.slice(axis, indices.size()))]);
    source.append(index.begin() + axis + indices.size(), index.end());
    return source;
  });
  return success();
}

LogicalResult GatherNDOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), indices = a.getShape(getIndices());
  auto depth = indices.empty() ? std::nullopt : asConstant(indices.back());
  int64_t batch = getBatchDims();
  if (!depth || batch < 0 || batch >= int64_t(indices.size()) || *depth + batch > int64_t(x.size()))
    return emitError("[TN2045] gather_nd needs indices with a static last dimension within the data's rank");
  for (int64_t i = 0; i < batch; ++i)
    if (!a.unify(indices[i], x[i]))
      return emitError("[TN2045] gather_nd's batch dimension ")
             << i << " is " << text(x[i]) << " in the data and " << text(indices[i]) << " in the indices";
  Dims out(indices.begin(), indices.end() - 1);
  out.append(x.begin() + batch + *depth, x.end());
  a.setShape(getResult(), out);
  return success();
}

/// Indices along an axis are of the data's rank, and beside the axis within it.
static LogicalResult checkElementIndices(Operation *op, Value data, Value indexTensor, int64_t axis, ShapeAnalysis &a) {
  Dims x = a.getShape(data), indices = a.getShape(indexTensor);
  if (indices.size() != x.size())
    return op->emitError("[TN2054] the data has rank ")
           << x.size() << ", its indices have rank " << indices.size() << "; both must be the same";
  for (size_t i = 0; i < x.size(); ++i) {
    auto [low, high] = a.getRange(canonical(indices[i] - x[i]));
    if (int64_t(i) == axis || high <= 0)
      continue;
    if (low > 0)
      return op->emitError("[TN2054] dimension ")
             << i << " of the indices is " << text(indices[i]) << ", beyond the data's " << text(x[i]);
    a.assumeWithin(indices[i], x[i]);
  }
  return success();
}

LogicalResult GatherElementsOp::inferShapes(ShapeAnalysis &a) {
  if (failed(checkElementIndices(*this, getX(), getIndices(), getAxis(), a)))
    return failure();
  a.setShape(getResult(), Dims(a.getShape(getIndices())));
  return success();
}

LogicalResult ScatterNDOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), indices = a.getShape(getIndices()), given = a.getShape(getUpdates());
  auto depth = indices.empty() ? std::nullopt : asConstant(indices.back());
  if (!depth || *depth < 1 || *depth > int64_t(x.size()))
    return emitError("[TN2065] scatter_nd needs indices with a static last dimension within the data's rank");
  Dims wanted(indices.begin(), indices.end() - 1);
  wanted.append(x.begin() + *depth, x.end());
  bool fits = given.size() == wanted.size();
  for (size_t i = 0; fits && i < given.size(); ++i)
    fits = bool(a.unify(given[i], wanted[i]));
  if (!fits)
    return emitError("[TN2065] scatter_nd's updates are ")
           << getUpdates().getType() << "; for indices of " << getIndices().getType() << " and data of "
           << getX().getType() << " they need rank " << wanted.size() << " and the sizes that these two give";
  a.setShape(getResult(), x);
  // Shape tensors are edited so: one position an index.
  auto contents = a.getContents(getX()), updates = a.getContents(getUpdates());
  auto positions = a.getConstantInts(getIndices());
  if (!contents || !updates || !positions || a.getShape(getX()).size() != 1 || getKind() != ScatterKind::none ||
      positions->size() != updates->size())
    return success();
  for (auto [p, update] : llvm::zip(*positions, *updates)) {
    int64_t at = p < 0 ? p + int64_t(contents->size()) : p;
    if (at < 0 || at >= int64_t(contents->size()))
      return emitError("[TN2055] scatter_nd index ") << p << " is outside a dimension of " << contents->size();
    (*contents)[at] = update;
  }
  a.setContents(getResult(), *contents);
  return success();
}

LogicalResult ScatterElementsOp::inferShapes(ShapeAnalysis &a) {
  if (failed(checkElementIndices(*this, getX(), getIndices(), getAxis(), a)))
    return failure();
  Dims indices = a.getShape(getIndices()), given = a.getShape(getUpdates());
  bool fits = given.size() == indices.size();
  for (size_t i = 0; fits && i < given.size(); ++i)
    fits = bool(a.unify(given[i], indices[i]));
  if (!fits)
    return emitError("[TN2054] the updates are ")
           << getUpdates().getType() << ", the indices " << getIndices().getType() << "; both must have the same shape";
  a.setShape(getResult(), Dims(a.getShape(getX())));
  return success();
}

/// floor(dim * scale), where the scale is a ratio of small numbers.
static AffineExpr scaled(AffineExpr dim, float scale, ShapeAnalysis &a) {
  if (auto size = asConstant(dim)) // in f32, as runtimes agree
    return a.constant(int64_t(std::min(std::floor(float(*size) * scale), float(int64_t(1) << 62))));
  for (int64_t q = 1; q <= 64; ++q) {
    double p = std::round(double(scale) * q);
    if (p >= 1 && std::abs(double(scale) * q - p) <= 1e-6 * p)
      return a.floorDiv(dim * int64_t(p), a.constant(q));
  }
  return a.dataSymbol();
}

LogicalResult ResizeOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out;
  if (getSizes()) {
    auto sizes = a.getContents(getSizes());
    if (sizes && sizes->size() != x.size())
      return emitError("[TN2046] resize of rank ") << x.size() << " with " << sizes->size() << " sizes";
    for (size_t i = 0; i < x.size(); ++i)
      out.push_back(sizes && (*sizes)[i] ? (*sizes)[i] : a.dataSymbol());
  } else {
    auto constantOp = getScales() ? getScales().getDefiningOp<ConstantOp>() : ConstantOp();
    auto scales = constantOp ? dyn_cast<DenseElementsAttr>(constantOp.getValue()) : DenseElementsAttr();
    if (!scales || !isa<FloatType>(scales.getElementType()))
      return emitError("[TN2048] resize needs constant scales");
    if (scales.getNumElements() != int64_t(x.size()))
      return emitError("[TN2047] resize has ")
             << scales.getNumElements() << " scales, expected one for each of " << x.size() << " axes";
    for (APFloat value : scales.getValues<APFloat>())
      if (!value.isFinite() || value.isZero() || value.isNegative())
        return emitError("[TN2047] resize by a scale of ") << value.convertToDouble() << ", expected a positive number";
    for (auto [dim, value] : llvm::zip(x, scales.getValues<APFloat>()))
      out.push_back(scaled(dim, float(value.convertToDouble()), a));
  }
  a.setShape(getResult(), out);
  return success();
}
