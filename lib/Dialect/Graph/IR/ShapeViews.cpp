// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Shape rules of ops that keep the elements and change the shape around them:
// reshape, squeeze, unsqueeze, flatten, transpose, expand.
#include "ShapeContents.h"
#include "SymbolicPolynomial.h"
#include "tenon/Dialect/Graph/IR/Graph.h"

using namespace mlir;
using namespace tenon::graph;
using Dims = ShapeAnalysis::Dims;

/// The sizes that a shape operand holds, null where they are not known; nothing
/// if not even their number is.
static std::optional<Dims> targetShape(ShapeAnalysis &a, Value shape) {
  if (auto contents = a.getContents(shape))
    return Dims(*contents);
  Dims lengths = a.getShape(shape);
  auto length = lengths.empty() ? std::nullopt : asConstant(lengths[0]);
  return length ? std::optional(Dims(*length)) : std::nullopt;
}

LogicalResult ReshapeOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX());
  std::optional<Dims> target = targetShape(a, getShape());
  if (!target)
    return emitError(
        "[TN2030] reshape to a shape of unknown length; its rank must be known when the model is compiled");
  // The size that is -1, or else the first not known, follows from the others.
  auto isWildcard = [](AffineExpr dim) { return asConstant(dim) == -1; };
  if (llvm::count_if(*target, isWildcard) > 1)
    return emitError("[TN2031] reshape to a shape with more than one -1");
  auto derived = llvm::find_if(*target, isWildcard);
  if (derived == target->end())
    derived = llvm::find_if(*target, [](AffineExpr dim) { return !dim; });
  int64_t wildcard = derived == target->end() ? -1 : derived - target->begin();
  Dims out, rest;
  for (auto [i, dim] : llvm::enumerate(*target)) {
    if (int64_t(i) == wildcard) {
      out.push_back({});
      continue;
    }
    rest.push_back(dim ? dim : a.dataSymbol());
    out.push_back(rest.back());
  }
  AffineExpr total = productOf(x, a.getContext()), group = productOf(rest, a.getContext());
  if (wildcard >= 0) {
    if (auto exact = divideExactly(total, group))
      out[wildcard] = *exact;
    else if (group == 0)
      out[wildcard] = a.constant(0);
    else if (asConstant(total) && asConstant(group))
      return emitError("[TN2032] reshape of ") << text(total) << " elements into groups of " << text(group);
    else if (auto divisor = asConstant(group); divisor && !a.unify(canonical(total % *divisor), a.constant(0)))
      return emitError("[TN2032] reshape of ") << text(total) << " elements into groups of " << *divisor;
    else {
      out[wildcard] = a.floorDiv(total, group);
      if (!asConstant(group))
        (void)a.unify(canonical(out[wildcard] * group), total);
    }
  } else if (!a.unify(total, group)) {
    return emitError("[TN2032] reshape of ") << text(total) << " elements to a shape of " << text(group);
  }
  a.setShape(getResult(), out);
  keepContents(a, getX(), getResult());
  return success();
}

LogicalResult SqueezeOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out;
  for (int64_t axis : getAxes())
    if (axis < 0 || axis >= int64_t(x.size()))
      return emitError("[TN2033] squeeze axis ") << axis << " is outside rank " << x.size();
  for (size_t i = 0; i < x.size(); ++i) {
    if (!llvm::is_contained(getAxes(), int64_t(i)))
      out.push_back(x[i]);
    else if (!a.unify(x[i], a.constant(1)))
      return emitError("[TN2033] squeeze of axis ") << i << ", which has size " << text(x[i]);
  }
  a.setShape(getResult(), out);
  keepContents(a, getX(), getResult());
  return success();
}

LogicalResult UnsqueezeOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out;
  size_t rank = x.size() + getAxes().size(), next = 0;
  for (int64_t axis : getAxes())
    if (axis < 0 || axis >= int64_t(rank))
      return emitError("[TN2053] unsqueeze axis ") << axis << " is outside the result's rank " << rank;
  for (size_t i = 0; i < rank; ++i)
    out.push_back(llvm::is_contained(getAxes(), int64_t(i)) || next >= x.size() ? a.constant(1) : x[next++]);
  a.setShape(getResult(), out);
  keepContents(a, getX(), getResult());
  return success();
}

LogicalResult FlattenOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out;
  int64_t begin = getBegin(), end = getEnd();
  if (begin < 0 || end < begin || size_t(end) > x.size())
    return emitError("[TN2034] flatten of dimensions ") << begin << " to " << end << " of rank " << x.size();
  out.append(x.begin(), x.begin() + begin);
  out.push_back(productOf(ArrayRef(x).slice(begin, end - begin), a.getContext()));
  out.append(x.begin() + end, x.end());
  a.setShape(getResult(), out);
  keepContents(a, getX(), getResult());
  return success();
}

LogicalResult TransposeOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX()), out;
  ArrayRef<int64_t> perm = getPerm();
  if (perm.size() != x.size())
    return emitError("[TN2035] transpose of rank ") << x.size() << " with a permutation of " << perm.size();
  for (int64_t p : perm) {
    if (p < 0 || size_t(p) >= x.size())
      return emitError("[TN2035] transpose permutation names axis ") << p << " of rank " << x.size();
    out.push_back(x[p]);
  }
  a.setShape(getResult(), out);
  moveContents(a, getX(), getResult(), [&](ArrayRef<int64_t> index) {
    Index source(index.size());
    for (auto [i, p] : llvm::enumerate(perm))
      source[p] = index[i];
    return source;
  });
  return success();
}

LogicalResult ExpandOp::inferShapes(ShapeAnalysis &a) {
  Dims x = a.getShape(getX());
  std::optional<Dims> target = targetShape(a, getShape());
  if (!target)
    return emitError("[TN2036] expand to a shape of unknown length; its rank must be known when the model is compiled");
  Dims out(std::max(x.size(), target->size()), a.constant(1));
  for (size_t i = 0; i < target->size(); ++i)
    out[i + out.size() - target->size()] = (*target)[i];
  for (size_t i = 0; i < x.size(); ++i) {
    AffineExpr &d = out[i + out.size() - x.size()];
    // Against an unknown size, a size above 1 stays.
    if (!d && x[i] != 1) {
      d = x[i];
      continue;
    }
    if (!d)
      continue;
    AffineExpr joined = a.broadcast(x[i], d);
    if (!joined)
      return emitError("[TN2012] expand of a dimension ") << text(x[i]) << " to " << text(d);
    d = joined;
  }
  for (AffineExpr &dim : out)
    dim = dim ? dim : a.dataSymbol();
  a.setShape(getResult(), out);
  moveContents(a, getX(), getResult(), [&](ArrayRef<int64_t> index) {
    Index source(index.take_back(x.size()));
    for (auto [i, size] : llvm::enumerate(x))
      source[i] = size == 1 ? 0 : source[i];
    return source;
  });
  return success();
}
