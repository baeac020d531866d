// RUN: tenon-opt %s --plan-detach-sizes --graph-infer-shapes --split-input-file --mlir-print-local-scope | FileCheck %s

// A shape that is put together of others' sizes becomes one that needs no tensor, and what
// fed it goes. A reshape with a wildcard reads the shape of its result.

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>
// CHECK: %[[Y:.*]] = graph.unary exp %[[X]]
// CHECK: %[[V:.*]] = plan.view %{{.*}} {graph.shape = affine_map<()[s0] -> (s0, 2, 4)>} : tensor<0xi64> -> tensor<?x2x4xi64>
// CHECK: %[[SHAPE:.*]] = graph.shape %[[V]] {end = 3 : i64, start = 0 : i64}
// CHECK-NOT: graph.concat
// CHECK: graph.reshape %[[Y]], %[[SHAPE]]
// CHECK: plan.view %{{.*}} {graph.shape = affine_map<()[s0] -> (s0 floordiv 2)>} : tensor<0xi64> -> tensor<?xi64>
// CHECK: graph.shape
// CHECK: %[[N:.*]] = graph.squeeze
// CHECK: return %{{.*}}, %[[N]]
module attributes {graph.symbols = [{name = "n", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64}]} {
  func.func @main(%x: tensor<?x8xf32> {graph.shape = affine_map<()[s0] -> (s0, 8)>}) -> (tensor<?x2x4xf32>, tensor<i64>) {
    %y = graph.unary exp %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
    %n = graph.shape %y {end = 1 : i64, start = 0 : i64} : (tensor<?x8xf32>) -> tensor<1xi64>
    %rest = graph.constant dense<[-1, 4]> : tensor<2xi64>
    %s = graph.concat %n, %rest {axis = 0 : i64} : (tensor<1xi64>, tensor<2xi64>) -> tensor<3xi64>
    %z = graph.reshape %y, %s : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x2x4xf32>
    %scalar = graph.squeeze %n {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
    %two = graph.constant dense<2> : tensor<i64>
    %half = graph.binary div %scalar, %two : (tensor<i64>, tensor<i64>) -> tensor<i64>
    return %z, %half : tensor<?x2x4xf32>, tensor<i64>
  }
}

// -----

// What may be negative is no size: it is computed, of sizes that need no tensor.

// CHECK-LABEL: func.func @main
// CHECK: plan.view {{.*}} -> tensor<?xi64>
// CHECK: %[[N:.*]] = graph.shape
// CHECK-NOT: plan.view
// CHECK: graph.binary sub %[[N]]
module attributes {graph.symbols = [{name = "n", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64}]} {
  func.func @main(%x: tensor<?x8xf32> {graph.shape = affine_map<()[s0] -> (s0, 8)>}) -> tensor<1xi64> {
    %n = graph.shape %x {end = 1 : i64, start = 0 : i64} : (tensor<?x8xf32>) -> tensor<1xi64>
    %one = graph.constant dense<1> : tensor<1xi64>
    %less = graph.binary sub %n, %one : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
    return %less : tensor<1xi64>
  }
}

// -----

// Without open sizes there is nothing to do.

// CHECK-LABEL: func.func @main
// CHECK-NOT: plan.view
func.func @main(%x: tensor<2x8xf32>) -> tensor<2xi64> {
  %n = graph.shape %x {end = 2 : i64, start = 0 : i64} : (tensor<2x8xf32>) -> tensor<2xi64>
  return %n : tensor<2xi64>
}
