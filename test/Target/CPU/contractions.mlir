// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Register tiles of convolutions and recurrent products: 80 channels are two
// panels of 32 and one of 16; 49 pixels of any number of images are four tiles
// of 13; two sequences share recurrent weights that exceed 32 KiB.
// RUN: tenon compile %s --start-from=graph --target=cpu:x86-64-v4 -o %t.tenon
// RUN: tenon explain --nodes %t.tenon | FileCheck %s
// RUN: tenon compile %s --start-from=graph --target=cpu:x86-64-v3 -o %t.narrow.tenon
// RUN: tenon explain --nodes %t.narrow.tenon | FileCheck %s --check-prefix=NARROW

// CHECK: window {{.*}} direct-conv (tile 14 pixels x 32 channels (the last 16), 512-bit, filter packed)
// CHECK: images {{.*}} direct-conv (pointwise, tile 13 pixels x 32 channels, 512-bit, filter packed)
// CHECK: sequences {{.*}} recurrent (projection tile 4x64, recurrence tile 2x128, 16 lanes of 32 bits)
// NARROW: window {{.*}} direct-conv (tile 6 pixels x 16 channels, 256-bit, filter packed)
// NARROW: sequences {{.*}} recurrent (projection tile 4x16, recurrence tile 1x48, 8 lanes of 32 bits)
func.func @main(%x: tensor<1x28x28x16xf32> {onnx.name = "x", onnx.dims = ["", "", "", ""]},
                %y: tensor<?x7x7x64xf32> {onnx.name = "y", onnx.dims = ["batch", "", "", ""]},
                %z: tensor<8x4x16xf32> {onnx.name = "z", onnx.dims = ["", "", ""]})
    -> (tensor<1x28x28x80xf32> {onnx.name = "a", onnx.dims = ["", "", "", ""]},
        tensor<?x7x7x64xf32> {onnx.name = "b", onnx.dims = ["batch", "", "", ""]},
        tensor<8x1x4x64xf32> {onnx.name = "c", onnx.dims = ["", "", "", ""]}) {
  %w = graph.constant dense<0.1> : tensor<80x16x3x3xf32>
  %v = graph.constant dense<0.1> : tensor<64x64x1x1xf32>
  %input = graph.constant dense<0.1> : tensor<1x256x16xf32>
  %recurrent = graph.constant dense<0.1> : tensor<1x256x64xf32>
  %0 = graph.conv %x, %w {layout = 1 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x28x28x16xf32>, tensor<80x16x3x3xf32>) -> tensor<1x28x28x80xf32> loc("window")
  %1 = graph.conv %y, %v {layout = 1 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<?x7x7x64xf32>, tensor<64x64x1x1xf32>) -> tensor<?x7x7x64xf32> loc("images")
  %2, %3, %4 = graph.lstm %z, %input, %recurrent {direction = 0 : i32, hidden_size = 64 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<8x4x16xf32>, tensor<1x256x16xf32>, tensor<1x256x64xf32>) -> (tensor<8x1x4x64xf32>, tensor<1x4x64xf32>, tensor<1x4x64xf32>) loc("sequences")
  return %0, %1, %2 : tensor<1x28x28x80xf32>, tensor<?x7x7x64xf32>, tensor<8x1x4x64xf32>
}
