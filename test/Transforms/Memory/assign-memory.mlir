// RUN: tenon-opt %s --plan-form-kernels --plan-assign-memory --plan-verify-memory | FileCheck %s

// A chain of four softmaxes needs two buffers: the third reuses the first's
// place, the last writes into the output.
// CHECK: module attributes {{.*}}plan.arenas = [#plan.arena<"host", bytes = 512, slots = []>]
// CHECK: plan.kernel "softmax_0"{{.*}}places = [#plan.place<"host", offset [[A:[0-9]+]]>]
// CHECK: plan.kernel "softmax_1"{{.*}}places = [#plan.place<"host", offset [[B:[0-9]+]]>]
// CHECK: plan.kernel "softmax_2"{{.*}}places = [#plan.place<"host", offset [[A]]>]
// CHECK: plan.kernel "softmax_3"{{.*}}places = [#plan.place<"host", output 0>]
func.func @main(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
  %a = graph.softmax %x {axis = 0 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %b = graph.softmax %a {axis = 1 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %c = graph.softmax %b {axis = 0 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %d = graph.softmax %c {axis = 1 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  return %d : tensor<8x8xf32>
}

// A declaration has no memory.
// CHECK: func.func private @elsewhere(tensor<8xf32>) -> tensor<8xf32>
func.func private @elsewhere(tensor<8xf32>) -> tensor<8xf32>
