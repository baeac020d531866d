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

// CHECK-LABEL: func.func @recurrences
func.func @recurrences(%x: tensor<5x1x3xf32>, %w4: tensor<1x16x3xf32>, %r4: tensor<1x16x4xf32>, %w3: tensor<1x12x3xf32>,
                       %r3: tensor<1x12x4xf32>, %w1: tensor<1x4x3xf32>, %r1: tensor<1x4x4xf32>) {
  // CHECK: graph.lstm %{{.*}}, %{{.*}}, %{{.*}} {direction = 0 : i32, hidden_size = 4 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}
  %0:3 = graph.lstm %x, %w4, %r4 {direction = 0 : i32, hidden_size = 4 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>}
    : (tensor<5x1x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>) -> (tensor<5x1x1x4xf32>, tensor<1x1x4xf32>, tensor<1x1x4xf32>)
  // CHECK: graph.gru %{{.*}} {direction = 1 : i32, hidden_size = 4 : i64, linear_before_reset,
  %1:2 = graph.gru %x, %w3, %r3 {direction = 1 : i32, hidden_size = 4 : i64, linear_before_reset, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<5x1x3xf32>, tensor<1x12x3xf32>, tensor<1x12x4xf32>) -> (tensor<5x1x1x4xf32>, tensor<1x1x4xf32>)
  // CHECK: graph.rnn %{{.*}} {activation_alpha = array<f32: 5.000000e-01>, activation_beta = array<f32: 0.000000e+00>, activations = ["Elu"], direction = 0 : i32, hidden_size = 4 : i64,
  %2:2 = graph.rnn %x, %w1, %r1 {activations = ["Elu"], activation_alpha = array<f32: 0.5>, activation_beta = array<f32: 0.0>, direction = 0 : i32, hidden_size = 4 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>}
    : (tensor<5x1x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x1x4xf32>, tensor<1x1x4xf32>)
  return
}

// CHECK-LABEL: func.func @windows
func.func @windows(%x: tensor<1x4x8x8xf32>, %w: tensor<4x3x3x3xf32>, %sizes: tensor<4xi64>, %q: tensor<1x2x5x8xf32>, %mask: tensor<5x5xf32>) {
  // CHECK: graph.conv_transpose %{{.*}}, %{{.*}} {{.*}} : (tensor<1x4x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x3x10x10xf32>
  %0 = graph.conv_transpose %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64>}
    : (tensor<1x4x8x8xf32>, tensor<4x3x3x3xf32>) -> tensor<1x3x10x10xf32>
  // CHECK: graph.resize %{{.*}} sizes %{{.*}} : tensor<4xi64> {antialias, coordinate = 0 : i32, mode = 1 : i32, nearest = 0 : i32}
  %1 = graph.resize %x sizes %sizes : tensor<4xi64> {antialias, coordinate = 0 : i32, mode = 1 : i32, nearest = 0 : i32} : (tensor<1x4x8x8xf32>) -> tensor<?x?x?x?xf32>
  // CHECK: graph.attention %{{.*}}, %{{.*}}, %{{.*}} mask %{{.*}} {causal, scale = 2.500000e-01 : f32}
  %2 = graph.attention %q, %q, %q mask %mask {causal, scale = 0.25 : f32}
    : (tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<1x2x5x8xf32>, tensor<5x5xf32>) -> tensor<1x2x5x8xf32>
  // CHECK: graph.arg_reduce %{{.*}} {axis = 1 : i64, is_max = true, keep_dims, select_last} : (tensor<5x5xf32>) -> tensor<5x1xi64>
  %3 = graph.arg_reduce %mask {axis = 1 : i64, is_max = true, keep_dims, select_last} : (tensor<5x5xf32>) -> tensor<5x1xi64>
  // CHECK: graph.cumsum %{{.*}} {axis = 1 : i64, exclusive, reverse} : (tensor<5x5xf32>) -> tensor<5x5xf32>
  %4 = graph.cumsum %mask {axis = 1 : i64, exclusive, reverse} : (tensor<5x5xf32>) -> tensor<5x5xf32>
  return
}

