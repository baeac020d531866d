// RUN: tenon-opt %s --tenon-verify-stage=stage=import --verify-diagnostics
// What the other stages check is in verify-stage-*.mlir; that correct IR passes is
// what every compilation shows.

func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{[TN1060] 'graph.unary' is no op of the onnx dialect}}
  %0 = graph.unary relu %x : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}
