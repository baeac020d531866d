// RUN: tenon-opt %s --tenon-evaluate-constants | FileCheck %s

// Only the value that is still used becomes a constant.
// CHECK-LABEL: func.func @chain
// CHECK-NEXT: %[[C:.*]] = graph.constant dense<[-1.000000e+00, -2.000000e+00]> : tensor<2xf32>
// CHECK-NEXT: graph.binary add %arg0, %[[C]]
func.func @chain(%x: tensor<2xf32>) -> tensor<2xf32> {
  %a = graph.constant dense<[1.0, 4.0]> : tensor<2xf32>
  %b = graph.unary sqrt %a : (tensor<2xf32>) -> tensor<2xf32>
  %c = graph.unary neg %b : (tensor<2xf32>) -> tensor<2xf32>
  %d = graph.binary add %x, %c : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %d : tensor<2xf32>
}

// A large fill stays, but what is computed from it is evaluated.
// CHECK-LABEL: func.func @lazy
// CHECK-DAG: graph.fill
// CHECK-DAG: graph.constant dense<4.096000e+03> : tensor<f32>
// CHECK-NOT: graph.reduce
func.func @lazy() -> (tensor<4096xf32>, tensor<f32>) {
  %s = graph.constant dense<4096> : tensor<1xi64>
  %v = graph.constant dense<1.0> : tensor<f32>
  %f = graph.fill %s, %v : (tensor<1xi64>, tensor<f32>) -> tensor<4096xf32>
  %r = graph.reduce sum %f {axes = array<i64: 0>} : (tensor<4096xf32>) -> tensor<f32>
  return %f, %r : tensor<4096xf32>, tensor<f32>
}

// An index out of range fails at run time, if it is reached.
// CHECK-LABEL: func.func @fails
// CHECK: graph.gather
func.func @fails() -> tensor<f32> {
  %x = graph.constant dense<1.0> : tensor<2xf32>
  %i = graph.constant dense<5> : tensor<i64>
  %r = graph.gather %x, %i {axis = 0 : i64} : (tensor<2xf32>, tensor<i64>) -> tensor<f32>
  return %r : tensor<f32>
}
