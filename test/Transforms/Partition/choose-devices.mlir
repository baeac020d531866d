// RUN: tenon-opt %s --plan-declare-devices=targets=cpu:x86-64-v3,cpu:x86-64-v4 '--plan-choose-devices=pin=m=cpu:x86-64-v4,e=cpu:x86-64-v3 forbid=b=cpu:x86-64-v3' --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// The node m is pinned to the second device, e to the host, b forbidden there. What is
// read when code is made but computed keeps an op on the host; so does time: s and o, whose
// open size counts as 32, are too little to be copied for. The reasons are in the locations.

// CHECK: plan.devices = [#plan.device<"cpu:x86-64-v4", "cpu:x86-64-v4", #hw.device<"x86-64-v4", family = "cpu",
// CHECK-SAME: plan.host = #plan.device<"cpu:x86-64-v3", "cpu:x86-64-v3", #hw.device<"x86-64-v3", family = "cpu",
// CHECK-SAME: {plan = "chosen (exact)", seconds =
// CHECK-SAME: {plan = "greedy"
// CHECK-SAME: {plan = "all on cpu:x86-64-v3"
// CHECK-SAME: {plan = "all that it takes on cpu:x86-64-v4"
module attributes {graph.symbols = [{name = "N", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64}]} {
  func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x2xf32>, %n: tensor<?xf32> {graph.shape = affine_map<()[s0] -> (s0)>}, %shape: tensor<2xi64>) -> (tensor<4x2xf32>, tensor<4x8xf32>, tensor<?xf32>, tensor<1x32xf32>, tensor<4x8xf32>) {
    // CHECK: graph.matmul {{.*}}{plan.device = "cpu:x86-64-v4"}{{.*}}loc("m")
    %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32> loc("m")
    // CHECK: graph.unary exp {{.*}}{plan.device = "host"}
    %1 = graph.unary exp %0 : (tensor<4x2xf32>) -> tensor<4x2xf32> loc("e")
    // CHECK: graph.unary neg {{.*}}{plan.device = "cpu:x86-64-v4"}
    %2 = graph.unary neg %x : (tensor<4x8xf32>) -> tensor<4x8xf32> loc("b")
    // CHECK: graph.unary abs {{.*}}plan.device = "host"{{.*}}TN4220
    %3 = graph.unary abs %n {graph.shape = affine_map<()[s0] -> (s0)>} : (tensor<?xf32>) -> tensor<?xf32> loc("o")
    // CHECK: graph.reshape {{.*}}plan.device = "host"{{.*}}TN4222{{.*}}operand 1 is computed
    %4 = graph.reshape %x, %shape : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<1x32xf32> loc("r")
    // CHECK: graph.unary relu {{.*}}plan.device = "host"{{.*}}TN4220
    %5 = graph.unary relu %x : (tensor<4x8xf32>) -> tensor<4x8xf32> loc("s")
    return %1, %2, %3, %4, %5 : tensor<4x2xf32>, tensor<4x8xf32>, tensor<?xf32>, tensor<1x32xf32>, tensor<4x8xf32>
  }
}
