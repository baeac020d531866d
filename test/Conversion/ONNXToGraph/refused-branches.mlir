// RUN: tenon-opt %s -convert-onnx-to-graph -split-input-file -verify-diagnostics

// One branch is never right: the model is compiled for the other, with a warning.
func.func @warned(%x: tensor<2x3xf32>, %c: tensor<i1>, %w: tensor<4x5xf32>) -> tensor<2x3xf32> {
  // expected-warning @+1 {{[TN2108] i (If): then_branch can never run at these sizes, since node 'm' in it has [TN2021] matmul contracts a dimension of 3 with one of 4; a run that takes it fails}}
  %0 = onnx.node "If"(%c) {name = "i", since = 16 : i64, opset = 17 : i64, subgraphs = ["then_branch", "else_branch"]} : (tensor<i1>) -> tensor<2x3xf32> {
    %1 = onnx.node "MatMul"(%x, %w) {name = "m", since = 13 : i64, opset = 17 : i64} : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32> loc("m")
    onnx.yield %1 : tensor<2x5xf32>
  }, {
    %1 = onnx.node "Neg"(%x) {name = "n", since = 13 : i64, opset = 17 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    onnx.yield %1 : tensor<2x3xf32>
  }
  return %0 : tensor<2x3xf32>
}

// -----

// Neither branch is ever right: both are reported.
func.func @both(%x: tensor<2x3xf32>, %c: tensor<i1>, %w: tensor<4x5xf32>) -> tensor<2x5xf32> {
  %0 = onnx.node "If"(%c) {name = "i", since = 16 : i64, opset = 17 : i64, subgraphs = ["then_branch", "else_branch"]} : (tensor<i1>) -> tensor<2x5xf32> {
    // expected-error @+1 {{[TN2021] matmul contracts a dimension of 3 with one of 4}}
    %1 = onnx.node "MatMul"(%x, %w) {name = "m", since = 13 : i64, opset = 17 : i64} : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
    onnx.yield %1 : tensor<2x5xf32>
  }, {
    // expected-error @+1 {{[TN2012]}}
    %1 = onnx.node "Add"(%x, %w) {name = "n", since = 13 : i64, opset = 17 : i64} : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
    onnx.yield %1 : tensor<4x5xf32>
  }
  return %0 : tensor<2x5xf32>
}

// -----

// What the compiler lacks is an error in whichever branch it stands.
func.func @unsupported(%x: tensor<2x3xf32>, %c: tensor<i1>, %w: tensor<4x5xf32>) -> tensor<2x3xf32> {
  %0 = onnx.node "If"(%c) {name = "i", since = 16 : i64, opset = 17 : i64, subgraphs = ["then_branch", "else_branch"]} : (tensor<i1>) -> tensor<2x3xf32> {
    // expected-error @+1 {{[TN2021]}}
    %1 = onnx.node "MatMul"(%x, %w) {name = "m", since = 13 : i64, opset = 17 : i64} : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
    // expected-error @+1 {{[TN2101]}}
    %2 = onnx.node "Nope"(%x) {name = "o", since = 1 : i64, opset = 17 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    onnx.yield %2 : tensor<2x3xf32>
  }, {
    %1 = onnx.node "Neg"(%x) {name = "n", since = 13 : i64, opset = 17 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
    onnx.yield %1 : tensor<2x3xf32>
  }
  return %0 : tensor<2x3xf32>
}
