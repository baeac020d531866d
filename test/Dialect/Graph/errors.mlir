// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// One test for each constraint, named by its op.

// unary
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.unary exp %x : (tensor<2x3xf32>) -> tensor<2x3xf16>
  return
}

// -----

// unary
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C2: element type}}
  %0 = graph.unary logical_not %x : (tensor<2x3xf32>) -> tensor<2x3xi1>
  return
}

// -----

// binary
func.func @f(%x: tensor<2xf32>, %y: tensor<2xi32>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.binary add %x, %y : (tensor<2xf32>, tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

// binary
func.func @f(%x: tensor<2xf32>) {
  // expected-error @+1 {{C2: element type}}
  %0 = graph.binary lt %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// binary
func.func @f(%x: tensor<2xi32>) {
  // expected-error @+1 {{C3: element type}}
  %0 = graph.binary logical_and %x, %x : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

// select
func.func @f(%c: tensor<2xi8>, %x: tensor<2xf32>) {
  // expected-error @+1 {{C1: element type}}
  %0 = graph.select %c, %x, %x : (tensor<2xi8>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// select
func.func @f(%c: tensor<2xi1>, %x: tensor<2xf32>, %y: tensor<2xf16>) {
  // expected-error @+1 {{C2: element types}}
  %0 = graph.select %c, %x, %y : (tensor<2xi1>, tensor<2xf32>, tensor<2xf16>) -> tensor<2xf32>
  return
}

// -----

// matmul
func.func @f(%x: tensor<2x2xf32>, %y: tensor<2x2xi8>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.matmul %x, %y : (tensor<2x2xf32>, tensor<2x2xi8>) -> tensor<2x2xf32>
  return
}

// -----

// matmul
func.func @f(%x: tensor<2x2xf32>, %y: tensor<f32>) {
  // expected-error @+1 {{C2: operands}}
  %0 = graph.matmul %x, %y : (tensor<2x2xf32>, tensor<f32>) -> tensor<2x2xf32>
  return
}

// -----

// matmul
func.func @f(%x: tensor<2x2xf32>, %y: tensor<2x2xf32>) {
  // expected-error @+1 {{C3: accumulator 'f8E4M3FN' must be f16, bf16, f32 or f64}}
  %0 = graph.matmul %x, %y {accumulator = f8E4M3FN} : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  return
}

// -----

// matmul
func.func @f(%x: tensor<2x2xi8>, %y: tensor<2x2xi8>) {
  // expected-error @+1 {{C3: an accumulator is for floats, not 'i8'}}
  %0 = graph.matmul %x, %y {accumulator = f32} : (tensor<2x2xi8>, tensor<2x2xi8>) -> tensor<2x2xi32>
  return
}

// -----

// conv
func.func @f(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>) {
  // expected-error @+1 {{C1: 2 strides}}
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0>, group = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

// conv
func.func @f(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>) {
  // expected-error @+1 {{C2: strides}}
  %0 = graph.conv %x, %w {strides = array<i64: 0, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, group = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

// conv
func.func @f(%x: tensor<1x4x8xf32>, %w: tensor<6x2x3x3xf32>) {
  // expected-error @+1 {{C3: operand of rank 3}}
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, group = 2 : i64} : (tensor<1x4x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

// conv
func.func @f(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>) {
  // expected-error @+1 {{C4: group 4}}
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, group = 4 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

// conv
func.func @f(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xi8>) {
  // expected-error @+1 {{C5: element types}}
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, group = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xi8>) -> tensor<1x6x6x6xf32>
  return
}

// -----

// conv
func.func @f(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>) {
  // expected-error @+1 {{C6: accumulator 'i32' must be}}
  %0 = graph.conv %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, group = 2 : i64, accumulator = i32} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

// conv_transpose
func.func @f(%x: tensor<1x4x8x8xf32>, %w: tensor<6x2x3x3xf32>) {
  // expected-error @+1 {{C6: output_padding}}
  %0 = graph.conv_transpose %x, %w {strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 1>, group = 2 : i64} : (tensor<1x4x8x8xf32>, tensor<6x2x3x3xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

// pool
func.func @f(%x: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{C1: 2 kernel sizes}}
  %0 = graph.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x7x7xf32>
  return
}

// -----

// pool
func.func @f(%x: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{C2: kernel}}
  %0 = graph.pool max %x {kernel = array<i64: 2, 0>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x7x7xf32>
  return
}

// -----

// pool
func.func @f(%x: tensor<1x4x8xf32>) {
  // expected-error @+1 {{C3: x of rank 3}}
  %0 = graph.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8xf32>) -> tensor<1x4x7x7xf32>
  return
}

// -----

// pool
func.func @f(%x: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{C4: element types}}
  %0 = graph.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>) -> tensor<1x4x7x7xf16>
  return
}

// -----

// pool
func.func @f(%x: tensor<1x4x8x8xf32>) {
  // expected-error @+1 {{C5: p 0}}
  %0 = graph.pool max %x {kernel = array<i64: 2, 2>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, p = 0 : i64} : (tensor<1x4x8x8xf32>) -> tensor<1x4x7x7xf32>
  return
}

// -----

// reduce
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C1: axes must ascend}}
  %0 = graph.reduce sum %x {axes = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<f32>
  return
}

// -----

// reduce
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C2: element types}}
  %0 = graph.reduce sum %x {axes = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f16>
  return
}

// -----

// arg_reduce
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C1: axis 2}}
  %0 = graph.arg_reduce %x {is_max = true, axis = 2 : i64} : (tensor<2x3xf32>) -> tensor<2xi64>
  return
}

// -----

// arg_reduce
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C2: result of}}
  %0 = graph.arg_reduce %x {is_max = true, axis = 1 : i64} : (tensor<2x3xf32>) -> tensor<2xi32>
  return
}

