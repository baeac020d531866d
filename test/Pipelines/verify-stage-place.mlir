// RUN: tenon-opt %s --split-input-file --tenon-verify-stage=stage=place --verify-diagnostics

func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{[TN4001] 'graph.unary' is in no kernel after the stage place}}
  %0 = graph.unary relu %x : (tensor<2xf32>) -> tensor<2xf32>
  // expected-error @below {{[TN4001] output 0 is no kernel's or transfer's result of its own}}
  return %0 : tensor<2xf32>
}

// -----

func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{[TN4001] kernel 'relu_0' names no device}}
  %0 = plan.kernel "relu_0" on "" root "elementwise" (%x) : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>):
    %1 = graph.unary relu %a : (tensor<2xf32>) -> tensor<2xf32>
    plan.yield %1 : tensor<2xf32>
  }
  return %0 : tensor<2xf32>
}

// -----

// Kernels take their operands' sizes from arg_shapes, also where the operand has graph.shape.
module attributes {graph.symbols = [{name = "n", min = 0 : i64, max = 9 : i64, divisor = 1 : i64}]} {
  func.func @main(%x: tensor<?xf32> {graph.shape = affine_map<()[s0] -> (s0)>}) -> tensor<?xf32> {
    // expected-error @below {{[TN2071] kernel 'relu_0' reads 'tensor<?xf32>' without arg_shapes that fit it}}
    %0 = plan.kernel "relu_0" on "cpu" root "elementwise" (%x) {graph.shapes = [affine_map<()[s0] -> (s0)>]} : (tensor<?xf32>) -> tensor<?xf32> {
    ^bb0(%a: tensor<?xf32>):
      %1 = graph.unary relu %a {graph.shape = affine_map<()[s0] -> (s0)>} : (tensor<?xf32>) -> tensor<?xf32>
      plan.yield %1 : tensor<?xf32>
    }
    return %0 : tensor<?xf32>
  }
}

// -----

func.func @main(%x: tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
  %0 = plan.kernel "relu_0" on "cpu" root "elementwise" (%x) : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>):
    %1 = graph.unary relu %a : (tensor<2xf32>) -> tensor<2xf32>
    plan.yield %1 : tensor<2xf32>
  }
  // expected-error @below {{[TN4001] output 1 is no kernel's or transfer's result of its own}}
  // expected-error @below {{[TN4001] output 2 is no kernel's or transfer's result of its own}}
  return %0, %x, %0 : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
}

// -----

// Code is made for the sizes of the maps, and only codegen packs.
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @below {{[TN2071] 'plan.kernel' has a result of 'tensor<2xf32>' without a graph.shape that fits it}}
  // expected-error @below {{[TN2071] kernel 'relu_0' reads 'tensor<2xf32>' without arg_shapes that fit it}}
  // expected-error @below {{[TN4001] kernel 'relu_0' has packed operands; that is left to codegen}}
  %0 = plan.kernel "relu_0" on "cpu" root "elementwise" (%x) {arg_shapes = [affine_map<() -> (9)>], graph.shapes = [affine_map<() -> (9)>], packed = ["rows"]} : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>):
    %1 = graph.unary relu %a : (tensor<2xf32>) -> tensor<2xf32>
    plan.yield %1 : tensor<2xf32>
  }
  return %0 : tensor<2xf32>
}

// -----

// Kernels are told of by their names.
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = plan.kernel "relu_0" on "cpu" root "elementwise" (%x) : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>):
    %1 = graph.unary relu %a : (tensor<2xf32>) -> tensor<2xf32>
    plan.yield %1 : tensor<2xf32>
  }
  // expected-error @below {{[TN4001] there is another kernel 'relu_0'; give each a name of its own}}
  %2 = plan.kernel "relu_0" on "cpu" root "elementwise" (%0) : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%a: tensor<2xf32>):
    %1 = graph.unary relu %a : (tensor<2xf32>) -> tensor<2xf32>
    plan.yield %1 : tensor<2xf32>
  }
  return %2 : tensor<2xf32>
}

// -----

// Each region is submitted once, on its device and with its types.

