// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Constant indices, as numbers along each axis: a gather has one, tuples have several.
// RUN: tenon-opt %s --tenon-bound-indices | FileCheck %s

// CHECK-LABEL: func.func @bounded
// CHECK: graph.gather {{.*}}graph.index_bounds = array<i64: -1, 3>
// CHECK: graph.gather_elements {{.*}}graph.index_bounds = array<i64: 0, 7>
// CHECK: graph.gather_nd {{.*}}graph.index_bounds = array<i64: -2, 1, 5, 7>
// CHECK: graph.scatter_nd {{.*}}graph.index_bounds = array<i64: -2, 1, 5, 7>
// CHECK: graph.scatter_elements {{.*}}graph.index_bounds = array<i64: 0, 7>
func.func @bounded(%x: tensor<4x8xf32>, %u: tensor<2xf32>, %v: tensor<1x3xf32>)
    -> (tensor<2x8xf32>, tensor<1x3xf32>, tensor<2xf32>, tensor<4x8xf32>, tensor<4x8xf32>) {
  %i = graph.constant dense<[3, -1]> : tensor<2xi64>
  %e = graph.constant dense<[[7, 0, 2]]> : tensor<1x3xui32>
  %t = graph.constant dense<[[-2, 7], [1, 5]]> : tensor<2x2xi64>
  %0 = graph.gather %x, %i {axis = 0 : i64} : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<2x8xf32>
  %1 = graph.gather_elements %x, %e {axis = 1 : i64} : (tensor<4x8xf32>, tensor<1x3xui32>) -> tensor<1x3xf32>
  %2 = graph.gather_nd %x, %t {batch_dims = 0 : i64} : (tensor<4x8xf32>, tensor<2x2xi64>) -> tensor<2xf32>
  %3 = graph.scatter_nd %x, %t, %u : (tensor<4x8xf32>, tensor<2x2xi64>, tensor<2xf32>) -> tensor<4x8xf32>
  %4 = graph.scatter_elements %x, %e, %v {axis = 1 : i64} : (tensor<4x8xf32>, tensor<1x3xui32>, tensor<1x3xf32>) -> tensor<4x8xf32>
  return %0, %1, %2, %3, %4 : tensor<2x8xf32>, tensor<1x3xf32>, tensor<2xf32>, tensor<4x8xf32>, tensor<4x8xf32>
}

// What is not known, or empty, has none.
// CHECK-LABEL: func.func @unbounded
// CHECK-NOT: index_bounds
func.func @unbounded(%x: tensor<4x8xf32>, %i: tensor<2xi64>) -> (tensor<2x8xf32>, tensor<0x8xf32>) {
  %none = graph.constant dense<> : tensor<0xi64>
  %0 = graph.gather %x, %i {axis = 0 : i64} : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<2x8xf32>
  %1 = graph.gather %x, %none {axis = 0 : i64} : (tensor<4x8xf32>, tensor<0xi64>) -> tensor<0x8xf32>
  return %0, %1 : tensor<2x8xf32>, tensor<0x8xf32>
}

// Code reads the indices of a kernel as its argument. Bounds that something else wrote are not kept.
// CHECK-LABEL: func.func @kernel
// CHECK: graph.gather {{.*}}graph.index_bounds = array<i64: 3, 9>
// CHECK: graph.gather {{.*}}{axis = 0 : i64} :
func.func @kernel(%x: tensor<8xf32>, %j: tensor<2xi64>) -> tensor<2xf32> {
  %i = graph.constant dense<[9, 3]> : tensor<2xi64>
  %0 = plan.kernel "gather_0" on "cpu" root "gather"(%x, %i) {arg_shapes = [affine_map<() -> (8)>, affine_map<() -> (2)>], graph.shapes = [affine_map<() -> (2)>]} : (tensor<8xf32>, tensor<2xi64>) -> tensor<2xf32> {
  ^bb0(%a: tensor<8xf32>, %b: tensor<2xi64>):
    %1 = graph.gather %a, %b {axis = 0 : i64, graph.index_bounds = array<i64: 0, 0>} : (tensor<8xf32>, tensor<2xi64>) -> tensor<2xf32>
    plan.yield %1 : tensor<2xf32>
  }
  %2 = plan.kernel "gather_1" on "cpu" root "gather"(%0, %j) {arg_shapes = [affine_map<() -> (2)>, affine_map<() -> (2)>], graph.shapes = [affine_map<() -> (2)>]} : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>, %b: tensor<2xi64>):
    %1 = graph.gather %a, %b {axis = 0 : i64, graph.index_bounds = array<i64: 0, 0>} : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
    plan.yield %1 : tensor<2xf32>
  }
  return %2 : tensor<2xf32>
}
