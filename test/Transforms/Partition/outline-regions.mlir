// RUN: tenon-opt %s --plan-outline-regions --split-input-file | FileCheck %s

// Between the devices b and c all goes through the host. The two ops of b before c are one
// region, the one behind c is another; a value that several read is copied once a device.

// CHECK: module @host attributes {plan.devices
// CHECK: func.func @main(%[[X:.*]]: tensor<4x8xf32>, %[[W:.*]]: tensor<8x2xf32>)
// CHECK-DAG: %[[W_B:.*]] = plan.transfer %[[W]] from "host" to "b"
// CHECK-DAG: %[[X_B:.*]] = plan.transfer %[[X]] from "host" to "b"
// CHECK: %[[B0:.*]]:2 = plan.submit @b_0 on "b"(%[[X_B]], %[[W_B]])
// CHECK-DAG: %[[T0:.*]] = plan.transfer %[[B0]]#0 from "b" to "host"
// CHECK-DAG: %[[H0:.*]] = plan.await %[[T0]]
// CHECK-DAG: %[[T1:.*]] = plan.transfer %[[B0]]#1 from "b" to "host"
// CHECK-DAG: %[[H1:.*]] = plan.await %[[T1]]
// CHECK: %[[C0:.*]] = plan.transfer %[[H1]] from "host" to "c"
// CHECK: %[[C1:.*]] = plan.submit @c_1 on "c"(%[[C0]])
// CHECK: plan.transfer %[[C1]] from "c" to "host"
// CHECK: plan.transfer %{{.*}} from "host" to "b"
// CHECK: graph.unary neg %[[H0]]
// CHECK-NOT: plan.device =
// CHECK: plan.submit @b_2 on "b"
// CHECK: module @b_0 attributes {plan.device = "b"}
// CHECK: func.func @main(%[[A:.*]]: tensor<4x8xf32>, %[[V:.*]]: tensor<8x2xf32>) -> (tensor<4x8xf32>, tensor<4x2xf32>)
// CHECK: %[[R:.*]] = graph.unary relu %[[A]] :
// CHECK: graph.matmul %[[R]], %[[V]]
// CHECK: module @c_1 attributes {plan.device = "c"}
// CHECK: module @b_2 attributes {plan.device = "b"}
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">, #plan.device<"c", "cpu:x86-64-v3">]} {
  func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>) -> (tensor<4x2xf32>, tensor<4x8xf32>) {
    %0 = graph.unary relu %x {plan.device = "b"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %1 = graph.matmul %0, %w {plan.device = "b"} : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
    %2 = graph.unary exp %1 {plan.device = "c"} : (tensor<4x2xf32>) -> tensor<4x2xf32>
    %3 = graph.unary neg %0 {plan.device = "host"} : (tensor<4x8xf32>) -> tensor<4x8xf32>
    %4 = graph.unary exp %2 {plan.device = "b"} : (tensor<4x2xf32>) -> tensor<4x2xf32>
    return %4, %3 : tensor<4x2xf32>, tensor<4x8xf32>
  }
}

// -----

// A constant is in each program that reads it, and is not copied. What one branch reads is
// brought to the host in it.

// CHECK: module @host
// CHECK: graph.constant
// CHECK-NOT: plan.await
// CHECK: scf.if
// CHECK: %[[ON_HOST:.*]] = plan.await
// CHECK: graph.unary neg %[[ON_HOST]]
// CHECK: module @b_0
// CHECK: graph.constant
// CHECK: graph.binary add
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
  func.func @main(%x: tensor<2xf32>, %c: tensor<i1>) -> (tensor<2xf32>, tensor<2xf32>) {
    %k = graph.constant dense<[1.0, 2.0]> : tensor<2xf32>
    %0 = graph.binary add %x, %k {plan.device = "b"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    %1 = graph.binary mul %x, %k {plan.device = "host"} : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
    %t = tensor.extract %c[] : tensor<i1>
    %2 = scf.if %t -> (tensor<2xf32>) {
      %3 = graph.unary neg %0 : (tensor<2xf32>) -> tensor<2xf32>
      scf.yield %3 : tensor<2xf32>
    } else {
      scf.yield %1 : tensor<2xf32>
    }
    return %2, %1 : tensor<2xf32>, tensor<2xf32>
  }
}

// -----

// Without other devices nothing is divided.

// CHECK-NOT: module @host
// CHECK: func.func @main
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  return %x : tensor<2xf32>
}
