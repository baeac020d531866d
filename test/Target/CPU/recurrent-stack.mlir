// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Two sequences share a pass over the weights only where the stack holds both.
// RUN: tenon compile %s --start-from=graph --target=cpu:x86-64-v4 -q -o %t.tenon
// RUN: tenon explain --nodes %t.tenon | FileCheck %s

// CHECK-DAG: recurrent (projection dot products, recurrence dot products, 16 lanes of 32 bits)
func.func @main(%x: tensor<5x2x8xf32> {onnx.name = "x", onnx.dims = ["", "", ""]},
                %w: tensor<1x16384x8xf32> {onnx.name = "w", onnx.dims = ["", "", ""]},
                %r: tensor<1x16384x4096xf32> {onnx.name = "r", onnx.dims = ["", "", ""]})
    -> (tensor<5x1x2x4096xf32> {onnx.name = "y", onnx.dims = ["", "", "", ""]}) {
  %y, %yh, %yc = graph.lstm %x, %w, %r {hidden_size = 4096 : i64, direction = 0 : i32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<5x2x8xf32>, tensor<1x16384x8xf32>, tensor<1x16384x4096xf32>) -> (tensor<5x1x2x4096xf32>, tensor<1x2x4096xf32>, tensor<1x2x4096xf32>)
  return %y : tensor<5x1x2x4096xf32>
}
