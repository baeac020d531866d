// RUN: tenon-opt %s --plan-verify-memory --split-input-file --verify-diagnostics

// A chain of three kernels, the last of which writes the output; %a and %b are in use
// at the same time.

module attributes {plan.arenas = [#plan.arena<"host", bytes = 512, slots = []>]} {
  func.func @right(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
    %a = plan.kernel "a" on "cpu" root "elementwise" (%x) {places = [#plan.place<"host", offset 0>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    %b = plan.kernel "b" on "cpu" root "elementwise" (%a) {places = [#plan.place<"host", offset 256>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    %c = plan.kernel "c" on "cpu" root "elementwise" (%b) {places = [#plan.place<"host", output 0>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    return %c : tensor<8x8xf32>
  }
}

// -----

module attributes {plan.arenas = [#plan.arena<"host", bytes = 512, slots = []>]} {
  func.func @shared(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
    %a = plan.kernel "a" on "cpu" root "elementwise" (%x) {places = [#plan.place<"host", offset 0>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    // expected-error @+1 {{[TN4002] result 0 of kernel b is in #plan.place<"host", offset 192>, which result 0 of kernel a uses till later}}
    %b = plan.kernel "b" on "cpu" root "elementwise" (%a) {places = [#plan.place<"host", offset 192>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    %c = plan.kernel "c" on "cpu" root "elementwise" (%b) {places = [#plan.place<"host", output 0>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    return %c : tensor<8x8xf32>
  }
}

// -----

module attributes {plan.arenas = [#plan.arena<"host", bytes = 512, slots = []>]} {
  func.func @outside(%x: tensor<8x8xf32>) -> tensor<8x8xf32> {
    // expected-error @+1 {{[TN4002] result 0 of kernel a has 256 bytes from byte 320 on, which is not within the arena's 512 or not a multiple of 64}}
    %a = plan.kernel "a" on "cpu" root "elementwise" (%x) {places = [#plan.place<"host", offset 320>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    // expected-error @+1 {{[TN4002] result 0 of kernel b has 256 bytes from byte 4 on}}
    %b = plan.kernel "b" on "cpu" root "elementwise" (%a) {places = [#plan.place<"host", offset 4>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    // expected-error @+1 {{[TN4002] result 0 of kernel c is in #plan.place<"host", output 1>, expected output 0}}
    %c = plan.kernel "c" on "cpu" root "elementwise" (%b) {places = [#plan.place<"host", output 1>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    // expected-error @+1 {{[TN4002] result 0 of kernel d is in #plan.place<"host", output 0>, expected an arena}}
    %d = plan.kernel "d" on "cpu" root "elementwise" (%c) {places = [#plan.place<"host", output 0>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    // expected-error @+1 {{[TN4002] result 0 of kernel e has no place}}
    %e = plan.kernel "e" on "cpu" root "elementwise" (%c) : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    // expected-error @+1 {{[TN4002] result 0 of kernel f is in the space "vram", expected "host"}}
    %f = plan.kernel "f" on "cpu" root "elementwise" (%c) {places = [#plan.place<"vram", offset 0>]} : (tensor<8x8xf32>) -> tensor<8x8xf32> {
    ^bb0(%0: tensor<8x8xf32>):
      plan.yield %0 : tensor<8x8xf32>
    }
    return %c : tensor<8x8xf32>
  }
}

// -----

module attributes {graph.symbols = [{name = "N", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64}],
                   plan.arenas = [#plan.arena<"host", bytes = 0, slots = [affine_map<()[s0] -> (s0 * 4)>]>]} {
  func.func @slots(%x: tensor<?xf32> {graph.shape = affine_map<()[s0] -> (s0)>}) -> tensor<?xf32> {
    %a = plan.kernel "a" on "cpu" root "elementwise" (%x) {arg_shapes = [affine_map<()[s0] -> (s0)>], graph.shapes = [affine_map<()[s0] -> (s0)>], places = [#plan.place<"host", slot 0>]} : (tensor<?xf32>) -> tensor<?xf32> {
    ^bb0(%0: tensor<?xf32>):
      plan.yield %0 : tensor<?xf32>
    }
    // expected-error @+1 {{[TN4002] result 0 of kernel b is in #plan.place<"host", slot 0>, which result 0 of kernel a uses till later}}
    %b = plan.kernel "b" on "cpu" root "elementwise" (%a) {arg_shapes = [affine_map<()[s0] -> (s0)>], graph.shapes = [affine_map<()[s0] -> (s0)>], places = [#plan.place<"host", slot 0>]} : (tensor<?xf32>) -> tensor<?xf32> {
    ^bb0(%0: tensor<?xf32>):
      plan.yield %0 : tensor<?xf32>
    }
    // expected-error @+1 {{[TN4002] result 0 of kernel c is in slot 0, which does not hold its s0 * 8 bytes}}
    %c = plan.kernel "c" on "cpu" root "elementwise" (%b) {arg_shapes = [affine_map<()[s0] -> (s0)>], graph.shapes = [affine_map<()[s0] -> (s0)>], places = [#plan.place<"host", slot 0>]} : (tensor<?xf32>) -> tensor<?xf64> {
    ^bb0(%0: tensor<?xf32>):
      %1 = graph.cast %0 {graph.shape = affine_map<()[s0] -> (s0)>} : (tensor<?xf32>) -> tensor<?xf64>
      plan.yield %1 : tensor<?xf64>
    }
    %d = plan.kernel "d" on "cpu" root "elementwise" (%c) {arg_shapes = [affine_map<()[s0] -> (s0)>], graph.shapes = [affine_map<()[s0] -> (s0)>], places = [#plan.place<"host", output 0>]} : (tensor<?xf64>) -> tensor<?xf32> {
    ^bb0(%0: tensor<?xf64>):
      %1 = graph.cast %0 {graph.shape = affine_map<()[s0] -> (s0)>} : (tensor<?xf64>) -> tensor<?xf32>
      plan.yield %1 : tensor<?xf32>
    }
    return %d : tensor<?xf32>
  }
}

// -----

module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
  func.func @nowhere(%x: tensor<4xf32>) {
    // expected-error @+1 {{[TN4002] result 0 of transfer is in the space "b", which has no arena}}
    %a = plan.transfer %x from "host" to "b" {places = [#plan.place<"b", offset 0>]} : tensor<4xf32>
    return
  }
}

// -----

// The queue may still copy %a when %c is written: nothing was waited for.
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">],
                   plan.arenas = [#plan.arena<"host", bytes = 128, slots = []>, #plan.arena<"b", bytes = 64, slots = []>]} {
  func.func @copies(%x: tensor<4xf32>) -> tensor<4xf32> {
    %a = plan.kernel "a" on "cpu" root "elementwise" (%x) {places = [#plan.place<"host", offset 0>]} : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%0: tensor<4xf32>):
      plan.yield %0 : tensor<4xf32>
    }
    %b = plan.transfer %a from "host" to "b" {places = [#plan.place<"b", offset 0>]} : tensor<4xf32>
    // expected-error @+1 {{[TN4002] result 0 of kernel c is in #plan.place<"host", offset 0>, which result 0 of kernel a uses till later}}
    %c = plan.kernel "c" on "cpu" root "elementwise" (%x) {places = [#plan.place<"host", offset 0>]} : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%0: tensor<4xf32>):
      plan.yield %0 : tensor<4xf32>
    }
    // expected-error @+1 {{[TN4002] result 0 of submit b_0 is in #plan.place<"b", offset 0>, which result 0 of transfer uses till later}}
    %d = plan.submit @b_0 on "b" (%b) {places = [#plan.place<"b", offset 0>]} : (tensor<4xf32>) -> tensor<4xf32>
    // expected-error @+1 {{[TN4002] result 0 of transfer is in the space "b", expected "host"}}
    %e = plan.transfer %d from "b" to "host" {places = [#plan.place<"b", offset 0>]} : tensor<4xf32>
    %f = plan.await %e : tensor<4xf32>
    %g = plan.kernel "g" on "cpu" root "elementwise" (%f) {places = [#plan.place<"host", output 0>]} : (tensor<4xf32>) -> tensor<4xf32> {
    ^bb0(%0: tensor<4xf32>):
      plan.yield %0 : tensor<4xf32>
    }
    return %g : tensor<4xf32>
  }
}

// -----

// An arena may ask for more than 64 bytes, as its device does.
module attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">],
                   plan.arenas = [#plan.arena<"host", bytes = 0, slots = []>, #plan.arena<"b" align 256, bytes = 512, slots = []>]} {
  func.func @aligned(%x: tensor<4xf32>) -> tensor<4xf32> {
    %a = plan.transfer %x from "host" to "b" {places = [#plan.place<"b", offset 256>]} : tensor<4xf32>
    // expected-error @+1 {{[TN4002] result 0 of submit b_0 has 16 bytes from byte 64 on, which is not within the arena's 512 or not a multiple of 256}}
    %b = plan.submit @b_0 on "b" (%a) {places = [#plan.place<"b", offset 64>]} : (tensor<4xf32>) -> tensor<4xf32>
    %c = plan.transfer %b from "b" to "host" {places = [#plan.place<"host", output 0>]} : tensor<4xf32>
    %d = plan.await %c : tensor<4xf32>
    return %d : tensor<4xf32>
  }
}