// -----

// softmax
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C1: axis -1}}
  %0 = graph.softmax %x {axis = -1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// softmax
func.func @f(%x: tensor<2xi32>) {
  // expected-error @+1 {{C2: element type}}
  %0 = graph.softmax %x {axis = 0 : i64} : (tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

// norm
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C1: axis 2}}
  %0 = graph.norm layer %x {axis = 2 : i64, epsilon = 1.0 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// norm
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C2: element types}}
  %0 = graph.norm layer %x {axis = 1 : i64, epsilon = 1.0 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf16>
  return
}

// -----

// norm
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C3: epsilon}}
  %0 = graph.norm rms %x {axis = 1 : i64, epsilon = -1.0 : f32} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// attention
func.func @f(%x: tensor<4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xf32>) {
  // expected-error @+1 {{C1: operand of rank 3}}
  %0 = graph.attention %x, %k, %v {scale = 1.0 : f32} : (tensor<4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>) -> tensor<1x4x5x8xf32>
  return
}

// -----

// attention
func.func @f(%x: tensor<1x4x5x8xf32>, %k: tensor<1x4x5x8xf32>, %v: tensor<1x4x5x8xi8>) {
  // expected-error @+1 {{C2: element type}}
  %0 = graph.attention %x, %k, %v {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<1x4x5x8xf32>, tensor<1x4x5x8xi8>) -> tensor<1x4x5x8xf32>
  return
}

// -----

// attention
func.func @f(%x: tensor<1x4x5x8xf32>, %k: tensor<1x3x5x8xf32>, %v: tensor<1x3x5x8xf32>) {
  // expected-error @+1 {{C3: 3 heads}}
  %0 = graph.attention %x, %k, %v {scale = 1.0 : f32} : (tensor<1x4x5x8xf32>, tensor<1x3x5x8xf32>, tensor<1x3x5x8xf32>) -> tensor<1x4x5x8xf32>
  return
}

// -----

// rnn
func.func @f(%x: tensor<1x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+1 {{C1: x of rank 2}}
  %y, %h = graph.rnn %x, %w, %r {hidden_size = 4 : i64, direction = 0 : i32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<1x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x1x4xf32>, tensor<1x1x4xf32>)
  return
}

// -----

// rnn
func.func @f(%x: tensor<5x1x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+1 {{C2: hidden_size}}
  %y, %h = graph.rnn %x, %w, %r {hidden_size = 0 : i64, direction = 0 : i32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<5x1x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x1x4xf32>, tensor<1x1x4xf32>)
  return
}

// -----

// rnn
func.func @f(%x: tensor<5x1x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+1 {{C3: 2 activations}}
  %y, %h = graph.rnn %x, %w, %r {hidden_size = 4 : i64, direction = 0 : i32, activations = ["Tanh", "Tanh"], operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<5x1x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x1x4xf32>, tensor<1x1x4xf32>)
  return
}

// -----

