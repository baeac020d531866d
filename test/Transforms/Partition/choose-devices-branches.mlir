// RUN: tenon-opt %s --plan-declare-devices=targets=cpu:x86-64-v3,cpu:x86-64-v4 '--plan-choose-devices=pin=m=cpu:x86-64-v4,e=cpu:x86-64-v3' --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s
// RUN: not tenon-opt %s --plan-declare-devices=targets=cpu:x86-64-v3,cpu:x86-64-v4 '--plan-choose-devices=pin=i=cpu:x86-64-v4' 2>&1 | FileCheck %s --check-prefix=IF

// Ops in branches are pinned, and told of, like others; the scf.if itself is the host's.

// CHECK: plan.devices = [#plan.device<"cpu:x86-64-v4", "cpu:x86-64-v4", #hw.device<
// CHECK-SAME: {plan = "chosen", seconds =
// IF: [TN8048] --pin=i=cpu:x86-64-v4: [TN4223]
module {
  func.func @main(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>, %c: tensor<i1>) -> tensor<4x8xf32> {
    %t = tensor.extract %c[] : tensor<i1>
    %0 = scf.if %t -> (tensor<4x8xf32>) {
      // CHECK: graph.matmul {{.*}}{plan.device = "cpu:x86-64-v4"}{{.*}}loc("m")
      %1 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32> loc("m")
      // CHECK: graph.unary exp {{.*}}{plan.device = "host"}{{.*}}--pin=e=cpu:x86-64-v3 asks for it
      %2 = graph.unary exp %1 : (tensor<4x8xf32>) -> tensor<4x8xf32> loc("e")
      scf.yield %2 : tensor<4x8xf32>
    } else {
      // CHECK: graph.unary neg {{.*}}{plan.device = "host"}{{.*}}TN4220
      %1 = graph.unary neg %x : (tensor<4x8xf32>) -> tensor<4x8xf32> loc("n")
      scf.yield %1 : tensor<4x8xf32>
    } loc("i")
    return %0 : tensor<4x8xf32>
  }
}
