// RUN: not tenon-opt %s '--plan-choose-devices=targets=cpu:x86-64-v3,cpu:x86-64-v3 pin=*=cpu:x86-64-v3,a=gpu' 2>&1 | FileCheck %s --check-prefix=TEXT
// RUN: not tenon-opt %s '--plan-choose-devices=targets=cpu:x86-64-v3,cpu:x86-64-v3 pin=absent=cpu:x86-64-v3 forbid=a=cpu:x86-64-v3,a=cpu:x86-64-v3#2' 2>&1 | FileCheck %s --check-prefix=USE
// RUN: not tenon-opt %s '--plan-choose-devices=targets=cpu:x86-64-v3,cpu:x86-64-v3 pin=o=cpu:x86-64-v3#2' 2>&1 | FileCheck %s --check-prefix=LEGAL
// RUN: not tenon-opt %s '--plan-choose-devices=targets=cpu:x86-64-v3,gpu:x' 2>&1 | FileCheck %s --check-prefix=TARGET

// TEXT: [TN8048] --pin=*=cpu:x86-64-v3: '*' is no regular expression
// TEXT: [TN8048] --pin=a=gpu: expected REGEX=DEVICE with one of cpu:x86-64-v3, cpu:x86-64-v3#2
// USE: [TN8048] --forbid leaves no device that takes it
// USE: [TN8048] --pin=absent=cpu:x86-64-v3 matches no node
// LEGAL: [TN8048] --pin=o=cpu:x86-64-v3#2: [TN4221] all sizes are known
// TARGET: [TN8010]
module attributes {graph.symbols = [{name = "N", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64}]} {
  func.func @main(%x: tensor<4x8xf32>, %n: tensor<?xf32> {graph.shape = affine_map<()[s0] -> (s0)>}) -> (tensor<4x8xf32>, tensor<?xf32>) {
    %0 = graph.unary exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32> loc("a")
    %1 = graph.unary abs %n {graph.shape = affine_map<()[s0] -> (s0)>} : (tensor<?xf32>) -> tensor<?xf32> loc("o")
    return %0, %1 : tensor<4x8xf32>, tensor<?xf32>
  }
}
