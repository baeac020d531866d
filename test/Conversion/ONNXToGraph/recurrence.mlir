// RUN: tenon-opt %s -split-input-file -convert-onnx-to-graph | FileCheck %s

// layout = 1 is transposed around the op; activations that are the defaults are dropped.
// CHECK-LABEL: func.func @main
// CHECK: %[[X:.*]] = graph.transpose %arg0 {perm = array<i64: 1, 0, 2>} : (tensor<2x5x3xf32>) -> tensor<5x2x3xf32>
// CHECK: %{{.*}}, %[[H:.*]], %{{.*}} = graph.lstm %[[X]], %arg1, %arg2 {direction = 0 : i32, hidden_size = 4 : i64, operandSegmentSizes
// CHECK: graph.transpose %[[H]] {perm = array<i64: 1, 0, 2>} : (tensor<1x2x4xf32>) -> tensor<2x1x4xf32>
func.func @main(%x: tensor<2x5x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>) -> tensor<2x1x4xf32> {
  %0:2 = onnx.node "LSTM"(%x, %w, %r) {name = "l", since = 14 : i64, opset = 17 : i64, attrs = {hidden_size = 4 : i64, layout = 1 : i64, activations = ["Sigmoid", "Tanh", "Tanh"]}} : (tensor<2x5x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>) -> (tensor<2x5x1x4xf32>, tensor<2x1x4xf32>)
  return %0#1 : tensor<2x1x4xf32>
}

// -----

// ONNX lists parameters of those functions alone that have some; the op has them for each. Those that are the defaults are dropped.
// CHECK-LABEL: func.func @main
// CHECK: graph.gru {{.*}}activation_alpha = array<f32: 2.500000e-01, 0.000000e+00, 0.000000e+00, 7.500000e-01>, activation_beta = array<f32: 5.000000e-01, 0.000000e+00, 0.000000e+00, 0.000000e+00>, activations = ["HardSigmoid", "Tanh", "Sigmoid", "Elu"]
// CHECK: graph.rnn {{.*}} {activations = ["Affine"], direction
func.func @main(%x: tensor<5x1x3xf32>, %w: tensor<2x12x3xf32>, %r: tensor<2x12x4xf32>, %w1: tensor<1x4x3xf32>, %r1: tensor<1x4x4xf32>) -> (tensor<5x2x1x4xf32>, tensor<5x1x1x4xf32>) {
  %0:2 = onnx.node "GRU"(%x, %w, %r) {name = "g", since = 14 : i64, opset = 17 : i64, attrs = {hidden_size = 4 : i64, direction = "bidirectional", activations = ["HardSigmoid", "Tanh", "Sigmoid", "Elu"], activation_alpha = array<f32: 0.25, 0.75>, activation_beta = array<f32>}} : (tensor<5x1x3xf32>, tensor<2x12x3xf32>, tensor<2x12x4xf32>) -> (tensor<5x2x1x4xf32>, tensor<2x1x4xf32>)
  %1:2 = onnx.node "RNN"(%x, %w1, %r1) {name = "n", since = 14 : i64, opset = 17 : i64, attrs = {hidden_size = 4 : i64, activations = ["Affine"], activation_alpha = array<f32: 1.0>, activation_beta = array<f32: 0.0>}} : (tensor<5x1x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x1x4xf32>, tensor<1x1x4xf32>)
  return %0#0, %1#0 : tensor<5x2x1x4xf32>, tensor<5x1x1x4xf32>
}
