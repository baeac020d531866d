// RUN: tenon-opt %s -convert-onnx-to-graph | FileCheck %s

// layout = 1 is transposed around the op; activations that are the defaults are dropped.
// CHECK-LABEL: func.func @main
// CHECK: %[[X:.*]] = graph.transpose %arg0 {perm = array<i64: 1, 0, 2>} : (tensor<2x5x3xf32>) -> tensor<5x2x3xf32>
// CHECK: %{{.*}}, %[[H:.*]], %{{.*}} = graph.lstm %[[X]], %arg1, %arg2 {direction = 0 : i32, hidden_size = 4 : i64, operandSegmentSizes
// CHECK: graph.transpose %[[H]] {perm = array<i64: 1, 0, 2>} : (tensor<1x2x4xf32>) -> tensor<2x1x4xf32>
func.func @main(%x: tensor<2x5x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>) -> tensor<2x1x4xf32> {
  %0:2 = onnx.node "LSTM"(%x, %w, %r) {name = "l", since = 14 : i64, opset = 17 : i64, attrs = {hidden_size = 4 : i64, layout = 1 : i64, activations = ["Sigmoid", "Tanh", "Tanh"]}} : (tensor<2x5x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>) -> (tensor<2x5x1x4xf32>, tensor<2x1x4xf32>)
  return %0#1 : tensor<2x1x4xf32>
}
