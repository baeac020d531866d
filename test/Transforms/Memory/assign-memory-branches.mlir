// RUN: tenon-opt %s --plan-assign-memory --plan-verify-memory --split-input-file | FileCheck %s

// The queue reads %0 some time until the host has waited. It waits in one branch only, so
// that "after" may not write over %0.

// CHECK: plan.kernel "zero"{{.*}}places = [#plan.place<"host", offset [[ZERO:[0-9]+]]>]
// CHECK: plan.kernel "after"
// CHECK-NOT: places = [#plan.place<"host", offset [[ZERO]]>]
// CHECK: return
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
  func.func @main(%x: tensor<32xf32>, %c: tensor<i1>) -> tensor<32xf32> {
    %0 = plan.kernel "zero" on "cpu" root "elementwise" (%x) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    %1 = plan.transfer %0 from "host" to "b" : tensor<32xf32>
    %t = tensor.extract %c[] : tensor<i1>
    %2 = scf.if %t -> (tensor<32xf32>) {
      %3 = plan.submit @b_0 on "b" (%1) : (tensor<32xf32>) -> tensor<32xf32>
      %4 = plan.transfer %3 from "b" to "host" : tensor<32xf32>
      %5 = plan.await %4 : tensor<32xf32>
      scf.yield %5 : tensor<32xf32>
    } else {
      scf.yield %x : tensor<32xf32>
    }
    %6 = plan.kernel "after" on "cpu" root "elementwise" (%2) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    %7 = plan.kernel "last" on "cpu" root "elementwise" (%6) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    return %7 : tensor<32xf32>
  }
}

// -----

// Both branches wait: behind them its place is free. What the branches copy to b's memory and
// make there shares it, since only one of them runs.

// CHECK: plan.arenas = [#plan.arena<"host", bytes = 384, slots = []>, #plan.arena<"b", bytes = 256, slots = []>]
// CHECK: plan.kernel "zero"{{.*}}places = [#plan.place<"host", offset [[ZERO:[0-9]+]]>]
// CHECK: plan.submit @b_0 on "b"({{.*}}places = [#plan.place<"b", offset [[MADE:[0-9]+]]>]
// CHECK: plan.submit @b_1 on "b"({{.*}}places = [#plan.place<"b", offset [[MADE]]>]
// CHECK: plan.kernel "after"{{.*}}places = [#plan.place<"host", offset [[ZERO]]>]
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
  func.func @main(%x: tensor<32xf32>, %c: tensor<i1>) -> tensor<32xf32> {
    %0 = plan.kernel "zero" on "cpu" root "elementwise" (%x) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    %1 = plan.transfer %0 from "host" to "b" : tensor<32xf32>
    %t = tensor.extract %c[] : tensor<i1>
    %2 = scf.if %t -> (tensor<32xf32>) {
      %3 = plan.submit @b_0 on "b" (%1) : (tensor<32xf32>) -> tensor<32xf32>
      %4 = plan.transfer %3 from "b" to "host" : tensor<32xf32>
      %5 = plan.await %4 : tensor<32xf32>
      scf.yield %5 : tensor<32xf32>
    } else {
      %3 = plan.submit @b_1 on "b" (%1) : (tensor<32xf32>) -> tensor<32xf32>
      %4 = plan.transfer %3 from "b" to "host" : tensor<32xf32>
      %5 = plan.await %4 : tensor<32xf32>
      scf.yield %5 : tensor<32xf32>
    }
    %6 = plan.kernel "after" on "cpu" root "elementwise" (%2) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    %7 = plan.kernel "last" on "cpu" root "elementwise" (%6) : (tensor<32xf32>) -> tensor<32xf32> {
    ^bb0(%a: tensor<32xf32>):
      plan.yield %a : tensor<32xf32>
    }
    return %7 : tensor<32xf32>
  }
}
