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
// CHECK-NOT: plan.kernel
// CHECK: plan.view
// CHECK-NOT: plan.kernel
// CHECK: plan.kernel "copy_2" on "cpu" root "elementwise"
// CHECK-NOT: plan.kernel
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

// A product takes the dequantize of its constant weights into its kernel; of
// two products each takes its own.
// CHECK-LABEL: func.func @narrow_weights
// CHECK: plan.kernel "matmul_0" {{.*}} root "matmul"(%[[CODES:.*]], %[[SCALE:.*]], %arg0)
// CHECK: ^bb0(%[[Q:.*]]: tensor<64x8xi4>, %[[S:.*]]: tensor<2x8xf32>, %[[X:.*]]: tensor<2x64xf32>):
// CHECK-NEXT: %[[W:.*]] = graph.dequantize %[[Q]], %[[S]]
// CHECK-NEXT: graph.matmul %[[X]], %[[W]]
// CHECK-NEXT: graph.unary relu
// CHECK: plan.kernel "matmul_1" {{.*}} root "matmul"(%[[CODES]], %[[SCALE]], %arg1)
// CHECK: graph.dequantize
// CHECK-NOT: root "dequantize"
func.func @narrow_weights(%x: tensor<2x64xf32>, %y: tensor<3x64xf32>) -> (tensor<2x8xf32>, tensor<3x8xf32>) {
  %codes = graph.constant dense<3> : tensor<64x8xi4>
  %scale = graph.constant dense<0.5> : tensor<2x8xf32>
  %w = graph.dequantize %codes, %scale {axis = 0 : i64, block_size = 32 : i64} : (tensor<64x8xi4>, tensor<2x8xf32>) -> tensor<64x8xf32>
  %0 = graph.matmul %x, %w : (tensor<2x64xf32>, tensor<64x8xf32>) -> tensor<2x8xf32>
  %1 = graph.unary relu %0 : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %2 = graph.matmul %y, %w : (tensor<3x64xf32>, tensor<64x8xf32>) -> tensor<3x8xf32>
  return %1, %2 : tensor<2x8xf32>, tensor<3x8xf32>
}

// One constant may lie in memory for one op and in the code for another.
// CHECK-LABEL: func.func @constant_twice
// CHECK: plan.kernel "matmul_0" {{.*}} root "matmul"(%{{.*}}, %[[ONE:.*]], %arg0)
// CHECK: ^bb0(%[[Q:.*]]: tensor<64x8xi4>, %[[S:.*]]: tensor<f32>, %{{.*}}: tensor<2x64xf32>):
// CHECK-NEXT: %[[C:.*]] = graph.constant dense<1.000000e+00> : tensor<f32>
// CHECK-NEXT: graph.dequantize %[[Q]], %[[S]]
// CHECK-NEXT: %[[Y:.*]] = graph.matmul
// CHECK-NEXT: graph.binary add %[[Y]], %[[C]]
func.func @constant_twice(%x: tensor<2x64xf32>) -> tensor<2x8xf32> {
  %codes = graph.constant dense<3> : tensor<64x8xi4>
  %one = graph.constant dense<1.0> : tensor<f32>
  %w = graph.dequantize %codes, %one {axis = 0 : i64} : (tensor<64x8xi4>, tensor<f32>) -> tensor<64x8xf32>
  %0 = graph.matmul %x, %w : (tensor<2x64xf32>, tensor<64x8xf32>) -> tensor<2x8xf32>
  %1 = graph.binary add %0, %one : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %1 : tensor<2x8xf32>
}

// Codes computed at run time are what lies between kernels: the cast to them
// joins its producer, the cast back its reader if that is a product.
// CHECK-LABEL: func.func @narrow_activations
// CHECK: %[[Q:.*]]:2 = plan.kernel "matmul_0" {{.*}} -> (tensor<4x8xf8E4M3FN>, tensor<4x8xf32>) {
// CHECK:   graph.matmul
// CHECK:   graph.cast {{.*}} -> tensor<4x8xf8E4M3FN>
// CHECK:   graph.cast {{.*}} -> tensor<4x8xf32>
// CHECK:   graph.unary exp
// CHECK: plan.kernel "matmul_1" {{.*}}(%[[Q]]#0
// CHECK: ^bb0(%[[A:.*]]: tensor<4x8xf8E4M3FN>,
// CHECK-NEXT: %[[X:.*]] = graph.cast %[[A]]
// CHECK-NEXT: graph.matmul %[[X]]
// CHECK-NOT: plan.kernel
func.func @narrow_activations(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) -> (tensor<4x8xf32>, tensor<4x8xf32>) {
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = graph.cast %0 : (tensor<4x8xf32>) -> tensor<4x8xf8E4M3FN>
  %2 = graph.cast %1 : (tensor<4x8xf8E4M3FN>) -> tensor<4x8xf32>
  %3 = graph.matmul %2, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %4 = graph.unary exp %2 : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %3, %4 : tensor<4x8xf32>, tensor<4x8xf32>
}
