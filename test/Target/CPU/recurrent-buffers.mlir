// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Where a batch may be odd, the code for the last sequence uses the buffers of the code
// for pairs: seven, of 240 KiB together.
// RUN: rm -rf %t && tenon compile %s --start-from=graph --target=cpu:x86-64-v4 --stop-after=codegen --dump-to=%t > %t.s
// RUN: FileCheck %s < %t/4-codegen.mlir

// CHECK-LABEL:   func.func private @kernel_lstm_0(
// CHECK-COUNT-1: memref.alloca() {alignment = 64 : i64} : memref<4096xf32>
// CHECK-NOT:     memref.alloca
// CHECK-LABEL:   func.func private @scratch_kernel_lstm_0(
// CHECK-COUNT-5: llvm.getelementptr %arg4
// CHECK-NEXT:    llvm.getelementptr %arg4[163840]
// CHECK-NEXT:    call @kernel_lstm_0(
// CHECK-LABEL:   func.func private @kernel_lstm_1(
// CHECK-COUNT-1: memref.alloca() {alignment = 64 : i64} : memref<4096xf32>
// CHECK-NOT:     memref.alloca
// CHECK-LABEL:   func.func private @scratch_kernel_lstm_1(
// CHECK-COUNT-5: llvm.getelementptr %arg4
// CHECK-NEXT:    llvm.getelementptr %arg4[163840]
// CHECK-NEXT:    call @kernel_lstm_1(
func.func @main(%x: tensor<5x?x8xf32> {onnx.name = "x", onnx.dims = ["", "n", ""]},
                %odd: tensor<5x3x8xf32> {onnx.name = "odd", onnx.dims = ["", "", ""]},
                %w: tensor<1x8192x8xf32> {onnx.name = "w", onnx.dims = ["", "", ""]},
                %r: tensor<1x8192x2048xf32> {onnx.name = "r", onnx.dims = ["", "", ""]})
    -> (tensor<5x1x?x2048xf32> {onnx.name = "y", onnx.dims = ["", "", "n", ""]},
        tensor<5x1x3x2048xf32> {onnx.name = "z", onnx.dims = ["", "", "", ""]}) {
  %y, %yh, %yc = graph.lstm %x, %w, %r {hidden_size = 2048 : i64, direction = 0 : i32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<5x?x8xf32>, tensor<1x8192x8xf32>, tensor<1x8192x2048xf32>) -> (tensor<5x1x?x2048xf32>, tensor<1x?x2048xf32>, tensor<1x?x2048xf32>)
  %z, %zh, %zc = graph.lstm %odd, %w, %r {hidden_size = 2048 : i64, direction = 0 : i32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<5x3x8xf32>, tensor<1x8192x8xf32>, tensor<1x8192x2048xf32>) -> (tensor<5x1x3x2048xf32>, tensor<1x3x2048xf32>, tensor<1x3x2048xf32>)
  return %y, %z : tensor<5x1x?x2048xf32>, tensor<5x1x3x2048xf32>
}
