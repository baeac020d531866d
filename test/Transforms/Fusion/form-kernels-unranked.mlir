// RUN: tenon-opt %s --plan-form-kernels --split-input-file --verify-diagnostics

func.func @main(%x: tensor<*xf32>) -> tensor<*xf32> {
  // expected-error @+1 {{[TN2071] has an operand without rank; run graph-infer-shapes}}
  %y = graph.unary relu %x : (tensor<*xf32>) -> tensor<*xf32>
  return %y : tensor<*xf32>
}

// -----

func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-error @+1 {{[TN2071] has a result without rank}}
  %y = graph.unary relu %x : (tensor<4xf32>) -> tensor<*xf32>
  return %x : tensor<4xf32>
}
