// RUN: tenon-opt %s -convert-onnx-to-graph -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: %[[M:.*]] = graph.matmul %arg0, %arg1 {transpose_rhs} : (tensor<?x4xf32>, tensor<3x4xf32>) -> tensor<?x3xf32>
// CHECK: %[[A:.*]] = graph.binary mul %[[M]]
// CHECK: graph.binary add %[[A]], %arg2
func.func @main(%x: tensor<?x4xf32>, %w: tensor<3x4xf32>, %b: tensor<3xf32>) -> tensor<?x3xf32> {
  %0 = onnx.node "Gemm"(%x, %w, %b) {name = "g", since = 13 : i64, opset = 17 : i64, attrs = {transB = 1 : i64, alpha = 0.5 : f32}} : (tensor<?x4xf32>, tensor<3x4xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  return %0 : tensor<?x3xf32>
}

// -----

// CHECK-LABEL: func.func @main
// CHECK: graph.conv %arg0, %arg1 {auto_pad = 1 : i32, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>}
// CHECK-SAME: -> tensor<1x4x4x4xf32>
func.func @main(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32> {
  %0 = onnx.node "Conv"(%x, %w) {name = "c", since = 11 : i64, opset = 17 : i64, attrs = {auto_pad = "SAME_UPPER", strides = array<i64: 2, 2>}} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x4x4xf32>
  return %0 : tensor<1x4x4x4xf32>
}

// -----

// Global pooling is a reduction over the spatial axes.
// CHECK-LABEL: func.func @main
// CHECK: graph.reduce mean %arg0 {axes = array<i64: 2, 3>, keep_dims} : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
func.func @main(%x: tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32> {
  %0 = onnx.node "GlobalAveragePool"(%x) {name = "p", since = 1 : i64, opset = 17 : i64} : (tensor<1x3x8x8xf32>) -> tensor<1x3x1x1xf32>
  return %0 : tensor<1x3x1x1xf32>
}

// -----

// Labels of both operands that the output lacks are contracted.
// CHECK-LABEL: func.func @main
// CHECK: %[[R:.*]] = graph.transpose %arg1 {perm = array<i64: 0, 2, 1>} : (tensor<2x5x4xf32>) -> tensor<2x4x5xf32>
// CHECK: graph.matmul %arg0, %[[R]] : (tensor<2x3x4xf32>, tensor<2x4x5xf32>) -> tensor<2x3x5xf32>
func.func @main(%x: tensor<2x3x4xf32>, %y: tensor<2x5x4xf32>) -> tensor<2x3x5xf32> {
  %0 = onnx.node "Einsum"(%x, %y) {name = "e", since = 12 : i64, opset = 17 : i64, attrs = {equation = "bik,bjk->bij"}} : (tensor<2x3x4xf32>, tensor<2x5x4xf32>) -> tensor<2x3x5xf32>
  return %0 : tensor<2x3x5xf32>
}
