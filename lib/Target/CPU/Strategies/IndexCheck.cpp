// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "IndexCheck.h"

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
    : c(context), tensor(tensor), sizes(sizes), check(context, op, errorOf(op).first, errorOf(op).second) {}

Value IndexCheck::raw(Value position) {
  Value value = loadFrom(c, tensor, position, 1);
  if (elementOf(tensor).isUnsignedInteger())
    return arith::IndexCastUIOp::create(c.b, c.loc, c.b.getIndexType(), value);
  return LaneMath{c}.toIndex(value);
}

Value IndexCheck::load(Value position, unsigned axis, Value *inside) {
  using P = arith::CmpIPredicate;
  auto compare = [&](P p, Value a, Value b) -> Value { return arith::CmpIOp::create(c.b, c.loc, p, a, b); };
  LaneMath m{c};
  Value index = raw(position), size = c.index(sizes[axis]), zero = c.index(int64_t(0));
  index = m.select(compare(P::slt, index, zero), c.add(index, size), index);
  Value isInside = compare(P::ult, index, size);
  check.expect(isInside, position);
  if (inside)
    *inside = isInside;
  return m.select(isInside, index, zero);
}

void IndexCheck::finish() {
  check.finish([&](Value position) {
    Value size = c.index(sizes.back()), axis = c.remU(position, c.index(int64_t(sizes.size())));
    for (size_t i = 0; i + 1 < sizes.size(); ++i) {
      Value isHere = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::eq, axis, c.index(int64_t(i)));
      size = LaneMath{c}.select(isHere, c.index(sizes[i]), size);
    }
    return std::pair(raw(position), size);
  });
}

} // namespace tenon::cpu
