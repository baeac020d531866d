// RUN: tenon-opt %s -convert-onnx-to-graph -split-input-file | FileCheck %s

// A condition known at compile time selects the branch.
// CHECK-LABEL: func.func @main
// CHECK-NOT: scf.if
// CHECK: graph.unary relu %arg0
// CHECK-NOT: scf.if
// CHECK: return
func.func @main(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %c = onnx.constant dense<true> : tensor<i1> {name = "c"}
  %0 = onnx.node "If"(%c) {name = "i", since = 16 : i64, opset = 17 : i64, subgraphs = ["then_branch", "else_branch"]} : (tensor<i1>) -> tensor<2x3xf32> {
    %1 = onnx.node "Relu"(%x) {name = "r", since = 14 : i64, opset = 17 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    onnx.yield %1 : tensor<2x3xf32>
  }, {
    %1 = onnx.node "Nope"(%x) {name = "n", since = 1 : i64, opset = 17 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    onnx.yield %1 : tensor<2x3xf32>
  }
  return %0 : tensor<2x3xf32>
}

// -----

// Others are taken at run time; branches use outer values.
// CHECK-LABEL: func.func @main
// CHECK: %[[C:.*]] = tensor.extract %arg1[] : tensor<i1>
// CHECK: scf.if %[[C]] -> (tensor<2x3xf32>) {
// CHECK: graph.unary relu %arg0
// CHECK: } else {
// CHECK: graph.unary neg %arg0
func.func @main(%x: tensor<2x3xf32>, %c: tensor<i1>) -> tensor<2x3xf32> {
  %0 = onnx.node "If"(%c) {name = "i", since = 16 : i64, opset = 17 : i64, subgraphs = ["then_branch", "else_branch"]} : (tensor<i1>) -> tensor<2x3xf32> {
    %1 = onnx.node "Relu"(%x) {name = "r", since = 14 : i64, opset = 17 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    onnx.yield %1 : tensor<2x3xf32>
  }, {
    %1 = onnx.node "Neg"(%x) {name = "n", since = 13 : i64, opset = 17 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    onnx.yield %1 : tensor<2x3xf32>
  }
  return %0 : tensor<2x3xf32>
}

// -----

// A product that no size of these lets be: its branch is never right, and the model
// runs through the other one. The results have the other branch's shapes.
// CHECK-LABEL: func.func @main
// CHECK: scf.if %{{.*}} -> (tensor<?x3xf32>) {
// CHECK-NEXT: graph.unary relu
// CHECK: } else {
// CHECK-NEXT: %[[ZERO:.*]] = graph.constant dense<0.000000e+00> : tensor<1x3xf32>
// CHECK-NEXT: %[[CAST:.*]] = tensor.cast %[[ZERO]] : tensor<1x3xf32> to tensor<?x3xf32>
// CHECK-NEXT: scf.yield %[[CAST]]
// CHECK-NEXT: } {graph.else_assumptions = [{kind = "never", node = "m", sizes = #{{.*}}, why = "the condition takes else_branch, which cannot run at these sizes: matmul contracts a dimension of 3 with one of 4"}]
func.func @main(%x: tensor<?x3xf32>, %c: tensor<i1>, %w: tensor<4x5xf32>) -> tensor<?x3xf32> {
  %0 = onnx.node "If"(%c) {name = "i", since = 16 : i64, opset = 17 : i64, subgraphs = ["then_branch", "else_branch"]} : (tensor<i1>) -> tensor<?x3xf32> {
    %1 = onnx.node "Relu"(%x) {name = "r", since = 14 : i64, opset = 17 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
    onnx.yield %1 : tensor<?x3xf32>
  }, {
    %1 = onnx.node "MatMul"(%x, %w) {name = "m", since = 13 : i64, opset = 17 : i64} : (tensor<?x3xf32>, tensor<4x5xf32>) -> tensor<?x5xf32> loc("m")
    %2 = onnx.node "Neg"(%1) {name = "n", since = 13 : i64, opset = 17 : i64} : (tensor<?x5xf32>) -> tensor<?x5xf32>
    onnx.yield %2 : tensor<?x5xf32>
  }
  return %0 : tensor<?x3xf32>
}
