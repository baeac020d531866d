// RUN: tenon-opt %s --cpu-widen-convolutions --split-input-file | FileCheck %s

// Between two convolutions the values are rounded and kept as f32.
// CHECK-LABEL: func.func @chain
// CHECK: %[[X:.*]] = graph.cast %arg0 : (tensor<1x8x8x4xf16>) -> tensor<1x8x8x4xf32>
// CHECK: %[[A:.*]] = graph.conv %[[X]], {{.*}} -> tensor<1x8x8x4xf32>
// CHECK: %[[ROUNDED:.*]] = graph.cast %[[A]] : (tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf16>
// CHECK: %[[WIDE:.*]] = graph.cast %[[ROUNDED]] : (tensor<1x8x8x4xf16>) -> tensor<1x8x8x4xf32>
// CHECK: %[[R:.*]] = graph.unary relu %[[WIDE]] : (tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf32>
// CHECK: %[[B:.*]] = graph.conv %[[R]], {{.*}} -> tensor<1x8x8x4xf32>
// CHECK: %[[Y:.*]] = graph.cast %[[B]] : (tensor<1x8x8x4xf32>) -> tensor<1x8x8x4xf16>
// CHECK: return %[[Y]]
func.func @chain(%x: tensor<1x8x8x4xf16>, %w: tensor<4x4x1x1xf16>) -> tensor<1x8x8x4xf16> {
  %a = graph.conv %x, %w {layout = 1 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x8x4xf16>, tensor<4x4x1x1xf16>) -> tensor<1x8x8x4xf16>
  %r = graph.unary relu %a : (tensor<1x8x8x4xf16>) -> tensor<1x8x8x4xf16>
  %b = graph.conv %r, %w {layout = 1 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x8x4xf16>, tensor<4x4x1x1xf16>) -> tensor<1x8x8x4xf16>
  return %b : tensor<1x8x8x4xf16>
}

// -----

// The concatenation's 16-bit value is returned: it stays, and is widened after it.
// CHECK-LABEL: func.func @kept
// CHECK: %[[CAT:.*]] = graph.concat %arg0, %arg1 {{.*}} -> tensor<1x8x8x4xbf16>
// CHECK: graph.cast %[[CAT]] : (tensor<1x8x8x4xbf16>) -> tensor<1x8x8x4xf32>
// CHECK: return %[[CAT]]
func.func @kept(%x: tensor<1x8x8x2xbf16>, %y: tensor<1x8x8x2xbf16>, %w: tensor<4x4x1x1xbf16>) -> (tensor<1x8x8x4xbf16>, tensor<1x8x8x4xbf16>) {
  %c = graph.concat %x, %y {axis = 3 : i64} : (tensor<1x8x8x2xbf16>, tensor<1x8x8x2xbf16>) -> tensor<1x8x8x4xbf16>
  %a = graph.conv %c, %w {layout = 1 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x8x8x4xbf16>, tensor<4x4x1x1xbf16>) -> tensor<1x8x8x4xbf16>
  return %c, %a : tensor<1x8x8x4xbf16>, tensor<1x8x8x4xbf16>
}
