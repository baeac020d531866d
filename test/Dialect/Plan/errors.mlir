// RUN: tenon-opt %s --split-input-file --verify-diagnostics

// One test for each constraint of plan.kernel, and where its yield may be.

func.func @f(%x: tensor<4xf32>, %h: tensor<4xf16>) {
  // expected-error @+1 {{has operand types that differ from its block arguments'}}
  %y = plan.kernel "k" on "cpu" root "elementwise" (%x) : (tensor<4xf32>) -> tensor<4xf16> {
  ^bb0(%a: tensor<4xf16>):
    %u = graph.unary exp %a : (tensor<4xf16>) -> tensor<4xf16>
    plan.yield %u : tensor<4xf16>
  }
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %h: tensor<4xf16>) {
  // expected-error @+1 {{has result types that differ from its yield's operand types}}
  %y = plan.kernel "k" on "cpu" root "elementwise" (%x) : (tensor<4xf32>) -> tensor<4xf16> {
  ^bb0(%a: tensor<4xf32>):
    %u = graph.unary exp %a : (tensor<4xf32>) -> tensor<4xf32>
    plan.yield %u : tensor<4xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %h: tensor<4xf16>) {
  // expected-error @+1 {{has 2 arg_shapes for 1 operands}}
  %y = plan.kernel "k" on "cpu" root "elementwise" (%x) {arg_shapes = [affine_map<() -> (4)>, affine_map<() -> (4)>]} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %u = graph.unary exp %a : (tensor<4xf32>) -> tensor<4xf32>
    plan.yield %u : tensor<4xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<4xf32>, %h: tensor<4xf16>) {
  // expected-error @+1 {{names root "matmul", which none of its ops is}}
  %y = plan.kernel "k" on "cpu" root "matmul" (%x) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %u = graph.unary exp %a : (tensor<4xf32>) -> tensor<4xf32>
    plan.yield %u : tensor<4xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{expects parent op 'plan.kernel'}}
  plan.yield %x : tensor<4xf32>
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{has 2 packed layouts for 1 operands}}
  %y = plan.kernel "k" on "cpu" root "elementwise" (%x) {packed = ["", ""]} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    plan.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{views 4 elements as 5}}
  %y = plan.view %x : tensor<4xf32> -> tensor<5xf32>
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{has 2 places for 1 results}}
  %y = plan.kernel "k" on "cpu" root "elementwise" (%x) {places = [#plan.place<"host", offset 0>, #plan.place<"host", offset 64>]} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    plan.yield %a : tensor<4xf32>
  }
  return
}

// -----

func.func @f(%x: tensor<4xf32>) {
  // expected-error @+1 {{has a place that is no #plan.place}}
  %y = plan.kernel "k" on "cpu" root "elementwise" (%x) {places = [64]} : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    plan.yield %a : tensor<4xf32>
  }
  return
}

// -----

// expected-error @+1 {{expected a memory space and a number of 0 or more, found "host" and -1}}
module attributes {p = #plan.place<"host", offset -1>} {}

// -----

// expected-error @+1 {{expected bytes of one size, found 2}}
module attributes {p = #plan.place<"host", slot 0, bytes = affine_map<() -> (1, 2)>>} {}

// -----

// expected-error @+1 {{expected a memory space and bytes of 0 or more, found "", 4 and a red zone of 0}}
module attributes {p = #plan.arena<"", bytes = 4, slots = []>} {}

// -----

// expected-error @+1 {{expected slots with a map of sizes each, found 3}}
module attributes {p = #plan.arena<"host", bytes = 4, slots = [3]>} {}

// -----

func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{copies from "b" to "c", expected "host" and another space}}
  %0 = plan.transfer %x from "b" to "c" : tensor<4xf32>
  return
}

// -----

func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{copies from "b" what is in "host"}}
  %0 = plan.transfer %x from "b" to "host" : tensor<4xf32>
  return
}

// -----

func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{has 0 places for 1 results}}
  %0 = plan.transfer %x from "host" to "b" {places = []} : tensor<4xf32>
  return
}

// -----

func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{has an operand that is not in the memory of "b"; transfer it}}
  %0 = plan.submit @b_0 on "b"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @main() {
  // expected-error @+1 {{names "host" as its device, expected one beside the host}}
  %0 = plan.submit @b_0 on "host"() : () -> tensor<4xf32>
  return
}

// -----

func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{waits for what is no transfer to the host}}
  %0 = plan.await %x : tensor<4xf32>
  return
}

// -----

// expected-error @+1 {{expected an alignment that is a power of two and 64 or more, found 96}}
module attributes {p = #plan.arena<"host" align 96, bytes = 4, slots = []>} {}

// -----

// Names of devices are resolved in the module, as symbols are.

module attributes {plan.devices = [#plan.device<"b", "toy:small">]} {
  func.func @main(%x: tensor<4xf32>) {
    // expected-error @+1 {{names the device "c", which is not in the module's plan.devices; there is b}}
    %0 = plan.transfer %x from "host" to "c" : tensor<4xf32>
    return
  }
}

// -----

module attributes {plan.devices = [#plan.device<"b", "toy:small">, #plan.device<"c", "toy:small">]} {
  func.func @main() {
    // expected-error @+1 {{names the device "toy:small", which is not in the module's plan.devices; there are b, c}}
    %0 = plan.submit @b_0 on "toy:small"() : () -> tensor<4xf32>
    return
  }
}

// -----

func.func @main(%x: tensor<4xf32>) {
  // expected-error @+1 {{names the device "b", which is not in the module's plan.devices; there are none}}
  %0 = plan.transfer %x from "host" to "b" : tensor<4xf32>
  return
}

// -----

// expected-error @+1 {{has plan.devices that are no array of #plan.device: [3, #plan.device<"b", "toy:small">]}}
module attributes {plan.devices = [3, #plan.device<"b", "toy:small">]} {}

// -----

// expected-error @+1 {{has plan.devices that are no array of #plan.device: "b"}}
module attributes {plan.devices = "b"} {}

// -----

// expected-error @+1 {{has a device "b" in plan.devices whose name is taken}}
module attributes {plan.devices = [#plan.device<"b", "toy:small">, #plan.device<"b", "toy:large">]} {}

// -----

// expected-error @+1 {{has a device "host" in plan.devices whose name is taken}}
module attributes {plan.devices = [#plan.device<"host", "toy:small">]} {}

// -----

// expected-error @+1 {{has a plan.host that is no #plan.device: "cpu"}}
module attributes {plan.host = "cpu"} {}

// -----

// expected-error @+1 {{expected a device's name, found ""}}
module attributes {p = #plan.device<"", "toy:small">} {}
