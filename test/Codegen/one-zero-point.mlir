// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One zero point for all blocks of a dequantization, or all indices of its axis, is read
// for each of them, and nothing behind it.
// RUN: tenon compile %s --start-from=graph --target=cpu:host -q -o %t.tenon
// RUN: tenon run %t.tenon --input x=2x4xu8=3,4,5,6,7,8,9,10 --input s=2x2xf32=1,10,100,1000 --input t=2xf32=1,10 | FileCheck %s
// RUN: tenon compile %s --start-from=graph --load-target-plugin=%build/lib/ScalarTarget.so --target=scalar -q -o %t-scalar.tenon
// RUN: tenon run %t-scalar.tenon --input x=2x4xu8=3,4,5,6,7,8,9,10 --input s=2x2xf32=1,10,100,1000 --input t=2xf32=1,10 | FileCheck %s

// CHECK: y: 2x4xf32 = 1 2 30 40 500 600 7000 8000
// CHECK: z: 2x4xf32 = 1 2 3 4 50 60 70 80
func.func @main(%x: tensor<2x4xui8> {onnx.name = "x", onnx.dims = ["", ""]},
                %s: tensor<2x2xf32> {onnx.name = "s", onnx.dims = ["", ""]},
                %t: tensor<2xf32> {onnx.name = "t", onnx.dims = [""]})
    -> (tensor<2x4xf32> {onnx.name = "y", onnx.dims = ["", ""]}, tensor<2x4xf32> {onnx.name = "z", onnx.dims = ["", ""]}) {
  %two = graph.constant dense<2> : tensor<ui8>
  %0 = graph.dequantize %x, %s, %two {axis = 1 : i64, block_size = 2 : i64} : (tensor<2x4xui8>, tensor<2x2xf32>, tensor<ui8>) -> tensor<2x4xf32>
  %1 = graph.dequantize %x, %t, %two {axis = 0 : i64, block_size = 0 : i64} : (tensor<2x4xui8>, tensor<2xf32>, tensor<ui8>) -> tensor<2x4xf32>
  return %0, %1 : tensor<2x4xf32>, tensor<2x4xf32>
}
