// RUN: not tenon-opt %s --plan-declare-devices=targets=cpu:x86-64-v3,cpu:x86-64-v3 '--plan-choose-devices=pin=*=cpu:x86-64-v3,a=gpu' 2>&1 | FileCheck %s --check-prefix=TEXT
// RUN: not tenon-opt %s --plan-declare-devices=targets=cpu:x86-64-v3,cpu:x86-64-v3 '--plan-choose-devices=pin=absent=cpu:x86-64-v3 forbid=a=cpu:x86-64-v3,a=cpu:x86-64-v3#2' 2>&1 | FileCheck %s --check-prefix=USE
// RUN: not tenon-opt %s --plan-declare-devices=targets=cpu:x86-64-v3,cpu:x86-64-v3 '--plan-choose-devices=pin=o=cpu:x86-64-v3#2' 2>&1 | FileCheck %s --check-prefix=LEGAL
// RUN: not tenon-opt %s --plan-declare-devices=targets=cpu:x86-64-v3,gpu:x 2>&1 | FileCheck %s --check-prefix=TARGET

// TEXT: [TN8048] --pin=*=cpu:x86-64-v3: '*' is no regular expression
// TEXT: [TN8048] --pin=a=gpu: expected REGEX=DEVICE with one of cpu:x86-64-v3, cpu:x86-64-v3#2
// USE: [TN8048] --forbid leaves no device that takes it
// USE: [TN8048] --pin=absent=cpu:x86-64-v3 matches no node
// LEGAL: [TN8048] --pin=o=cpu:x86-64-v3#2: [TN4222] what an operator reads when code is made is a constant: found operand 1 is computed
// TARGET: [TN8010]
func.func @main(%x: tensor<4x8xf32>, %shape: tensor<2xi64>) -> (tensor<4x8xf32>, tensor<8x4xf32>) {
  %0 = graph.unary exp %x : (tensor<4x8xf32>) -> tensor<4x8xf32> loc("a")
  %1 = graph.reshape %x, %shape : (tensor<4x8xf32>, tensor<2xi64>) -> tensor<8x4xf32> loc("o")
  return %0, %1 : tensor<4x8xf32>, tensor<8x4xf32>
}