module {
  module @host attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %0 = plan.transfer %x from "host" to "b" : tensor<2xf32>
      // expected-error @below {{[TN4003] 'b_1' is no region of that device with these operands and results, or is submitted twice}}
      %1 = plan.submit @b_1 on "b"(%0) : (tensor<2xf32>) -> tensor<2xf32>
      %2 = plan.transfer %1 from "b" to "host" : tensor<2xf32>
      %3 = plan.await %2 : tensor<2xf32>
      return %3 : tensor<2xf32>
    }
  }
  module @b_0 attributes {plan.device = "b"} {
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      // expected-error @below {{[TN4001] output 0 is no kernel's or transfer's result of its own}}
      return %x : tensor<2xf32>
    }
  }
}

// -----

module {
  module @host attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
    func.func @main() {
      return
    }
  }
  // expected-error @below {{[TN4003] nothing submits the region 'b_0'}}
  module @b_0 attributes {plan.device = "b"} {
    func.func @main() {
      return
    }
  }
}

// -----

module {
  module @host attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
    func.func @main() {
      return
    }
  }
  // expected-error @below {{[TN4003] the region 'c_0' is for no device of plan.devices}}
  module @c_0 attributes {plan.device = "c"} {
    func.func @main() {
      return
    }
  }
}

// -----

