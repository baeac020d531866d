// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// CHECK-LABEL: func.func @main
func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>) -> tensor<8xf32> {
  // CHECK: %[[Y:.*]] = plan.kernel "matmul_0" on "cpu" root "matmul"(%{{.*}}, %{{.*}}) {arg_shapes = [#{{.*}}, #{{.*}}], packed = ["", "panels"]} : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %y = plan.kernel "matmul_0" on "cpu" root "matmul" (%x, %w)
      {arg_shapes = [affine_map<() -> (4, 8)>, affine_map<() -> (8, 2)>], packed = ["", "panels"]}
      : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32> {
  // CHECK: ^bb0(%[[A:.*]]: tensor<4x8xf32>, %[[B:.*]]: tensor<8x2xf32>):
  ^bb0(%a: tensor<4x8xf32>, %b: tensor<8x2xf32>):
    // CHECK: graph.matmul %[[A]], %[[B]]
    %c = graph.matmul %a, %b : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
    // CHECK: plan.yield %{{.*}} : tensor<4x2xf32>
    plan.yield %c : tensor<4x2xf32>
  }
  // CHECK: plan.view %[[Y]] : tensor<4x2xf32> -> tensor<8xf32>
  %z = plan.view %y : tensor<4x2xf32> -> tensor<8xf32>
  return %z : tensor<8xf32>
}

// CHECK: module attributes {plan.arenas = [#plan.arena<"host", bytes = 0, slots = []>, #plan.arena<"b" align 256, bytes = 256, slots = []>], plan.devices = [#plan.device<"b", "cpu:x86-64-v3,+avx512f">]}
module attributes {plan.arenas = [#plan.arena<"host" align 64, bytes = 0, slots = []>, #plan.arena<"b" align 256, bytes = 256, slots = []>],
                   plan.devices = [#plan.device<"b", "cpu:x86-64-v3,+avx512f">]} {
  func.func @submits(%x: tensor<4xf32>) -> tensor<4xf32> {
    // CHECK: %[[IN:.*]] = plan.transfer %{{.*}} from "host" to "b" {places = [#plan.place<"b", offset 0>]} : tensor<4xf32>
    %0 = plan.transfer %x from "host" to "b" {places = [#plan.place<"b", offset 0>]} : tensor<4xf32>
    // CHECK: %[[ON_B:.*]] = plan.submit @b_0 on "b"(%[[IN]]) : (tensor<4xf32>) -> tensor<4xf32>
    %1 = plan.submit @b_0 on "b"(%0) : (tensor<4xf32>) -> tensor<4xf32>
    // CHECK: %[[OUT:.*]] = plan.transfer %[[ON_B]] from "b" to "host" : tensor<4xf32>
    %2 = plan.transfer %1 from "b" to "host" : tensor<4xf32>
    // CHECK: plan.await %[[OUT]] : tensor<4xf32>
    %3 = plan.await %2 : tensor<4xf32>
    return %3 : tensor<4xf32>
  }
}
