// RUN: tenon-opt %s -convert-onnx-to-graph -split-input-file | FileCheck %s

// Since opset 13 softmax runs along one axis.
// CHECK-LABEL: func.func @main
// CHECK: graph.softmax %arg0 {axis = 1 : i64} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
func.func @main(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = onnx.node "Softmax"(%x) {name = "s", since = 13 : i64, opset = 17 : i64, attrs = {axis = 1 : i64}} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

// Before, over all dimensions from the axis on.
// CHECK-LABEL: func.func @main
// CHECK: %[[FLAT:.*]] = graph.flatten %arg0 {begin = 1 : i64, end = 3 : i64} : (tensor<2x3x4xf32>) -> tensor<2x12xf32>
// CHECK: graph.softmax %[[FLAT]] {axis = 1 : i64} : (tensor<2x12xf32>) -> tensor<2x12xf32>
// CHECK: graph.reshape {{.*}} -> tensor<2x3x4xf32>
func.func @main(%x: tensor<2x3x4xf32>) -> tensor<2x3x4xf32> {
  %0 = onnx.node "Softmax"(%x) {name = "s", since = 11 : i64, opset = 12 : i64, attrs = {axis = 1 : i64}} : (tensor<2x3x4xf32>) -> tensor<2x3x4xf32>
  return %0 : tensor<2x3x4xf32>
}

// -----

// Where only one of them is not 1, that is the same as along this one.
// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.flatten
// CHECK: %[[Y:.*]] = graph.softmax %arg0 {axis = 1 : i64} : (tensor<2x10x1x1xf32>) -> tensor<2x10x1x1xf32>
// CHECK-NEXT: return %[[Y]]
func.func @main(%x: tensor<2x10x1x1xf32>) -> tensor<2x10x1x1xf32> {
  %0 = onnx.node "Softmax"(%x) {name = "s", since = 11 : i64, opset = 12 : i64} : (tensor<2x10x1x1xf32>) -> tensor<2x10x1x1xf32>
  return %0 : tensor<2x10x1x1xf32>
}
