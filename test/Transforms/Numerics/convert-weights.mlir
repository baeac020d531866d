// RUN: tenon-opt %s --onnx-convert-weights="weights=i4:block32" | FileCheck %s --check-prefix=BLOCK
// RUN: tenon-opt %s --onnx-convert-weights="weights=f8E4M3FN activations=bf16" | FileCheck %s --check-prefix=CAST
// RUN: tenon-opt %s --onnx-convert-weights="weights=cFP8E4M3:bias=11 layers=fc.*=none" | FileCheck %s --check-prefix=RULES
// RUN: tenon-opt %s --onnx-convert-weights="weights=NVFP4" | FileCheck %s --check-prefix=NVFP4
// RUN: tenon-opt %s --onnx-convert-weights="weights=ui4:channel activations=i8" | FileCheck %s --check-prefix=ZERO
// RUN: not tenon-opt %s --onnx-convert-weights="weights=i4 layers=nobody=NF4" 2>&1 | FileCheck %s --check-prefix=UNMATCHED
// RUN: not tenon-opt %s --onnx-convert-weights="weights=cFP8E4M3:channel" 2>&1 | FileCheck %s --check-prefix=OPTION
// RUN: not tenon-opt %s --onnx-convert-weights="weights=i4 activations=cFP8E4M3" 2>&1 | FileCheck %s --check-prefix=OPEN

// UNMATCHED: [TN4107] layer pattern 'nobody' matches no node with weights
// OPTION: [TN4105] 'cFP8E4M3:channel': a format whose bias is chosen has no scale beside it
// OPEN: [TN4105] 'cFP8E4M3': the bias of activations is chosen on sample data, which --calibration names; or give it (bias=N)

func.func @main(%x: tensor<2x64xf32>) -> (tensor<2x8xf32>, tensor<64x8xf32>) attributes {onnx.opset = 21 : i64} {
  %w = onnx.constant dense<0.5> : tensor<64x8xf32> {name = "w"}
  %0 = onnx.node "MatMul"(%x, %w) {name = "fc1", opset = 21 : i64, since = 13 : i64} : (tensor<2x64xf32>, tensor<64x8xf32>) -> tensor<2x8xf32>
  // Another use keeps the values.
  %1 = onnx.node "Relu"(%w) {name = "relu", opset = 21 : i64, since = 14 : i64} : (tensor<64x8xf32>) -> tensor<64x8xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<64x8xf32>
}

// The sum runs along axis 0: blocks lie there.
// BLOCK: %[[CODES:.*]] = onnx.constant dense_resource<{{.*}}> : tensor<64x8xi4>
// BLOCK: %[[SCALE:.*]] = onnx.constant dense{{.*}} : tensor<2x8xf32>
// BLOCK: %[[W:.*]] = onnx.node "DequantizeLinear"(%[[CODES]], %[[SCALE]]) {attrs = {axis = 0 : i64, block_size = 32 : i64}
// BLOCK: onnx.node "MatMul"(%arg0, %[[W]])
// BLOCK: onnx.node "Relu"(%0)

// CAST: %[[CODES:.*]] = onnx.constant dense_resource<{{.*}}> : tensor<64x8xf8E4M3FN>
// CAST: %[[ONE:.*]] = onnx.constant dense<1.000000e+00> : tensor<f32>
// CAST: %[[W:.*]] = onnx.node "DequantizeLinear"(%[[CODES]], %[[ONE]])
// CAST: %[[ROUNDED:.*]] = onnx.node "Cast"(%arg0) {attrs = {to = bf16}
// CAST: %[[X:.*]] = onnx.node "Cast"(%[[ROUNDED]])
// CAST: onnx.node "MatMul"(%[[X]], %[[W]])

// RULES-NOT: num.format
// RULES: onnx.node "MatMul"(%arg0, %0)

// NVFP4: onnx.constant dense_resource<{{.*}}> : tensor<64x8xf4E2M1FN>
// NVFP4: %[[SCALES:.*]] = onnx.constant dense_resource<{{.*}}> : tensor<4x8xf8E4M3FN>
// NVFP4: %[[REAL:.*]] = onnx.node "Cast"(%[[SCALES]])
// NVFP4: %[[GLOBAL:.*]] = onnx.constant dense<{{.*}}> : tensor<f32>
// NVFP4: onnx.node "Mul"(%[[REAL]], %[[GLOBAL]])
// NVFP4: onnx.node "DequantizeLinear"({{.*}}block_size = 16

// ZERO: %[[CODES:.*]] = onnx.constant dense_resource<{{.*}}> : tensor<64x8xui4>
// ZERO: %[[SCALE:.*]] = onnx.constant dense{{.*}} : tensor<8xf32>
// ZERO: %[[ZP:.*]] = onnx.constant dense<0> : tensor<8xui4>
// ZERO: onnx.node "DequantizeLinear"(%[[CODES]], %[[SCALE]], %[[ZP]]) {attrs = {axis = 1 : i64}
// ZERO: onnx.node "ReduceMax"
// ZERO: onnx.node "QuantizeLinear"{{.*}}output_dtype = i8

// Of one channel in a group a convolution's result sums a window: blocks run there, in
// a view of two dimensions. The table of a lookup is no weight.
// BLOCK-LABEL: func.func @convolution
// BLOCK: %[[CODES:.*]] = onnx.constant dense_resource<{{.*}}> : tensor<8x9xi4>
// BLOCK: %[[SCALE:.*]] = onnx.constant dense{{.*}} : tensor<8x1xf32>
// BLOCK: %[[W:.*]] = onnx.node "DequantizeLinear"(%[[CODES]], %[[SCALE]]) {attrs = {axis = 1 : i64, block_size = 32 : i64}
// BLOCK: %[[SHAPE:.*]] = onnx.constant dense<[8, 1, 3, 3]> : tensor<4xi64>
// BLOCK: %[[FILTER:.*]] = onnx.node "Reshape"(%[[W]], %[[SHAPE]]) {{.*}} -> tensor<8x1x3x3xf32>
// BLOCK: onnx.node "Conv"(%{{.*}}, %[[FILTER]])
func.func @convolution(%i: tensor<4xi64>) -> tensor<1x8x8x8xf32> attributes {onnx.opset = 21 : i64} {
  %table = onnx.constant dense<0.5> : tensor<10x64xf32> {name = "table"}
  %f = onnx.constant dense<0.25> : tensor<8x1x3x3xf32> {name = "f"}
  %s = onnx.constant dense<[1, 4, 8, 8]> : tensor<4xi64> {name = "s"}
  %0 = onnx.node "Gather"(%table, %i) {name = "lookup", opset = 21 : i64, since = 13 : i64} : (tensor<10x64xf32>, tensor<4xi64>) -> tensor<4x64xf32>
  %1 = onnx.node "Reshape"(%0, %s) {name = "image", opset = 21 : i64, since = 21 : i64} : (tensor<4x64xf32>, tensor<4xi64>) -> tensor<1x4x8x8xf32>
  %2 = onnx.node "Conv"(%1, %f) {attrs = {group = 4 : i64, pads = array<i64: 1, 1, 1, 1>}, name = "fc_conv", opset = 21 : i64, since = 11 : i64} : (tensor<1x4x8x8xf32>, tensor<8x1x3x3xf32>) -> tensor<1x8x8x8xf32>
  return %2 : tensor<1x8x8x8xf32>
}
