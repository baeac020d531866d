// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What is said of a transposed convolution: weights that are packed, one value for all
// of them in the code itself, which has nothing to pack, and weights of a user.
// RUN: tenon compile %s --start-from=codegen --target=cpu:x86-64-v4 -q -o %t.tenon
// RUN: tenon explain --nodes %t.tenon | FileCheck %s
// RUN: tenon compile %s --start-from=codegen --target=cpu:x86-64-v3 -q -o %t.tenon
// RUN: tenon explain --nodes %t.tenon | FileCheck %s --check-prefix=V3

// CHECK-DAG: conv_transpose_0 {{.*}} 512 {{.*}}window-conv-transpose (gather over taps, tile 4 pixels x 32 channels, 16 lanes of 32 bits, weights packed)
// CHECK-DAG: conv_transpose_1 {{.*}} 512 {{.*}}window-conv-transpose (gather over taps, tile 4 pixels x 32 channels, 16 lanes of 32 bits, one weight)
// CHECK-DAG: conv_transpose_2 {{.*}} - {{.*}}window-conv-transpose (scalar loop, gather over taps)
// V3-DAG:    conv_transpose_0 {{.*}} 256 {{.*}}window-conv-transpose (gather over taps, tile 4 pixels x 16 channels, 8 lanes of 32 bits, weights packed)
// V3-DAG:    conv_transpose_1 {{.*}} 256 {{.*}}window-conv-transpose (gather over taps, tile 4 pixels x 16 channels, 8 lanes of 32 bits, one weight)
#x = affine_map<() -> (1, 4, 5, 8)>
#f = affine_map<() -> (8, 32, 2, 2)>
#y = affine_map<() -> (1, 5, 6, 32)>
module attributes {graph.symbols = []} {
  func.func @main(%x: tensor<1x4x5x8xf32> {onnx.name = "x", onnx.dims = ["", "", "", ""]}, %f: tensor<8x32x2x2xf32> {onnx.name = "f", onnx.dims = ["", "", "", ""]})
      -> (tensor<1x5x6x32xf32> {onnx.name = "a", onnx.dims = ["", "", "", ""]}, tensor<1x5x6x32xf32> {onnx.name = "b", onnx.dims = ["", "", "", ""]},
          tensor<1x5x6x32xf32> {onnx.name = "c", onnx.dims = ["", "", "", ""]}) {
    %w = graph.constant dense<0.5> : tensor<8x32x2x2xf32>
    %0 = plan.kernel "conv_transpose_0" on "cpu" root "conv_transpose"(%x, %w) {arg_shapes = [#x, #f], graph.shapes = [#y]} : (tensor<1x4x5x8xf32>, tensor<8x32x2x2xf32>) -> tensor<1x5x6x32xf32> {
    ^bb0(%a: tensor<1x4x5x8xf32>, %b: tensor<8x32x2x2xf32>):
      %y = graph.conv_transpose %a, %b {dilations = array<i64: 1, 1>, output_padding = array<i64>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, layout = 1 : i32} : (tensor<1x4x5x8xf32>, tensor<8x32x2x2xf32>) -> tensor<1x5x6x32xf32>
      plan.yield %y : tensor<1x5x6x32xf32>
    }
    %1 = plan.kernel "conv_transpose_1" on "cpu" root "conv_transpose"(%x) {arg_shapes = [#x], graph.shapes = [#y]} : (tensor<1x4x5x8xf32>) -> tensor<1x5x6x32xf32> {
    ^bb0(%a: tensor<1x4x5x8xf32>):
      %b = graph.constant dense<0.5> : tensor<8x32x2x2xf32>
      %y = graph.conv_transpose %a, %b {dilations = array<i64: 1, 1>, output_padding = array<i64>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, layout = 1 : i32} : (tensor<1x4x5x8xf32>, tensor<8x32x2x2xf32>) -> tensor<1x5x6x32xf32>
      plan.yield %y : tensor<1x5x6x32xf32>
    }
    %2 = plan.kernel "conv_transpose_2" on "cpu" root "conv_transpose"(%x, %f) {arg_shapes = [#x, #f], graph.shapes = [#y]} : (tensor<1x4x5x8xf32>, tensor<8x32x2x2xf32>) -> tensor<1x5x6x32xf32> {
    ^bb0(%a: tensor<1x4x5x8xf32>, %b: tensor<8x32x2x2xf32>):
      %y = graph.conv_transpose %a, %b {dilations = array<i64: 1, 1>, output_padding = array<i64>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, layout = 1 : i32} : (tensor<1x4x5x8xf32>, tensor<8x32x2x2xf32>) -> tensor<1x5x6x32xf32>
      plan.yield %y : tensor<1x5x6x32xf32>
    }
    return %0, %1, %2 : tensor<1x5x6x32xf32>, tensor<1x5x6x32xf32>, tensor<1x5x6x32xf32>
  }
}
