// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shape rules of views and data movement, which also move the contents of
// small integer tensors.
#include "SymbolicProduct.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;
using namespace tenon::graph;
using Dims = ShapeAnalysis::Dims;

static void keepContents(ShapeAnalysis &a, Value from, Value to) {
  if (auto contents = a.getContents(from))
    a.setContents(to, *contents);
}

LogicalResult ReshapeOp::inferShapes(ShapeAnalysis &a) {
  keepContents(a, getX(), getResult());
  Dims x = a.getShape(getX());
  auto target = a.getContents(getShape());
  Dims out;
  if (!target) {
    auto length = dyn_cast<AffineConstantExpr>(a.getShape(getShape())[0]);
    if (!length)
      return emitError("[TN2030] reshape to a shape of unknown length");
    for (int64_t i = 0; i < length.getValue(); ++i)
      out.push_back(a.symbol(""));
    a.setShape(getResult(), out);
    return emitError("[TN2031] reshape to a shape that is known only at run time is not supported");
  }
  int64_t wildcard = -1;
  SymbolicProduct rest;
  for (auto [i, dim] : llvm::enumerate(*target)) {
    if (!dim)
      return emitError("[TN2031] reshape to a shape whose dimension ") << i << " is known only at run time is not supported";
    if (dim == -1) {
      wildcard = i;
      out.push_back({});
    } else {
      rest.multiply(dim);
      out.push_back(dim);
    }
  }
  SymbolicProduct total;
  for (AffineExpr dim : x)
    total.multiply(dim);
  if (wildcard >= 0) {
    SymbolicProduct quotient = total;
    if (quotient.divide(rest))
      out[wildcard] = quotient.get(a.getContext());
    else if (isa<AffineConstantExpr>(total.get(a.getContext())) && isa<AffineConstantExpr>(rest.get(a.getContext())))
      return emitError("[TN2032] reshape of ") << text(total.get(a.getContext())) << " elements into groups of " << text(rest.get(a.getContext()));
    else if (auto divisor = dyn_cast<AffineConstantExpr>(rest.get(a.getContext())); divisor && divisor.getValue() > 0)
      out[wildcard] = total.get(a.getContext()).floorDiv(divisor.getValue());
    else
      out[wildcard] = total.get(a.getContext()).floorDiv(rest.get(a.getContext()));
  } else if (auto p = dyn_cast<AffineConstantExpr>(total.get(a.getContext())))
    if (auto q = dyn_cast<AffineConstantExpr>(rest.get(a.getContext())); q && p != q)
      return emitError("[TN2032] reshape of ") << text(p) << " elements to a shape of " << text(q);
  a.setShape(getResult(), out);
  return success();
}

LogicalResult SqueezeOp::inferShapes(ShapeAnalysis &a) {
  keepContents(a, getX(), getResult());
  Dims x = a.getShape(getX()), out;
  for (size_t i = 0; i < x.size(); ++i) {
    if (!llvm::is_contained(getAxes(), int64_t(i)))
      out.push_back(x[i]);
    else if (isa<AffineConstantExpr>(x[i]) && x[i] != 1)
      return emitError("[TN2033] squeeze of axis ") << i << ", which has size " << text(x[i]);
  }
  a.setShape(getResult(), out);
  return success();
}

LogicalResult UnsqueezeOp::inferShapes(ShapeAnalysis &a) {
  keepContents(a, getX(), getResult());
  Dims x = a.getShape(getX()), out;
  size_t rank = x.size() + getAxes().size(), next = 0;
  for (size_t i = 0; i < rank; ++i)
    out.push_back(llvm::is_contained(getAxes(), int64_t(i)) || next >= x.size() ? a.constant(1) : x[next++]);
  a.setShape(getResult(), out);
  return success();
}

LogicalResult FlattenOp::inferShapes(ShapeAnalysis &a) {
  keepContents(a, getX(), getResult());
  Dims x = a.getShape(getX()), out;
  int64_t begin = getBegin(), end = getEnd();
  if (begin < 0 || end < begin || size_t(end) > x.size())
    return emitError("[TN2034] flatten of dimensions ") << begin << " to " << end << " of rank " << x.size();
  out.append(x.begin(), x.begin() + begin);
  out.push_back(productOf(ArrayRef(x).slice(begin, end - begin), a.getContext()));
  out.append(x.begin() + end, x.end());
  a.setShape(getResult(), out);
  return success();
}

