// RUN: tenon-opt %s --graph-channels-last | FileCheck %s

// The transposes between the two convolutions meet and vanish; the activation
// stays between them.
// CHECK-LABEL: func.func @main
// CHECK: graph.transpose %{{.*}} {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x8x8xf32>) -> tensor<1x8x8x3xf32>
// CHECK-NEXT: graph.conv {{.*}} -> tensor<1x8x8x4xf32>
// CHECK-NEXT: graph.unary relu {{.*}} -> tensor<1x8x8x4xf32>
// CHECK-NEXT: graph.conv {{.*}} -> tensor<1x8x8x5xf32>
// CHECK-NEXT: graph.transpose %{{.*}} {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x8x8x5xf32>) -> tensor<1x5x8x8xf32>
// CHECK-NEXT: return
func.func @main(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x1x1xf32>, %v: tensor<5x4x1x1xf32>) -> tensor<1x5x8x8xf32> {
  %a = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %r = graph.unary relu %a : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf32>
  %b = graph.conv %r, %v {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>, tensor<5x4x1x1xf32>) -> tensor<1x5x8x8xf32>
  return %b : tensor<1x5x8x8xf32>
}

// Slices, resampling and padding keep the layout of their data: axes, scales
// and pads are those of the moved dimensions.
// CHECK-LABEL: func.func @data
// CHECK-DAG: %[[SCALES:.*]] = graph.constant dense<[1.000000e+00, 2.000000e+00, 3.000000e+00, 1.000000e+00]> : tensor<4xf32>
// CHECK-DAG: %[[PADS:.*]] = graph.constant dense<[0, 1, 2, 0, 0, 3, 4, 0]> : tensor<8xi64>
// CHECK: %[[CONV:.*]] = graph.conv {{.*}} -> tensor<1x8x8x4xf32>
// CHECK-NEXT: %[[SLICE:.*]] = graph.slice %[[CONV]], %{{.*}} {axes = array<i64: 3>, {{.*}} -> tensor<1x8x8x2xf32>
// CHECK-NEXT: %[[RESIZE:.*]] = graph.resize %[[SLICE]] scales %[[SCALES]] : {{.*}} -> tensor<1x16x24x2xf32>
// CHECK-NEXT: %[[PAD:.*]] = graph.pad constant %[[RESIZE]], %[[PADS]] {{.*}} -> tensor<1x20x30x2xf32>
// CHECK-NEXT: graph.transpose %[[PAD]] {perm = array<i64: 0, 3, 1, 2>}
// CHECK-NEXT: return
func.func @data(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x1x1xf32>) -> tensor<1x2x20x30xf32> {
  %starts = graph.constant dense<1> : tensor<1xi64>
  %ends = graph.constant dense<3> : tensor<1xi64>
  %scales = graph.constant dense<[1.0, 1.0, 2.0, 3.0]> : tensor<4xf32>
  %pads = graph.constant dense<[0, 0, 1, 2, 0, 0, 3, 4]> : tensor<8xi64>
  %a = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %s = graph.slice %a, %starts, %ends {axes = array<i64: 1>, steps = array<i64: 1>} : (tensor<1x4x8x8xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x2x8x8xf32>
  %r = graph.resize %s scales %scales : tensor<4xf32> {mode = 0 : i32, coordinate = 4 : i32, nearest = 2 : i32} : (tensor<1x2x8x8xf32>) -> tensor<1x2x16x24xf32>
  %p = graph.pad constant %r, %pads : (tensor<1x2x16x24xf32>, tensor<8xi64>) -> tensor<1x2x20x30xf32>
  return %p : tensor<1x2x20x30xf32>
}

// A squeeze-and-excitation gate stays channels-last with its data.
// CHECK-LABEL: func.func @gate
// CHECK: %[[MEAN:.*]] = graph.reduce mean %[[DATA:.*]] {axes = array<i64: 1, 2>, keep_dims} : {{.*}} -> tensor<1x1x1x4xf32>
// CHECK-NEXT: %[[GATE:.*]] = graph.unary sigmoid %[[MEAN]]
// CHECK-NEXT: graph.binary mul %[[DATA]], %[[GATE]] : (tensor<1x8x8x4xf32>, tensor<1x1x1x4xf32>) -> tensor<1x8x8x4xf32>
// CHECK-NEXT: graph.transpose
// CHECK-NEXT: return
func.func @gate(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32> {
  %a = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %m = graph.reduce mean %a {axes = array<i64: 2, 3>, keep_dims} : (tensor<1x4x8x8xf32>) -> tensor<1x4x1x1xf32>
  %g = graph.unary sigmoid %m : (tensor<1x4x1x1xf32>) -> tensor<1x4x1x1xf32>
  %y = graph.binary mul %a, %g : (tensor<1x4x8x8xf32>, tensor<1x4x1x1xf32>) -> tensor<1x4x8x8xf32>
  return %y : tensor<1x4x8x8xf32>
}

// Draws belong to the elements' places: the cast stays behind the transpose.
// CHECK-LABEL: func.func @draws
// CHECK: graph.conv {{.*}} -> tensor<1x8x8x4xf32>
// CHECK-NEXT: %[[BACK:.*]] = graph.transpose %{{.*}} {perm = array<i64: 0, 3, 1, 2>}
// CHECK-NEXT: graph.cast %[[BACK]] {rounding = 5 : i32, seed = 1 : i64} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf8E5M2>
func.func @draws(%x: tensor<1x3x8x8xf32>, %w: tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf8E5M2> {
  %a = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x3x8x8xf32>, tensor<4x3x1x1xf32>) -> tensor<1x4x8x8xf32>
  %c = graph.cast %a {rounding = 5 : i32, seed = 1 : i64} : (tensor<1x4x8x8xf32>) -> tensor<1x4x8x8xf8E5M2>
  return %c : tensor<1x4x8x8xf8E5M2>
}
