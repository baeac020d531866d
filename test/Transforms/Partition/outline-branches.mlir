// RUN: tenon-opt %s --plan-outline-regions --split-input-file --mlir-print-local-scope | FileCheck %s
// RUN: tenon-opt %s --plan-outline-regions --split-input-file --plan-schedule-transfers | FileCheck %s --check-prefix=ORDER

// Ops in branches become regions that the branches submit. %0 is in b's memory already; %x
// is read by both branches, and copied once before them; %y only by the first, and copied
// there; what a branch yields is on the host. The two regions of b are not one, though no
// path leaves b between them.

// CHECK: module @host
// CHECK: func.func @main(%[[X:[^:]*]]: tensor<2xf32>, %[[Y:[^:]*]]: tensor<2xf32>, %[[C:[^:]*]]: tensor<i1>)
// CHECK-NOT: plan.transfer %[[Y]]
// CHECK: %[[X_B:.*]] = plan.transfer %[[X]] from "host" to "b"
// CHECK-NOT: plan.transfer
// CHECK: %[[S:.*]] = plan.submit @b_0 on "b"(%[[X_B]])
// CHECK-NOT: plan.transfer %[[X]]
// CHECK: scf.if
// CHECK: %[[Y_B:.*]] = plan.transfer %[[Y]] from "host" to "b"
// CHECK: %[[S1:.*]] = plan.submit @b_1 on "b"(
// CHECK-DAG: %[[X_B]]
// CHECK-DAG: %[[Y_B]]
// CHECK-DAG: %[[S]]
// CHECK: %[[T1:.*]] = plan.transfer %[[S1]] from "b" to "host"
// CHECK: %[[H1:.*]] = plan.await %[[T1]]
// CHECK: scf.yield %[[H1]]
// CHECK: } else {
// CHECK-NOT: plan.transfer %[[X]]
// CHECK: %[[S2:.*]] = plan.submit @b_2 on "b"(%[[X_B]])
// CHECK: plan.transfer %[[S2]] from "b" to "host"
// CHECK: plan.await
// CHECK: graph.unary exp
// CHECK: scf.yield
// CHECK-NOT: plan.device =
// CHECK: module @b_0
// CHECK: module @b_1
// CHECK: graph.binary mul
// CHECK: module @b_2
// CHECK: graph.unary neg

// Waits stand before what reads, commands behind what they need.
// ORDER: scf.if
// ORDER: plan.submit @b_1
// ORDER-NEXT: plan.transfer
// ORDER-NEXT: plan.await
// ORDER-NEXT: scf.yield
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
  func.func @main(%x: tensor<2xf32>, %y: tensor<2xf32>, %c: tensor<i1>) -> tensor<2xf32> {
    %0 = graph.unary relu %x {plan.device = "b"} : (tensor<2xf32>) -> tensor<2xf32>
    %t = tensor.extract %c[] : tensor<i1>
    %1 = scf.if %t -> (tensor<2xf32>) {
      %2 = graph.binary add %0, %y {plan.device = "b"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      %3 = graph.binary mul %2, %x {plan.device = "b"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
      scf.yield %3 : tensor<2xf32>
    } else {
      %2 = graph.unary neg %x {plan.device = "b"} : (tensor<2xf32>) -> tensor<2xf32>
      %3 = graph.unary exp %2 {plan.device = "host"} : (tensor<2xf32>) -> tensor<2xf32>
      scf.yield %3 : tensor<2xf32>
    }
    return %1 : tensor<2xf32>
  }
}

// -----

// What b made and one branch of a branch reads on the host is brought there in it; what c
// reads in both inner branches before these, through the host.

// CHECK: module @host
// CHECK: %[[S:.*]] = plan.submit @b_0
// CHECK-NOT: plan.transfer %[[S]]
// CHECK: scf.if
// CHECK: %[[T:.*]] = plan.transfer %[[S]] from "b" to "host"
// CHECK: %[[H:.*]] = plan.await %[[T]]
// CHECK: plan.transfer %[[H]] from "host" to "c"
// CHECK-NOT: plan.transfer
// CHECK: scf.if
// CHECK: plan.submit @c_1
// CHECK: } else {
// CHECK: plan.submit @c_2
// CHECK: } else {
// CHECK-NOT: plan.transfer
// CHECK: scf.yield
// CHECK: return
// ORDER: return
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">, #plan.device<"c", "cpu:x86-64-v3">]} {
  func.func @main(%x: tensor<2xf32>, %c: tensor<i1>, %d: tensor<i1>) -> tensor<2xf32> {
    %0 = graph.unary relu %x {plan.device = "b"} : (tensor<2xf32>) -> tensor<2xf32>
    %t = tensor.extract %c[] : tensor<i1>
    %u = tensor.extract %d[] : tensor<i1>
    %1 = scf.if %t -> (tensor<2xf32>) {
      %2 = scf.if %u -> (tensor<2xf32>) {
        %3 = graph.unary neg %0 {plan.device = "c"} : (tensor<2xf32>) -> tensor<2xf32>
        scf.yield %3 : tensor<2xf32>
      } else {
        %3 = graph.unary exp %0 {plan.device = "c"} : (tensor<2xf32>) -> tensor<2xf32>
        scf.yield %3 : tensor<2xf32>
      }
      scf.yield %2 : tensor<2xf32>
    } else {
      scf.yield %x : tensor<2xf32>
    }
    return %1 : tensor<2xf32>
  }
}

// -----

// A region in a branch may rely on what the branch assumes, beside what the whole run does.

// CHECK: module @host
// CHECK: scf.if
// CHECK: graph.then_assumptions
// CHECK: module @b_0 attributes {graph.assumptions = [{kind = "at_most", sizes = affine_map<()[s0] -> (s0, 50)>}, {kind = "at_most", sizes = affine_map<()[s0] -> (s0, 8)>}]
// ORDER: return
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">],
    graph.assumptions = [{kind = "at_most", sizes = affine_map<()[s0] -> (s0, 50)>}],
    graph.symbols = [{name = "n", min = 0 : i64, max = 99 : i64, divisor = 1 : i64}]} {
  func.func @main(%x: tensor<?xf32> {graph.shape = affine_map<()[s0] -> (s0)>}, %c: tensor<i1>) -> tensor<?xf32> {
    %t = tensor.extract %c[] : tensor<i1>
    %1 = scf.if %t -> (tensor<?xf32>) {
      %2 = graph.unary neg %x {plan.device = "b", graph.shape = affine_map<()[s0] -> (s0)>} : (tensor<?xf32>) -> tensor<?xf32>
      scf.yield %2 : tensor<?xf32>
    } else {
      scf.yield %x : tensor<?xf32>
    } {graph.shape = affine_map<()[s0] -> (s0)>, graph.then_assumptions = [{kind = "at_most", sizes = affine_map<()[s0] -> (s0, 8)>}]}
    return %1 : tensor<?xf32>
  }
}
