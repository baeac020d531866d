// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Positions that kernels compute with have 64 bits where an axis may be longer than 32 bits
// count, and 32 where it is known to be shorter.
// RUN: rm -rf %t && tenon compile %s --start-from=codegen --target=cpu:x86-64-v4 --stop-after=codegen --dump-to=%t > %t.s
// RUN: FileCheck %s < %t/4-codegen.mlir
// CHECK-LABEL: func.func private @kernel_range_short(
// CHECK:       arith.constant dense<[0, 1, 2, {{.+}}]> : vector<16xi32>
// CHECK:       arith.extsi {{.+}} : vector<16xi32> to vector<16xi64>
// CHECK-LABEL: func.func private @kernel_trilu_short(
// CHECK:       arith.constant dense<[0, 1, 2, {{.+}}]> : vector<16xi32>
// CHECK:       arith.extsi {{.+}} : vector<16xi32> to vector<16xi64>
// CHECK-LABEL: func.func private @kernel_one_hot_short(
// CHECK:       arith.constant dense<[0, 1, 2, {{.+}}]> : vector<8xi32>
// CHECK:       arith.extsi {{.+}} : vector<8xi32> to vector<8xi64>
// CHECK-LABEL: func.func private @kernel_range_long(
// CHECK-NOT:   xi32>
// CHECK:       arith.constant dense<[0, 1, 2, {{.+}}]> : vector<16xi64>
// CHECK-NOT:   xi32>
// CHECK-LABEL: func.func private @kernel_trilu_long(
// CHECK-NOT:   xi32>
// CHECK:       arith.constant dense<[0, 1, 2, {{.+}}]> : vector<16xi64>
// CHECK-NOT:   xi32>
// CHECK-LABEL: func.func private @kernel_one_hot_long(
// CHECK-NOT:   xi32>
// CHECK:       arith.constant dense<[0, 1, 2, {{.+}}]> : vector<8xi64>
// CHECK-NOT:   xi32>
// CHECK-LABEL: func.func private @kernel_range_open(
// CHECK-NOT:   xi32>
// CHECK:       arith.constant dense<[0, 1, 2, {{.+}}]> : vector<16xi64>
// CHECK-NOT:   xi32>
// CHECK-LABEL: func.func private @kernel_trilu_open(
// CHECK-NOT:   xi32>
// CHECK:       arith.constant dense<[0, 1, 2, {{.+}}]> : vector<16xi64>
// CHECK-NOT:   xi32>
// CHECK-LABEL: func.func private @kernel_one_hot_open(
// CHECK-NOT:   xi32>
// CHECK:       arith.constant dense<[0, 1, 2, {{.+}}]> : vector<8xi64>
// CHECK-NOT:   xi32>
// CHECK-LABEL: func.func @tenon_derive
#m0 = affine_map<() -> (2000000000)>
#m1 = affine_map<() -> ()>
#m2 = affine_map<() -> (1, 2000000000)>
#m3 = affine_map<() -> (1)>
#m4 = affine_map<() -> (2)>
#m5 = affine_map<() -> (3000000000)>
#m6 = affine_map<() -> (1, 3000000000)>
#m7 = affine_map<()[s0] -> (s0)>
#m8 = affine_map<()[s0] -> (1, s0)>
module attributes {graph.symbols = [{divisor = 1 : i64, max = 9223372036854775807 : i64, min = 0 : i64, name = "n"}]} {
  func.func @main(%s: tensor<f32> {onnx.name = "s", onnx.dims = []},
                  %k: tensor<i64> {onnx.name = "k", onnx.dims = []},
                  %i: tensor<1xi64> {onnx.name = "i", onnx.dims = [""]},
                  %v: tensor<2xf32> {onnx.name = "v", onnx.dims = [""]},
                  %short: tensor<1x2000000000xf32> {onnx.name = "short", onnx.dims = ["", ""]},
                  %long: tensor<1x3000000000xf32> {onnx.name = "long", onnx.dims = ["", ""]},
                  %open: tensor<1x?xf32> {onnx.name = "open", onnx.dims = ["", "n"], graph.shape = #m8})
      -> (tensor<2000000000xf32> {onnx.name = "y0", onnx.dims = [""]},
          tensor<1x2000000000xf32> {onnx.name = "y1", onnx.dims = ["", ""]},
          tensor<1x2000000000xf32> {onnx.name = "y2", onnx.dims = ["", ""]},
          tensor<3000000000xf32> {onnx.name = "y3", onnx.dims = [""]},
          tensor<1x3000000000xf32> {onnx.name = "y4", onnx.dims = ["", ""]},
          tensor<1x3000000000xf32> {onnx.name = "y5", onnx.dims = ["", ""]},
          tensor<?xf32> {onnx.name = "y6", onnx.dims = ["n"], graph.shape = #m7},
          tensor<1x?xf32> {onnx.name = "y7", onnx.dims = ["", "n"], graph.shape = #m8},
          tensor<1x?xf32> {onnx.name = "y8", onnx.dims = ["", "n"], graph.shape = #m8}) {
    %0 = plan.kernel "range_short" on "cpu" root "range"(%s, %s, %s) {arg_shapes = [#m1, #m1, #m1], graph.shapes = [#m0]} : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<2000000000xf32> {
    ^bb0(%a0: tensor<f32>, %a1: tensor<f32>, %a2: tensor<f32>):
      %y = graph.range %a0, %a1, %a2 : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<2000000000xf32>
      plan.yield %y : tensor<2000000000xf32>
    }
    %1 = plan.kernel "trilu_short" on "cpu" root "trilu"(%short, %k) {arg_shapes = [#m2, #m1], graph.shapes = [#m2]} : (tensor<1x2000000000xf32>, tensor<i64>) -> tensor<1x2000000000xf32> {
    ^bb0(%a0: tensor<1x2000000000xf32>, %a1: tensor<i64>):
      %y = graph.trilu %a0, %a1 {upper = true} : (tensor<1x2000000000xf32>, tensor<i64>) -> tensor<1x2000000000xf32>
      plan.yield %y : tensor<1x2000000000xf32>
    }
    %2 = plan.kernel "one_hot_short" on "cpu" root "one_hot"(%i, %k, %v) {arg_shapes = [#m3, #m1, #m4], graph.shapes = [#m2]} : (tensor<1xi64>, tensor<i64>, tensor<2xf32>) -> tensor<1x2000000000xf32> {
    ^bb0(%a0: tensor<1xi64>, %a1: tensor<i64>, %a2: tensor<2xf32>):
      %y = graph.one_hot %a0, %a1, %a2 {axis = 1 : i64} : (tensor<1xi64>, tensor<i64>, tensor<2xf32>) -> tensor<1x2000000000xf32>
      plan.yield %y : tensor<1x2000000000xf32>
    }
    %3 = plan.kernel "range_long" on "cpu" root "range"(%s, %s, %s) {arg_shapes = [#m1, #m1, #m1], graph.shapes = [#m5]} : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<3000000000xf32> {
    ^bb0(%a0: tensor<f32>, %a1: tensor<f32>, %a2: tensor<f32>):
      %y = graph.range %a0, %a1, %a2 : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<3000000000xf32>
      plan.yield %y : tensor<3000000000xf32>
    }
    %4 = plan.kernel "trilu_long" on "cpu" root "trilu"(%long, %k) {arg_shapes = [#m6, #m1], graph.shapes = [#m6]} : (tensor<1x3000000000xf32>, tensor<i64>) -> tensor<1x3000000000xf32> {
    ^bb0(%a0: tensor<1x3000000000xf32>, %a1: tensor<i64>):
      %y = graph.trilu %a0, %a1 {upper = true} : (tensor<1x3000000000xf32>, tensor<i64>) -> tensor<1x3000000000xf32>
      plan.yield %y : tensor<1x3000000000xf32>
    }
    %5 = plan.kernel "one_hot_long" on "cpu" root "one_hot"(%i, %k, %v) {arg_shapes = [#m3, #m1, #m4], graph.shapes = [#m6]} : (tensor<1xi64>, tensor<i64>, tensor<2xf32>) -> tensor<1x3000000000xf32> {
    ^bb0(%a0: tensor<1xi64>, %a1: tensor<i64>, %a2: tensor<2xf32>):
      %y = graph.one_hot %a0, %a1, %a2 {axis = 1 : i64} : (tensor<1xi64>, tensor<i64>, tensor<2xf32>) -> tensor<1x3000000000xf32>
      plan.yield %y : tensor<1x3000000000xf32>
    }
    %6 = plan.kernel "range_open" on "cpu" root "range"(%s, %s, %s) {arg_shapes = [#m1, #m1, #m1], graph.shapes = [#m7]} : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<?xf32> {
    ^bb0(%a0: tensor<f32>, %a1: tensor<f32>, %a2: tensor<f32>):
      %y = graph.range %a0, %a1, %a2 {graph.shape = #m7} : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<?xf32>
      plan.yield %y : tensor<?xf32>
    }
    %7 = plan.kernel "trilu_open" on "cpu" root "trilu"(%open, %k) {arg_shapes = [#m8, #m1], graph.shapes = [#m8]} : (tensor<1x?xf32>, tensor<i64>) -> tensor<1x?xf32> {
    ^bb0(%a0: tensor<1x?xf32>, %a1: tensor<i64>):
      %y = graph.trilu %a0, %a1 {graph.shape = #m8, upper = true} : (tensor<1x?xf32>, tensor<i64>) -> tensor<1x?xf32>
      plan.yield %y : tensor<1x?xf32>
    }
    %8 = plan.kernel "one_hot_open" on "cpu" root "one_hot"(%i, %k, %v) {arg_shapes = [#m3, #m1, #m4], graph.shapes = [#m8]} : (tensor<1xi64>, tensor<i64>, tensor<2xf32>) -> tensor<1x?xf32> {
    ^bb0(%a0: tensor<1xi64>, %a1: tensor<i64>, %a2: tensor<2xf32>):
      %y = graph.one_hot %a0, %a1, %a2 {graph.shape = #m8, axis = 1 : i64} : (tensor<1xi64>, tensor<i64>, tensor<2xf32>) -> tensor<1x?xf32>
      plan.yield %y : tensor<1x?xf32>
    }
    return %0, %1, %2, %3, %4, %5, %6, %7, %8 : tensor<2000000000xf32>, tensor<1x2000000000xf32>, tensor<1x2000000000xf32>, tensor<3000000000xf32>, tensor<1x3000000000xf32>, tensor<1x3000000000xf32>, tensor<?xf32>, tensor<1x?xf32>, tensor<1x?xf32>
  }
}
