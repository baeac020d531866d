// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_CONVERSION_ONNXTOGRAPH_PASSES_TD
#define TENON_CONVERSION_ONNXTOGRAPH_PASSES_TD
include "mlir/Pass/PassBase.td"

def ConvertOnnxToGraphPass : Pass<"convert-onnx-to-graph", "::mlir::ModuleOp"> {
  let summary = "Converts ONNX nodes to device-free graph ops";
  let description = [{
    One walk over `func @main` in program order. Each `onnx.node` is converted
    by the newest handler of its (domain, operator) that its since-version
    allows; every graph op is shape-inferred as it is made, so that handlers
    see precise shapes and the contents of shape arithmetic. `If` whose
    condition is known is replaced by the branch taken, else by `scf.if`.

    All problems of a model are reported before the pass fails: operators
    without a handler ([TN2101], one diagnostic for each operator, naming its
    nodes), attributes or inputs that the compiler has no form for ([TN2102]),
    inputs that must be constant ([TN2103]), values out of range ([TN2104]) and
    element types ([TN2105]).

    ```mlir
    %y = onnx.node "Relu"(%x) {name = "r", since = 14 : i64, opset = 17 : i64}
         : (tensor<?x3xf32>) -> tensor<?x3xf32>
    ```
    becomes
    ```mlir
    %y = graph.unary relu %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
    ```
  }];
  let dependentDialects = ["::tenon::graph::GraphDialect", "::mlir::scf::SCFDialect", "::mlir::tensor::TensorDialect"];
}
#endif
