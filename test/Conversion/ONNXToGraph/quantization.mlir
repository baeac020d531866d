// RUN: tenon-opt %s -convert-onnx-to-graph -split-input-file | FileCheck %s

// A scale of one element is a scalar; without zero point the result is uint8.
// CHECK-LABEL: func.func @main
// CHECK: %[[S:.*]] = graph.squeeze %arg1
// CHECK: graph.quantize %arg0, %[[S]] {axis = 0 : i64} : (tensor<2x3xf32>, tensor<f32>) -> tensor<2x3xui8>
func.func @main(%x: tensor<2x3xf32>, %s: tensor<1xf32>) -> tensor<2x3xui8> {
  %0 = onnx.node "QuantizeLinear"(%x, %s) {name = "q", since = 13 : i64, opset = 17 : i64} : (tensor<2x3xf32>, tensor<1xf32>) -> tensor<2x3xui8>
  return %0 : tensor<2x3xui8>
}

// -----

// CHECK-LABEL: func.func @main
// CHECK: graph.dequantize %arg0, %arg1, %arg2 {axis = 0 : i64} : (tensor<3x2xi8>, tensor<3xf32>, tensor<3xi8>) -> tensor<3x2xf32>
func.func @main(%x: tensor<3x2xi8>, %s: tensor<3xf32>, %z: tensor<3xi8>) -> tensor<3x2xf32> {
  %0 = onnx.node "DequantizeLinear"(%x, %s, %z) {name = "q", since = 13 : i64, opset = 17 : i64, attrs = {axis = 0 : i64}} : (tensor<3x2xi8>, tensor<3xf32>, tensor<3xi8>) -> tensor<3x2xf32>
  return %0 : tensor<3x2xf32>
}
