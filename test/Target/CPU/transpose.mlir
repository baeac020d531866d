// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which schedule transpositions get: three channels are interleaved, wider
// ones move in blocks, rows that stay contiguous move whole, and an extent
// below four elements leaves no vector.
// RUN: tenon compile %s --start-from=graph --target=cpu:x86-64-v4 -o %t.tenon
// RUN: tenon explain --nodes %t.tenon | FileCheck %s

// CHECK: first {{.*}} transpose (3 vectors of 16 interleaved)
// CHECK: second {{.*}} transpose (blocks of 16 x 16 in registers)
// CHECK: bytes {{.*}} transpose (3 vectors of 16 interleaved)
// CHECK: heads {{.*}} movement (512-bit runs)
// CHECK: narrow {{.*}} movement (scalar loop over a strided source)
func.func @main(%x: tensor<1x3x20x33xf32> {onnx.name = "x", onnx.dims = ["", "", "", ""]},
                %y: tensor<1x20x33x24xf32> {onnx.name = "y", onnx.dims = ["", "", "", ""]},
                %z: tensor<1x3x20x33xi8> {onnx.name = "z", onnx.dims = ["", "", "", ""]},
                %w: tensor<3x2xf32> {onnx.name = "w", onnx.dims = ["", ""]})
    -> (tensor<1x20x33x3xf32> {onnx.name = "a", onnx.dims = ["", "", "", ""]},
        tensor<1x24x20x33xf32> {onnx.name = "b", onnx.dims = ["", "", "", ""]},
        tensor<1x20x33x3xi8> {onnx.name = "c", onnx.dims = ["", "", "", ""]},
        tensor<1x33x20x24xf32> {onnx.name = "d", onnx.dims = ["", "", "", ""]},
        tensor<2x3xf32> {onnx.name = "e", onnx.dims = ["", ""]}) {
  %0 = graph.transpose %x {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x20x33xf32>) -> tensor<1x20x33x3xf32> loc("first")
  %1 = graph.transpose %y {perm = array<i64: 0, 3, 1, 2>} : (tensor<1x20x33x24xf32>) -> tensor<1x24x20x33xf32> loc("second")
  %2 = graph.transpose %z {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x20x33xi8>) -> tensor<1x20x33x3xi8> loc("bytes")
  %3 = graph.transpose %y {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x20x33x24xf32>) -> tensor<1x33x20x24xf32> loc("heads")
  %4 = graph.transpose %w {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32> loc("narrow")
  return %0, %1, %2, %3, %4 : tensor<1x20x33x3xf32>, tensor<1x24x20x33xf32>, tensor<1x20x33x3xi8>, tensor<1x33x20x24xf32>, tensor<2x3xf32>
}