LogicalResult TransposeOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out;
  if (getPerm().size() != x.size())
    return emitError("[TN2035] transpose of rank ") << x.size() << " with a permutation of " << getPerm().size();
  for (int64_t p : getPerm()) {
    if (p < 0 || size_t(p) >= x.size())
      return emitError("[TN2035] transpose permutation names axis ") << p << " of rank " << x.size();
    out.push_back(x[p]);
  }
  if (x.size() <= 1)
    keepContents(a, getX(), getResult());
  a.setShape(getResult(), out);
  return success();
}

LogicalResult ExpandOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX());
  auto target = a.getContents(getShape());
  if (!target || llvm::any_of(*target, [](AffineExpr e) { return !e; }))
    return emitError("[TN2036] expand to a shape that is known only at run time is not supported");
  Dims out(std::max(x.size(), target->size()), a.constant(1));
  for (size_t i = 0; i < target->size(); ++i)
    out[i + out.size() - target->size()] = (*target)[i];
  for (size_t i = 0; i < x.size(); ++i) {
    AffineExpr &d = out[i + out.size() - x.size()];
    AffineExpr joined = a.broadcast(x[i], d);
    if (!joined)
      return emitError("[TN2012] expand of a dimension ") << text(x[i]) << " to " << text(d);
    d = joined;
  }
  if (auto contents = a.getContents(getX()); contents && contents->size() == 1 && out.size() == 1)
    if (auto n = dyn_cast<AffineConstantExpr>(out[0]); n && n.getValue() <= 256)
      a.setContents(getResult(), Dims(n.getValue(), contents->front()));
  a.setShape(getResult(), out);
  return success();
}

/// ceil((end - start) / step) of a clamped slice; null if it depends on
/// unknown values.
static AffineExpr sliceSize(AffineExpr dim, AffineExpr start, AffineExpr end, int64_t step, ShapeAnalysis &a) {
  auto size = dyn_cast<AffineConstantExpr>(dim);
  auto s = start ? dyn_cast<AffineConstantExpr>(start) : AffineConstantExpr();
  auto e = end ? dyn_cast<AffineConstantExpr>(end) : AffineConstantExpr();
  constexpr int64_t kHuge = int64_t(1) << 30; // stands for "to the end" in exporters' graphs
  if (size && s && e) {
    int64_t n = size.getValue(), b = s.getValue(), t = e.getValue();
    b = b < 0 ? b + n : b;
    t = t < 0 ? t + n : t;
    if (step > 0) {
      b = std::clamp<int64_t>(b, 0, n);
      t = std::clamp<int64_t>(t, 0, n);
      return a.constant(std::max<int64_t>(0, (t - b + step - 1) / step));
    }
    b = std::clamp<int64_t>(b, 0, n - 1);
    t = std::clamp<int64_t>(t, -1, n - 1);
    return a.constant(std::max<int64_t>(0, (b - t - step - 1) / -step));
  }
  if (step < 0)
    return s && e && (s.getValue() == -1 || s.getValue() >= kHuge) && e.getValue() <= -kHuge ? dim.ceilDiv(-step) : AffineExpr();
  if (!start || !end)
    return {};
  AffineExpr low = s && s.getValue() < 0 ? dim + s.getValue() : start;
  AffineExpr high = e && e.getValue() >= kHuge ? dim : e && e.getValue() < 0 ? dim + e.getValue() : end;
  if (size && !e && isa<AffineConstantExpr>(low)) // a symbolic end within a static dimension: assumed inside
    return (high - low).ceilDiv(step);
  return (high - low).ceilDiv(step);
}

