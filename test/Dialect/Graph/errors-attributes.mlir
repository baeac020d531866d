// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// What shape analysis records is verified, since passes read it unasked.

// expected-error @+1 {{A1: graph.symbols}}
module attributes {graph.symbols = [{name = "n"}]} {
}

// -----

// expected-error @+1 {{A2: graph.assumptions}}
module attributes {graph.symbols = [], graph.assumptions = [affine_map<() -> (1)>]} {
}

// -----

func.func @f(%x: tensor<*xf32>) {
  // expected-error @+1 {{A3: affine_map<() -> ()> must be a map from the module's symbols to each dimension of 'tensor<?xf32>'}}
  %0 = graph.unary relu %x {graph.shape = affine_map<() -> ()>} : (tensor<*xf32>) -> tensor<?xf32>
  return
}

// -----

// The module has no symbol s0.
func.func @f(%x: tensor<?xf32>) {
  // expected-error @+1 {{A3: affine_map<()[s0] -> (s0)>}}
  %0 = graph.unary relu %x {graph.shape = affine_map<()[s0] -> (s0)>} : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @f(%x: tensor<?xf32>, %k: tensor<1xi64>) {
  // expected-error @+1 {{A3: graph.shapes must hold a map for each of 2 results}}
  %0:2 = graph.top_k %x, %k {axis = 0 : i64, largest = true, graph.shapes = []} : (tensor<?xf32>, tensor<1xi64>) -> (tensor<?xf32>, tensor<?xi64>)
  return
}

// -----

func.func @f(%x: tensor<3xf32>, %i: tensor<1xi64>) {
  // expected-error @+1 {{A4: graph.index_error must hold a code and a text}}
  %0 = graph.gather %x, %i {axis = 0 : i64, graph.index_error = {code = 7016 : i64}} : (tensor<3xf32>, tensor<1xi64>) -> tensor<1xf32>
  return
}

// -----

func.func @f(%x: tensor<3xf32>, %i: tensor<1xi64>) {
  // expected-error @+1 {{A5: graph.index_bounds must hold two integers along each axis}}
  %0 = graph.gather %x, %i {axis = 0 : i64, graph.index_bounds = array<i64: 0>} : (tensor<3xf32>, tensor<1xi64>) -> tensor<1xf32>
  return
}

// -----

// expected-error @+1 {{A3: affine_map<() -> ()>}}
func.func @f(%x: tensor<?xf32> {graph.shape = affine_map<() -> ()>}) {
  return
}
