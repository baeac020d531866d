// RUN: tenon-opt %s -convert-onnx-to-graph -split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK: graph.unary relu %arg0 : (tensor<?x3xf32>) -> tensor<?x3xf32>
// CHECK: graph.unary leaky_relu %{{.*}} {alpha = 0.00999999977 : f32}
func.func @main(%x: tensor<?x3xf32> {onnx.name = "x", onnx.dims = ["batch", ""]}) -> (tensor<?x3xf32> {onnx.name = "y"}) attributes {onnx.opset = 17 : i64} {
  %0 = onnx.node "Relu"(%x) {name = "r", since = 14 : i64, opset = 17 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  %1 = onnx.node "LeakyRelu"(%0) {name = "l", since = 16 : i64, opset = 17 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %1 : tensor<?x3xf32>
}

// -----

// Comparisons give booleans; broadcasting is left to the graph op.
// CHECK-LABEL: func.func @main
// CHECK: graph.binary lt %arg0, %arg1 : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xi1>
func.func @main(%x: tensor<2x3xf32>, %y: tensor<3xf32>) -> tensor<*xi1> {
  %0 = onnx.node "Less"(%x, %y) {name = "l", since = 13 : i64, opset = 17 : i64} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<*xi1>
  return %0 : tensor<*xi1>
}

// -----

// Clip takes its limits from attributes before opset 11.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[LOW:.*]] = graph.constant dense<0.000000e+00> : tensor<f32>
// CHECK-DAG: %[[HIGH:.*]] = graph.constant dense<6.000000e+00> : tensor<f32>
// CHECK: %[[X:.*]] = graph.binary max %arg0, %[[LOW]]
// CHECK: graph.binary min %[[X]], %[[HIGH]]
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = onnx.node "Clip"(%x) {name = "c", since = 6 : i64, opset = 10 : i64, attrs = {min = 0.0 : f32, max = 6.0 : f32}} : (tensor<4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// An omitted limit is no operation.
// CHECK-LABEL: func.func @main
// CHECK-NOT: graph.binary max
// CHECK: %[[Y:.*]] = graph.binary min %arg0, %arg1
// CHECK-NEXT: return %[[Y]]
func.func @main(%x: tensor<4xf32>, %high: tensor<f32>) -> tensor<4xf32> {
  %none = onnx.none : none
  %0 = onnx.node "Clip"(%x, %none, %high) {name = "c", since = 13 : i64, opset = 17 : i64} : (tensor<4xf32>, none, tensor<f32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// -----

// Base and exponent of different types meet in one that holds both; a small whole
// constant is a number of every type.
// CHECK-LABEL: func.func @main
// CHECK: %[[X:.*]] = graph.cast %arg0 : (tensor<4xi32>) -> tensor<4xf64>
// CHECK: %[[Y:.*]] = graph.cast %arg1 : (tensor<4xf32>) -> tensor<4xf64>
// CHECK: %[[Z:.*]] = graph.binary pow %[[X]], %[[Y]] : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
// CHECK: graph.cast %[[Z]] : (tensor<4xf64>) -> tensor<4xi32>
// CHECK: %[[TWO:.*]] = graph.cast %{{.*}} : (tensor<i64>) -> tensor<f32>
// CHECK: graph.binary pow %arg1, %[[TWO]] : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
func.func @main(%x: tensor<4xi32>, %y: tensor<4xf32>) -> (tensor<4xi32>, tensor<4xf32>) {
  %c = onnx.constant dense<2> : tensor<i64> {name = "c"}
  %0 = onnx.node "Pow"(%x, %y) {name = "p", since = 15 : i64, opset = 17 : i64} : (tensor<4xi32>, tensor<4xf32>) -> tensor<4xi32>
  %1 = onnx.node "Pow"(%y, %c) {name = "q", since = 15 : i64, opset = 17 : i64} : (tensor<4xf32>, tensor<i64>) -> tensor<4xf32>
  return %0, %1 : tensor<4xi32>, tensor<4xf32>
}
