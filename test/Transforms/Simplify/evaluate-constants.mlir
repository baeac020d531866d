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

// Large integer weights of a product stay; those of other ops, and what the
// product cannot decode, do not.
// CHECK-LABEL: func.func @weights
// CHECK: %[[NARROW:.*]] = graph.dequantize
// CHECK-NEXT: graph.matmul %arg0, %[[NARROW]]
// CHECK-NOT: graph.dequantize
// CHECK: return
func.func @weights(%x: tensor<1x512xf32>) -> (tensor<1x512xf32>, tensor<1x256xf32>, tensor<1x512xf32>, tensor<512x512xf32>) {
  %codes = graph.constant dense<3> : tensor<512x512xi4>
  %small = graph.constant dense<3> : tensor<512x256xi4>
  %scale = graph.constant dense<0.5> : tensor<16x512xf32>
  %odd = graph.constant dense<0.5> : tensor<11x512xf32>
  %one = graph.constant dense<0.5> : tensor<f32>
  %w = graph.dequantize %codes, %scale {axis = 0 : i64, block_size = 32 : i64} : (tensor<512x512xi4>, tensor<16x512xf32>) -> tensor<512x512xf32>
  %y = graph.matmul %x, %w : (tensor<1x512xf32>, tensor<512x512xf32>) -> tensor<1x512xf32>
  %v = graph.dequantize %small, %one {axis = 0 : i64} : (tensor<512x256xi4>, tensor<f32>) -> tensor<512x256xf32>
  %z = graph.matmul %x, %v : (tensor<1x512xf32>, tensor<512x256xf32>) -> tensor<1x256xf32>
  %u = graph.dequantize %codes, %odd {axis = 0 : i64, block_size = 48 : i64} : (tensor<512x512xi4>, tensor<11x512xf32>) -> tensor<512x512xf32>
  %s = graph.matmul %x, %u : (tensor<1x512xf32>, tensor<512x512xf32>) -> tensor<1x512xf32>
  %t = graph.dequantize %codes, %one {axis = 0 : i64} : (tensor<512x512xi4>, tensor<f32>) -> tensor<512x512xf32>
  return %y, %z, %s, %t : tensor<1x512xf32>, tensor<1x256xf32>, tensor<1x512xf32>, tensor<512x512xf32>
}

// So do large weights of 16-bit floats behind a cast, unless another op reads the cast.
// CHECK-LABEL: func.func @half
// CHECK: %[[WIDE:.*]] = graph.cast
// CHECK-NEXT: graph.matmul %arg0, %[[WIDE]]
// CHECK-NOT: graph.cast
// CHECK: return
func.func @half(%x: tensor<1x512xf32>) -> (tensor<1x512xf32>, tensor<1x256xf32>, tensor<1x512xf32>, tensor<512x512xf32>) {
  %weights = graph.constant dense<1.5> : tensor<512x512xf16>
  %small = graph.constant dense<1.5> : tensor<512x256xf16>
  %w = graph.cast %weights : (tensor<512x512xf16>) -> tensor<512x512xf32>
  %y = graph.matmul %x, %w : (tensor<1x512xf32>, tensor<512x512xf32>) -> tensor<1x512xf32>
  %v = graph.cast %small : (tensor<512x256xf16>) -> tensor<512x256xf32>
  %z = graph.matmul %x, %v : (tensor<1x512xf32>, tensor<512x256xf32>) -> tensor<1x256xf32>
  %u = graph.cast %weights : (tensor<512x512xf16>) -> tensor<512x512xf32>
  %t = graph.matmul %x, %u : (tensor<1x512xf32>, tensor<512x512xf32>) -> tensor<1x512xf32>
  return %y, %z, %t, %u : tensor<1x512xf32>, tensor<1x256xf32>, tensor<1x512xf32>, tensor<512x512xf32>
}
