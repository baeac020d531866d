// RUN: tenon-opt %s --split-input-file --graph-infer-shapes | FileCheck %s

// Contents of small tensors become constants only where their type holds them:
// what wraps, rounds or is a negative zero is left to the evaluator.

// CHECK-LABEL: func.func @stays
// CHECK: graph.binary mul
// CHECK: graph.binary mul
// CHECK: graph.binary div
// CHECK: graph.unary neg
// CHECK: graph.cast
func.func @stays() -> (tensor<1xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xf32>, tensor<1xi64>) {
  %f = graph.constant dense<1.0e10> : tensor<1xf32>
  %i = graph.constant dense<1099511627777> : tensor<1xi64>
  %least = graph.constant dense<-9223372036854775808> : tensor<1xi64>
  %minus = graph.constant dense<-1> : tensor<1xi64>
  %zero = graph.constant dense<0.0> : tensor<1xf32>
  %large = graph.constant dense<300> : tensor<1xi64>
  %0 = graph.binary mul %f, %f : (tensor<1xf32>, tensor<1xf32>) -> tensor<1xf32>
  %1 = graph.binary mul %i, %i : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %2 = graph.binary div %least, %minus : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %3 = graph.unary neg %zero : (tensor<1xf32>) -> tensor<1xf32>
  %4 = graph.cast %large : (tensor<1xi64>) -> tensor<1xui8>
  %5 = graph.cast %4 : (tensor<1xui8>) -> tensor<1xi64>
  return %0, %1, %2, %3, %5 : tensor<1xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xf32>, tensor<1xi64>
}

// -----

// Two elements against two others are four.
// CHECK-LABEL: func.func @outer
// CHECK: graph.binary add
func.func @outer() -> tensor<2x2xi64> {
  %x = graph.constant dense<[[1], [2]]> : tensor<2x1xi64>
  %y = graph.constant dense<[[10, 20]]> : tensor<1x2xi64>
  %0 = graph.binary add %x, %y : (tensor<2x1xi64>, tensor<1x2xi64>) -> tensor<2x2xi64>
  return %0 : tensor<2x2xi64>
}

// -----

// Declarations have no values to infer from.
// CHECK: func.func private @f
func.func private @f(tensor<4xf32>) -> tensor<4xf32>
// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  return %x : tensor<4xf32>
}
