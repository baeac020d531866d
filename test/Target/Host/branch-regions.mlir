// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a region in a branch assumes of sizes is no matter of runs that take the other branch:
// it is checked before the submit, and what the branch has checked is not checked again.
// RUN: tenon compile %s --start-from=codegen --target=cpu:x86-64-v3 --target=cpu:x86-64-v3 --stop-after=codegen | FileCheck %s

// CHECK-LABEL: {{^}}tenon_derive:
// CHECK-NOT:  cmp
// CHECK:      retq

// The branch's own check (n is at most 99), then copy_in, the region's (n is at most 8), submit.
// CHECK-LABEL: {{^}}tenon_main:
// CHECK:      cmpq $100,
// CHECK:      callq *40(%
// CHECK-NOT:  cmpq $100,
// CHECK:      cmpq $8,
// CHECK-NOT:  cmpq $100,
// CHECK:      callq *48(%
// CHECK:      callq *56(%
// CHECK:      callq *64(%
#n = affine_map<()[s0] -> (s0)>
module {
  module @host attributes {plan.devices = [#plan.device<"cpu:x86-64-v3#2", "cpu:x86-64-v3">],
      graph.symbols = [{name = "n", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64}]} {
    func.func @main(%x: tensor<?xf32> {onnx.name = "x", onnx.dims = ["n"], graph.shape = #n},
                    %c: tensor<i1> {onnx.name = "c", onnx.dims = []}) -> (tensor<?xf32> {onnx.name = "y", onnx.dims = ["n"]}) {
      %t = tensor.extract %c[] : tensor<i1>
      %0 = scf.if %t -> (tensor<?xf32>) {
        %1 = plan.transfer %x from "host" to "cpu:x86-64-v3#2" {graph.shape = #n} : tensor<?xf32>
        %2 = plan.submit @cpu_0 on "cpu:x86-64-v3#2"(%1) {graph.shape = #n} : (tensor<?xf32>) -> tensor<?xf32>
        %3 = plan.transfer %2 from "cpu:x86-64-v3#2" to "host" {graph.shape = #n} : tensor<?xf32>
        %4 = plan.await %3 {graph.shape = #n} : tensor<?xf32>
        scf.yield %4 : tensor<?xf32>
      } else {
        scf.yield %x : tensor<?xf32>
      } {graph.shape = #n, graph.then_assumptions = [{kind = "at_most", sizes = affine_map<()[s0] -> (s0, 99)>}]}
      %5 = plan.kernel "copy" on "cpu" root "elementwise"(%0) {arg_shapes = [#n], graph.shapes = [#n]} : (tensor<?xf32>) -> tensor<?xf32> {
      ^bb0(%a: tensor<?xf32>):
        plan.yield %a : tensor<?xf32>
      }
      return %5 : tensor<?xf32>
    }
  }
  module @cpu_0 attributes {plan.device = "cpu:x86-64-v3#2",
      graph.symbols = [{name = "n", min = 0 : i64, max = 9223372036854775807 : i64, divisor = 1 : i64}],
      graph.assumptions = [{kind = "at_most", sizes = affine_map<()[s0] -> (s0, 99)>}, {kind = "at_most", sizes = affine_map<()[s0] -> (s0, 8)>}]} {
    func.func @main(%x: tensor<?xf32> {graph.shape = #n}) -> tensor<?xf32> {
      %0 = plan.kernel "cpu_0.elementwise_0" on "cpu" root "elementwise"(%x) {arg_shapes = [#n], graph.shapes = [#n]} : (tensor<?xf32>) -> tensor<?xf32> {
      ^bb0(%a: tensor<?xf32>):
        %1 = graph.unary exp %a {graph.shape = #n} : (tensor<?xf32>) -> tensor<?xf32>
        plan.yield %1 : tensor<?xf32>
      }
      return %0 : tensor<?xf32>
    }
  }
}
