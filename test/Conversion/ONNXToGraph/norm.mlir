// RUN: tenon-opt %s -convert-onnx-to-graph -split-input-file | FileCheck %s

// Inference batch normalisation is a multiply-add per channel.
// CHECK-LABEL: func.func @main
// CHECK: %[[D:.*]] = graph.unary sqrt
// CHECK: %[[F:.*]] = graph.binary div %{{.*}}, %[[D]]
// CHECK: %[[O:.*]] = graph.binary sub
// CHECK: %[[FC:.*]] = graph.unsqueeze %[[F]] {axes = array<i64: 1, 2>} : (tensor<3xf32>) -> tensor<3x1x1xf32>
// CHECK: %[[M:.*]] = graph.binary mul %arg0, %[[FC]]
// CHECK: graph.binary add %[[M]]
func.func @main(%x: tensor<1x3x4x4xf32>) -> tensor<1x3x4x4xf32> {
  %a = onnx.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> {name = "a"}
  %0 = onnx.node "BatchNormalization"(%x, %a, %a, %a, %a) {name = "b", since = 15 : i64, opset = 17 : i64} : (tensor<1x3x4x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x3x4x4xf32>
  return %0 : tensor<1x3x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @main
// CHECK: graph.norm layer %arg0 scale %arg1 : tensor<8xf32> bias %arg1 : tensor<8xf32> {axis = 1 : i64, epsilon = 9.99999974E-6 : f32}
func.func @main(%x: tensor<?x8xf32>, %s: tensor<8xf32>) -> tensor<?x8xf32> {
  %0 = onnx.node "LayerNormalization"(%x, %s, %s) {name = "l", since = 17 : i64, opset = 17 : i64} : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// The sum is the fourth result of com.microsoft's fused form.
// CHECK-LABEL: func.func @main
// CHECK: %[[S:.*]] = graph.binary add %arg0, %arg1
// CHECK: %[[Y:.*]] = graph.norm rms %[[S]] scale %arg2
// CHECK: return %[[Y]], %[[S]]
func.func @main(%x: tensor<1x2x8xf32>, %k: tensor<1x2x8xf32>, %s: tensor<8xf32>) -> (tensor<1x2x8xf32>, tensor<1x2x8xf32>) {
  %0:4 = onnx.node "SkipSimplifiedLayerNormalization"(%x, %k, %s) {name = "l", domain = "com.microsoft", since = 1 : i64, opset = 1 : i64} : (tensor<1x2x8xf32>, tensor<1x2x8xf32>, tensor<8xf32>) -> (tensor<1x2x8xf32>, tensor<*xf32>, tensor<*xf32>, tensor<1x2x8xf32>)
  return %0#0, %0#3 : tensor<1x2x8xf32>, tensor<1x2x8xf32>
}
