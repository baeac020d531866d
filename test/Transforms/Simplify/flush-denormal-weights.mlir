// RUN: tenon-opt %s --tenon-flush-denormal-weights --verify-diagnostics | FileCheck %s

// The filter's denormal value becomes zero of the same sign; the addition,
// which reads the same constant, and normal values keep theirs.
// expected-remark@below {{[TN4010] 2 denormal values (below 1.2e-38) in 1 constants of convolutions and matrix products are taken as zero}}
module {
  // CHECK-LABEL: func.func @main
  // CHECK-DAG: %[[FILTER:.*]] = graph.constant dense<{{\[\[\[\[}}0.000000e+00]], {{\[\[}}-0.000000e+00]], {{\[\[}}1.17549435E-38]]]]> : tensor<1x3x1x1xf32>
  // CHECK-DAG: %[[KEPT:.*]] = graph.constant dense<{{\[\[\[\[}}9.99{{.*}}e-41]], {{\[\[}}-9.99{{.*}}e-41]], {{\[\[}}1.17549435E-38]]]]> : tensor<1x3x1x1xf32>
  // CHECK: graph.conv %{{.*}}, %[[FILTER]] {
  // CHECK: graph.binary add %{{.*}}, %[[KEPT]]
  func.func @main(%x: tensor<1x3x4x4xf32>) -> (tensor<1x1x4x4xf32>, tensor<1x3x4x4xf32>) {
    %w = graph.constant dense<[[[[1.0e-40]], [[-1.0e-40]], [[1.17549435e-38]]]]> : tensor<1x3x1x1xf32>
    %c = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32>) -> tensor<1x1x4x4xf32>
    %a = graph.binary add %x, %w : (tensor<1x3x4x4xf32>, tensor<1x3x1x1xf32>) -> tensor<1x3x4x4xf32>
    return %c, %a : tensor<1x1x4x4xf32>, tensor<1x3x4x4xf32>
  }
}
