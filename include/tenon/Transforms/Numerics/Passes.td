// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_TRANSFORMS_NUMERICS_PASSES_TD
#define TENON_TRANSFORMS_NUMERICS_PASSES_TD
include "mlir/Pass/PassBase.td"

def ConvertWeightsPass : Pass<"onnx-convert-weights", "::mlir::ModuleOp"> {
  let summary = "Puts the weights of contractions into a number format";
  let description = [{
    The constant operands of MatMul, Gemm, Conv, ConvTranspose, FusedMatMul and
    of the recurrent operators become codes of a format, followed by
    DequantizeLinear (by Cast, if the format is a 16-bit float).
    A weight may be reshaped, transposed or squeezed on its way. Other uses of
    the same initializer keep its values. It runs on ONNX nodes, before any of
    them is folded or fused: the report speaks of the model's own layers, and the
    same change can be written back to an ONNX file.

    `weights` and the FORMAT of `layers` are FORMAT[:OPTION...], see
    docs/HowTo/convert-weights.md; the first regular expression of `layers` that
    matches a node's whole name decides, `none` leaves the layer as it is.
    `activations` rounds the other operand of these nodes to a format at run
    time, with a scale from the operand's own range unless the format has none.

    ```mlir
    %w = onnx.constant dense_resource<w> : tensor<64x32xf32>
    %y = onnx.node "MatMul"(%x, %w) ...
    ```
    with `weights=i4:block32` becomes
    ```mlir
    %codes = onnx.constant dense_resource<w_i4> : tensor<64x32xi4>
    %scale = onnx.constant dense_resource<w_scale> : tensor<2x32xf32>
    %v = onnx.node "DequantizeLinear"(%codes, %scale) {attrs = {axis = 0 : i64, block_size = 32 : i64}, ...}
    %y = onnx.node "MatMul"(%x, %v) ...
    ```
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"\"", "Format of the weights that no rule of layers names">,
    ListOption<"layers", "layers", "std::string", "REGEX=FORMAT, the first match decides">,
    Option<"activations", "activations", "std::string", "\"\"", "Format of the other operand">,
    Option<"seed", "seed", "uint64_t", "0", "Seed of stochastic rounding">
  ];
  let dependentDialects = ["::tenon::onnxir::OnnxDialect", "::tenon::num::NumDialect"];
}

def ObserveActivationsPass : Pass<"onnx-observe-activations", "::mlir::ModuleOp"> {
  let summary = "Makes what enters converted layers outputs of the model";
  let description = [{
    Adds an output to `main` for each value that is multiplied with weights that
    `onnx-convert-weights` would convert with the same options; one output for all
    layers that take the value, as f32. `tenon convert --calibration` compiles
    such a model to see the activations that it chooses scales and biases for.

    A value of a branch of an If gets a second output, which says whether the
    branch was taken; values of branches without a fixed shape, and of other
    subgraphs, are left out with a warning.

    ```mlir
    %y = onnx.node "MatMul"(%x, %w) ...
    return %y : tensor<2x32xf32>
    ```
    with `weights=i8` becomes
    ```mlir
    %y = onnx.node "MatMul"(%x, %w) ...
    return %y, %x : tensor<2x32xf32>, tensor<2x64xf32>
    ```
  }];
  let options = [
    Option<"weights", "weights", "std::string", "\"\"", "Format of the weights that no rule of layers names">,
    ListOption<"layers", "layers", "std::string", "REGEX=FORMAT, the first match decides">
  ];
  let dependentDialects = ["::tenon::onnxir::OnnxDialect", "::tenon::num::NumDialect"];
}
#endif
