// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// How many elements operands have that are read as scalars or lists.

func.func @f(%x: tensor<2xcomplex<f32>>) {
  // expected-error @+1 {{C2: element type 'complex<f32>'}}
  %0 = graph.cast %x : (tensor<2xcomplex<f32>>) -> tensor<2xf32>
  return
}

// -----

func.func @f(%x: tensor<2xcomplex<f32>>, %s: tensor<f32>) {
  // expected-error @+1 {{C3: element type 'complex<f32>'}}
  %0 = graph.quantize %x, %s {axis = 0 : i64} : (tensor<2xcomplex<f32>>, tensor<f32>) -> tensor<2xi8>
  return
}

// -----

func.func @f(%x: tensor<2xf32>, %p: tensor<2xi64>, %v: tensor<0xf32>) {
  // expected-error @+1 {{C3: operand of type 'tensor<0xf32>' must have 1 element}}
  %0 = graph.pad constant %x, %p, %v : (tensor<2xf32>, tensor<2xi64>, tensor<0xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%x: tensor<1x2x3x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{C3: operand of type 'tensor<2xf32>' must be a list of 4}}
  %0 = graph.resize %x scales %s : tensor<2xf32> {mode = 0 : i32, coordinate = 0 : i32, nearest = 0 : i32} : (tensor<1x2x3x4xf32>) -> tensor<?x?x?x?xf32>
  return
}

// -----

func.func @f(%s: tensor<i64>, %v: tensor<f32>) {
  // expected-error @+1 {{C3: operand of type 'tensor<i64>' must be a list}}
  %0 = graph.fill %s, %v : (tensor<i64>, tensor<f32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%a: tensor<0xi64>) {
  // expected-error @+1 {{C2: operand of type 'tensor<0xi64>' must have 1 element}}
  %0 = graph.range %a, %a, %a : (tensor<0xi64>, tensor<0xi64>, tensor<0xi64>) -> tensor<?xi64>
  return
}

// -----

func.func @f(%x: tensor<2x2xf32>, %k: tensor<2xi64>) {
  // expected-error @+1 {{C3: operand of type 'tensor<2xi64>' must have 1 element}}
  %0 = graph.trilu %x, %k {upper = true} : (tensor<2x2xf32>, tensor<2xi64>) -> tensor<2x2xf32>
  return
}

// -----

func.func @f(%i: tensor<2xi64>, %d: tensor<i64>, %v: tensor<1xf32>) {
  // expected-error @+1 {{C3: operand of type 'tensor<1xf32>' must have 2 elements}}
  %0 = graph.one_hot %i, %d, %v {axis = 1 : i64} : (tensor<2xi64>, tensor<i64>, tensor<1xf32>) -> tensor<2x?xf32>
  return
}

// -----

func.func @f(%i: tensor<2xf32>, %d: tensor<i64>, %v: tensor<2xf32>) {
  // expected-error @+1 {{C4: indices of 'f32' must be integers}}
  %0 = graph.one_hot %i, %d, %v {axis = 1 : i64} : (tensor<2xf32>, tensor<i64>, tensor<2xf32>) -> tensor<2x?xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %k: tensor<2xi64>) {
  // expected-error @+1 {{C3: operand of type 'tensor<2xi64>' must have 1 element}}
  %0:2 = graph.top_k %x, %k {axis = 0 : i64, largest = true} : (tensor<4xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xi64>)
  return
}