LogicalResult SliceOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out = x;
  auto starts = a.getContents(getStarts()), ends = a.getContents(getEnds());
  for (auto [i, axis] : llvm::enumerate(getAxes())) {
    if (axis < 0 || size_t(axis) >= x.size())
      return emitError("[TN2037] slice axis ") << axis << " is outside rank " << x.size();
    out[axis] = sliceSize(x[axis], starts ? (*starts)[i] : AffineExpr(), ends ? (*ends)[i] : AffineExpr(), getSteps()[i], a);
    if (!out[axis])
      return emitError("[TN2038] slice of axis ") << axis << " by bounds that are known only at run time is not supported";
  }
  a.setShape(getResult(), out);
  auto contents = a.getContents(getX());
  auto s = a.getConstantInts(getStarts());
  if (contents && s && x.size() == 1 && getAxes().size() == 1)
    if (auto n = dyn_cast<AffineConstantExpr>(out[0])) {
      int64_t total = contents->size(), begin = (*s)[0] < 0 ? (*s)[0] + total : (*s)[0];
      begin = std::clamp<int64_t>(begin, 0, getSteps()[0] > 0 ? total : total - 1);
      Dims part;
      for (int64_t i = 0; i < n.getValue(); ++i)
        part.push_back((*contents)[begin + i * getSteps()[0]]);
      a.setContents(getResult(), part);
    }
  return success();
}

LogicalResult ConcatOp::inferShapes(ShapeAnalysis &a) {
  Dims out;
  std::optional<Dims> contents = Dims();
  for (Value input : getInputs()) {
    Dims x = a.getShape(input);
    if (size_t(getAxis()) >= x.size() || (!out.empty() && x.size() != out.size()))
      return emitError("[TN2039] concat along axis ") << getAxis() << " of operands of rank " << x.size();
    if (out.empty()) {
      out = x;
    } else {
      for (size_t i = 0; i < x.size(); ++i) {
        if (int64_t(i) == getAxis())
          out[i] = out[i] + x[i];
        else if (isa<AffineConstantExpr>(out[i]) && isa<AffineConstantExpr>(x[i]) && out[i] != x[i])
          return emitError("[TN2040] concat operands differ in dimension ") << i << ": " << text(out[i]) << " and " << text(x[i]);
        else if (!isa<AffineConstantExpr>(out[i]))
          out[i] = isa<AffineConstantExpr>(x[i]) ? x[i] : out[i];
      }
    }
    auto more = a.getContents(input);
    if (!more && x.size() == 1 && contents)
      if (auto n = dyn_cast<AffineConstantExpr>(x[0]); n && n.getValue() < 64)
        more = Dims(n.getValue());
    if (contents && more && x.size() == 1)
      contents->append(more->begin(), more->end());
    else
      contents.reset();
  }
  if (contents)
    a.setContents(getResult(), *contents);
  a.setShape(getResult(), out);
  return success();
}

LogicalResult PadOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX());
  auto pads = a.getContents(getPads());
  if (!pads || pads->size() != 2 * x.size() || llvm::any_of(*pads, [](AffineExpr e) { return !e; }))
    return emitError("[TN2041] pad by amounts that are known only at run time is not supported");
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = x[i] + (*pads)[i] + (*pads)[i + x.size()];
  a.setShape(getResult(), x);
  return success();
}

LogicalResult TileOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX());
  auto repeats = a.getContents(getRepeats());
  if (!repeats || repeats->size() != x.size() || llvm::any_of(*repeats, [](AffineExpr e) { return !e; }))
    return emitError("[TN2042] tile by counts that are known only at run time is not supported");
  for (size_t i = 0; i < x.size(); ++i)
    x[i] = x[i] * (*repeats)[i];
  a.setShape(getResult(), x);
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
  auto contents = a.getContents(getX());
  auto positions = a.getConstantInts(getIndices());
  if (contents && positions && x.size() == 1) {
    Dims picked;
    for (int64_t p : *positions) {
      p = p < 0 ? p + int64_t(contents->size()) : p;
      if (p < 0 || p >= int64_t(contents->size()))
        return emitError("[TN2044] gather index ") << p << " is outside a dimension of " << contents->size();
      picked.push_back((*contents)[p]);
    }
    a.setContents(getResult(), picked);
  }
  a.setShape(getResult(), out);
  return success();
}

LogicalResult GatherNDOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), indices = a.getShape(getIndices());
  auto depth = indices.empty() ? AffineConstantExpr() : dyn_cast<AffineConstantExpr>(indices.back());
  if (!depth || depth.getValue() + int64_t(getBatchDims()) > int64_t(x.size()))
    return emitError("[TN2045] gather_nd needs indices with a static last dimension within the data's rank");
  Dims out(indices.begin(), indices.end() - 1);
  out.append(x.begin() + getBatchDims() + depth.getValue(), x.end());
  a.setShape(getResult(), out);
  return success();
}

