// RUN: tenon-opt %s -convert-onnx-to-graph -split-input-file | FileCheck %s

// The projection is split into heads, the cache is put before the new keys.
// CHECK-LABEL: func.func @main
// CHECK: graph.matmul %arg0, %arg1 : (tensor<1x2x8xf32>, tensor<8x24xf32>) -> tensor<1x2x24xf32>
// CHECK-COUNT-3: graph.transpose {{.*}} -> tensor<1x2x2x4xf32>
// CHECK: graph.concat {{.*}} -> tensor<1x2x5x4xf32>
// CHECK: %[[Y:.*]] = graph.attention {{.*}} {causal, scale = 5.000000e-01 : f32}
// CHECK-SAME: -> tensor<1x2x2x4xf32>
// CHECK: graph.transpose %[[Y]]
func.func @main(%x: tensor<1x2x8xf32>, %w: tensor<8x24xf32>, %b: tensor<24xf32>, %p: tensor<2x1x2x3x4xf32>) -> (tensor<1x2x8xf32>, tensor<*xf32>) {
  %none = onnx.none : none
  %0:2 = onnx.node "Attention"(%x, %w, %b, %none, %p) {name = "a", domain = "com.microsoft", since = 1 : i64, opset = 1 : i64, attrs = {num_heads = 2 : i64, unidirectional = 1 : i64}} : (tensor<1x2x8xf32>, tensor<8x24xf32>, tensor<24xf32>, none, tensor<2x1x2x3x4xf32>) -> (tensor<1x2x8xf32>, tensor<*xf32>)
  return %0#0, %0#1 : tensor<1x2x8xf32>, tensor<*xf32>
}

// -----

// Without a cache ONNX aligns the causal mask at the first key.
// CHECK-LABEL: func.func @main
// CHECK: graph.binary le
// CHECK: graph.select
// CHECK: graph.attention %arg0, %arg1, %arg1 mask %{{.*}} {scale = 5.000000e-01 : f32}
func.func @main(%q: tensor<1x2x3x4xf32>, %k: tensor<1x2x6x4xf32>) -> tensor<1x2x3x4xf32> {
  %0 = onnx.node "Attention"(%q, %k, %k) {name = "a", since = 23 : i64, opset = 23 : i64, attrs = {is_causal = 1 : i64}} : (tensor<1x2x3x4xf32>, tensor<1x2x6x4xf32>, tensor<1x2x6x4xf32>) -> tensor<1x2x3x4xf32>
  return %0 : tensor<1x2x3x4xf32>
}

// -----

// One position is that of the first token; rows of the tables are gathered.
// CHECK-LABEL: func.func @main
// CHECK: graph.range
// CHECK: graph.gather %arg2, {{.*}} -> tensor<3x2xf32>
// CHECK: graph.concat {{.*}} -> tensor<1x2x3x4xf32>
func.func @main(%x: tensor<1x3x8xf32>, %p: tensor<1xi64>, %t: tensor<8x2xf32>) -> tensor<1x3x8xf32> {
  %0 = onnx.node "RotaryEmbedding"(%x, %p, %t, %t) {name = "r", domain = "com.microsoft", since = 1 : i64, opset = 1 : i64} : (tensor<1x3x8xf32>, tensor<1xi64>, tensor<8x2xf32>, tensor<8x2xf32>) -> tensor<1x3x8xf32>
  return %0 : tensor<1x3x8xf32>
}
