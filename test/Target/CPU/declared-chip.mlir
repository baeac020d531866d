// RUN: tenon-opt %s --split-input-file --plan-form-kernels --cpu-emit-kernels=target=cpu:aarch64 | FileCheck %s

// Code is for the chip that the module says it is for, whatever the pass is told: vectors
// are as wide as its features have them, or as its limits say.

// CHECK: vector.load {{.*}}vector<8xf32>
#chip = #hw.device<"mine", family = "cpu", triple = "x86_64-unknown-linux-gnu", features = ["avx2", "fma"],
  units = [<"core", count = 1, clock_mhz = 1000, ops_per_cycle = {f32 = 16}>],
  memories = [<"l2", bytes = 1048576, mb_per_s = 10000, latency_ns = 1, alignment = 64>]>
module attributes {plan.host = #plan.device<"cpu:mine", "cpu:mine", #chip>} {
  func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
    %0 = graph.unary relu %x : (tensor<64xf32>) -> tensor<64xf32>
    return %0 : tensor<64xf32>
  }
}

// -----

// CHECK: vector.load {{.*}}vector<4xf32>
#chip = #hw.device<"mine", family = "cpu", triple = "x86_64-unknown-linux-gnu", features = ["avx2", "fma"],
  units = [<"core", count = 1, clock_mhz = 1000, ops_per_cycle = {f32 = 16}>],
  memories = [<"l2", bytes = 1048576, mb_per_s = 10000, latency_ns = 1, alignment = 64>], limits = {vector_bits = 128}>
module attributes {plan.host = #plan.device<"cpu:mine", "cpu:mine", #chip>} {
  func.func @main(%x: tensor<64xf32>) -> tensor<64xf32> {
    %0 = graph.unary relu %x : (tensor<64xf32>) -> tensor<64xf32>
    return %0 : tensor<64xf32>
  }
}
