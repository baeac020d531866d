// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels share a function where everything that decides the code is equal. The
// filters have the same packed form, and two shapes.
// RUN: rm -rf %t && tenon compile %s --start-from=graph --target=cpu:x86-64-v3 --stop-after=codegen --dump-to=%t > %t.s
// RUN: FileCheck %s < %t/4-codegen.mlir

// CHECK-DAG: func.func private @[[$WIDE:kernel_conv_[0-9]]](
// CHECK-DAG: func.func private @[[$TALL:kernel_conv_[0-9]]](
// CHECK-NOT: func.func private @kernel_conv
// CHECK-LABEL: func.func @tenon_main(
// CHECK:      constant @[[$WIDE]]
// CHECK:      constant @[[$TALL]]
// CHECK:      constant @[[$WIDE]]
func.func @main(%x: tensor<1x4x8x8xf32> {onnx.name = "x", onnx.dims = ["", "", "", ""]})
    -> (tensor<1x4x8x8xf32> {onnx.name = "y", onnx.dims = ["", "", "", ""]}) {
  %wide = graph.constant dense<0.5> : tensor<4x4x1x3xf32>
  %tall = graph.constant dense<0.25> : tensor<4x4x3x1xf32>
  %again = graph.constant dense<0.75> : tensor<4x4x1x3xf32>
  %0 = graph.conv %x, %wide {auto_pad = 1 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>, tensor<4x4x1x3xf32>) -> tensor<1x4x8x8xf32>
  %1 = graph.conv %0, %tall {auto_pad = 1 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>, tensor<4x4x3x1xf32>) -> tensor<1x4x8x8xf32>
  %2 = graph.conv %1, %again {auto_pad = 1 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x4x8x8xf32>, tensor<4x4x1x3xf32>) -> tensor<1x4x8x8xf32>
  return %2 : tensor<1x4x8x8xf32>
}
