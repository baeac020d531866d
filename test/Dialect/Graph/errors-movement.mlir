// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// One test for each constraint, named by its op.

// squeeze
func.func @f(%x: tensor<1x3xf32>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.squeeze %x {axes = array<i64: 0>} : (tensor<1x3xf32>) -> tensor<3xf16>
  return
}

// -----

// unsqueeze
func.func @f(%x: tensor<1x3xf32>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.unsqueeze %x {axes = array<i64: 0>} : (tensor<1x3xf32>) -> tensor<1x1x3xf16>
  return
}

// -----

// flatten
func.func @f(%x: tensor<1x3xf32>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.flatten %x {begin = 0 : i64, end = 2 : i64} : (tensor<1x3xf32>) -> tensor<3xf16>
  return
}

// -----

// expand
func.func @f(%x: tensor<1x3xf32>, %s: tensor<2xi64>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.expand %x, %s : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<?x?xf16>
  return
}

// -----

// slice
func.func @f(%x: tensor<1x3xf32>, %s: tensor<1xi64>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.slice %x, %s, %s {axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<1x3xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x3xf16>
  return
}

// -----

// tile
func.func @f(%x: tensor<1x3xf32>, %s: tensor<2xi64>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.tile %x, %s : (tensor<1x3xf32>, tensor<2xi64>) -> tensor<?x?xf16>
  return
}

// -----

// gather_nd
func.func @f(%x: tensor<1x3xf32>, %i: tensor<4x2xi64>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.gather_nd %x, %i : (tensor<1x3xf32>, tensor<4x2xi64>) -> tensor<4xf16>
  return
}

// -----

// gather_nd
func.func @f(%x: tensor<1x3xf32>, %i: tensor<4x2xf32>) {
  // expected-error @+1 {{C3: indices}}
  %0 = graph.gather_nd %x, %i : (tensor<1x3xf32>, tensor<4x2xf32>) -> tensor<4xf32>
  return
}

// -----

// scatter_elements
func.func @f(%x: tensor<1x3xf32>, %i: tensor<1x2xi64>, %u: tensor<1x2xf16>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.scatter_elements %x, %i, %u {axis = 1 : i64} : (tensor<1x3xf32>, tensor<1x2xi64>, tensor<1x2xf16>) -> tensor<1x3xf32>
  return
}

// -----

// scatter_elements
func.func @f(%x: tensor<1x3xf32>, %i: tensor<1x2xf32>, %u: tensor<1x2xf32>) {
  // expected-error @+1 {{C3: indices}}
  %0 = graph.scatter_elements %x, %i, %u {axis = 1 : i64} : (tensor<1x3xf32>, tensor<1x2xf32>, tensor<1x2xf32>) -> tensor<1x3xf32>
  return
}

// -----

// resize
func.func @f(%x: tensor<1x3xf32>, %s: tensor<2xi64>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.resize %x sizes %s : tensor<2xi64> {mode = 0 : i32, coordinate = 0 : i32, nearest = 0 : i32} : (tensor<1x3xf32>) -> tensor<?x?xf16>
  return
}

// -----

// cumsum
func.func @f(%x: tensor<1x3xf32>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.cumsum %x {axis = 1 : i64} : (tensor<1x3xf32>) -> tensor<1x3xf16>
  return
}

// -----

// trilu
func.func @f(%x: tensor<1x3xf32>, %k: tensor<i64>) {
  // expected-error @+1 {{C1: element types}}
  %0 = graph.trilu %x, %k {upper = true} : (tensor<1x3xf32>, tensor<i64>) -> tensor<1x3xf16>
  return
}

// -----

// dequantize
func.func @f(%x: tensor<1x3xi8>, %s: tensor<f32>) {
  // expected-error @+1 {{C2: block_size}}
  %0 = graph.dequantize %x, %s {axis = 0 : i64, block_size = -1 : i64} : (tensor<1x3xi8>, tensor<f32>) -> tensor<1x3xf32>
  return
}
