// RUN: tenon-opt %s --graph-simplify | FileCheck %s

// CHECK: #[[$DOUBLE:map[0-9]*]] = affine_map<()[s0] -> (s0 * 2, 4)>
// CHECK-LABEL: func.func @transposes
// CHECK-NEXT: return %arg0
func.func @transposes(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = graph.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %1 = graph.transpose %0 {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  return %1 : tensor<2x3xf32>
}

// CHECK-LABEL: func.func @composed
// CHECK-NEXT: %[[$Y:.*]] = graph.transpose %arg0 {perm = array<i64: 2, 1, 0>}
// CHECK-NEXT: return %[[$Y]]
func.func @composed(%x: tensor<2x3x4xf32>) -> tensor<4x3x2xf32> {
  %0 = graph.transpose %x {perm = array<i64: 1, 2, 0>} : (tensor<2x3x4xf32>) -> tensor<3x4x2xf32>
  %1 = graph.transpose %0 {perm = array<i64: 1, 0, 2>} : (tensor<3x4x2xf32>) -> tensor<4x3x2xf32>
  return %1 : tensor<4x3x2xf32>
}

// CHECK-LABEL: func.func @reshapes
// CHECK: graph.reshape %arg0, %{{.*}} : (tensor<2x6xf32>, tensor<1xi64>) -> tensor<12xf32>
func.func @reshapes(%x: tensor<2x6xf32>) -> tensor<12xf32> {
  %s = graph.constant dense<[3, 4]> : tensor<2xi64>
  %t = graph.constant dense<12> : tensor<1xi64>
  %0 = graph.reshape %x, %s : (tensor<2x6xf32>, tensor<2xi64>) -> tensor<3x4xf32>
  %1 = graph.reshape %0, %t : (tensor<3x4xf32>, tensor<1xi64>) -> tensor<12xf32>
  return %1 : tensor<12xf32>
}

// Dynamic sizes are the same where their expressions are.
// CHECK-LABEL: func.func @dynamic
// CHECK-SAME: %[[$X:[a-z0-9]*]]: tensor<?x4xf32>
// CHECK: %[[$KEPT:.*]] = graph.expand %[[$X]]
// CHECK-SAME: graph.shape = #[[$DOUBLE]]
// CHECK-NEXT: return %[[$KEPT]], %[[$X]]
module attributes {graph.symbols = [{name = "n", min = 0 : i64, max = 64 : i64, divisor = 1 : i64}]} {
func.func @dynamic(%x: tensor<?x4xf32> {graph.shape = affine_map<()[s0] -> (s0, 4)>}, %s: tensor<2xi64>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %0 = graph.expand %x, %s {graph.shape = affine_map<()[s0] -> (s0 * 2, 4)>} : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %1 = graph.expand %x, %s {graph.shape = affine_map<()[s0] -> (s0, 4)>} : (tensor<?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  return %0, %1 : tensor<?x4xf32>, tensor<?x4xf32>
}
}

// CHECK-LABEL: func.func @identities
// CHECK-NEXT: return %arg0
func.func @identities(%x: tensor<4xf32>) -> tensor<4xf32> {
  %zeros = graph.constant dense<0> : tensor<2xi64>
  %zero = graph.constant dense<0> : tensor<1xi64>
  %four = graph.constant dense<4> : tensor<1xi64>
  %one = graph.constant dense<1> : tensor<1xi64>
  %0 = graph.pad constant %x, %zeros : (tensor<4xf32>, tensor<2xi64>) -> tensor<4xf32>
  %1 = graph.slice %0, %zero, %four {axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xf32>
  %2 = graph.tile %1, %one : (tensor<4xf32>, tensor<1xi64>) -> tensor<4xf32>
  %3 = graph.cast %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = graph.concat %3 {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  %5 = graph.unary neg %4 : (tensor<4xf32>) -> tensor<4xf32>
  %6 = graph.unary neg %5 : (tensor<4xf32>) -> tensor<4xf32>
  return %6 : tensor<4xf32>
}

// Backwards is not the identity.
// CHECK-LABEL: func.func @backwards
// CHECK: graph.slice
func.func @backwards(%x: tensor<4xf32>) -> tensor<4xf32> {
  %last = graph.constant dense<-1> : tensor<1xi64>
  %before = graph.constant dense<-9> : tensor<1xi64>
  %0 = graph.slice %x, %last, %before {axes = array<i64: 0>, steps = array<i64: -1>} : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}

// x + 0.0 turns -0.0 into 0.0 and stays; -0.0 is neutral.
// CHECK-LABEL: func.func @neutral
// CHECK: %[[$SUM:.*]] = graph.binary add %arg0, %{{.*}} : (tensor<4xf32>, tensor<f32>)
// CHECK-NEXT: return %arg0, %[[$SUM]]
func.func @neutral(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %one = graph.constant dense<1.0> : tensor<f32>
  %minus = graph.constant dense<-0.0> : tensor<f32>
  %plus = graph.constant dense<0.0> : tensor<f32>
  %0 = graph.binary mul %one, %x : (tensor<f32>, tensor<4xf32>) -> tensor<4xf32>
  %1 = graph.binary add %0, %minus : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %2 = graph.binary sub %1, %plus : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = graph.binary add %2, %plus : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %2, %3 : tensor<4xf32>, tensor<4xf32>
}

// CHECK-LABEL: func.func @functions
// CHECK-DAG: %[[$QUARTER:.*]] = graph.constant dense<2.500000e-01>
// CHECK-DAG: %[[$THREE:.*]] = graph.constant dense<3.0
// CHECK: %[[$A:.*]] = graph.unary swish %arg0 {alpha = 1.000000e+00 : f32}
// CHECK: %[[$B:.*]] = graph.binary mul %[[$A]], %[[$QUARTER]]
// CHECK: %[[$C:.*]] = graph.binary div %[[$B]], %[[$THREE]]
// CHECK: graph.binary mul %[[$C]], %[[$C]]
func.func @functions(%x: tensor<4xf32>) -> tensor<4xf32> {
  %four = graph.constant dense<4.0> : tensor<f32>
  %three = graph.constant dense<3.0> : tensor<f32>
  %two = graph.constant dense<2.0> : tensor<f32>
  %0 = graph.unary sigmoid %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = graph.binary mul %x, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = graph.binary div %1, %four : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = graph.binary div %2, %three : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %4 = graph.binary pow %3, %two : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  return %4 : tensor<4xf32>
}

// A transpose of the last two dimensions goes into the product; of others it stays.
// CHECK-LABEL: func.func @transposed
// CHECK: %[[$ROT:.*]] = graph.transpose %arg1 {perm = array<i64: 0, 2, 3, 1>}
// CHECK: %[[$P:.*]] = graph.matmul %arg0, %arg1 {transpose_rhs}
// CHECK: graph.matmul %[[$P]], %[[$ROT]]
// CHECK: graph.matmul %arg2, %arg2 {transpose_lhs}
func.func @transposed(%a: tensor<2x3x4x5xf32>, %b: tensor<2x3x6x5xf32>, %m: tensor<7x8xf32>) -> (tensor<?x?x?x?xf32>, tensor<8x8xf32>) {
  %bt = graph.transpose %b {perm = array<i64: 0, 1, 3, 2>} : (tensor<2x3x6x5xf32>) -> tensor<2x3x5x6xf32>
  %br = graph.transpose %b {perm = array<i64: 0, 2, 3, 1>} : (tensor<2x3x6x5xf32>) -> tensor<2x6x5x3xf32>
  %0 = graph.matmul %a, %bt : (tensor<2x3x4x5xf32>, tensor<2x3x5x6xf32>) -> tensor<2x3x4x6xf32>
  %1 = graph.matmul %0, %br : (tensor<2x3x4x6xf32>, tensor<2x6x5x3xf32>) -> tensor<?x?x?x?xf32>
  %mt = graph.transpose %m {perm = array<i64: 1, 0>} : (tensor<7x8xf32>) -> tensor<8x7xf32>
  %mtt = graph.transpose %mt {perm = array<i64: 1, 0>} : (tensor<8x7xf32>) -> tensor<7x8xf32>
  %2 = graph.matmul %mt, %mtt : (tensor<8x7xf32>, tensor<7x8xf32>) -> tensor<8x8xf32>
  return %1, %2 : tensor<?x?x?x?xf32>, tensor<8x8xf32>
}

// A float's zero point of zero goes; another, or an integer's, stays.
// CHECK-LABEL: func.func @zero_points
// CHECK-SAME: %[[$F8:.*]]: tensor<2x3xf8E4M3FN>, %[[$I8:.*]]: tensor<2x3xi8>, %[[$S:.*]]: tensor<3xf32>
// CHECK: graph.dequantize %[[$F8]], %[[$S]] {axis
// CHECK: graph.dequantize %[[$F8]], %[[$S]], %{{.*}} {axis
// CHECK: graph.dequantize %[[$I8]], %[[$S]], %{{.*}} {axis
func.func @zero_points(%f8: tensor<2x3xf8E4M3FN>, %i8: tensor<2x3xi8>, %s: tensor<3xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>) {
  %zero = graph.constant dense<0.0> : tensor<3xf8E4M3FN>
  %one = graph.constant dense<1.0> : tensor<3xf8E4M3FN>
  %none = graph.constant dense<0> : tensor<3xi8>
  %0 = graph.dequantize %f8, %s, %zero {axis = 1 : i64} : (tensor<2x3xf8E4M3FN>, tensor<3xf32>, tensor<3xf8E4M3FN>) -> tensor<2x3xf32>
  %1 = graph.dequantize %f8, %s, %one {axis = 1 : i64} : (tensor<2x3xf8E4M3FN>, tensor<3xf32>, tensor<3xf8E4M3FN>) -> tensor<2x3xf32>
  %2 = graph.dequantize %i8, %s, %none {axis = 1 : i64} : (tensor<2x3xi8>, tensor<3xf32>, tensor<3xi8>) -> tensor<2x3xf32>
  return %0, %1, %2 : tensor<2x3xf32>, tensor<2x3xf32>, tensor<2x3xf32>
}

// Without ranks, the two may not even fit each other.
// CHECK-LABEL: func.func @unranked
// CHECK-COUNT-2: graph.transpose
func.func @unranked(%x: tensor<*xf32>) -> tensor<*xf32> {
  %0 = graph.transpose %x {perm = array<i64: 1, 0>} : (tensor<*xf32>) -> tensor<*xf32>
  %1 = graph.transpose %0 {perm = array<i64: 2, 1, 0>} : (tensor<*xf32>) -> tensor<*xf32>
  return %1 : tensor<*xf32>
}