// rnn
func.func @f(%x: tensor<5x1x3xf32>, %w: tensor<1x4x3xf16>, %r: tensor<1x4x4xf32>) {
  // expected-error @+1 {{C4: element types}}
  %y, %h = graph.rnn %x, %w, %r {hidden_size = 4 : i64, direction = 0 : i32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<5x1x3xf32>, tensor<1x4x3xf16>, tensor<1x4x4xf32>) -> (tensor<5x1x1x4xf32>, tensor<1x1x4xf32>)
  return
}

// -----

// rnn
func.func @f(%x: tensor<5x1x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+1 {{C5: 2 parameters of activations must be 1}}
  %y, %h = graph.rnn %x, %w, %r {hidden_size = 4 : i64, direction = 0 : i32, activations = ["Elu"], activation_alpha = array<f32: 0.5>, activation_beta = array<f32: 0.5, 0.5>, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>} : (tensor<5x1x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x1x4xf32>, tensor<1x1x4xf32>)
  return
}

// -----

// reshape
func.func @f(%x: tensor<2x3xf32>, %s: tensor<1xi64>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.reshape %x, %s : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<6xf16>
  return
}

// -----

// reshape
func.func @f(%x: tensor<2x3xf32>, %s: tensor<1x1xi64>) {
  // expected-error @+1 {{C2: operand of type}}
  %0 = graph.reshape %x, %s : (tensor<2x3xf32>, tensor<1x1xi64>) -> tensor<6xf32>
  return
}

// -----

// squeeze
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C2: axis 2}}
  %0 = graph.squeeze %x {axes = array<i64: 2>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

// unsqueeze
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C2: axis 3}}
  %0 = graph.unsqueeze %x {axes = array<i64: 3>} : (tensor<2x3xf32>) -> tensor<2x3x1xf32>
  return
}

// -----

// flatten
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C2: dimensions 1 to 3}}
  %0 = graph.flatten %x {begin = 1 : i64, end = 3 : i64} : (tensor<2x3xf32>) -> tensor<6xf32>
  return
}

// -----

// transpose
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.transpose %x {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf16>
  return
}

// -----

