// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef TENON_TRANSFORMS_SIMPLIFY_PASSES_TD
#define TENON_TRANSFORMS_SIMPLIFY_PASSES_TD
include "mlir/Pass/PassBase.td"

def EvaluateConstantsPass : Pass<"tenon-evaluate-constants", "::mlir::ModuleOp"> {
  let summary = "Evaluates graph ops whose operands are constants";
  let description = [{
    One walk in program order evaluates every graph op whose operands are
    known, so that the values do not depend on the host: by the reference
    evaluator, or by compiled code that the pipeline injects
    (simplify::ConstantEvaluator) where an elementwise op is exactly rounded
    (graph::isExactlyRounded), so that the bits are the same, and ops of its form
    read and write `native-bytes` together, so that it is worth a compilation. A NaN
    that an op computes gets one pattern of bits. Only values that something else
    still uses become constants: dense up to 16 elements, a resource above;
    intermediate values are freed after their last use, and elementwise ops take
    doubles for a tile of their elements at a time. Left alone are

    - ops whose evaluation fails: they fail at run time, if they are reached;
    - fill, expand and tile with results above `max-splat-bytes`, because the op is
      smaller than its result;
    - results above `max-bytes`, unless the op is elementwise or moves elements and
      the result is at most four times its operands.

    A note on an op with a result above `max-bytes` that stays, and a remark, say that
    each run computes it: TN4014. Users of fill, expand and tile are evaluated nevertheless.

    A dequantize whose users are all matrix products that can decode it as they
    go (graph::narrowWeights) stays if its result would take `min-narrow-bytes`
    as f32: such weights come from beyond the second-level cache, where bytes
    cost more than decoding. Smaller ones are faster as f32. So does a cast of f16
    or bf16 weights (graph::widensWeights); the target may still widen them.

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
    Option<"minNarrowBytes", "min-narrow-bytes", "int64_t", "1 << 20", "Smallest f32 weights of matrix products that stay narrow">,
    Option<"nativeBytes", "native-bytes", "int64_t", "1 << 20", "Bytes that exactly rounded ops of a form must read and write for the evaluator that the pipeline injects; -1: none do">
  ];
  let statistics = [
    Statistic<"evaluated", "evaluated", "Ops evaluated">,
    Statistic<"evaluatedNatively", "natively", "Ops evaluated by the injected evaluator">
  ];
}

def DenormalWeightsPass : Pass<"tenon-denormal-weights", "::mlir::ModuleOp"> {
  let summary = "Reports denormal weights of convolutions and matrix products, or takes them as zero";
  let description = [{
    Denormal values of f32 or bf16 constants that a convolution, transposed convolution
    or matrix product reads, by itself or through a cast that its kernel does, cost a
    trap each. A remark, and a note on each
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

def BoundIndicesPass : Pass<"tenon-bound-indices", "::mlir::ModuleOp"> {
  let summary = "Notes between which numbers constant indices of gathers and scatters lie";
  let description = [{
    A kernel that is compiled for such an op need not ask whether an index lies inside
    its axis, or counts from the end. `graph.index_bounds` holds the lowest and the
    highest index along each axis.

    Code that is made from them reads foreign memory if they do not hold. So the pass
    runs directly before code is made, looks through the arguments of kernels, and
    removes all bounds that it did not find itself.

    ```mlir
    %i = graph.constant dense<[-1, 3]> : tensor<2xi64>
    %0 = graph.gather %x, %i {axis = 0 : i64} : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<2x8xf32>
    ```
    becomes
    ```mlir
    %0 = graph.gather %x, %i {axis = 0 : i64, graph.index_bounds = array<i64: -1, 3>} : ...
    ```
  }];
  let statistics = [Statistic<"bounded", "bounded", "Gathers and scatters of constant indices">];
}
#endif
