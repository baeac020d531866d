// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// An axis costs no check at run time if its size and the bounds of its indices are known and the bounds lie
// inside. A quick load notes the largest index as an unsigned number: one that is still negative after it was
// counted from the end is then larger than any size. Only if the largest index lies outside do the loops run
// again, to find the element that is reported.
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
  if (!check)
    return;
  largest = memref::AllocaOp::create(c.b, c.loc, MemRefType::get({1}, c.b.getIndexType()));
  memref::StoreOp::create(c.b, c.loc, c.index(int64_t(0)), largest, c.index(int64_t(0)));
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

Value IndexCheck::fromBeginning(Value index, unsigned axis) {
  if (boundsOf(axis).first >= 0)
    return index;
  Value isNegative = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, index, c.index(int64_t(0)));
  return LaneMath{c}.select(isNegative, c.add(index, c.index(sizes[axis])), index);
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
    Value index = fromBeginning(raw(position, axis), axis);
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

Value IndexCheck::loadQuickly(Value position) {
  Value index = fromBeginning(raw(position, 0), 0);
  if (isCertain(0))
    return index;
  Value zero = c.index(int64_t(0)), known = memref::LoadOp::create(c.b, c.loc, largest, zero);
  memref::StoreOp::create(c.b, c.loc, arith::MaxUIOp::create(c.b, c.loc, known, index).getResult(), largest, zero);
  return LaneMath{c}.select(isInside(index, 0), index, zero);
}

void IndexCheck::finish(function_ref<void()> loadAgain) {
  if (!check)
    return;
  if (loadAgain) {
    // The axis may have no elements: 0, where nothing was loaded, lies outside, too.
    Value isOutside =
        arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::uge,
                              memref::LoadOp::create(c.b, c.loc, largest, c.index(int64_t(0))), c.index(sizes[0]));
    auto again = scf::IfOp::create(c.b, c.loc, isOutside, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(again.thenBlock());
    loadAgain();
  }
  // Of the tuple's indices, the first that lies outside.
  check->finish([&](Value position) {
    LaneMath m{c};
    Value index = raw(position, sizes.size() - 1), size = c.index(sizes.back());
    for (unsigned axis = sizes.size() - 1; axis-- > 0;) {
      Value own = raw(position, axis), holds = isInside(fromBeginning(own, axis), axis);
      index = m.select(holds, index, own);
      size = m.select(holds, size, c.index(sizes[axis]));
    }
    return std::pair(index, size);
  });
}

} // namespace tenon::cpu
