// RUN: tenon-opt %s | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<?x3xf32> {onnx.name = "x", onnx.dims = ["batch", ""]}, %c: tensor<i1>)
    -> (tensor<?x3xf32> {onnx.name = "y"}) attributes {onnx.opset = 17 : i64} {
  // CHECK: %[[W:.*]] = onnx.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00]> : tensor<3xf32> {name = "w"}
  %w = onnx.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32> {name = "w"}
  // CHECK: onnx.none : none
  %none = onnx.none : none
  // CHECK: onnx.node "Clip"(%{{.*}}, %{{.*}}, %[[W]]) {name = "clip", opset = 17 : i64, since = 13 : i64}
  %y = onnx.node "Clip"(%x, %none, %w) {name = "clip", since = 13 : i64, opset = 17 : i64}
     : (tensor<?x3xf32>, none, tensor<3xf32>) -> tensor<?x3xf32>
  // CHECK: onnx.node "If"
  // CHECK-SAME: subgraphs = ["then_branch", "else_branch"]
  // CHECK: onnx.yield %{{.*}} : tensor<?x3xf32>
  // CHECK: onnx.yield
  %z = onnx.node "If"(%c) {name = "if", since = 16 : i64, opset = 17 : i64,
                           subgraphs = ["then_branch", "else_branch"]}
     : (tensor<i1>) -> tensor<?x3xf32> {
    onnx.yield %x : tensor<?x3xf32>
  }, {
    onnx.yield %y : tensor<?x3xf32>
  }
  // CHECK: tensor<*x!onnx.unknown>
  %u = onnx.node "FusedGelu"(%z) {name = "g", domain = "com.example", since = 1 : i64, opset = 1 : i64,
                                  attrs = {alpha = 1.0 : f32, axes = array<i64: 1, 2>}}
     : (tensor<?x3xf32>) -> tensor<*x!onnx.unknown>
  // CHECK: tensor<?x!onnx.string>, !onnx.sequence<tensor<*xf32>>
  %s:2 = onnx.node "Strings"() {name = "s", domain = "com.example", since = 1 : i64, opset = 1 : i64}
     : () -> (tensor<?x!onnx.string>, !onnx.sequence<tensor<*xf32>>)
  return %z : tensor<?x3xf32>
}
