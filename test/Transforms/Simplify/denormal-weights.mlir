// RUN: tenon-opt %s --tenon-denormal-weights=flush=true --mlir-print-debuginfo --mlir-print-local-scope --mlir-print-op-on-diagnostic=false 2>&1 | FileCheck %s --check-prefix=FLUSH
// RUN: tenon-opt %s --tenon-denormal-weights --mlir-print-debuginfo --mlir-print-local-scope --mlir-print-op-on-diagnostic=false 2>&1 | FileCheck %s --check-prefix=KEEP

// If flushed, the filter's denormal value becomes zero of the same sign; the
// addition, which reads the same constant, and normal values keep theirs. Else
// all is kept. Both are said once, with the ONNX nodes, also on the convolution.
// FLUSH: remark: [TN4010] 2 denormal weights (below 1.2e-38) of conv1 are taken as zero
// FLUSH-DAG: %[[FILTER:.*]] = graph.constant dense<{{\[\[\[\[}}0.000000e+00]], {{\[\[}}-0.000000e+00]], {{\[\[}}1.17549435E-38]]]]> : tensor<1x3x1x1xf32>
// FLUSH-DAG: %[[KEPT:.*]] = graph.constant dense<{{\[\[\[\[}}9.99{{.*}}e-41]], {{\[\[}}-9.99{{.*}}e-41]], {{\[\[}}1.17549435E-38]]]]> : tensor<1x3x1x1xf32>
// FLUSH: graph.conv %{{.*}}, %[[FILTER]] {{.*}}["TN4010", "2 denormal weights (below 1.2e-38) of conv1 are taken as zero"]
// FLUSH: graph.binary add %{{.*}}, %[[KEPT]]

// KEEP: remark: [TN4013] 2 denormal weights (below 1.2e-38) of conv1 are kept and cost time; --flush-denormals takes them as zero
// KEEP: %[[KEPT:.*]] = graph.constant dense<{{\[\[\[\[}}9.99{{.*}}e-41]], {{\[\[}}-9.99{{.*}}e-41]], {{\[\[}}1.17549435E-38]]]]> : tensor<1x3x1x1xf32>
// KEEP-NOT: graph.constant
// KEEP: graph.conv %{{.*}}, %[[KEPT]] {{.*}}["TN4013", "2 denormal weights (below 1.2e-38) of conv1 are kept and cost time; --flush-denormals takes them as zero"]
// KEEP: graph.binary add %{{.*}}, %[[KEPT]]
module {
  func.func @main(%x: tensor<1x3x4x4xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x3x4x4xf32>) {
    %w = graph.constant dense<[[[[1.0e-40]], [[-1.0e-40]], [[1.17549435e-38]]]]> : tensor<1x3x1x1xf32>
    %c = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32>) -> tensor<1x1x4x4xf32> loc("conv1")
    %a = graph.binary add %x, %w : (tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32>) -> tensor<1x3x4x4xf32>
    return %c, %a : tensor<1x1x4x4xf32>, tensor<1x3x4x4xf32>
  }
}
