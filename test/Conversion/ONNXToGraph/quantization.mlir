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

// -----

// Codes of 3 bits are a bit string from the lowest bit of the first byte on:
// bytes 0x88 0xC6 0xFA hold 0 to 7. The zero point of a block is packed alike.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[CODES:.*]] = graph.constant dense_resource<codes> : tensor<1x17xui3>
// CHECK-DAG: %[[ZERO:.*]] = graph.constant dense_resource<codes_1> : tensor<1x2xui3>
// CHECK: %[[SCALE:.*]] = graph.reshape
// CHECK: %[[W:.*]] = graph.dequantize %[[CODES]], %[[SCALE]], %[[ZERO]] {axis = 1 : i64, block_size = 16 : i64} : (tensor<1x17xui3>, tensor<1x2xf32>, tensor<1x2xui3>) -> tensor<1x17xf32>
// CHECK: graph.matmul %arg0, %[[W]] {transpose_rhs}
// CHECK: codes: "0x4000000000010203040506070001020304050607{{..}}"
// CHECK: codes_1: "0x400000000305"
func.func @main(%x: tensor<2x17xf32>, %s: tensor<2xf32>) -> tensor<2x1xf32> {
  %b = onnx.constant dense<[[[136, 198, 250, 136, 198, 250], [5, 0, 0, 0, 0, 0]]]> : tensor<1x2x6xui8>
  %z = onnx.constant dense<[43]> : tensor<1xui8>
  %0 = onnx.node "MatMulNBits"(%x, %b, %s, %z) {name = "m", domain = "com.microsoft", since = 1 : i64, opset = 1 : i64, attrs = {K = 17 : i64, N = 1 : i64, bits = 3 : i64, block_size = 16 : i64}} : (tensor<2x17xf32>, tensor<1x2x6xui8>, tensor<2xf32>, tensor<1xui8>) -> tensor<2x1xf32>
  return %0 : tensor<2x1xf32>
}
