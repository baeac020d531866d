// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_NUM_TRANSFORMS_PASSES_TD
#define TENON_NUM_TRANSFORMS_PASSES_TD
include "mlir/Pass/PassBase.td"

def LowerConversionsPass : Pass<"num-lower-conversions", "::mlir::ModuleOp"> {
  let summary = "Conversions of number formats become integer and float arithmetic";
  let description = [{
    `num.decode` and `num.encode` are written as vector arithmetic on the bits,
    exact and rounded once as the format's declaration says, bit for bit what
    `numerics::Format` computes. Nothing is called and nothing assumed of the
    floating-point environment but rounding to nearest even. A codebook of up
    to 16 values becomes selections by the bits of the code, a larger one a table
    in memory.

    A target that knows better for some formats (a table in a register, an
    instruction) rewrites those conversions before this pass.

    ```mlir
    %v = num.decode %c as f8E5M2 : vector<16xi8> -> vector<16xf32>
    ```
    becomes
    ```mlir
    %0 = arith.extui %c : vector<16xi8> to vector<16xi32>
    %1 = arith.andi %0, %magnitude : vector<16xi32>
    %2 = arith.shli %1, %21 : vector<16xi32>
    ...
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect", "::mlir::vector::VectorDialect",
                           "::mlir::memref::MemRefDialect"];
}
#endif
