// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Moving the elements of small integer tensors.
#include "ShapeContents.h"

#include "mlir/IR/BuiltinTypes.h"

using namespace mlir;

namespace tenon::graph {

std::optional<Index> staticSizes(ArrayRef<AffineExpr> dims) {
  Index sizes;
  for (AffineExpr dim : dims) {
    auto size = asConstant(dim);
    if (!size)
      return std::nullopt;
    sizes.push_back(*size);
  }
  return sizes;
}

void keepContents(ShapeAnalysis &a, Value from, Value to) {
  if (auto contents = a.getContents(from))
    a.setContents(to, *contents);
}

void forEachIndex(ArrayRef<int64_t> sizes, llvm::function_ref<void(ArrayRef<int64_t>)> visit) {
  if (llvm::any_of(sizes, [](int64_t size) { return size <= 0; }))
    return;
  Index index(sizes.size(), 0);
  while (true) {
    visit(index);
    int64_t d = int64_t(sizes.size()) - 1;
    for (; d >= 0 && ++index[d] == sizes[d]; --d)
      index[d] = 0;
    if (d < 0)
      return;
  }
}

int64_t linearIndex(ArrayRef<int64_t> sizes, ArrayRef<int64_t> index) {
  int64_t linear = 0;
  for (auto [size, i] : llvm::zip(sizes, index))
    linear = linear * size + i;
  return linear;
}

void moveContents(ShapeAnalysis &a, Value from, Value to, llvm::function_ref<Index(ArrayRef<int64_t>)> source) {
  auto contents = a.getContents(from);
  if (!contents)
    return;
  auto fromSizes = staticSizes(a.getShape(from)), toSizes = staticSizes(a.getShape(to));
  if (!fromSizes || !toSizes)
    return;
  // The analysis keeps no more than 256 elements.
  int64_t count = 1;
  for (int64_t size : *toSizes)
    if (count *= std::max<int64_t>(size, 0); count > 256)
      return;
  ShapeAnalysis::Dims result;
  forEachIndex(*toSizes, [&](ArrayRef<int64_t> index) {
    Index at = source(index);
    int64_t linear = at.size() == fromSizes->size() ? linearIndex(*fromSizes, at) : -1;
    result.push_back(linear >= 0 && linear < int64_t(contents->size()) ? (*contents)[linear] : AffineExpr());
  });
  a.setContents(to, result);
}

} // namespace tenon::graph
