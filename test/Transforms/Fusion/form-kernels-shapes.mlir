// RUN: tenon-opt %s --plan-form-kernels --split-input-file --verify-diagnostics

// Open sizes come from graph.shape, of arguments and of results.

func.func @argument(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  // expected-error @below {{[TN2071] has an operand of open sizes without graph.shape; run graph-infer-shapes}}
  %0 = graph.unary relu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

module attributes {graph.symbols = [{name = "N", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64}]} {
  func.func @result(%x: tensor<?x8xf32> {graph.shape = affine_map<()[s0] -> (s0, 8)>}) -> tensor<?x8xf32> {
    // expected-error @below {{[TN2071] has a result of open sizes without graph.shape; run graph-infer-shapes}}
    %0 = graph.unary relu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
    return %0 : tensor<?x8xf32>
  }
}
