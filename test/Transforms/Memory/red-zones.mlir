// RUN: tenon-opt %s --plan-form-kernels --plan-assign-memory=red-zones=true --plan-verify-memory | FileCheck %s

// With red zones no two results share memory, and behind each lie 64 bytes or
// more: three buffers of 256 bytes, and one of a size that N decides.
// CHECK-DAG: [[SLOT:#[a-z0-9]+]] = affine_map<()[s0] -> (s0 * 32)>
// CHECK-DAG: [[FIXED:#[a-z0-9]+]] = affine_map<()[s0] -> (256)>
// CHECK: module attributes {{.*}}plan.arenas = [#plan.arena<"host", bytes = 960, slots = {{\[}}[[SLOT]]], red_zone = 64>]
// CHECK: plan.kernel "softmax_0"{{.*}}places = [#plan.place<"host", offset 0, bytes = [[FIXED]]>]
// CHECK: plan.kernel "softmax_1"{{.*}}places = [#plan.place<"host", offset 320, bytes = [[FIXED]]>]
// CHECK: plan.kernel "softmax_2"{{.*}}places = [#plan.place<"host", offset 640, bytes = [[FIXED]]>]
// CHECK: plan.kernel "softmax_3"{{.*}}places = [#plan.place<"host", output 0>]
// CHECK: plan.kernel "softmax_4"{{.*}}places = [#plan.place<"host", slot 0, bytes = [[SLOT]]>]
module attributes {graph.symbols = [{name = "N", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64}]} {
  func.func @main(%x: tensor<8x8xf32>, %y: tensor<?x8xf32> {graph.shape = affine_map<()[s0] -> (s0, 8)>}) -> (tensor<8x8xf32>, tensor<?x8xf32>) {
    %a = graph.softmax %x {axis = 0 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %b = graph.softmax %a {axis = 1 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %c = graph.softmax %b {axis = 0 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %d = graph.softmax %c {axis = 1 : i64} : (tensor<8x8xf32>) -> tensor<8x8xf32>
    %e = graph.softmax %y {axis = 0 : i64, graph.shape = affine_map<()[s0] -> (s0, 8)>} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    %f = graph.softmax %e {axis = 1 : i64, graph.shape = affine_map<()[s0] -> (s0, 8)>} : (tensor<?x8xf32>) -> tensor<?x8xf32>
    return %d, %f : tensor<8x8xf32>, tensor<?x8xf32>
  }
}
