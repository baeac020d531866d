// RUN: tenon-opt %s | tenon-opt | FileCheck %s
// RUN: tenon-opt %s --mlir-print-op-generic | tenon-opt | FileCheck %s

// The order of numbers stays, as one without a name of its own is the first; what a
// declaration may leave out is not printed; a chip is written once, at the top.

// CHECK: #chip = #hw.device<"bare", family = "toy">
// CHECK-NEXT: #chip1 = #hw.device<"small", family = "toy", summary = "The smallest", triple = "none", features = ["a", "b.c"],
// CHECK-SAME: units = [<"array", count = 1, clock_mhz = 500, ops_per_cycle = {i8 = 256, f32 = 128}>],
// CHECK-SAME: memories = [<"scratchpad", bytes = 4096, mb_per_s = 64000, latency_ns = 2, alignment = 4>, <"dram", bytes = 0, mb_per_s = 8000, latency_ns = 100>],
// CHECK-SAME: links = [<"host" to "dram", mb_per_s = 4000, latency_ns = 2000>],
// CHECK-SAME: formats = [<"contraction", ["f32", "i8"]>, <"elementwise", []>],
// CHECK-SAME: rates = [<"function", {f32 = 1400, "of my own" = 2}>],
// CHECK-SAME: kernel_launch_ns = 500, region_launch_ns = 5000, limits = {rows = 16, columns = 0}>
#chip = #hw.device<"small", family = "toy", summary = "The smallest", triple = "none", features = ["a", "b.c"],
  units = [<"array", count = 1, clock_mhz = 500, ops_per_cycle = {i8 = 256, f32 = 128}>],
  memories = [<"scratchpad", bytes = 4096, mb_per_s = 64000, latency_ns = 2, alignment = 4>,
              <"dram", bytes = 0, mb_per_s = 8000, latency_ns = 100, alignment = 1>],
  links = [<"host" to "dram", mb_per_s = 4000, latency_ns = 2000>],
  formats = [<"contraction", ["f32", "i8"]>, <"elementwise", []>],
  rates = [<"function", {f32 = 1400, "of my own" = 2}>],
  kernel_launch_ns = 500, region_launch_ns = 5000, limits = {rows = 16, columns = 0}>

// CHECK: module attributes {plan.devices = [#plan.device<"b", "toy:bare", #chip>], plan.host = #plan.device<"h", "toy:small", #chip1>}
module attributes {plan.host = #plan.device<"h", "toy:small", #chip>,
                   plan.devices = [#plan.device<"b", "toy:bare", #hw.device<"bare", family = "toy">>]} {
}

// CHECK: module attributes {hw.parts = [#hw.unit<"u", count = 2, clock_mhz = 1, ops_per_cycle = {}>, #hw.memory<"m", bytes = 1, mb_per_s = 1, latency_ns = 0>, #hw.link<"m" to "network", mb_per_s = 1, latency_ns = 0>, #hw.formats<"other", ["any"]>, #hw.rates<"other", {f32 = 1}>]}
module attributes {hw.parts = [#hw.unit<"u", clock_mhz = 1, count = 2, ops_per_cycle = {}>, #hw.memory<"m", bytes = 1, mb_per_s = 1, latency_ns = 0>, #hw.link<"m" to "network", mb_per_s = 1, latency_ns = 0>, #hw.formats<"other", ["any"]>, #hw.rates<"other", {f32 = 1}>]} {
}