// transpose
func.func @f(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{C2: perm}}
  %0 = graph.transpose %x {perm = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

// -----

// expand
func.func @f(%x: tensor<2x3xf32>, %s: tensor<i64>) {
  // expected-error @+1 {{C2: operand of type}}
  %0 = graph.expand %x, %s : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x3xf32>
  return
}

// -----

// slice
func.func @f(%x: tensor<2x3xf32>, %s: tensor<1xi64>, %e: tensor<1xi64>) {
  // expected-error @+1 {{C2: axis 2}}
  %0 = graph.slice %x, %s, %e {axes = array<i64: 2>, steps = array<i64: 1>} : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x3xf32>
  return
}

// -----

// slice
func.func @f(%x: tensor<2x3xf32>, %s: tensor<2xi64>, %e: tensor<1xi64>) {
  // expected-error @+1 {{C3: operand of type}}
  %0 = graph.slice %x, %s, %e {axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<2x3xf32>, tensor<2xi64>, tensor<1xi64>) -> tensor<?x3xf32>
  return
}

// -----

// slice
func.func @f(%x: tensor<2x3xf32>, %s: tensor<1xi64>, %e: tensor<1xi64>) {
  // expected-error @+1 {{C4: steps}}
  %0 = graph.slice %x, %s, %e {axes = array<i64: 0>, steps = array<i64: 0>} : (tensor<2x3xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x3xf32>
  return
}

// -----

// concat
func.func @f() {
  // expected-error @+1 {{C1: there must be}}
  %0 = graph.concat {axis = 0 : i64} : () -> tensor<2xf32>
  return
}

// -----

// concat
func.func @f(%x: tensor<2xf32>, %y: tensor<2xf16>) {
  // expected-error @+1 {{C2: element types}}
  %0 = graph.concat %x, %y {axis = 0 : i64} : (tensor<2xf32>, tensor<2xf16>) -> tensor<4xf32>
  return
}

// -----

// concat
func.func @f(%x: tensor<2xf32>) {
  // expected-error @+1 {{C3: axis 1}}
  %0 = graph.concat %x, %x {axis = 1 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

// concat
func.func @f(%x: tensor<2xf32>, %y: tensor<2x1xf32>) {
  // expected-error @+1 {{C4: inputs of rank}}
  %0 = graph.concat %x, %y {axis = 0 : i64} : (tensor<2xf32>, tensor<2x1xf32>) -> tensor<4xf32>
  return
}

// -----

// pad
func.func @f(%x: tensor<2xf32>, %p: tensor<2xi64>, %v: tensor<f16>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.pad constant %x, %p, %v : (tensor<2xf32>, tensor<2xi64>, tensor<f16>) -> tensor<4xf32>
  return
}

// -----

// pad
func.func @f(%x: tensor<2xf32>, %p: tensor<3xi64>) {
  // expected-error @+1 {{C2: operand of type}}
  %0 = graph.pad edge %x, %p : (tensor<2xf32>, tensor<3xi64>) -> tensor<4xf32>
  return
}

// -----

// tile
func.func @f(%x: tensor<2xf32>, %p: tensor<3xi64>) {
  // expected-error @+1 {{C2: operand of type}}
  %0 = graph.tile %x, %p : (tensor<2xf32>, tensor<3xi64>) -> tensor<4xf32>
  return
}

// -----

// gather
func.func @f(%x: tensor<2xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.gather %x, %i {axis = 0 : i64} : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf16>
  return
}

// -----

// gather
func.func @f(%x: tensor<2xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{C2: axis 1}}
  %0 = graph.gather %x, %i {axis = 1 : i64} : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

// gather
func.func @f(%x: tensor<2xf32>, %i: tensor<2xf32>) {
  // expected-error @+1 {{C3: indices}}
  %0 = graph.gather %x, %i {axis = 0 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// gather_elements
func.func @f(%x: tensor<2xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.gather_elements %x, %i {axis = 0 : i64} : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf16>
  return
}

// -----

// gather_elements
func.func @f(%x: tensor<2xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{C2: axis 1}}
  %0 = graph.gather_elements %x, %i {axis = 1 : i64} : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

// gather_elements
func.func @f(%x: tensor<2xf32>, %i: tensor<2xf32>) {
  // expected-error @+1 {{C3: indices}}
  %0 = graph.gather_elements %x, %i {axis = 0 : i64} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// gather_nd
func.func @f(%x: tensor<2xf32>, %i: tensor<2x1xi64>) {
  // expected-error @+1 {{C2: axis 2}}
  %0 = graph.gather_nd %x, %i {batch_dims = 2 : i64} : (tensor<2xf32>, tensor<2x1xi64>) -> tensor<2xf32>
  return
}

// -----

// scatter_nd
func.func @f(%x: tensor<2xf32>, %i: tensor<2x1xi64>, %u: tensor<2xf16>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.scatter_nd %x, %i, %u : (tensor<2xf32>, tensor<2x1xi64>, tensor<2xf16>) -> tensor<2xf32>
  return
}

// -----

// scatter_nd
func.func @f(%x: tensor<2xf32>, %i: tensor<2x1xf32>) {
  // expected-error @+1 {{C2: indices}}
  %0 = graph.scatter_nd %x, %i, %x : (tensor<2xf32>, tensor<2x1xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// scatter_elements
func.func @f(%x: tensor<2xf32>, %i: tensor<2xi64>) {
  // expected-error @+1 {{C2: axis 1}}
  %0 = graph.scatter_elements %x, %i, %x {axis = 1 : i64} : (tensor<2xf32>, tensor<2xi64>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// resize
func.func @f(%x: tensor<2xf32>) {
  // expected-error @+1 {{C2: there must be}}
  %0 = graph.resize %x {mode = 0 : i32, coordinate = 0 : i32, nearest = 0 : i32} : (tensor<2xf32>) -> tensor<4xf32>
  return
}

// -----

// shape
func.func @f(%x: tensor<2xf32>) {
  // expected-error @+1 {{C1: dimensions 0 to 2}}
  %0 = graph.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<2xf32>) -> tensor<2xi64>
  return
}

// -----

// fill
func.func @f(%s: tensor<1xi64>, %v: tensor<f16>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.fill %s, %v : (tensor<1xi64>, tensor<f16>) -> tensor<?xf32>
  return
}

// -----

// fill
func.func @f(%s: tensor<1xi64>, %v: tensor<2xf32>) {
  // expected-error @+1 {{C2: operand of type}}
  %0 = graph.fill %s, %v : (tensor<1xi64>, tensor<2xf32>) -> tensor<?xf32>
  return
}

// -----

// range
func.func @f(%s: tensor<i64>, %v: tensor<i32>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.range %s, %s, %v : (tensor<i64>, tensor<i64>, tensor<i32>) -> tensor<?xi64>
  return
}

// -----

// cumsum
func.func @f(%x: tensor<2xf32>) {
  // expected-error @+1 {{C2: axis 1}}
  %0 = graph.cumsum %x {axis = 1 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

// trilu
func.func @f(%x: tensor<2xf32>, %k: tensor<i64>) {
  // expected-error @+1 {{C2: rank 1}}
  %0 = graph.trilu %x, %k {upper = true} : (tensor<2xf32>, tensor<i64>) -> tensor<2xf32>
  return
}

// -----

// one_hot
func.func @f(%i: tensor<2xi64>, %d: tensor<i64>, %v: tensor<2xf16>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.one_hot %i, %d, %v {axis = 0 : i64} : (tensor<2xi64>, tensor<i64>, tensor<2xf16>) -> tensor<?x2xf32>
  return
}

// -----

// one_hot
func.func @f(%i: tensor<2xi64>, %d: tensor<i64>, %v: tensor<2xf32>) {
  // expected-error @+1 {{C2: axis 2}}
  %0 = graph.one_hot %i, %d, %v {axis = 2 : i64} : (tensor<2xi64>, tensor<i64>, tensor<2xf32>) -> tensor<2x?xf32>
  return
}

// -----

// top_k
func.func @f(%x: tensor<4xf32>, %k: tensor<1xi64>) {
  // expected-error @+1 {{C1: indices of}}
  %0, %1 = graph.top_k %x, %k {axis = 0 : i64, largest = true} : (tensor<4xf32>, tensor<1xi64>) -> (tensor<?xf32>, tensor<?xi32>)
  return
}

// -----

// top_k
func.func @f(%x: tensor<4xf32>, %k: tensor<1xi64>) {
  // expected-error @+1 {{C2: axis 1}}
  %0, %1 = graph.top_k %x, %k {axis = 1 : i64, largest = true} : (tensor<4xf32>, tensor<1xi64>) -> (tensor<?xf32>, tensor<?xi64>)
  return
}

// -----

// quantize
func.func @f(%x: tensor<4xf32>, %s: tensor<i32>) {
  // expected-error @+1 {{C1: scale of}}
  %0 = graph.quantize %x, %s {axis = 0 : i64} : (tensor<4xf32>, tensor<i32>) -> tensor<4xi8>
  return
}

// -----

// quantize
func.func @f(%x: tensor<4xf32>, %s: tensor<f32>) {
  // expected-error @+1 {{C2: block_size}}
  %0 = graph.quantize %x, %s {axis = 0 : i64, block_size = -1 : i64} : (tensor<4xf32>, tensor<f32>) -> tensor<4xi8>
  return
}

// -----

// dequantize
func.func @f(%x: tensor<4xi8>, %s: tensor<f32>) {
  // expected-error @+1 {{C1: scale of}}
  %0 = graph.dequantize %x, %s {axis = 0 : i64} : (tensor<4xi8>, tensor<f32>) -> tensor<4xi8>
  return
}

// -----

func.func @cast_rounding_of_float(%x: tensor<2xf32>) {
  // expected-error @+1 {{C1: rounding is given for a result of 'f16', which rounds in one way only}}
  %0 = graph.cast %x {rounding = 2 : i32} : (tensor<2xf32>) -> tensor<2xf16>
  return
}

// -----

func.func @cast_stochastic(%x: tensor<2xf32>) {
  // expected-error @+1 {{C3: stochastic rounding needs a seed}}
  %0 = graph.cast %x {rounding = 5 : i32} : (tensor<2xf32>) -> tensor<2xf8E5M2>
  return
}

// -----

func.func @cast_seed_without_draws(%x: tensor<2xf32>) {
  // expected-error @+1 {{C3: a seed is given, and the rounding is not stochastic}}
  %0 = graph.cast %x {rounding = 2 : i32, seed = 1 : i64} : (tensor<2xf32>) -> tensor<2xf8E5M2>
  return
}

// -----

func.func @cast_codebook_stochastic(%x: tensor<2xf32>) {
  // expected-error @+1 {{C4: '!num.format<"{name: steps3, kind: codebook, values: [-1, 0, 1]}">' rounds to the nearest even value only}}
  %0 = graph.cast %x {rounding = 5 : i32, seed = 1 : i64} : (tensor<2xf32>) -> tensor<2x!num.format<"{name: steps3, kind: codebook, values: [-1, 0, 1]}">>
  return
}
