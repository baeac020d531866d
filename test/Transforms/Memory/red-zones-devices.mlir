// RUN: tenon-opt %s --plan-assign-memory=red-zones=true --plan-verify-memory | FileCheck %s

// Buffers in a device's memory have red zones as those of the host: two of 128 bytes, each
// with 64 behind it, and one of a size that N decides.
// CHECK-DAG: [[SLOT:#[a-z0-9]+]] = affine_map<()[s0] -> (s0 * 32)>
// CHECK-DAG: [[FIXED:#[a-z0-9]+]] = affine_map<()[s0] -> (128)>
// CHECK: plan.arenas = [#plan.arena<"host", bytes = 0, slots = [], red_zone = 64>,
// CHECK-SAME: #plan.arena<"toy", bytes = 384, slots = {{\[}}[[SLOT]]], red_zone = 64>]
// CHECK: plan.transfer {{.*}}places = [#plan.place<"toy", offset 0, bytes = [[FIXED]]>]
// CHECK: plan.transfer {{.*}}places = [#plan.place<"toy", slot 0, bytes = [[SLOT]]>]
// CHECK: plan.submit {{.*}}places = [#plan.place<"toy", offset 192, bytes = [[FIXED]]>]
// CHECK: plan.transfer {{.*}}places = [#plan.place<"host", output 0>]
module attributes {
  graph.symbols = [{name = "N", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64}],
  plan.devices = [#plan.device<"toy", "toy:small">]
} {
  func.func @main(%x: tensor<4x8xf32>, %y: tensor<?x8xf32> {graph.shape = affine_map<()[s0] -> (s0, 8)>}) -> tensor<4x8xf32> {
    %0 = plan.transfer %x from "host" to "toy" : tensor<4x8xf32>
    %1 = plan.transfer %y from "host" to "toy" {graph.shape = affine_map<()[s0] -> (s0, 8)>} : tensor<?x8xf32>
    %2 = plan.submit @toy_0 on "toy" (%0, %1) : (tensor<4x8xf32>, tensor<?x8xf32>) -> tensor<4x8xf32>
    %3 = plan.transfer %2 from "toy" to "host" : tensor<4x8xf32>
    %4 = plan.await %3 : tensor<4x8xf32>
    return %4 : tensor<4x8xf32>
  }
}
