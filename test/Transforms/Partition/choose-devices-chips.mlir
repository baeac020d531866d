// RUN: tenon-opt %s --split-input-file --plan-choose-devices --mlir-print-debuginfo --mlir-print-local-scope | FileCheck %s

// The chips of each case are declared in it: one number of the device differs from the first
// case's, and the division follows.

// Faster by far than the host, with a fast link.

// CHECK: graph.matmul {{.*}}{plan.device = "b"}
#host = #hw.device<"slow", family = "cpu", triple = "x86_64-unknown-linux-gnu",
  units = [<"core", count = 1, clock_mhz = 1000, ops_per_cycle = {f32 = 2}>],
  memories = [<"l2", bytes = 1048576, mb_per_s = 10000, latency_ns = 1, alignment = 64>,
              <"dram", bytes = 0, mb_per_s = 1000, latency_ns = 90, alignment = 64>]>
#fast = #hw.device<"fast", family = "cpu", triple = "x86_64-unknown-linux-gnu",
  units = [<"core", count = 1, clock_mhz = 1000, ops_per_cycle = {f32 = 64}>],
  memories = [<"l2", bytes = 1048576, mb_per_s = 10000, latency_ns = 1, alignment = 64>,
              <"dram", bytes = 0, mb_per_s = 20, latency_ns = 90, alignment = 64>],
  links = [<"host" to "dram", mb_per_s = 10000, latency_ns = 1000>]>
module attributes {plan.host = #plan.device<"a", "cpu:slow", #host>, plan.devices = [#plan.device<"b", "cpu:fast", #fast>]} {
  func.func @main(%x: tensor<256x256xf32>, %w: tensor<256x256xf32>) -> tensor<256x256xf32> {
    %0 = graph.matmul %x, %w : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32> loc("m")
    return %0 : tensor<256x256xf32>
  }
}

// -----

// A slower link: copies cost more than the device saves.

// CHECK: module
// CHECK-NOT: plan.device = "b"
// CHECK: graph.matmul {{.*}}TN4220
#host = #hw.device<"slow", family = "cpu", triple = "x86_64-unknown-linux-gnu",
  units = [<"core", count = 1, clock_mhz = 1000, ops_per_cycle = {f32 = 2}>],
  memories = [<"l2", bytes = 1048576, mb_per_s = 10000, latency_ns = 1, alignment = 64>,
              <"dram", bytes = 0, mb_per_s = 1000, latency_ns = 90, alignment = 64>]>
#fast = #hw.device<"fast", family = "cpu", triple = "x86_64-unknown-linux-gnu",
  units = [<"core", count = 1, clock_mhz = 1000, ops_per_cycle = {f32 = 64}>],
  memories = [<"l2", bytes = 1048576, mb_per_s = 10000, latency_ns = 1, alignment = 64>,
              <"dram", bytes = 0, mb_per_s = 20, latency_ns = 90, alignment = 64>],
  links = [<"host" to "dram", mb_per_s = 10, latency_ns = 1000>]>
module attributes {plan.host = #plan.device<"a", "cpu:slow", #host>, plan.devices = [#plan.device<"b", "cpu:fast", #fast>]} {
  func.func @main(%x: tensor<256x256xf32>, %w: tensor<256x256xf32>) -> tensor<256x256xf32> {
    %0 = graph.matmul %x, %w : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32> loc("m")
    return %0 : tensor<256x256xf32>
  }
}

// -----

// A smaller second-level memory: the operands come from the large one, which is slow.

// CHECK: module
// CHECK-NOT: plan.device = "b"
// CHECK: graph.matmul {{.*}}TN4220
#host = #hw.device<"slow", family = "cpu", triple = "x86_64-unknown-linux-gnu",
  units = [<"core", count = 1, clock_mhz = 1000, ops_per_cycle = {f32 = 2}>],
  memories = [<"l2", bytes = 1048576, mb_per_s = 10000, latency_ns = 1, alignment = 64>,
              <"dram", bytes = 0, mb_per_s = 1000, latency_ns = 90, alignment = 64>]>
#fast = #hw.device<"fast", family = "cpu", triple = "x86_64-unknown-linux-gnu",
  units = [<"core", count = 1, clock_mhz = 1000, ops_per_cycle = {f32 = 64}>],
  memories = [<"l2", bytes = 65536, mb_per_s = 10000, latency_ns = 1, alignment = 64>,
              <"dram", bytes = 0, mb_per_s = 20, latency_ns = 90, alignment = 64>],
  links = [<"host" to "dram", mb_per_s = 10000, latency_ns = 1000>]>
module attributes {plan.host = #plan.device<"a", "cpu:slow", #host>, plan.devices = [#plan.device<"b", "cpu:fast", #fast>]} {
  func.func @main(%x: tensor<256x256xf32>, %w: tensor<256x256xf32>) -> tensor<256x256xf32> {
    %0 = graph.matmul %x, %w : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32> loc("m")
    return %0 : tensor<256x256xf32>
  }
}

// -----

// A memory that has no room for the operands and the result.

// CHECK: module
// CHECK-NOT: plan.device = "b"
// CHECK: graph.matmul {{.*}}"TN4228", "not on b: the device's memory has room for what an operator reads and writes: found 786432 bytes, allowed is 786431 in 'dram'"
#host = #hw.device<"slow", family = "cpu", triple = "x86_64-unknown-linux-gnu",
  units = [<"core", count = 1, clock_mhz = 1000, ops_per_cycle = {f32 = 2}>],
  memories = [<"l2", bytes = 1048576, mb_per_s = 10000, latency_ns = 1, alignment = 64>,
              <"dram", bytes = 0, mb_per_s = 1000, latency_ns = 90, alignment = 64>]>
#fast = #hw.device<"fast", family = "cpu", triple = "x86_64-unknown-linux-gnu",
  units = [<"core", count = 1, clock_mhz = 1000, ops_per_cycle = {f32 = 64}>],
  memories = [<"l2", bytes = 1048576, mb_per_s = 10000, latency_ns = 1, alignment = 64>,
              <"dram", bytes = 786431, mb_per_s = 20, latency_ns = 90, alignment = 64>],
  links = [<"host" to "dram", mb_per_s = 10000, latency_ns = 1000>]>
module attributes {plan.host = #plan.device<"a", "cpu:slow", #host>, plan.devices = [#plan.device<"b", "cpu:fast", #fast>]} {
  func.func @main(%x: tensor<256x256xf32>, %w: tensor<256x256xf32>) -> tensor<256x256xf32> {
    %0 = graph.matmul %x, %w : (tensor<256x256xf32>, tensor<256x256xf32>) -> tensor<256x256xf32> loc("m")
    return %0 : tensor<256x256xf32>
  }
}
