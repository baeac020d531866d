// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What scatter does not combine moves as it is stored: no float of 16 bits, and no code,
// becomes another type on the way.
// RUN: rm -rf %t && tenon compile %s --start-from=graph --target=cpu:x86-64-v4 --stop-after=codegen --dump-to=%t > %t.s
// RUN: FileCheck %s < %t/4-codegen.mlir

// CHECK-LABEL: func.func private @kernel_scatter_elements_0(
// CHECK-NOT:   {{extf|truncf|num\.}}
// CHECK:       memref.load {{.+}} : memref<?xbf16>
// CHECK-NOT:   {{extf|truncf|num\.}}
// CHECK-LABEL: func.func private @kernel_scatter_nd_1(
// CHECK-NOT:   {{extf|truncf|num\.}}
// CHECK:       vector.load {{.+}} : memref<?xf16>, vector<32xf16>
// CHECK-NOT:   {{extf|truncf|num\.}}
// CHECK-LABEL: func.func private @kernel_scatter_nd_2(
// CHECK-NOT:   {{extf|truncf|num\.}}
// CHECK:       vector.load {{.+}} : memref<?xi8>, vector<64xi8>
// CHECK-NOT:   {{extf|truncf|num\.}}
// CHECK-LABEL: func.func private @kernel_scatter_elements_3(
// CHECK:       extf
// CHECK-LABEL: func.func @tenon_derive
func.func @main(%a: tensor<9x70xbf16> {onnx.name = "a", onnx.dims = ["", ""]},
                %b: tensor<9x70xf16> {onnx.name = "b", onnx.dims = ["", ""]},
                %c: tensor<9x70xf8E4M3FN> {onnx.name = "c", onnx.dims = ["", ""]},
                %e: tensor<2x3xi64> {onnx.name = "e", onnx.dims = ["", ""]},
                %at: tensor<2x1xi64> {onnx.name = "at", onnx.dims = ["", ""]},
                %u: tensor<2x3xbf16> {onnx.name = "u", onnx.dims = ["", ""]},
                %v: tensor<2x70xf16> {onnx.name = "v", onnx.dims = ["", ""]},
                %w: tensor<2x70xf8E4M3FN> {onnx.name = "w", onnx.dims = ["", ""]})
    -> (tensor<9x70xbf16> {onnx.name = "0", onnx.dims = ["", ""]}, tensor<9x70xf16> {onnx.name = "1", onnx.dims = ["", ""]},
        tensor<9x70xf8E4M3FN> {onnx.name = "2", onnx.dims = ["", ""]}, tensor<9x70xbf16> {onnx.name = "3", onnx.dims = ["", ""]}) {
  %0 = graph.scatter_elements %a, %e, %u {axis = 0 : i64} : (tensor<9x70xbf16>, tensor<2x3xi64>, tensor<2x3xbf16>) -> tensor<9x70xbf16>
  %1 = graph.scatter_nd %b, %at, %v : (tensor<9x70xf16>, tensor<2x1xi64>, tensor<2x70xf16>) -> tensor<9x70xf16>
  %2 = graph.scatter_nd %c, %at, %w : (tensor<9x70xf8E4M3FN>, tensor<2x1xi64>, tensor<2x70xf8E4M3FN>) -> tensor<9x70xf8E4M3FN>
  %3 = graph.scatter_elements %a, %e, %u {axis = 0 : i64, kind = 3 : i32} : (tensor<9x70xbf16>, tensor<2x3xi64>, tensor<2x3xbf16>) -> tensor<9x70xbf16>
  return %0, %1, %2, %3 : tensor<9x70xbf16>, tensor<9x70xf16>, tensor<9x70xf8E4M3FN>, tensor<9x70xbf16>
}
