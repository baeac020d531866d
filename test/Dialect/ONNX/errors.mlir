// RUN: tenon-opt %s -split-input-file -verify-diagnostics

func.func @unnamed(%x: tensor<1xf32>) {
  // expected-error @+1 {{(C1) needs a non-empty op_type and name}}
  onnx.node "Relu"(%x) {name = "", since = 6 : i64, opset = 6 : i64} : (tensor<1xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @since(%x: tensor<1xf32>) {
  // expected-error @+1 {{(C2) has since = 7 outside [1, opset = 6]}}
  onnx.node "Relu"(%x) {name = "r", since = 7 : i64, opset = 6 : i64} : (tensor<1xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @regions(%x: tensor<i1>) {
  // expected-error @+1 {{(C3) names 1 subgraphs but has 0 regions}}
  onnx.node "If"(%x) {name = "i", since = 1 : i64, opset = 6 : i64, subgraphs = ["then_branch"]} : (tensor<i1>) -> ()
  return
}

// -----

func.func @same_name(%x: tensor<i1>) {
  // expected-error @+1 {{(C3) has two subgraphs named "a"}}
  onnx.node "If"(%x) {name = "i", since = 1 : i64, opset = 6 : i64, subgraphs = ["a", "a"]} : (tensor<i1>) -> () {
    onnx.yield
  }, {
    onnx.yield
  }
  return
}

// -----

func.func @no_yield(%x: tensor<i1>) {
  // expected-error @+1 {{(C4) has a region that does not end in onnx.yield}}
  onnx.node "If"(%x) {name = "i", since = 1 : i64, opset = 6 : i64, subgraphs = ["a"]} : (tensor<i1>) -> () {
    %n = onnx.none : none
  }
  return
}
