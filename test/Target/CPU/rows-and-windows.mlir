// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which schedule the row, window, recurrent and index kernels get.
// RUN: tenon compile %s --start-from=graph --target=cpu:x86-64-v4 -q -o %t.tenon
// RUN: tenon explain --nodes %t.tenon | FileCheck %s

// CHECK-DAG: row-softmax (16 lanes of 32 bits along the axis)
// CHECK-DAG: row-reduce (16 lanes of 32 bits over kept elements)
// CHECK-DAG: row-norm (16 lanes of 32 bits along the row)
// CHECK-DAG: row-attention (online softmax, 8 queries by 64 keys, register tile 4x64, 16 lanes of 32 bits)
// CHECK-DAG: row-top-k (scalar loop
// CHECK-DAG: window-pool (16 lanes of 32 bits over channels)
// CHECK-DAG: recurrent (projection dot products, recurrence dot products, 16 lanes of 32 bits)
// CHECK-DAG: scatter (one unit: copy, then scalar updates in order)
func.func @main(%x: tensor<4x50xf32> {onnx.name = "x", onnx.dims = ["", ""]},
                %q: tensor<1x2x8x64xf32> {onnx.name = "q", onnx.dims = ["", "", "", ""]},
                %im: tensor<1x8x8x32xf32> {onnx.name = "im", onnx.dims = ["", "", "", ""]},
                %seq: tensor<5x1x7xf32> {onnx.name = "seq", onnx.dims = ["", "", ""]},
                %w: tensor<1x64x7xf32> {onnx.name = "w", onnx.dims = ["", "", ""]},
                %r: tensor<1x64x16xf32> {onnx.name = "r", onnx.dims = ["", "", ""]},
                %at: tensor<2x1xi64> {onnx.name = "at", onnx.dims = ["", ""]},
                %up: tensor<2x50xf32> {onnx.name = "up", onnx.dims = ["", ""]})
    -> (tensor<4x50xf32> {onnx.name = "a", onnx.dims = ["", ""]}, tensor<50xf32> {onnx.name = "b", onnx.dims = [""]},
        tensor<4x50xf32> {onnx.name = "c", onnx.dims = ["", ""]}, tensor<1x2x8x64xf32> {onnx.name = "d", onnx.dims = ["", "", "", ""]},
        tensor<4x3xf32> {onnx.name = "e", onnx.dims = ["", ""]}, tensor<1x4x4x32xf32> {onnx.name = "f", onnx.dims = ["", "", "", ""]},
        tensor<5x1x1x16xf32> {onnx.name = "g", onnx.dims = ["", "", "", ""]}, tensor<4x50xf32> {onnx.name = "h", onnx.dims = ["", ""]}) {
  %0 = graph.softmax %x {axis = 1 : i64} : (tensor<4x50xf32>) -> tensor<4x50xf32>
  %1 = graph.reduce sum %x {axes = array<i64: 0>} : (tensor<4x50xf32>) -> tensor<50xf32>
  %2 = graph.norm layer %x {axis = 1 : i64, epsilon = 1.0e-5 : f32} : (tensor<4x50xf32>) -> tensor<4x50xf32>
  %3 = graph.attention %q, %q, %q {scale = 0.125 : f32, causal} : (tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>, tensor<1x2x8x64xf32>) -> tensor<1x2x8x64xf32>
  %k = graph.constant dense<3> : tensor<1xi64>
  %4, %5 = graph.top_k %x, %k {axis = 1 : i64, largest = true} : (tensor<4x50xf32>, tensor<1xi64>) -> (tensor<4x3xf32>, tensor<4x3xi64>)
  %6 = graph.pool max %im {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, layout = 1 : i32} : (tensor<1x8x8x32xf32>) -> tensor<1x4x4x32xf32>
  %y, %yh, %yc = graph.lstm %seq, %w, %r {hidden_size = 16 : i64, direction = 0 : i32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<5x1x7xf32>, tensor<1x64x7xf32>, tensor<1x64x16xf32>) -> (tensor<5x1x1x16xf32>, tensor<1x1x16xf32>, tensor<1x1x16xf32>)
  %7 = graph.scatter_nd %x, %at, %up : (tensor<4x50xf32>, tensor<2x1xi64>, tensor<2x50xf32>) -> tensor<4x50xf32>
  return %0, %1, %2, %3, %4, %6, %y, %7 : tensor<4x50xf32>, tensor<50xf32>, tensor<4x50xf32>, tensor<1x2x8x64xf32>, tensor<4x3xf32>, tensor<1x4x4x32xf32>, tensor<5x1x1x16xf32>, tensor<4x50xf32>
}
