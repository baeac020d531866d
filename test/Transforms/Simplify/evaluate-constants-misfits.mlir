// RUN: tenon-opt %s --split-input-file --tenon-evaluate-constants | FileCheck %s

// Operands that do not fit each other, which only shape inference refuses, are
// no reason to crash: the ops stay.

// CHECK-LABEL: func.func @batch
// CHECK: graph.gather_nd
func.func @batch() -> tensor<1x1xf32> {
  %c = graph.constant dense<[[1.0, 2.0], [2.0, 3.0], [4.0, 5.0]]> : tensor<3x2xf32>
  %i = graph.constant dense<0> : tensor<1x1xi64>
  %1 = graph.gather_nd %c, %i {batch_dims = 1 : i64} : (tensor<3x2xf32>, tensor<1x1xi64>) -> tensor<1x1xf32>
  return %1 : tensor<1x1xf32>
}

// -----

// CHECK-LABEL: func.func @deep
// CHECK: graph.gather_nd
func.func @deep() -> tensor<1x1xf32> {
  %c = graph.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %i = graph.constant dense<0> : tensor<1x5xi64>
  %1 = graph.gather_nd %c, %i : (tensor<2xf32>, tensor<1x5xi64>) -> tensor<1x1xf32>
  return %1 : tensor<1x1xf32>
}

// -----

// CHECK-LABEL: func.func @elements
// CHECK: graph.gather_elements
// CHECK: graph.scatter_elements
// CHECK: graph.scatter_nd
func.func @elements() -> (tensor<2x9xf32>, tensor<1x2xf32>, tensor<1x2xf32>) {
  %c = graph.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %i = graph.constant dense<0> : tensor<2x9xi64>
  %k = graph.constant dense<0> : tensor<1x9xi64>
  %1 = graph.gather_elements %c, %i {axis = 0 : i64} : (tensor<1x2xf32>, tensor<2x9xi64>) -> tensor<2x9xf32>
  %2 = graph.scatter_elements %c, %i, %c {axis = 0 : i64} : (tensor<1x2xf32>, tensor<2x9xi64>, tensor<1x2xf32>) -> tensor<1x2xf32>
  %3 = graph.scatter_nd %c, %k, %c : (tensor<1x2xf32>, tensor<1x9xi64>, tensor<1x2xf32>) -> tensor<1x2xf32>
  return %1, %2, %3 : tensor<2x9xf32>, tensor<1x2xf32>, tensor<1x2xf32>
}

// -----

// CHECK-LABEL: func.func @ranges
// CHECK-COUNT-3: graph.range
func.func @ranges() -> (tensor<3xf32>, tensor<3xf32>, tensor<3xi64>) {
  %a = graph.constant dense<0.0> : tensor<f32>
  %inf = graph.constant dense<0x7F800000> : tensor<f32>
  %nan = graph.constant dense<0x7FC00000> : tensor<f32>
  %c = graph.constant dense<1.0> : tensor<f32>
  %d = graph.constant dense<0> : tensor<i64>
  %e = graph.constant dense<9223372036854775807> : tensor<i64>
  %f = graph.constant dense<1> : tensor<i64>
  %1 = graph.range %a, %inf, %c : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<3xf32>
  %2 = graph.range %a, %c, %nan : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<3xf32>
  %3 = graph.range %d, %e, %f : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<3xi64>
  return %1, %2, %3 : tensor<3xf32>, tensor<3xf32>, tensor<3xi64>
}

// -----

// CHECK-LABEL: func.func @sizes
// CHECK: graph.concat
// CHECK: graph.tile
// CHECK: graph.fill
// CHECK: graph.pad
// CHECK: graph.reshape
// CHECK: graph.norm
func.func @sizes() -> (tensor<3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<2xf32>, tensor<2x2xf32>, tensor<2x4xf32>) {
  %x = graph.constant dense<0.0> : tensor<2x4xf32>
  %s = graph.constant dense<[[1.0, 2.0, 3.0]]> : tensor<1x3xf32>
  %v = graph.constant dense<0.0> : tensor<2xf32>
  %o = graph.constant dense<0.0> : tensor<f32>
  %n = graph.constant dense<100000000000000> : tensor<1xi64>
  %p = graph.constant dense<9223372036854775807> : tensor<2xi64>
  %m = graph.constant dense<-2> : tensor<2xi64>
  %four = graph.constant dense<0.0> : tensor<4xf32>
  %three = graph.constant dense<0.0> : tensor<3xf32>
  %1 = graph.concat %s, %x {axis = 0 : i64} : (tensor<1x3xf32>, tensor<2x4xf32>) -> tensor<3x4xf32>
  %2 = graph.tile %v, %n : (tensor<2xf32>, tensor<1xi64>) -> tensor<3xf32>
  %3 = graph.fill %n, %o : (tensor<1xi64>, tensor<f32>) -> tensor<3xf32>
  %4 = graph.pad constant %v, %p : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  %5 = graph.reshape %four, %m : (tensor<4xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  %6 = graph.norm layer %x scale %three : tensor<3xf32> {axis = 1 : i64, epsilon = 1.0e-5 : f32} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %1, %2, %3, %4, %5, %6 : tensor<3x4xf32>, tensor<3xf32>, tensor<3xf32>, tensor<2xf32>, tensor<2x2xf32>, tensor<2x4xf32>
}

// -----

// The reference has no integers of 24 bits.
// CHECK-LABEL: func.func @width
// CHECK: graph.unary neg
func.func @width() -> tensor<3xi24> {
  %c = graph.constant dense<[1, 2, 3]> : tensor<3xi24>
  %1 = graph.unary neg %c : (tensor<3xi24>) -> tensor<3xi24>
  return %1 : tensor<3xi24>
}

// -----

// CHECK-LABEL: func.func @bias
// CHECK: graph.conv {{%.*}}, {{%.*}}, {{%.*}} {
// CHECK: graph.conv_transpose
func.func @bias() -> (tensor<1x20x4xf32>, tensor<1x20x4xf32>) {
  %x = graph.constant dense<0.0> : tensor<1x1x4xf32>
  %w = graph.constant dense<0.0> : tensor<20x1x1xf32>
  %v = graph.constant dense<0.0> : tensor<1x20x1xf32>
  %b = graph.constant dense<> : tensor<0xf32>
  %1 = graph.conv %x, %w, %b {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>} : (tensor<1x1x4xf32>, tensor<20x1x1xf32>, tensor<0xf32>) -> tensor<1x20x4xf32>
  %2 = graph.conv_transpose %x, %v, %b {strides = array<i64: 1>, dilations = array<i64: 1>, pads = array<i64: 0, 0>, output_padding = array<i64>} : (tensor<1x1x4xf32>, tensor<1x20x1xf32>, tensor<0xf32>) -> tensor<1x20x4xf32>
  return %1, %2 : tensor<1x20x4xf32>, tensor<1x20x4xf32>
}
