// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%x: tensor<2x3xf32>, %c: tensor<3xi1>) -> tensor<2x3xf16> {
  // CHECK: graph.constant dense<1.000000e+00> : tensor<3xf32>
  %k = graph.constant dense<1.0> : tensor<3xf32>
  // CHECK: graph.unary leaky_relu %{{.*}} {alpha = 1.000000e-01 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %0 = graph.unary leaky_relu %x {alpha = 0.1 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: graph.binary add %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %1 = graph.binary add %0, %k : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  // CHECK: graph.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = graph.select %c, %0, %1 : (tensor<3xi1>, tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: graph.cast %{{.*}} : (tensor<2x3xf32>) -> tensor<2x3xf16>
  %3 = graph.cast %2 : (tensor<2x3xf32>) -> tensor<2x3xf16>
  return %3 : tensor<2x3xf16>
}

// CHECK-LABEL: func.func @contractions
func.func @contractions(%a: tensor<4x8xf32>, %b: tensor<2x8xf32>, %x: tensor<1x3x8x8xf32>, %w: tensor<4x3x3x3xf32>, %bias: tensor<4xf32>) {
  // CHECK: graph.matmul %{{.*}}, %{{.*}} {transpose_rhs} : (tensor<4x8xf32>, tensor<2x8xf32>) -> tensor<4x2xf32>
  %0 = graph.matmul %a, %b {transpose_rhs} : (tensor<4x8xf32>, tensor<2x8xf32>) -> tensor<4x2xf32>
  // CHECK: graph.conv %{{.*}}, %{{.*}}, %{{.*}} {{.*}} : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
  %1 = graph.conv %x, %w, %bias {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x3x8x8xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<1x4x6x6xf32>
  // CHECK: graph.pool average %{{.*}} {ceil_mode, {{.*}}} : (tensor<1x4x6x6xf32>) -> tensor<1x4x3x3xf32>
  %2 = graph.pool average %1 {ceil_mode, kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>}
    : (tensor<1x4x6x6xf32>) -> tensor<1x4x3x3xf32>
  // CHECK: graph.reduce mean %{{.*}} {axes = array<i64: 2, 3>, keep_dims} : (tensor<1x4x3x3xf32>) -> tensor<1x4x1x1xf32>
  %3 = graph.reduce mean %2 {axes = array<i64: 2, 3>, keep_dims} : (tensor<1x4x3x3xf32>) -> tensor<1x4x1x1xf32>
  // CHECK: graph.softmax %{{.*}} {axis = 1 : i64} : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %4 = graph.softmax %0 {axis = 1 : i64} : (tensor<4x2xf32>) -> tensor<4x2xf32>
  // CHECK: graph.norm rms %{{.*}} scale %{{.*}} : tensor<8xf32> {axis = 1 : i64, epsilon = {{.*}} : f32} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %scale = graph.constant dense<2.0> : tensor<8xf32>
  %5 = graph.norm rms %a scale %scale : tensor<8xf32> {axis = 1 : i64, epsilon = 1.0e-5 : f32} : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return
}

// CHECK-LABEL: func.func @movement
func.func @movement(%x: tensor<2x3xf32>, %i: tensor<1xi64>, %p: tensor<4xi64>) {
  // CHECK: graph.transpose %{{.*}} {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %0 = graph.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // CHECK: graph.reshape %{{.*}}, %{{.*}} : (tensor<3x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  %1 = graph.reshape %0, %i : (tensor<3x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  // CHECK: graph.concat %{{.*}}, %{{.*}} {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  %2 = graph.concat %x, %x {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<4x3xf32>
  // CHECK: graph.slice %{{.*}}, %{{.*}}, %{{.*}} {axes = array<i64: 0>, steps = array<i64: 1>}
  %3 = graph.slice %2, %i, %i {axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<4x3xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x3xf32>
  // CHECK: graph.gather %{{.*}}, %{{.*}} {axis = 1 : i64}
  %4 = graph.gather %x, %i {axis = 1 : i64} : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x1xf32>
  // CHECK: graph.pad reflect %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<?x?xf32>
  %5 = graph.pad reflect %x, %p : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<?x?xf32>
  // CHECK: graph.top_k %{{.*}}, %{{.*}} {axis = 1 : i64, largest = true} : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<2x?xf32>, tensor<2x?xi64>)
  %v, %n = graph.top_k %x, %i {axis = 1 : i64, largest = true} : (tensor<2x3xf32>, tensor<1xi64>) -> (tensor<2x?xf32>, tensor<2x?xi64>)
  // CHECK: graph.shape %{{.*}} {end = 2 : i64, start = 0 : i64} : (tensor<2x3xf32>) -> tensor<2xi64>
  %s = graph.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<2x3xf32>) -> tensor<2xi64>
  return
}
