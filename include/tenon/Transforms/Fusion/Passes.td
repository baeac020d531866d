// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_TRANSFORMS_FUSION_PASSES_TD
#define TENON_TRANSFORMS_FUSION_PASSES_TD
include "mlir/Pass/PassBase.td"

def FormKernelsPass : Pass<"plan-form-kernels", "::mlir::ModuleOp"> {
  let summary = "Gathers graph ops into plan.kernel ops";
  let description = [{
    Each contraction, window, reduction, or data movement becomes a kernel;
    elementwise ops join the kernel that produces one of their operands when
    the shapes agree and no cycle arises, else they form kernels of their own.
    Constant weights that a product can decode as it goes (graph::narrowWeights)
    join it with their dequantize. Reshapes become views. A returned value that no kernel produces gets a
    copying kernel.

    ```mlir
    %0 = graph.matmul %a, %b : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
    %1 = graph.unary relu %0 : (tensor<4x2xf32>) -> tensor<4x2xf32>
    ```
    becomes
    ```mlir
    %1 = plan.kernel "matmul_0" on "cpu" root "matmul" (%a, %b) : (...) -> tensor<4x2xf32> {
    ^bb0(%x: tensor<4x8xf32>, %y: tensor<8x2xf32>):
      %2 = graph.matmul %x, %y ...
      %3 = graph.unary relu %2 ...
      plan.yield %3 : tensor<4x2xf32>
    }
    ```
  }];
  let dependentDialects = ["::tenon::plan::PlanDialect"];
}
#endif
