// RUN: tenon-opt %s --plan-form-kernels | FileCheck %s

// The activation joins the product; the reshape is a view; the residual's sum
// joins the later of its two producers; an argument that is returned is copied.
// CHECK-LABEL: func.func @main
// CHECK: plan.kernel "matmul_0" on "cpu" root "matmul"
// CHECK:   graph.matmul
// CHECK:   graph.unary relu
// CHECK:   plan.yield
// CHECK: plan.kernel "matmul_1" on "cpu" root "matmul"
// CHECK:   graph.matmul
// CHECK:   graph.binary add
// CHECK: plan.view
// CHECK: plan.kernel "copy_2" on "cpu" root "elementwise"
// CHECK: return
func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> (tensor<32xf32>, tensor<4x8xf32>) {
  %s = graph.constant dense<32> : tensor<1xi64>
  %a = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %r = graph.unary relu %a : (tensor<4x8xf32>) -> tensor<4x8xf32>
  %b = graph.matmul %r, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %c = graph.binary add %r, %b : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %v = graph.reshape %c, %s : (tensor<4x8xf32>, tensor<1xi64>) -> tensor<32xf32>
  return %v, %x : tensor<32xf32>, tensor<4x8xf32>
}
