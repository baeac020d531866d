// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "IndexCheck.h"

#include "tenon/Dialect/Graph/IR/IndexBounds.h"
#include "tenon/tenon.h"

using namespace mlir;

namespace tenon::cpu {

/// What an index outside is, where the op knows better than that it is one.
static std::pair<uint32_t, StringRef> errorOf(Operation *op) {
  if (auto error = op->getAttrOfType<DictionaryAttr>("graph.index_error"))
    return {error.getAs<IntegerAttr>("code").getInt(), error.getAs<StringAttr>("text")};
  return {TENON_INDEX, "index {0} lies outside an axis of {1} elements"};
}

IndexCheck::IndexCheck(KernelContext &context, Operation *op, Value tensor, ArrayRef<AffineExpr> sizes)
    : c(context), tensor(tensor), sizes(sizes) {
  if (auto known = op->getAttrOfType<DenseI64ArrayAttr>(graph::kIndexBounds))
    bounds = known.asArrayRef();
  if (!llvm::all_of(llvm::seq<unsigned>(sizes.size()), [&](unsigned axis) { return isCertain(axis); }))
    check.emplace(context, op, errorOf(op).first, errorOf(op).second);
}

std::pair<int64_t, int64_t> IndexCheck::boundsOf(unsigned axis) const {
  if (bounds.size() < 2 * sizes.size())
    return {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()};
  return {bounds[2 * axis], bounds[2 * axis + 1]};
}

bool IndexCheck::isCertain(unsigned axis) const {
  auto [lowest, highest] = boundsOf(axis);
  int64_t size = constantOr(sizes[axis]);
  return size >= 0 && -size <= lowest && highest < size;
}

Value IndexCheck::raw(Value position, unsigned axis) {
  Value value = loadFrom(c, tensor, axis ? c.add(position, c.index(int64_t(axis))) : position, 1);
  if (elementOf(tensor).isUnsignedInteger())
    return arith::IndexCastUIOp::create(c.b, c.loc, c.b.getIndexType(), value);
  return LaneMath{c}.toIndex(value);
}

/// Of an index counted from the beginning.
Value IndexCheck::isInside(Value index, unsigned axis) {
  return arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, index, c.index(sizes[axis]));
}

Values IndexCheck::loadTuple(Value position, Value *inside) {
  LaneMath m{c};
  Value all, zero = c.index(int64_t(0));
  Values indices;
  for (unsigned axis = 0; axis < sizes.size(); ++axis) {
    Value index = raw(position, axis);
    if (boundsOf(axis).first < 0) {
      Value fromEnd = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, index, zero);
      index = m.select(fromEnd, c.add(index, c.index(sizes[axis])), index);
    }
    if (!isCertain(axis)) {
      Value holds = isInside(index, axis);
      all = all ? Value(arith::AndIOp::create(c.b, c.loc, all, holds)) : holds;
      index = m.select(holds, index, zero);
    }
    indices.push_back(index);
  }
  if (all)
    check->expect(all, position);
  else
    all = arith::ConstantOp::create(c.b, c.loc, c.b.getBoolAttr(true));
  if (inside)
    *inside = all;
  return indices;
}

void IndexCheck::finish() {
  if (!check)
    return;
  // Of the tuple's indices, the first that lies outside.
  check->finish([&](Value position) {
    LaneMath m{c};
    Value index = raw(position, sizes.size() - 1), size = c.index(sizes.back());
    for (unsigned axis = sizes.size() - 1; axis-- > 0;) {
      Value own = raw(position, axis), ownSize = c.index(sizes[axis]);
      Value fromEnd = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, own, c.index(int64_t(0)));
      Value holds = isInside(m.select(fromEnd, c.add(own, ownSize), own), axis);
      index = m.select(holds, index, own);
      size = m.select(holds, size, ownSize);
    }
    return std::pair(index, size);
  });
}

} // namespace tenon::cpu
