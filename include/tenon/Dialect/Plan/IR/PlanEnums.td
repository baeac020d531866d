// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PLAN_ENUMS_TD
#define TENON_PLAN_ENUMS_TD
include "mlir/IR/EnumAttr.td"

def Plan_PlaceKind : I32EnumAttr<"PlaceKind", "what the number of a place counts", [
    I32EnumAttrCase<"offset", 0>, I32EnumAttrCase<"slot", 1>, I32EnumAttrCase<"output", 2>]> {
  let cppNamespace = "::tenon::plan";
}
#endif
