// RUN: tenon-opt %s --split-input-file --plan-declare-devices=targets=cpu:x86-64-v3,cpu:x86-64-v4,cpu:x86-64-v4 | FileCheck %s
// RUN: not tenon-opt %s --split-input-file --plan-declare-devices=targets=cpu:x86-64-v3,cpu:x86-65 2>&1 | FileCheck %s --check-prefix=TARGET
// RUN: tenon-opt %s --split-input-file --plan-declare-devices=targets=cpu:x86-64-v3,host | FileCheck %s --check-prefix=NAME

// Chips are those of targets/*.yaml, and a second device of one chip has a name of its own.

// CHECK-DAG: #[[V3:chip[0-9]*]] = #hw.device<"x86-64-v3", family = "cpu", summary = {{.*}}memories = [<"l1", bytes = 32768, {{.*}}limits = {vector_bits = 256, vector_registers = 16}>
// CHECK-DAG: #[[V4:chip[0-9]*]] = #hw.device<"x86-64-v4", family = "cpu", {{.*}}limits = {vector_bits = 512, vector_registers = 32}>
// CHECK: module attributes {plan.devices = [#plan.device<"cpu:x86-64-v4", "cpu:x86-64-v4", #[[V4]]>, #plan.device<"cpu:x86-64-v4#2", "cpu:x86-64-v4", #[[V4]]>], plan.host = #plan.device<"cpu:x86-64-v3", "cpu:x86-64-v3", #[[V3]]>}

// The host's memory is called "host", so that no device is.
// NAME: plan.devices = [#plan.device<"host#2", "cpu:

// TARGET: [TN8010] --target=cpu:x86-65: unknown architecture
module {
}

// -----

// What a module says is not written over.

// CHECK: module attributes {plan.host = #plan.device<"mine", "cpu:mine">}
module attributes {plan.host = #plan.device<"mine", "cpu:mine">} {
}
