// RUN: tenon-opt %s --graph-fold-channel-affine --tenon-evaluate-constants --split-input-file | FileCheck %s

// A batch normalisation leaves nothing behind.
// CHECK-LABEL: func.func @normalised
// CHECK-DAG: %[[FILTER:.*]] = graph.constant dense<{{\[\[\[\[}}2.000000e+00]]], {{\[\[\[}}6.000000e+00]]]]> : tensor<2x1x1x1xf32>
// CHECK-DAG: %[[BIAS:.*]] = graph.constant dense<[1.000000e+01, 2.000000e+01]> : tensor<2xf32>
// CHECK: %[[RESULT:.*]] = graph.conv %{{.*}}, %[[FILTER]], %[[BIAS]]
// CHECK-NEXT: return %[[RESULT]]
func.func @normalised(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = graph.constant dense<[[[[1.0]]], [[[2.0]]]]> : tensor<2x1x1x1xf32>
  %s = graph.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %t = graph.constant dense<[[[10.0]], [[20.0]]]> : tensor<2x1x1xf32>
  %c = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %m = graph.binary mul %c, %s : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  %a = graph.binary add %t, %m : (tensor<2x1x1xf32>, tensor<1x2x4x4xf32>) -> tensor<1x2x4x4xf32>
  return %a : tensor<1x2x4x4xf32>
}

// -----

// The bias is scaled with the filter, whose out channels come second here.
// CHECK-LABEL: func.func @transposed
// CHECK-DAG: %[[FILTER:.*]] = graph.constant dense<{{\[\[\[\[}}2.000000e+00]], {{\[\[}}6.000000e+00]]]]> : tensor<1x2x1x1xf32>
// CHECK-DAG: %[[BIAS:.*]] = graph.constant dense<[1.000000e+01, 3.000000e+01]> : tensor<2xf32>
// CHECK: graph.conv_transpose %{{.*}}, %[[FILTER]], %[[BIAS]]
// CHECK-NEXT: return
func.func @transposed(%x: tensor<1x1x4x4xf32>) -> tensor<1x2x4x4xf32> {
  %w = graph.constant dense<[[[[1.0]], [[2.0]]]]> : tensor<1x2x1x1xf32>
  %b = graph.constant dense<[5.0, 10.0]> : tensor<2xf32>
  %s = graph.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %c = graph.conv_transpose %x, %w, %b {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>} : (tensor<1x1x4x4xf32>, tensor<1x2x1x1xf32>, tensor<2xf32>) -> tensor<1x2x4x4xf32>
  %m = graph.binary mul %c, %s : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %m : tensor<1x2x4x4xf32>
}

// -----

// The factor differs along a row, not along the channels: [4] is the width.
// CHECK-LABEL: func.func @row
// CHECK: graph.conv
// CHECK-NEXT: graph.binary mul
func.func @row(%x: tensor<1x1x4x4xf32>) -> tensor<1x4x4x4xf32> {
  %w = graph.constant dense<1.0> : tensor<4x1x1x1xf32>
  %s = graph.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %c = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x1x4x4xf32>, tensor<4x1x1x1xf32>) -> tensor<1x4x4x4xf32>
  %m = graph.binary mul %c, %s : (tensor<1x4x4x4xf32>, tensor<4xf32>) -> tensor<1x4x4x4xf32>
  return %m : tensor<1x4x4x4xf32>
}

// -----

// Something else reads the convolution's own result.
// CHECK-LABEL: func.func @shared
// CHECK: graph.conv
// CHECK-NEXT: graph.binary mul
func.func @shared(%x: tensor<1x1x4x4xf32>) -> (tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>) {
  %w = graph.constant dense<1.0> : tensor<2x1x1x1xf32>
  %s = graph.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf32>
  %c = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x1x4x4xf32>, tensor<2x1x1x1xf32>) -> tensor<1x2x4x4xf32>
  %m = graph.binary mul %c, %s : (tensor<1x2x4x4xf32>, tensor<2x1x1xf32>) -> tensor<1x2x4x4xf32>
  return %c, %m : tensor<1x2x4x4xf32>, tensor<1x2x4x4xf32>
}

// -----

// A 16-bit product would be rounded.
// CHECK-LABEL: func.func @half
// CHECK: graph.conv
// CHECK-NEXT: graph.binary mul
func.func @half(%x: tensor<1x1x4x4xf16>) -> tensor<1x2x4x4xf16> {
  %w = graph.constant dense<1.0> : tensor<2x1x1x1xf16>
  %s = graph.constant dense<[[[2.0]], [[3.0]]]> : tensor<2x1x1xf16>
  %c = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x1x4x4xf16>, tensor<2x1x1x1xf16>) -> tensor<1x2x4x4xf16>
  %m = graph.binary mul %c, %s : (tensor<1x2x4x4xf16>, tensor<2x1x1xf16>) -> tensor<1x2x4x4xf16>
  return %m : tensor<1x2x4x4xf16>
}