LogicalResult ResizeOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out;
  if (getSizes()) {
    auto sizes = a.getContents(getSizes());
    if (!sizes || sizes->size() != x.size() || llvm::any_of(*sizes, [](AffineExpr e) { return !e; }))
      return emitError("[TN2046] resize to sizes that are known only at run time is not supported");
    out = *sizes;
  } else {
    auto constantOp = getScales() ? getScales().getDefiningOp<ConstantOp>() : ConstantOp();
    auto scales = constantOp ? dyn_cast<DenseElementsAttr>(constantOp.getValue()) : DenseElementsAttr();
    if (!scales || scales.getNumElements() != int64_t(x.size()))
      return emitError("[TN2047] resize needs constant scales, one an axis");
    for (auto [dim, value] : llvm::zip(x, scales.getValues<APFloat>())) {
      double scale = value.convertToDouble();
      if (auto size = dyn_cast<AffineConstantExpr>(dim))
        out.push_back(a.constant(int64_t(std::floor(double(size.getValue()) * scale))));
      else if (scale == std::floor(scale))
        out.push_back(dim * int64_t(scale));
      else if (scale > 0 && 1 / scale == std::floor(1 / scale))
        out.push_back(dim.floorDiv(int64_t(1 / scale)));
      else
        return emitError("[TN2048] resize of a symbolic dimension by ") << scale << " is not supported";
    }
  }
  a.setShape(getResult(), out);
  return success();
}

//===-- creation ----------------------------------------------------------===//

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
  if (!shape || llvm::any_of(*shape, [](AffineExpr e) { return !e; }))
    return emitError("[TN2049] a fill of a shape that is known only at run time is not supported");
  a.setShape(getResult(), *shape);
  if (auto value = a.getContents(getValue()); value && shape->size() <= 1) {
    auto n = shape->empty() ? a.constant(1) : shape->front();
    if (auto count = dyn_cast<AffineConstantExpr>(n); count && count.getValue() <= 256)
      a.setContents(getResult(), Dims(count.getValue(), value->front()));
  }
  return success();
}

LogicalResult RangeOp::inferShapes(ShapeAnalysis &a) {
  auto start = a.getContents(getStart()), limit = a.getContents(getLimit()), delta = a.getContents(getDelta());
  auto step = delta && delta->front() ? dyn_cast<AffineConstantExpr>(delta->front()) : AffineConstantExpr();
  if (!start || !limit || !start->front() || !limit->front() || !step || step.getValue() == 0)
    return emitError("[TN2050] a range whose bounds are known only at run time is not supported");
  AffineExpr span = step.getValue() > 0 ? limit->front() - start->front() : start->front() - limit->front();
  AffineExpr count = span.ceilDiv(std::abs(step.getValue()));
  if (auto n = dyn_cast<AffineConstantExpr>(count)) {
    count = a.constant(std::max<int64_t>(0, n.getValue()));
    if (n.getValue() <= 256) {
      Dims contents;
      for (int64_t i = 0; i < n.getValue(); ++i)
        contents.push_back(start->front() + i * step.getValue());
      a.setContents(getResult(), contents);
    }
  }
  a.setShape(getResult(), {count});
  return success();
}

LogicalResult OneHotOp::inferShapes(ShapeAnalysis &a) {
  Dims out = a.getShape(getIndices());
  auto depth = a.getContents(getDepth());
  if (!depth || !depth->front())
    return emitError("[TN2051] one_hot needs a depth known when the model is compiled");
  int64_t axis = getAxis() < 0 ? getAxis() + int64_t(out.size()) + 1 : getAxis();
  out.insert(out.begin() + axis, depth->front());
  a.setShape(getResult(), out);
  return success();
}

LogicalResult TopKOp::inferShapes(ShapeAnalysis &a) {
  Dims out = a.getShape(getX());
  auto k = a.getContents(getK());
  if (!k || !k->front())
    return emitError("[TN2052] top_k needs a k known when the model is compiled");
  out[getAxis()] = k->front();
  getIndices().setType(UnrankedTensorType::get(IntegerType::get(getContext(), 64)));
  a.setShape(getValues(), out);
  a.setShape(getIndices(), out);
  return success();
}
