// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_NUM_ENUMS_TD
#define TENON_NUM_ENUMS_TD
include "mlir/IR/EnumAttr.td"

// The numbers are those of numerics::Rounding and numerics::Overflow.
def Num_Rounding : I32EnumAttr<"Rounding", "how a value between two codes is rounded", [
    I32EnumAttrCase<"nearest_even", 0>, I32EnumAttrCase<"nearest_away", 1>, I32EnumAttrCase<"toward_zero", 2>,
    I32EnumAttrCase<"toward_positive", 3>, I32EnumAttrCase<"toward_negative", 4>, I32EnumAttrCase<"stochastic", 5>]> {
  let cppNamespace = "::tenon::num";
}
def Num_Overflow : I32EnumAttr<"Overflow", "what a value out of range becomes", [
    I32EnumAttrCase<"saturate", 0>, I32EnumAttrCase<"nonfinite", 1>]> {
  let cppNamespace = "::tenon::num";
}
#endif