// CHECK-LABEL: func.func @views
func.func @views(%x: tensor<1x3xf32>, %s: tensor<2xi64>) {
  // CHECK: graph.squeeze %{{.*}} {axes = array<i64: 0>} : (tensor<1x3xf32>) -> tensor<3xf32>
  %0 = graph.squeeze %x {axes = array<i64: 0>} : (tensor<1x3xf32>) -> tensor<3xf32>
  // CHECK: graph.unsqueeze %{{.*}} {axes = array<i64: 1>} : (tensor<3xf32>) -> tensor<3x1xf32>
  %1 = graph.unsqueeze %0 {axes = array<i64: 1>} : (tensor<3xf32>) -> tensor<3x1xf32>
  // CHECK: graph.flatten %{{.*}} {begin = 0 : i64, end = 2 : i64} : (tensor<3x1xf32>) -> tensor<3xf32>
  %2 = graph.flatten %1 {begin = 0 : i64, end = 2 : i64} : (tensor<3x1xf32>) -> tensor<3xf32>
  // CHECK: graph.expand %{{.*}}, %{{.*}} : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %3 = graph.expand %x, %s : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  // CHECK: graph.tile %{{.*}}, %{{.*}} : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %4 = graph.tile %x, %s : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  // CHECK: graph.size %{{.*}} : (tensor<1x3xf32>) -> tensor<i64>
  %5 = graph.size %x : (tensor<1x3xf32>) -> tensor<i64>
  return
}

// CHECK-LABEL: func.func @indexing
func.func @indexing(%x: tensor<2x3xf32>, %i: tensor<2x2xi64>, %u: tensor<2x2xf32>, %v: tensor<2xf32>, %k: tensor<i64>, %shape: tensor<2xi64>, %one: tensor<f32>) {
  // CHECK: graph.gather_elements %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x2xi64>) -> tensor<2x2xf32>
  %0 = graph.gather_elements %x, %i {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x2xi64>) -> tensor<2x2xf32>
  // CHECK: graph.gather_nd %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<2x2xi64>) -> tensor<2xf32>
  %1 = graph.gather_nd %x, %i : (tensor<2x3xf32>, tensor<2x2xi64>) -> tensor<2xf32>
  // CHECK: graph.scatter_nd %{{.*}}, %{{.*}}, %{{.*}} {kind = 1 : i32} : (tensor<2x3xf32>, tensor<2x2xi64>, tensor<2xf32>) -> tensor<2x3xf32>
  %2 = graph.scatter_nd %x, %i, %v {kind = 1 : i32} : (tensor<2x3xf32>, tensor<2x2xi64>, tensor<2xf32>) -> tensor<2x3xf32>
  // CHECK: graph.scatter_elements %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x2xi64>, tensor<2x2xf32>) -> tensor<2x3xf32>
  %3 = graph.scatter_elements %x, %i, %u {axis = 1 : i64} : (tensor<2x3xf32>, tensor<2x2xi64>, tensor<2x2xf32>) -> tensor<2x3xf32>
  // CHECK: graph.one_hot %{{.*}}, %{{.*}}, %{{.*}} {axis = 2 : i64} : (tensor<2x2xi64>, tensor<i64>, tensor<2xf32>) -> tensor<2x2x?xf32>
  %4 = graph.one_hot %i, %k, %v {axis = 2 : i64} : (tensor<2x2xi64>, tensor<i64>, tensor<2xf32>) -> tensor<2x2x?xf32>
  // CHECK: graph.trilu %{{.*}}, %{{.*}} {upper = false} : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  %5 = graph.trilu %x, %k {upper = false} : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  // CHECK: graph.fill %{{.*}}, %{{.*}} : (tensor<2xi64>, tensor<f32>) -> tensor<?x?xf32>
  %6 = graph.fill %shape, %one : (tensor<2xi64>, tensor<f32>) -> tensor<?x?xf32>
  // CHECK: graph.range %{{.*}}, %{{.*}}, %{{.*}} : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<?xf32>
  %7 = graph.range %one, %one, %one : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<?xf32>
  return
}

// CHECK-LABEL: func.func @quantization
func.func @quantization(%x: tensor<2x8xf32>, %scale: tensor<2x2xf32>, %zero: tensor<2x2xi8>) {
  // CHECK: graph.quantize %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64, block_size = 4 : i64} : (tensor<2x8xf32>, tensor<2x2xf32>, tensor<2x2xi8>) -> tensor<2x8xi8>
  %0 = graph.quantize %x, %scale, %zero {axis = 1 : i64, block_size = 4 : i64} : (tensor<2x8xf32>, tensor<2x2xf32>, tensor<2x2xi8>) -> tensor<2x8xi8>
  // CHECK: graph.dequantize %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64, block_size = 4 : i64} : (tensor<2x8xi8>, tensor<2x2xf32>, tensor<2x2xi8>) -> tensor<2x8xf32>
  %1 = graph.dequantize %0, %scale, %zero {axis = 1 : i64, block_size = 4 : i64} : (tensor<2x8xi8>, tensor<2x2xf32>, tensor<2x2xi8>) -> tensor<2x8xf32>
  return
}
