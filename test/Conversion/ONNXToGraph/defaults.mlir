// RUN: tenon-opt %s -split-input-file -convert-onnx-to-graph | FileCheck %s

// An attribute that says what holds without it is no reason to refuse a node, nor
// is an empty list where each dimension would have a value.
// CHECK-LABEL: func.func @main
// CHECK: graph.conv %arg0, %arg1 {{.*}}dilations = array<i64: 1, 1>{{.*}}pads = array<i64: 0, 0, 0, 0>{{.*}}strides = array<i64: 1, 1>
// CHECK: graph.conv_transpose {{.*}}output_padding = array<i64: 0, 0>
func.func @main(%x: tensor<1x2x8x8xf32>, %w: tensor<2x2x3x3xf32>) -> (tensor<1x2x6x6xf32>, tensor<1x2x10x10xf32>) {
  %0 = onnx.node "Conv"(%x, %w) {name = "c", since = 11 : i64, opset = 17 : i64, attrs = {strides = array<i64>, dilations = array<i64>, pads = array<i64>, auto_pad = "NOTSET", group = 1 : i64}} : (tensor<1x2x8x8xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x6x6xf32>
  %1 = onnx.node "ConvTranspose"(%x, %w) {name = "t", since = 11 : i64, opset = 17 : i64, attrs = {output_padding = array<i64>, output_shape = array<i64>}} : (tensor<1x2x8x8xf32>, tensor<2x2x3x3xf32>) -> tensor<1x2x10x10xf32>
  return %0, %1 : tensor<1x2x6x6xf32>, tensor<1x2x10x10xf32>
}

// -----

// The type that nothing states is uint8, and that of the scale.
// CHECK-LABEL: func.func @main
// CHECK: graph.quantize %arg0{{.*}} -> tensor<4xui8>
// CHECK: graph.dequantize {{.*}} -> tensor<4xf32>
func.func @main(%x: tensor<4xf32>, %s: tensor<f32>) -> tensor<4xf32> {
  %0 = onnx.node "QuantizeLinear"(%x, %s) {name = "q", since = 23 : i64, opset = 23 : i64, attrs = {output_dtype = 0 : i64, precision = 0 : i64, block_size = 0 : i64, saturate = 1 : i64, axis = 1 : i64}} : (tensor<4xf32>, tensor<f32>) -> tensor<4xui8>
  %1 = onnx.node "DequantizeLinear"(%0, %s) {name = "d", since = 23 : i64, opset = 23 : i64, attrs = {output_dtype = 0 : i64, block_size = 0 : i64}} : (tensor<4xui8>, tensor<f32>) -> tensor<4xf32>
  return %1 : tensor<4xf32>
}

// -----

// What a policy says of sizes does not matter where scales are given.
// CHECK-LABEL: func.func @main
// CHECK: graph.resize
func.func @main(%x: tensor<1x1x4x4xf32>) -> tensor<1x1x8x8xf32> {
  %none = onnx.none : none
  %scales = onnx.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32> {name = "s"}
  %0 = onnx.node "Resize"(%x, %none, %scales) {name = "r", since = 19 : i64, opset = 19 : i64, attrs = {keep_aspect_ratio_policy = "not_larger"}} : (tensor<1x1x4x4xf32>, none, tensor<4xf32>) -> tensor<1x1x8x8xf32>
  return %0 : tensor<1x1x8x8xf32>
}
