// RUN: tenon-opt %s --graph-sink-decodes | FileCheck %s

// The codes are moved; both decodes end in front of the product.
// CHECK-LABEL: func.func @moves
// CHECK: %[[T:.*]] = graph.transpose %arg0 {perm = array<i64: 1, 0>} : (tensor<4x8xf8E4M3FN>) -> tensor<8x4xf8E4M3FN>
// CHECK: %[[A:.*]] = graph.cast %[[T]] : (tensor<8x4xf8E4M3FN>) -> tensor<8x4xf32>
// CHECK: %[[R:.*]] = graph.reshape %arg1, %{{.*}} {graph.shape = #{{.*}}} : (tensor<?x2x2xi8>, tensor<2xi64>) -> tensor<?x4xi8>
// CHECK: %[[B:.*]] = graph.dequantize %[[R]], %arg2 {axis = 0 : i64, graph.shape = #{{.*}}} : (tensor<?x4xi8>, tensor<1xf32>) -> tensor<?x4xf32>
// CHECK: graph.matmul %[[A]], %[[B]]
#map = affine_map<()[s0] -> (s0, 4)>
module attributes {graph.symbols = [{divisor = 1 : i64, max = 4096 : i64, min = 1 : i64, name = "rows"}]} {
func.func @moves(%x: tensor<4x8xf8E4M3FN>, %y: tensor<?x2x2xi8>, %s: tensor<1xf32>) -> tensor<8x?xf32> {
  %shape = graph.constant dense<[-1, 4]> : tensor<2xi64>
  %0 = graph.cast %x : (tensor<4x8xf8E4M3FN>) -> tensor<4x8xf32>
  %1 = graph.transpose %0 {perm = array<i64: 1, 0>} : (tensor<4x8xf32>) -> tensor<8x4xf32>
  %2 = graph.dequantize %y, %s {axis = 0 : i64} : (tensor<?x2x2xi8>, tensor<1xf32>) -> tensor<?x2x2xf32>
  %3 = graph.reshape %2, %shape {graph.shape = #map} : (tensor<?x2x2xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %4 = graph.matmul %1, %3 {transpose_rhs} : (tensor<8x4xf32>, tensor<?x4xf32>) -> tensor<8x?xf32>
  return %4 : tensor<8x?xf32>
}

// A decode with another use stays, and so does one whose scale is per channel.
// CHECK-LABEL: func.func @stays
// CHECK: graph.cast %arg0
// CHECK: graph.transpose %{{.*}} : (tensor<4x8xf32>)
// CHECK: graph.dequantize %arg1
// CHECK: graph.transpose %{{.*}} : (tensor<4x8xf32>)
func.func @stays(%x: tensor<4x8xf8E4M3FN>, %y: tensor<4x8xi8>, %s: tensor<8xf32>) -> (tensor<4x8xf32>, tensor<8x4xf32>, tensor<8x4xf32>) {
  %0 = graph.cast %x : (tensor<4x8xf8E4M3FN>) -> tensor<4x8xf32>
  %1 = graph.transpose %0 {perm = array<i64: 1, 0>} : (tensor<4x8xf32>) -> tensor<8x4xf32>
  %2 = graph.dequantize %y, %s {axis = 1 : i64} : (tensor<4x8xi8>, tensor<8xf32>) -> tensor<4x8xf32>
  %3 = graph.transpose %2 {perm = array<i64: 1, 0>} : (tensor<4x8xf32>) -> tensor<8x4xf32>
  return %0, %1, %3 : tensor<4x8xf32>, tensor<8x4xf32>, tensor<8x4xf32>
}
}
