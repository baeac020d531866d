// RUN: not tenon-opt %s --graph-infer-shapes 2>&1 | FileCheck %s --check-prefix=ERROR
// RUN: tenon-opt %s --graph-infer-shapes=allow-data-dependent | FileCheck %s

// ERROR: error: [TN2060] dimension 0 of result 0 depends on the values of input 1, not on the inputs' sizes
// CHECK: graph.symbols = [{data_dependent, {{.*}}name = "d0"}, {{{.*}}data_dependent, {{.*}}op = "floordiv"}]
// CHECK: graph.reshape
// CHECK-SAME: -> tensor<?x?xf32>
func.func @main(%x: tensor<12xf32>, %s: tensor<2xi64>) -> tensor<*xf32> {
  %r = graph.reshape %x, %s : (tensor<12xf32>, tensor<2xi64>) -> tensor<*xf32>
  return %r : tensor<*xf32>
}
