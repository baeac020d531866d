// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_CODEGEN_PASSES_TD
#define TENON_CODEGEN_PASSES_TD
include "mlir/Pass/PassBase.td"

def LegalizeFloatsPass : Pass<"codegen-legalize-floats", "::mlir::ModuleOp"> {
  let summary = "Expands float operations that the target's instructions lack";
  let description = [{
    LLVM turns an operation without an instruction into a call of a library
    routine, one call a lane, and a code image has no libraries. This pass
    writes such operations as vector arithmetic instead:

    - without `fma`, a fused multiply-add becomes a multiply and an add (the
      float contract allows contraction and promises none);
    - without `half`, conversions between f16 and f32 become integer arithmetic
      with the same roundings (to nearest, ties to even; denormals, infinities
      and NaNs included), and arithmetic on f16 is done in f32;
    - everywhere, arithmetic on bf16 is done in f32, f16 and bf16 widen to f64 by
      way of f32, and f64 narrows to them by way of an f32 that is rounded to
      odd, so that the value is rounded once.

    ```mlir
    %r = math.fma %a, %b, %c : vector<4xf32>
    ```
    becomes
    ```mlir
    %p = arith.mulf %a, %b : vector<4xf32>
    %r = arith.addf %p, %c : vector<4xf32>
    ```
  }];
  let options = [
    Option<"fma", "fma", "bool", "true", "the target multiplies and adds in one instruction">,
    Option<"half", "half", "bool", "true", "the target converts between f16 and f32">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect"];
}
#endif
