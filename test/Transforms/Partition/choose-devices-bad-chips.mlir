// RUN: tenon-opt %s --split-input-file --plan-choose-devices --verify-diagnostics

// A chip that no target makes code for, and devices without the host that they are beside.

// expected-error @below {{[TN8014] #hw.device<"b">: triple: found '', allowed is x86_64-, aarch64- or riscv64-unknown-linux-gnu; #hw.device<"b">: memories: found no memory of the name l2}}
module attributes {plan.host = #plan.device<"a", "cpu:x86-64-v3">, plan.devices = [#plan.device<"b", "cpu:b", #hw.device<"b", family = "cpu">>]} {
  func.func @main() {
    return
  }
}

// -----

// expected-error @below {{[TN8010] #hw.device<"b">: family: found 'toaster', allowed is cpu; other families come by --load-target-plugin}}
module attributes {plan.host = #plan.device<"a", "cpu:x86-64-v3">, plan.devices = [#plan.device<"b", "toaster:b", #hw.device<"b", family = "toaster">>]} {
  func.func @main() {
    return
  }
}

// -----

// expected-error @below {{[TN4005] plan.devices are declared, but no plan.host, which is the device that runs what they do not}}
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
  func.func @main() {
    return
  }
}
