// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Checks that kernels make of their data. The first position that fails is kept in
// the kernel's own memory, and told once, by the target's ErrorReport.
#include "tenon/Codegen/KernelCheck.h"

#include <limits>

using namespace mlir;

namespace tenon::codegen {

/// The position of no element.
static constexpr int64_t kNoPosition = std::numeric_limits<int64_t>::max();

DataCheck::DataCheck(KernelContext &c, Operation *op, uint32_t code, StringRef text) : c(c) {
  c.checks.push_back({op, code, text.str()});
  number = c.checks.size();
  none = c.index(kNoPosition);
  failed = c.temporary(1, c.b.getIndexType(), /*alignment=*/0);
  c.storeStored(none, failed, c.index(int64_t(0)));
}

void DataCheck::expect(Value ok, Value position) {
  Value zero = c.index(int64_t(0)), known = c.loadStored(failed, c.b.getIndexType(), zero);
  Value own = arith::SelectOp::create(c.b, c.loc, ok, none, position);
  c.storeStored(c.minS(known, own), failed, zero);
}

void DataCheck::finish(function_ref<std::pair<Value, Value>(Value)> numbers) {
  Value position = c.loadStored(failed, c.b.getIndexType(), c.index(int64_t(0)));
  Value any = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ne, position, none);
  auto found = scf::IfOp::create(c.b, c.loc, any, /*withElseRegion=*/false);
  OpBuilder::InsertionGuard guard(c.b);
  c.b.setInsertionPointToStart(found.thenBlock());
  auto [first, second] = numbers(position);
  c.services.errors.report(c, number, position, first, second);
}

} // namespace tenon::codegen
