// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_TRANSFORMS_FUSION_PASSES_TD
#define TENON_TRANSFORMS_FUSION_PASSES_TD
include "mlir/Pass/PassBase.td"

def SinkDecodesPass : Pass<"graph-sink-decodes", "::mlir::func::FuncOp"> {
  let summary = "Moves casts and dequantizes of narrow codes behind reshapes and transpositions";
  let description = [{
    What is moved then are the codes, and the decode stands before the op that
    computes with the values, whose kernel it can join. Only decodes with that one
    use move.

    ```mlir
    %0 = graph.cast %q : (tensor<4x8xf8E4M3FN>) -> tensor<4x8xf32>
    %1 = graph.transpose %0 {perm = array<i64: 1, 0>} : (tensor<4x8xf32>) -> tensor<8x4xf32>
    ```
    becomes
    ```mlir
    %0 = graph.transpose %q {perm = array<i64: 1, 0>} : (tensor<4x8xf8E4M3FN>) -> tensor<8x4xf8E4M3FN>
    %1 = graph.cast %0 : (tensor<8x4xf8E4M3FN>) -> tensor<8x4xf32>
    ```
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect"];
}

def FormKernelsPass : Pass<"plan-form-kernels", "::mlir::ModuleOp"> {
  let summary = "Gathers graph ops into plan.kernel ops";
  let description = [{
    Each contraction, window, reduction, or data movement becomes a kernel;
    elementwise ops join the kernel that produces one of their operands when
    the shapes agree and no cycle arises, else they form kernels of their own.
    Casts and dequantizes that the kernel of their user can do as it reads join it:
    what is stored between kernels then are the codes. Which kernels take in what is
    the target's to say (FusionRules). Reshapes become views. A returned value that
    no kernel produces gets a copying kernel.

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
  let options = [
    Option<"spec", "target", "std::string", "", "The chip that the kernels are for, as --target names it, where the module has no plan.host">
  ];
  let dependentDialects = ["::tenon::plan::PlanDialect"];
}
#endif
