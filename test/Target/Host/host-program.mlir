// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The host program stops at a launch that fails and returns what it said.
// RUN: tenon compile %s --start-from=graph --target=cpu:x86-64-v3 --stop-after=codegen | FileCheck %s

// CHECK-LABEL: {{^}}tenon_main:
// CHECK:      callq *[[LAUNCH:8\(%[a-z0-9]+\)]]
// CHECK:      testl %eax, %eax
// CHECK-NEXT: jne [[EXIT:.L[A-Z0-9_]+]]
// CHECK:      callq *[[LAUNCH]]
// CHECK-NOT:  %eax
// CHECK:      [[EXIT]]:
// CHECK-NOT:  %eax
// CHECK:      retq
func.func @main(%x: tensor<4x8xf32> {onnx.name = "x", onnx.dims = ["", ""]},
                %w: tensor<8x8xf32> {onnx.name = "w", onnx.dims = ["", ""]})
    -> (tensor<4x8xf32> {onnx.name = "y", onnx.dims = ["", ""]}) {
  %0 = graph.matmul %x, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = graph.matmul %0, %w : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  return %1 : tensor<4x8xf32>
}
