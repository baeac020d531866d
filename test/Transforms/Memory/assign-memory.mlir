// RUN: tenon-opt %s --plan-form-kernels --plan-assign-memory | FileCheck %s

// A chain of four softmaxes needs two buffers: the third reuses the first's
// place, the last writes into the output.
// CHECK: module attributes {{.*}}plan.arena_bytes = 512 : i64
// CHECK: plan.kernel "softmax_0"{{.*}}plan.buffers = [{offset = [[A:[0-9]+]] : i64}]
// CHECK: plan.kernel "softmax_1"{{.*}}plan.buffers = [{offset = [[B:[0-9]+]] : i64}]
// CHECK: plan.kernel "softmax_2"{{.*}}plan.buffers = [{offset = [[A]] : i64}]
// CHECK: plan.kernel "softmax_3"{{.*}}plan.buffers = [{output = 0 : i64}]
func.func @main(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %a = graph.softmax %x {axis = 0 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %b = graph.softmax %a {axis = 1 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %c = graph.softmax %b {axis = 0 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %d = graph.softmax %c {axis = 1 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  return %d : tensor<8x8xf32>
}
