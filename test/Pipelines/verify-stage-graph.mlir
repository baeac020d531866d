// RUN: tenon-opt %s --split-input-file --tenon-verify-stage=stage=graph --verify-diagnostics

func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{[TN2070] 'onnx.node' is left after the stage graph}}
  %0 = onnx.node "Relu"(%x) {domain = "", since = 14 : i64, opset = 18 : i64, name = "r", attrs = {}} : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @main(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @above {{[TN2071] input 0 is 'tensor<?xf32>', whose open dimensions are no symbols}}
  // expected-error @below {{[TN2071] 'graph.unary' has a result of 'tensor<?xf32>' without a graph.shape that fits it}}
  %0 = graph.unary relu %x : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}

// -----

// What a dump without weights looks like.
func.func @main() -> tensor<64xf32> {
  // expected-error @below {{[TN4011] constant 'weights' has no data}}
  %0 = graph.constant dense_resource<weights> : tensor<64xf32>
  return %0 : tensor<64xf32>
}

// -----

// expected-error @below {{[TN4012] the module has no function 'main'}}
module {}

// -----

// expected-error @below {{[TN4012] a model is one function 'main' of one block}}
module {
  func.func private @helper(%x: tensor<2xf32>) -> tensor<2xf32> {
    return %x : tensor<2xf32>
  }
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    return %x : tensor<2xf32>
  }
}

// -----

// No input says what n is.
module attributes {graph.symbols = [{name = "n", min = 0 : i64, max = 9 : i64, divisor = 1 : i64}]} {
  // expected-error @below {{[TN2071] input 0 is 'tensor<?xf32>', whose open dimensions are no symbols}}
  func.func @main(%x: tensor<?xf32> {graph.shape = affine_map<()[s0] -> (s0 * 2)>}) -> tensor<?xf32> {
    return %x : tensor<?xf32>
  }
}
