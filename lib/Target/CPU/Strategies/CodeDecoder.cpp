// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x86 has a permutation of a register's lanes by the low bits of index lanes:
//
//   result[i] = table[code[i] % lanes]
//
// With a table of as many values as the register has lanes, this decodes in one
// instruction, and the code need not be masked. For a code of fewer bits the table
// is repeated. One with a bit more chooses by that bit between two tables, which costs
// more than the conversion of an integer and much less than any other. Elsewhere, and
// for wider codes, integers are masked and converted; formats that do not become
// float16 (HalfCodes.h) are decoded by arithmetic on their fields or a search in their
// table (num-lower-conversions).
#include "CodeDecoder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

/// The permutation whose index lanes need no mask, "" if the target has none
/// for a table of the type's size.
StringRef permutation(Type element, int64_t lanes, const CpuTarget &target) {
  unsigned bits = num::formatOf(element)->width();
  if (lanes == 16 && bits <= 4 && target.has("avx512f"))
    return "llvm.x86.avx512.permvar.sf.512";
  if (lanes == 8 && bits <= (isa<IntegerType>(element) ? 3 : 4) && target.has("avx2"))
    return "llvm.x86.avx2.permps";
  return "";
}

} // namespace

CodeDecoder::CodeDecoder(KernelContext &context, const CpuTarget &target, Type element, int64_t lanes, double center)
    : c(context), target(target), element(element), lanes(lanes), center(center) {
  const numerics::Format &format = *num::formatOf(element);
  if (!hasTable(element, lanes, target))
    return;
  auto valuesFrom = [&](int64_t first) -> Value {
    SmallVector<float> values;
    for (int64_t lane = 0; lane < lanes; ++lane)
      values.push_back(float(format.decode(first + lane)) - float(center));
    auto type = VectorType::get({lanes}, c.b.getF32Type());
    return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(type, ArrayRef<float>(values)));
  };
  table = valuesFrom(0);
  if (int64_t(1) << format.width() > lanes)
    upper = valuesFrom(lanes);
}

Value CodeDecoder::decode(Value codes) const {
  if (table) {
    auto name = c.b.getStringAttr(permutation(element, lanes, target));
    auto lookUp = [&](Value values) -> Value {
      return LLVM::CallIntrinsicOp::create(c.b, c.loc, table.getType(), name, ValueRange{values, codes}).getResult(0);
    };
    if (!upper)
      return lookUp(table);
    // The highest bit of the code moves to the place of the sign, by which x86 blends.
    auto words = cast<VectorType>(codes.getType());
    auto splat = [&](int32_t v) -> Value {
      return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(words, c.b.getI32IntegerAttr(v)));
    };
    Value shifted = arith::ShLIOp::create(c.b, c.loc, codes, splat(32 - num::formatOf(element)->width()));
    Value isUpper = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, shifted, splat(0));
    return arith::SelectOp::create(c.b, c.loc, isUpper, lookUp(upper), lookUp(table));
  }
  auto type = VectorType::get({lanes}, c.b.getF32Type());
  Value number;
  if (auto integer = dyn_cast<IntegerType>(element))
    number = arith::SIToFPOp::create(c.b, c.loc, type, wrapToWidth(c.b, c.loc, codes, integer));
  else
    number = num::DecodeOp::create(c.b, c.loc, type, codes, TypeAttr::get(element));
  return center == 0
             ? number
             : arith::SubFOp::create(c.b, c.loc, number, c.constant(c.b.getF32Type(), center, lanes)).getResult();
}

bool CodeDecoder::hasTable(Type element, int64_t lanes, const CpuTarget &target) {
  return !permutation(element, lanes, target).empty();
}

} // namespace tenon::cpu
