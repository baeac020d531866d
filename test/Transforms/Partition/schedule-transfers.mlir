// RUN: tenon-opt %s --plan-schedule-transfers --plan-assign-memory --plan-verify-memory | FileCheck %s

// The copy in and the submit do not wait for the kernel "first", nor the host for the
// device until "last". What the queue copies from host memory (%0) keeps its place until
// the host has waited: "second" may not write over it, "last" may.

// CHECK: plan.arenas = [#plan.arena<"host", bytes = 512, slots = []>, #plan.arena<"b", bytes = 256, slots = []>]
// CHECK: plan.kernel "zero"{{.*}}places = [#plan.place<"host", offset [[ZERO:[0-9]+]]>]
// CHECK: %[[IN:.*]] = plan.transfer %{{.*}} from "host" to "b" {places = [#plan.place<"b", offset [[IN_B:[0-9]+]]>]}
// CHECK-NEXT: %[[ON_B:.*]] = plan.submit @b_0 on "b"(%[[IN]]) {places = [#plan.place<"b", offset
// CHECK-NEXT: %[[OUT:.*]] = plan.transfer %[[ON_B]] from "b" to "host" {places = [#plan.place<"host", offset
// CHECK-NEXT: plan.kernel "first"
// CHECK: plan.await %[[OUT]]
// CHECK-NEXT: plan.kernel "last"
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
  func.func @main(%x: tensor<32xf32>) -> (tensor<32xf32>, tensor<32xf32>) {
    %0 = plan.kernel "zero" on "cpu" root "elementwise" (%x) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    %1 = plan.kernel "first" on "cpu" root "elementwise" (%x) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    %2 = plan.transfer %0 from "host" to "b" : tensor<32xf32>
    %3 = plan.submit @b_0 on "b" (%2) : (tensor<32xf32>) -> tensor<32xf32>
    %4 = plan.transfer %3 from "b" to "host" : tensor<32xf32>
    %5 = plan.await %4 : tensor<32xf32>
    %6 = plan.kernel "second" on "cpu" root "elementwise" (%1) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    %7 = plan.kernel "third" on "cpu" root "elementwise" (%6) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    %8 = plan.kernel "last" on "cpu" root "elementwise" (%5) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    return %7, %8 : tensor<32xf32>, tensor<32xf32>
  }
}
