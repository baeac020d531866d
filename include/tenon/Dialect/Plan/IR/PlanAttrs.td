// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PLAN_ATTRS_TD
#define TENON_PLAN_ATTRS_TD
include "mlir/IR/AttrTypeBase.td"
include "tenon/Dialect/Plan/IR/PlanDialect.td"
include "tenon/Dialect/Plan/IR/PlanEnums.td"

def Plan_PlaceAttr : AttrDef<Plan_Dialect, "Place"> {
  let mnemonic = "place";
  let summary = "where a kernel's result lies";
  let description = [{
    In a memory space, whose arena has an `offset` in bytes where sizes are known, or
    a numbered `slot` whose size symbols decide; or in the buffer of one of the
    model's outputs. `bytes` is the result's size, one map over the symbols, where
    the bytes behind it are checked.

    ```mlir
    #plan.place<"host", offset 64>
    #plan.place<"host", slot 0, bytes = affine_map<()[s0] -> (s0 * 32)>>
    #plan.place<"host", output 1>
    ```
  }];
  let parameters = (ins StringRefParameter<"memory space">:$space, EnumParameter<Plan_PlaceKind>:$kind,
                        "int64_t":$number, OptionalParameter<"::mlir::AffineMapAttr">:$bytes);
  let assemblyFormat = "`<` $space `,` $kind $number (`,` `bytes` `=` $bytes^)? `>`";
  let genVerifyDecl = 1;
}

def Plan_ArenaAttr : AttrDef<Plan_Dialect, "Arena"> {
  let mnemonic = "arena";
  let summary = "the memory of a space that kernels' results share";
  let description = [{
    `bytes` for results with an offset; behind these one slot after the other, each
    with a map from the symbols to the sizes that it must hold, the largest of which
    it has. With a `red_zone`, so many bytes behind each result belong to none. Every result
    begins at a multiple of `align`, which is 64 where it is left out.

    ```mlir
    #plan.arena<"host", bytes = 512, slots = [affine_map<()[s0] -> (s0 * 4, s0 * 8)>]>
    #plan.arena<"toy" align 256, bytes = 512, slots = []>
    ```
  }];
  let parameters = (ins StringRefParameter<"memory space">:$space, "int64_t":$bytes, "::mlir::ArrayAttr":$slots,
                        DefaultValuedParameter<"int64_t", "0">:$redZone,
                        DefaultValuedParameter<"int64_t", "::tenon::plan::kLeastAlignment">:$alignment);
  let assemblyFormat = [{
    `<` $space (`align` $alignment^)? `,` `bytes` `=` $bytes `,` `slots` `=` $slots
    (`,` `red_zone` `=` $redZone^)? `>`
  }];
  let genVerifyDecl = 1;
}

def Plan_DeviceAttr : AttrDef<Plan_Dialect, "Device"> {
  let mnemonic = "device";
  let summary = "a device of a plan, and the chip that it is";
  let description = [{
    `name` is what plan.submit and plan.transfer call it, and its memory space; `spec` is the
    spelling of --target. `chip` is what passes read alignments, sizes, links and costs from.
    Without it the plan does not say what the device is, and a compilation that goes on with
    the plan has to be told by --target.

    ```mlir
    #plan.device<"toy", "toy:small">
    #plan.device<"toy", "toy:small", #hw.device<"small", family = "toy">>
    ```
  }];
  let parameters = (ins StringRefParameter<"name">:$name, StringRefParameter<"as --target names it">:$spec,
                        OptionalParameter<"::tenon::hw::DeviceAttr">:$chip);
  let assemblyFormat = "`<` $name `,` $spec (`,` qualified($chip)^)? `>`";
  let genVerifyDecl = 1;
}
#endif
