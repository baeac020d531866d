// RUN: tenon-opt %s --split-input-file --tenon-verify-stage=stage=place --verify-diagnostics

func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{[TN4001] 'graph.unary' is in no kernel after the stage place}}
  %0 = graph.unary relu %x : (tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}

// -----

func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{[TN4001] kernel 'relu_0' names no device}}
  %0 = plan.kernel "relu_0" on "" root "elementwise" (%x) : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>):
    %1 = graph.unary relu %a : (tensor<2xf32>) -> tensor<2xf32>
    plan.yield %1 : tensor<2xf32>
  }
  return %0 : tensor<2xf32>
}
