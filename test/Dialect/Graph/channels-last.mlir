// RUN: tenon-opt %s --graph-channels-last | FileCheck %s

// The transposes between the two convolutions meet and vanish; the activation
// stays between them.
// CHECK-LABEL: func.func @main
// CHECK: graph.transpose %{{.*}} {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x8x8xf32>) -> tensor<1x8x8x3xf32>
// CHECK-NEXT: graph.conv {{.*}} -> tensor<1x8x8x4xf32>
// CHECK-NEXT: graph.unary relu {{.*}} -> tensor<1x8x8x4xf32>
// CHECK-NEXT: graph.conv {{.*}} -> tensor<1x8x8x5xf32>
// CHECK-NEXT: graph.transpose %{{.*}} {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x8x8x5xf32>) -> tensor<1x5x8x8xf32>
// CHECK-NEXT: return
func.func @main(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x1x1xf32>, %v: tensor<5x4x1x1xf32>) -> tensor<1x5x8x8xf32> {
  %a = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %r = graph.unary relu %a : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %b = graph.conv %r, %v {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>, tensor<5x4x1x1xf32>) -> tensor<1x5x8x8xf32>
  return %b : tensor<1x5x8x8xf32>
}
