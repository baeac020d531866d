// RUN: tenon-opt %s -convert-onnx-to-graph -split-input-file | FileCheck %s

// A zero of Reshape copies the input's dimension.
// CHECK-LABEL: func.func @main
// CHECK: graph.reshape %arg0, %{{.*}} : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x12xf32>
func.func @main(%x: tensor<2x3x4xf32>) -> tensor<2x12xf32> {
  %s = onnx.constant dense<[0, -1]> : tensor<2xi64> {name = "s"}
  %0 = onnx.node "Reshape"(%x, %s) {name = "r", since = 14 : i64, opset = 17 : i64} : (tensor<2x3x4xf32>, tensor<2xi64>) -> tensor<2x12xf32>
  return %0 : tensor<2x12xf32>
}

// -----

// Negative axes and steps of Slice.
// CHECK-LABEL: func.func @main
// CHECK: graph.slice %arg0, {{.*}} {axes = array<i64: 1>, steps = array<i64: -1>} : (tensor<2x5xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x5xf32>
func.func @main(%x: tensor<2x5xf32>) -> tensor<2x5xf32> {
  %b = onnx.constant dense<-1> : tensor<1xi64> {name = "b"}
  %e = onnx.constant dense<-100> : tensor<1xi64> {name = "e"}
  %a = onnx.constant dense<-1> : tensor<1xi64> {name = "a"}
  %s = onnx.constant dense<-1> : tensor<1xi64> {name = "s"}
  %0 = onnx.node "Slice"(%x, %b, %e, %a, %s) {name = "s", since = 13 : i64, opset = 17 : i64} : (tensor<2x5xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x5xf32>
  return %0 : tensor<2x5xf32>
}

// -----

// Split without sizes: equal parts, the last one smaller.
// CHECK-LABEL: func.func @main
// CHECK: graph.slice {{.*}} -> tensor<3xf32>
// CHECK: graph.slice {{.*}} -> tensor<2xf32>
func.func @main(%x: tensor<5xf32>) -> (tensor<3xf32>, tensor<2xf32>) {
  %0:2 = onnx.node "Split"(%x) {name = "s", since = 18 : i64, opset = 18 : i64, attrs = {num_outputs = 2 : i64}} : (tensor<5xf32>) -> (tensor<3xf32>, tensor<2xf32>)
  return %0#0, %0#1 : tensor<3xf32>, tensor<2xf32>
}

// -----

// Pads of some axes become pads of all.
// CHECK-LABEL: func.func @main
// CHECK: graph.constant dense<[0, 1, 0, 2]> : tensor<4xi64>
// CHECK: graph.pad constant %arg0, {{.*}} -> tensor<2x6xf32>
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x6xf32> {
  %none = onnx.none : none
  %p = onnx.constant dense<[1, 2]> : tensor<2xi64> {name = "p"}
  %a = onnx.constant dense<-1> : tensor<1xi64> {name = "a"}
  %0 = onnx.node "Pad"(%x, %p, %none, %a) {name = "p", since = 18 : i64, opset = 18 : i64} : (tensor<2x3xf32>, tensor<2xi64>, none, tensor<1xi64>) -> tensor<2x6xf32>
  return %0 : tensor<2x6xf32>
}

// -----

// Resize 10 knows only asymmetric coordinates, rounded down.
// CHECK-LABEL: func.func @main
// CHECK: graph.resize %arg0 scales {{.*}} {coordinate = 4 : i32, mode = 0 : i32, nearest = 2 : i32}
// CHECK-SAME: -> tensor<1x1x4x4xf32>
func.func @main(%x: tensor<1x1x2x2xf32>) -> tensor<1x1x4x4xf32> {
  %s = onnx.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32> {name = "s"}
  %0 = onnx.node "Resize"(%x, %s) {name = "r", since = 10 : i64, opset = 10 : i64} : (tensor<1x1x2x2xf32>, tensor<4xf32>) -> tensor<1x1x4x4xf32>
  return %0 : tensor<1x1x4x4xf32>
}

// -----

// Axes that shrink round up. 7 / 0.35 is 20 in float32, which exact arithmetic on
// float32's 0.35 takes for more: such an axis is gathered.
// CHECK-LABEL: func.func @main
// CHECK: %[[AT:.*]] = graph.constant dense<[0, 3, 6, 9, 12, 15, 18, 20, 23, 26]> : tensor<10xi64>
// CHECK: %[[ROWS:.*]] = graph.gather %arg0, %[[AT]]
// CHECK: graph.resize %[[ROWS]] scales {{.*}} {coordinate = 4 : i32, mode = 0 : i32, nearest = 3 : i32}
// CHECK-SAME: -> tensor<10x4xf32>
func.func @main(%x: tensor<30x8xf32>) -> tensor<10x4xf32> {
  %s = onnx.constant dense<[0.35, 0.5]> : tensor<2xf32> {name = "s"}
  %0 = onnx.node "Resize"(%x, %s) {name = "r", since = 10 : i64, opset = 10 : i64} : (tensor<30x8xf32>, tensor<2xf32>) -> tensor<10x4xf32>
  return %0 : tensor<10x4xf32>
}

// -----

// No matrix has a diagonal so far away, and the sum must not overflow.
// CHECK-LABEL: func.func @main
// CHECK: dense<1125899906842624> : tensor<i64>
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = onnx.node "EyeLike"(%x) {name = "e", since = 9 : i64, opset = 17 : i64, attrs = {k = 9223372036854775807 : i64}} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %0 : tensor<2x3xf32>
}
