// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_PIPELINES_PASSES_TD
#define TENON_PIPELINES_PASSES_TD
include "mlir/Pass/PassBase.td"

def VerifyStagePass : Pass<"tenon-verify-stage", "::mlir::ModuleOp"> {
  let summary = "Checks what a stage leaves behind";
  let description = [{
    The contract between stages, checked at every boundary: after a stage ran, and
    on IR that a user resumes from. Each later contract includes the earlier ones.

    - everywhere: one function `main` of one block, and constants with their data (a
      dump that leaves weights out cannot be resumed): TN4012, TN4011;
    - `import`: nothing but operators, constants and omitted inputs of the `onnx`
      dialect: TN1060;
    - `graph`: no `onnx` op is left, and every tensor has a rank and, where a
      dimension is not static, a `graph.shape` over the module's symbols, which the
      inputs' own dimensions are: TN2070, TN2071;
    - `numerics`: element types are such as kernels hold; conversions are ops:
      TN3200;
    - `place`: every op on tensors is in a kernel that names its device, or selects
      between kernels, and every output is the result of a kernel: TN4001.

    ```mlir
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %y = onnx.node "Relu"(%x) {...}   // --tenon-verify-stage=stage=graph: TN2070
    ```
  }];
  let options = [Option<"stage", "stage", "std::string", "\"graph\"", "the stage whose contract is checked">];
}

#endif
