// RUN: tenon-opt %s --split-input-file --plan-assign-memory --plan-verify-memory --verify-diagnostics | FileCheck %s

// A device's memory says how its arena is laid out: by default, and where a chip asks for
// less, in steps of 64 bytes.

// CHECK: #plan.arena<"b", bytes = 128, slots = []>
// CHECK: plan.transfer {{.*}}#plan.place<"b", offset 0>
// CHECK: plan.submit {{.*}}#plan.place<"b", offset 64>
module attributes {plan.devices = [#plan.device<"b", "toy:b", #hw.device<"b", family = "toy", memories = [<"dram", bytes = 0, mb_per_s = 1, latency_ns = 0, alignment = 4>]>>]} {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %a = plan.transfer %x from "host" to "b" : tensor<4xf32>
    %b = plan.submit @b_0 on "b" (%a) : (tensor<4xf32>) -> tensor<4xf32>
    %c = plan.transfer %b from "b" to "host" : tensor<4xf32>
    %d = plan.await %c : tensor<4xf32>
    return %d : tensor<4xf32>
  }
}

// -----

// Another alignment, another arena. It is that of the last memory, which buffers lie in.

// CHECK: #plan.arena<"b" align 256, bytes = 512, slots = []>
// CHECK: plan.transfer {{.*}}#plan.place<"b", offset 0>
// CHECK: plan.submit {{.*}}#plan.place<"b", offset 256>
module attributes {plan.devices = [#plan.device<"b", "toy:b", #hw.device<"b", family = "toy", memories = [<"near", bytes = 64, mb_per_s = 1, latency_ns = 0, alignment = 1024>, <"dram", bytes = 512, mb_per_s = 1, latency_ns = 0, alignment = 256>]>>]} {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %a = plan.transfer %x from "host" to "b" : tensor<4xf32>
    %b = plan.submit @b_0 on "b" (%a) : (tensor<4xf32>) -> tensor<4xf32>
    %c = plan.transfer %b from "b" to "host" : tensor<4xf32>
    %d = plan.await %c : tensor<4xf32>
    return %d : tensor<4xf32>
  }
}

// -----

// A memory without room for the arena.

// expected-error @below {{[TN4004] the buffers of device "b" need 128 bytes, its memory 'dram' has 127; give it less of the model (--pin, --forbid), or smaller sizes (--sizes)}}
module attributes {plan.devices = [#plan.device<"b", "toy:b", #hw.device<"b", family = "toy", memories = [<"dram", bytes = 127, mb_per_s = 1, latency_ns = 0, alignment = 64>]>>]} {
  func.func @main(%x: tensor<4xf32>) -> tensor<4xf32> {
    %a = plan.transfer %x from "host" to "b" : tensor<4xf32>
    %b = plan.submit @b_0 on "b" (%a) : (tensor<4xf32>) -> tensor<4xf32>
    %c = plan.transfer %b from "b" to "host" : tensor<4xf32>
    %d = plan.await %c : tensor<4xf32>
    return %d : tensor<4xf32>
  }
}
