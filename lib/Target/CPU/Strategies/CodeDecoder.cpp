// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x86 permutes a register by the low bits of index lanes: a table of as many
// values as the register has lanes, without masking the code, in one
// instruction. A code of fewer bits finds the table repeated. Elsewhere, and
// for wider codes, integers are masked and converted, other formats decoded by
// arithmetic on their fields (num-lower-conversions).
#include "CodeDecoder.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace tenon::cpu {
namespace {

/// The permutation whose index lanes need no mask, "" if the target has none
/// for a table of this size.
StringRef permutation(unsigned bits, int64_t lanes, const CpuTarget &target) {
  if (lanes == 16 && bits <= 4 && target.has("avx512f"))
    return "llvm.x86.avx512.permvar.sf.512";
  if (lanes == 8 && bits <= 3 && target.has("avx2"))
    return "llvm.x86.avx2.permps";
  return "";
}

} // namespace

CodeDecoder::CodeDecoder(KernelContext &context, Type element, int64_t lanes, double center)
    : c(context), element(element), lanes(lanes), center(center) {
  const numerics::Format &format = *num::formatOf(element);
  if (permutation(format.width(), lanes, c.target).empty())
    return;
  SmallVector<float> values;
  for (int64_t lane = 0; lane < lanes; ++lane)
    values.push_back(float(format.decode(lane)) - float(center));
  auto type = VectorType::get({lanes}, c.b.getF32Type());
  table = arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(type, ArrayRef<float>(values)));
}

Value CodeDecoder::decode(Value codes) const {
  if (table) {
    StringRef name = permutation(num::formatOf(element)->width(), lanes, c.target);
    return LLVM::CallIntrinsicOp::create(c.b, c.loc, table.getType(), c.b.getStringAttr(name), ValueRange{table, codes}).getResult(0);
  }
  auto type = VectorType::get({lanes}, c.b.getF32Type());
  Value number;
  if (auto integer = dyn_cast<IntegerType>(element))
    number = arith::SIToFPOp::create(c.b, c.loc, type, wrapToWidth(c.b, c.loc, codes, integer));
  else
    number = num::DecodeOp::create(c.b, c.loc, type, codes, TypeAttr::get(element));
  return center == 0 ? number : arith::SubFOp::create(c.b, c.loc, number, c.constant(c.b.getF32Type(), center, lanes)).getResult();
}

StringRef CodeDecoder::method(Type element, int64_t lanes, const CpuTarget &target) {
  return permutation(num::formatOf(element)->width(), lanes, target).empty() ? "by arithmetic" : "by table";
}

} // namespace tenon::cpu
