// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_DIALECT_GRAPH_TRANSFORMS_PASSES_TD
#define TENON_DIALECT_GRAPH_TRANSFORMS_PASSES_TD
include "mlir/Pass/PassBase.td"

def InferShapesPass : Pass<"graph-infer-shapes", "::mlir::ModuleOp"> {
  let summary = "Resolves every dimension to a constant or an expression over symbols";
  let description = [{
    Runs the symbolic shape analysis, refines result types, and records the
    dimensions of dynamic results as `graph.shape` (`graph.shapes` for ops with
    several results), of arguments as argument attributes, and the symbols as
    `graph.symbols` on the module. Small integer tensors whose contents are
    known become constants, and branches on known conditions are inlined.

    ```mlir
    func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["batch", ""]})
      %s = graph.shape %x {end = 2 : i64, start = 0 : i64} : (tensor<?x4xf32>) -> tensor<2xi64>
    ```
    becomes, with a symbol s0 named "batch" in `graph.symbols`,
    ```mlir
      %s = graph.shape %x ... // contents (s0, 4)
    ```
  }];
}
#endif