// A region knows the host's dimensions by their names.
#n = affine_map<()[s0] -> (s0)>
module {
  module @host attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">], graph.symbols = [{name = "n", min = 0 : i64, max = 99 : i64, divisor = 1 : i64}]} {
    func.func @main(%x: tensor<?xf32> {graph.shape = #n}) -> tensor<?xf32> {
      %0 = plan.transfer %x from "host" to "b" {graph.shape = #n} : tensor<?xf32>
      %1 = plan.submit @b_0 on "b"(%0) {graph.shape = #n} : (tensor<?xf32>) -> tensor<?xf32>
      %2 = plan.transfer %1 from "b" to "host" {graph.shape = #n} : tensor<?xf32>
      return %2 : tensor<?xf32>
    }
  }
  // expected-error @below {{[TN4003] the region 'b_0' has a dimension 'm', which the host's program has not}}
  module @b_0 attributes {plan.device = "b", graph.symbols = [{name = "m", min = 0 : i64, max = 99 : i64, divisor = 1 : i64}]} {
    func.func @main(%x: tensor<?xf32> {graph.shape = #n}) -> tensor<?xf32> {
      %0 = plan.kernel "b_0.k" on "cpu" root "elementwise"(%x) {arg_shapes = [#n], graph.shapes = [#n]} : (tensor<?xf32>) -> tensor<?xf32> {
      ^bb0(%a: tensor<?xf32>):
        %1 = graph.unary abs %a {graph.shape = #n} : (tensor<?xf32>) -> tensor<?xf32>
        plan.yield %1 : tensor<?xf32>
      }
      return %0 : tensor<?xf32>
    }
  }
}

// -----

// Sizes are the same on both sides, in the numbers of each; of a region, they need not be
// symbols themselves. Here the result is: the smaller of twice n and 8 on the host, 9 in the region.
#n = affine_map<()[s0, s1] -> (s0)>
#d = affine_map<()[s0, s1] -> (s0 * 2)>
#m = affine_map<()[s0, s1] -> (s1)>
module {
  module @host attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">], graph.symbols = [
      {name = "n", min = 0 : i64, max = 99 : i64, divisor = 1 : i64},
      {op = "min", args = affine_map<()[s0] -> (s0 * 2, 8)>, min = 0 : i64, max = 8 : i64}]} {
    func.func @main(%x: tensor<?xf32> {graph.shape = #n}, %w: tensor<2xf32>) -> tensor<?xf32> {
      %k = plan.kernel "k" on "cpu" root "elementwise"(%w) {arg_shapes = [affine_map<() -> (2)>], graph.shapes = [#d]} : (tensor<2xf32>) -> tensor<?xf32> {
      ^bb0(%a: tensor<2xf32>):
        %5 = graph.unary abs %a {graph.shape = #d} : (tensor<2xf32>) -> tensor<?xf32>
        plan.yield %5 : tensor<?xf32>
      }
      %0 = plan.transfer %k from "host" to "b" {graph.shape = #d} : tensor<?xf32>
      // expected-error @below {{[TN4003] dimension 0 of result 0 is s1 here, and another size, s1, in the region}}
      %1 = plan.submit @b_0 on "b"(%0) {graph.shape = #m} : (tensor<?xf32>) -> tensor<?xf32>
      %2 = plan.transfer %1 from "b" to "host" {graph.shape = #m} : tensor<?xf32>
      return %2 : tensor<?xf32>
    }
  }
  module @b_0 attributes {plan.device = "b", graph.symbols = [
      {name = "n", min = 0 : i64, max = 99 : i64, divisor = 1 : i64},
      {op = "min", args = affine_map<()[s0] -> (s0 * 2, 9)>, min = 0 : i64, max = 9 : i64}]} {
    func.func @main(%x: tensor<?xf32> {graph.shape = #d}) -> tensor<?xf32> {
      %0 = plan.kernel "b_0.k" on "cpu" root "elementwise"(%x) {arg_shapes = [#d], graph.shapes = [#m]} : (tensor<?xf32>) -> tensor<?xf32> {
      ^bb0(%a: tensor<?xf32>):
        %1 = graph.unary abs %a {graph.shape = #m} : (tensor<?xf32>) -> tensor<?xf32>
        plan.yield %1 : tensor<?xf32>
      }
      return %0 : tensor<?xf32>
    }
  }
}

// -----

// What the host reads, or a branch yields, is in the host's memory, and complete.
module {
  module @host attributes {plan.devices = [#plan.device<"b", "cpu:x86-64-v3">]} {
    func.func @main(%x: tensor<2xf32>, %c: tensor<i1>) -> tensor<2xf32> {
      %0 = plan.transfer %x from "host" to "b" : tensor<2xf32>
      %1 = plan.submit @b_0 on "b"(%0) : (tensor<2xf32>) -> tensor<2xf32>
      %2 = plan.transfer %1 from "b" to "host" : tensor<2xf32>
      %t = tensor.extract %c[] : tensor<i1>
      %3 = scf.if %t -> (tensor<2xf32>) {
        // expected-error @below {{[TN4003] 'scf.yield' reads what submit b_0 has left in the memory of "b"; transfer it to the host and await it}}
        scf.yield %1 : tensor<2xf32>
      } else {
        // expected-error @below {{[TN4003] 'scf.yield' reads what a transfer may not have written yet; put a plan.await between them}}
        scf.yield %2 : tensor<2xf32>
      }
      %v = plan.view %0 : tensor<2xf32> -> tensor<2xf32>
      // expected-error @below {{[TN4003] 'plan.kernel' reads what transfer has left in the memory of "b"}}
      %4 = plan.kernel "k" on "cpu" root "elementwise" (%v, %3) : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32> {
      ^bb0(%a: tensor<2xf32>, %b: tensor<2xf32>):
        %5 = graph.binary add %a, %b : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
        plan.yield %5 : tensor<2xf32>
      }
      return %4 : tensor<2xf32>
    }
  }
  module @b_0 attributes {plan.device = "b"} {
    func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
      %0 = plan.kernel "k.0" on "cpu" root "elementwise" (%x) : (tensor<2xf32>) -> tensor<2xf32> {
      ^bb0(%a: tensor<2xf32>):
        %1 = graph.unary relu %a : (tensor<2xf32>) -> tensor<2xf32>
        plan.yield %1 : tensor<2xf32>
      }
      return %0 : tensor<2xf32>
    }
  }
}

// -----

// A kernel is for the family of its program's device, where the module says which one that is.

module attributes {plan.host = #plan.device<"cpu:x86-64-v3", "cpu:x86-64-v3", #hw.device<"x86-64-v3", family = "cpu">>} {
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    // expected-error @below {{[TN4001] kernel 'k' is for a "toy", its program's device cpu:x86-64-v3 is a "cpu"}}
    %0 = plan.kernel "k" on "toy" root "elementwise" (%x) : (tensor<2xf32>) -> tensor<2xf32> {
    ^bb0(%a: tensor<2xf32>):
      plan.yield %a : tensor<2xf32>
    }
    return %0 : tensor<2xf32>
  }
}
