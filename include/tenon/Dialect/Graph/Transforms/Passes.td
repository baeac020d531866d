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
    known become constants, and branches on known conditions are inlined; what
    only fed shapes is removed. Sizes taken as equal, such as those of two
    inputs that are added, are in `graph.assumptions`: maps of two results that
    must be equal at run time. A size that depends on data is an error
    (TN2060) unless `allow-data-dependent` is set; then its symbol carries
    `data_dependent`.

    ```mlir
    func.func @main(%x: tensor<?x4xf32> {onnx.dims = ["batch", ""]})
      %s = graph.shape %x {end = 2 : i64, start = 0 : i64} : (tensor<?x4xf32>) -> tensor<2xi64>
    ```
    becomes, with a symbol s0 named "batch" in `graph.symbols`,
    ```mlir
      %s = graph.shape %x ... // contents (s0, 4)
    ```
  }];
  let options = [Option<"allowDataDependent", "allow-data-dependent", "bool", "false",
                        "accept sizes that are known only when the program runs">];
}

def SimplifyPass : Pass<"graph-simplify"> {
  let summary = "Removes ops that change nothing and joins ops that undo each other";
  let description = [{
    Applies the canonicalisation patterns of all dialects, but MLIR's own for
    scf.if: they lose what its branches assume of sizes (`graph.then_assumptions`).
    Of an scf.if it removes the results that nothing uses. Patterns of graph ops:
    identity views, casts, pads and slices; double transposes and reshapes; double
    negation; elementwise identities that hold for every float, signed zeros
    and NaN included; `x * sigmoid(x)` to swish; division by a power of two to
    multiplication.

    ```mlir
    %0 = graph.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
    %1 = graph.transpose %0 {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
    ```
    becomes `%x`.
  }];
}
def FoldChannelAffinePass : Pass<"graph-fold-channel-affine", "::mlir::ModuleOp"> {
  let summary = "Folds constant factors and offsets of channels into convolutions";
  let description = [{
    A convolution or transposed convolution with a constant filter, multiplied
    by a constant of each output channel, becomes one with a multiplied filter
    and bias; a constant added to each channel joins the bias. The products are
    graph ops on constants: run `tenon-evaluate-constants` afterwards. Only f32
    and f64, since narrower filters would be rounded a second time.

    ```mlir
    %c = graph.conv %x, %w ... : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
    %m = graph.binary mul %c, %s : (tensor<1x4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<1x4x8x8xf32>
    ```
    becomes
    ```mlir
    %f = graph.reshape %s ... -> tensor<4x1x1x1xf32>
    %v = graph.binary mul %w, %f : (tensor<4x3x1x1xf32>, tensor<4x1x1x1xf32>) -> tensor<4x3x1x1xf32>
    %m = graph.conv %x, %v ... : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
    ```
  }];
}
def ChannelsLastPass : Pass<"graph-channels-last", "::mlir::ModuleOp"> {
  let summary = "Chooses the channels-last layout once for the whole graph";
  let description = [{
    Convolutions and pools with one or two spatial dimensions become
    channels-last between two transposes; transposes sink through elementwise
    ops, concatenations, reductions, slices, resampling and padding until they
    meet their inverse. Run `graph-infer-shapes` afterwards: symbolic dimensions
    are recorded anew.

    ```mlir
    %y = graph.conv %x, %w ... : (tensor<1x3x8x8xf32>, ...) -> tensor<1x4x8x8xf32>
    ```
    becomes
    ```mlir
    %t = graph.transpose %x, perm 0, 2, 3, 1
    %c = graph.conv %t, %w, layout last : ... -> tensor<1x8x8x4xf32>
    %y = graph.transpose %c, perm 0, 3, 1, 2
    ```
  }];
}
def WidenToF64Pass : Pass<"graph-widen-to-f64", "::mlir::ModuleOp"> {
  let summary = "Computes on f64 what the graph computes on f32, f16 and bf16";
  let description = [{
    Arguments and constants are widened where they enter, results narrowed to
    their types where they leave; functions keep their types. For the reference
    evaluator only: the difference of its two results is what rounding to the
    graph's own types costs. Formats of 8 bits and less stay, because rounding
    to them is part of what a model says.

    ```mlir
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %y = graph.unary exp %x : (tensor<4xf32>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```
    becomes
    ```mlir
    func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
      %a = graph.cast %x : (tensor<4xf32>) -> tensor<4xf64>
      %b = graph.unary exp %a : (tensor<4xf64>) -> tensor<4xf64>
      %y = graph.cast %b : (tensor<4xf64>) -> tensor<4xf32>
      return %y : tensor<4xf32>
    }
    ```
  }];
}

#endif
