// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Weights in bfloat16, whose exponents are those of f32: read by a product through a
// cast, or as they are. A cast that something else reads, too, keeps them.
// RUN: tenon-opt %s --tenon-denormal-weights=flush=true --mlir-print-debuginfo --mlir-print-local-scope --mlir-print-op-on-diagnostic=false 2>&1 | FileCheck %s --check-prefix=FLUSH
// RUN: tenon-opt %s --tenon-denormal-weights --mlir-print-debuginfo --mlir-print-local-scope --mlir-print-op-on-diagnostic=false 2>&1 | FileCheck %s --check-prefix=KEEP

// FLUSH: remark: [TN4010] 2 denormal weights (below 1.2e-38) of widened, own are taken as zero
// FLUSH-DAG: %[[FLUSHED:.*]] = graph.constant dense<{{\[\[}}0.000000e+00, 2.000000e+00], [-0.000000e+00, 1.17{{.*}}e-02]]> : tensor<2x2xbf16>
// FLUSH-DAG: %[[KEPT:.*]] = graph.constant dense<{{\[\[}}9.{{.*}}e-41, 2.000000e+00], [-9.{{.*}}e-41, 1.17{{.*}}e-02]]> : tensor<2x2xbf16>
// FLUSH: %[[WIDE:.*]] = graph.cast %[[FLUSHED]]
// FLUSH: graph.matmul %{{.*}}, %[[WIDE]] {{.*}}["TN4010"
// FLUSH: graph.matmul %{{.*}}, %[[FLUSHED]] {{.*}}["TN4010"
// FLUSH: graph.cast %[[KEPT]]

// KEEP: remark: [TN4013] 2 denormal weights (below 1.2e-38) of widened, own are kept and cost time
// KEEP: graph.matmul {{.*}}["TN4013"
// KEEP: graph.matmul {{.*}}["TN4013"
func.func @main(%x: tensor<1x2xf32>, %h: tensor<1x2xbf16>) -> (tensor<1x2xf32>, tensor<1x2xbf16>, tensor<2x2xf32>) {
  %w = graph.constant dense<[[1.0e-40, 2.0], [-1.0e-40, 0.01171875]]> : tensor<2x2xbf16>
  %c = graph.cast %w : (tensor<2x2xbf16>) -> tensor<2x2xf32>
  %y = graph.matmul %x, %c : (tensor<1x2xf32>, tensor<2x2xf32>) -> tensor<1x2xf32> loc("widened")
  %z = graph.matmul %h, %w : (tensor<1x2xbf16>, tensor<2x2xbf16>) -> tensor<1x2xbf16> loc("own")
  %k = graph.cast %w : (tensor<2x2xbf16>) -> tensor<2x2xf32>
  return %y, %z, %k : tensor<1x2xf32>, tensor<1x2xbf16>, tensor<2x2xf32>
}
