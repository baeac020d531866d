// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// x86 permutes a register by the low bits of index lanes: a table of as many
// values as the register has lanes, without masking the code, in one
// instruction. A code of fewer bits finds the table repeated. Elsewhere, and
// for wider codes, an integer is masked and converted.
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

float valueOf(unsigned code, IntegerType element) {
  unsigned bits = element.getWidth();
  bool isNegative = !element.isUnsigned() && code >> (bits - 1) & 1;
  return float(int(code) - (isNegative ? 1 << bits : 0));
}

} // namespace

CodeDecoder::CodeDecoder(KernelContext &context, IntegerType element, int64_t lanes, double center)
    : c(context), element(element), lanes(lanes), center(center) {
  if (permutation(element.getWidth(), lanes, c.target).empty())
    return;
  SmallVector<float> values;
  for (int64_t lane = 0; lane < lanes; ++lane)
    values.push_back(valueOf(lane & ((1 << element.getWidth()) - 1), element) - float(center));
  auto type = VectorType::get({lanes}, c.b.getF32Type());
  table = arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(type, ArrayRef<float>(values)));
}

Value CodeDecoder::decode(Value codes) const {
  if (table) {
    StringRef name = permutation(element.getWidth(), lanes, c.target);
    return LLVM::CallIntrinsicOp::create(c.b, c.loc, table.getType(), c.b.getStringAttr(name), ValueRange{table, codes}).getResult(0);
  }
  Value number = wrapToWidth(c.b, c.loc, codes, element);
  number = arith::SIToFPOp::create(c.b, c.loc, VectorType::get({lanes}, c.b.getF32Type()), number);
  return center == 0 ? number : arith::SubFOp::create(c.b, c.loc, number, c.constant(c.b.getF32Type(), center, lanes)).getResult();
}

StringRef CodeDecoder::method(IntegerType element, int64_t lanes, const CpuTarget &target) {
  return permutation(element.getWidth(), lanes, target).empty() ? "by arithmetic" : "by table";
}

} // namespace tenon::cpu
