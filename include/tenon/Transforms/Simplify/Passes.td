// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_TRANSFORMS_SIMPLIFY_PASSES_TD
#define TENON_TRANSFORMS_SIMPLIFY_PASSES_TD
include "mlir/Pass/PassBase.td"

def EvaluateConstantsPass : Pass<"tenon-evaluate-constants", "::mlir::ModuleOp"> {
  let summary = "Evaluates graph ops whose operands are constants";
  let description = [{
    One walk in program order evaluates every graph op whose operands are
    known, by the reference evaluator, so that the values do not depend on the
    host. Only values that something else still uses become constants: dense up
    to 16 elements, a resource above; intermediate values are freed after their
    last use. Left alone are ops with results above `max-bytes`, ops whose
    evaluation fails (they fail at run time, if they are reached), and fill,
    expand and tile with results above `max-splat-bytes`, because the op is
    smaller than its result. Their users are evaluated nevertheless.

    A dequantize whose users are all matrix products that can decode it as they
    go (graph::narrowWeights) stays if its result would take `min-narrow-bytes`
    as f32: such weights come from beyond the second-level cache, where bytes
    cost more than decoding. Smaller ones are faster as f32.

    ```mlir
    %a = graph.constant dense<[1.0, 4.0]> : tensor<2xf32>
    %b = graph.unary sqrt %a : (tensor<2xf32>) -> tensor<2xf32>
    ```
    becomes
    ```mlir
    %b = graph.constant dense<[1.0, 2.0]> : tensor<2xf32>
    ```
  }];
  let options = [
    Option<"maxBytes", "max-bytes", "int64_t", "64 << 20", "Largest result to evaluate">,
    Option<"maxSplatBytes", "max-splat-bytes", "int64_t", "1024", "Largest result of fill, expand or tile to evaluate">,
    Option<"minNarrowBytes", "min-narrow-bytes", "int64_t", "1 << 20", "Smallest f32 weights of matrix products that stay narrow">
  ];
  let statistics = [Statistic<"evaluated", "evaluated", "Ops evaluated">];
}

def DenormalWeightsPass : Pass<"tenon-denormal-weights", "::mlir::ModuleOp"> {
  let summary = "Reports denormal weights of convolutions and matrix products, or takes them as zero";
  let description = [{
    Denormal values of f32 constants that a convolution, transposed convolution
    or matrix product reads cost a trap each. A remark, and a note on each
    operation that reads one, says how many there are and in which ONNX nodes:
    TN4013, or TN4010 if `flush` takes them as zero, which changes a result by
    less than 1.2e-38 times the data. Other uses of the same constant keep its
    values.

    ```mlir
    %w = graph.constant dense<[[[[1.0e-40]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>
    ```
    as a filter becomes with `flush`
    ```mlir
    %w = graph.constant dense<[[[[0.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>
    ```
  }];
  let options = [Option<"flush", "flush", "bool", "false", "Take them as zero">];
  let statistics = [Statistic<"found", "found", "Denormal values">];
}
#endif
