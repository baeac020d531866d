// RUN: tenon-opt %s --graph-widen-to-f64 --split-input-file | FileCheck %s

// Arguments and constants are widened where they enter, the result is narrowed
// once, where it leaves.
// CHECK-LABEL: func.func @main(%arg0: tensor<4xf32>) -> tensor<4xf32>
// CHECK: %[[X:.*]] = graph.cast %arg0 : (tensor<4xf32>) -> tensor<4xf64>
// CHECK: %[[C:.*]] = graph.constant dense<1.000000e-01> : tensor<4xf32>
// CHECK: %[[W:.*]] = graph.cast %[[C]] : (tensor<4xf32>) -> tensor<4xf64>
// CHECK: %[[E:.*]] = graph.unary exp %[[X]] : (tensor<4xf64>) -> tensor<4xf64>
// CHECK: %[[A:.*]] = graph.binary add %[[E]], %[[W]] : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
// CHECK: %[[Y:.*]] = graph.cast %[[A]] : (tensor<4xf64>) -> tensor<4xf32>
// CHECK: return %[[Y]]
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %w = graph.constant dense<0.1> : tensor<4xf32>
  %e = graph.unary exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %y = graph.binary add %e, %w : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// -----

// 16-bit floats are widened, 8-bit formats and integers stay, branches follow.
// CHECK-LABEL: func.func @main
// CHECK: graph.cast %{{.*}} : (tensor<4xf64>) -> tensor<4xf8E4M3FN>
// CHECK: graph.cast %{{.*}} : (tensor<4xf8E4M3FN>) -> tensor<4xf64>
// CHECK: %[[R:.*]] = scf.if %{{.*}} -> (tensor<4xf64>) {
// CHECK: scf.yield %{{.*}} : tensor<4xf64>
// CHECK: graph.constant dense<2.000000e+00> : tensor<4xbf16>
// CHECK: %[[W:.*]] = graph.cast %{{.*}} : (tensor<4xbf16>) -> tensor<4xf64>
// CHECK: scf.yield %[[W]] : tensor<4xf64>
// CHECK: %[[I:.*]] = graph.cast %[[R]] : (tensor<4xf64>) -> tensor<4xi32>
// CHECK: return %[[I]], %{{.*}} : tensor<4xi32>, tensor<4xbf16>
func.func @main(%x: tensor<4xf16>, %flag: i1) -> (tensor<4xi32>, tensor<4xbf16>) {
  %q = graph.cast %x : (tensor<4xf16>) -> tensor<4xf8E4M3FN>
  %d = graph.cast %q : (tensor<4xf8E4M3FN>) -> tensor<4xbf16>
  %r = scf.if %flag -> (tensor<4xbf16>) {
    scf.yield %d : tensor<4xbf16>
  } else {
    %w = graph.constant dense<2.0> : tensor<4xbf16>
    scf.yield %w : tensor<4xbf16>
  }
  %i = graph.cast %r : (tensor<4xbf16>) -> tensor<4xi32>
  return %i, %r : tensor<4xi32>, tensor<4xbf16>
}
