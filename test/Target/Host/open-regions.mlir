// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A region of open sizes: its symbols are computed by the host's program before a run, its
// buffers are in slots of the device's memory, and copies are as long as the run's sizes say.
// RUN: tenon compile %s --start-from=graph --target=cpu:x86-64-v3 --target=cpu:x86-64-v3 --pin='e|s|t|r=cpu:x86-64-v3#2' --stop-after=codegen | FileCheck %s

// The host has n and the smaller of n and 7, which is the size of its second output. Behind
// them lies the region's table: n, the smaller of n and 7, and of n and 5, which the host has
// no use for.
// CHECK-LABEL: {{^}}tenon_derive:
// CHECK:      movq (%rdi), %[[N:r[0-9a-z]+]]
// CHECK-DAG:  movq %[[M:r[0-9a-z]+]], 8(%rdi)
// CHECK-DAG:  movq %[[N]], 16(%rdi)
// CHECK-DAG:  movq %[[M]], {{24|32}}(%rdi)
// CHECK-DAG:  movl $5, %{{.*}}
// CHECK:      retq

// Sizes beyond 64 bits are -1.
// CHECK-LABEL: {{^}}tenon_space_sizes:
// CHECK:      movq (%rdi), %[[ROWS:r[0-9a-z]+]]
// CHECK:      cmovoq
// CHECK:      movq %{{.*}}, (%rsi)
// CHECK:      retq

// copy_in of n rows of 64 bytes; submit; copy_out.
// CHECK-LABEL: {{^}}tenon_main:
// CHECK:      shlq $6, %[[BYTES:r[0-9a-z]+]]
// CHECK:      movq %[[BYTES]], %r8
// CHECK-NEXT: callq *40(%
// CHECK:      callq *48(%
// CHECK:      shlq $6, %r8
// CHECK:      callq *56(%
// CHECK:      callq *64(%

// The region itself derives nothing.
// CHECK-LABEL: {{^}}tenon_derive:
// CHECK-NOT:  (%rdi)
// CHECK:      retq
func.func @main(%x: tensor<?x16xf32> {onnx.name = "x", onnx.dims = ["n", ""]})
    -> (tensor<?x16xf32> {onnx.name = "y", onnx.dims = ["n", ""]}, tensor<?x16xf32> {onnx.name = "z", onnx.dims = ["", ""]},
        tensor<1x16xf32> {onnx.name = "w", onnx.dims = ["", ""]}) {
  %c0 = graph.constant dense<0> : tensor<1xi64>
  %c5 = graph.constant dense<5> : tensor<1xi64>
  %c7 = graph.constant dense<7> : tensor<1xi64>
  %0 = graph.unary exp %x : (tensor<?x16xf32>) -> tensor<?x16xf32> loc("e")
  %1 = graph.slice %0, %c0, %c7 {axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<?x16xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x16xf32> loc("s")
  %2 = graph.slice %0, %c0, %c5 {axes = array<i64: 0>, steps = array<i64: 1>} : (tensor<?x16xf32>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x16xf32> loc("t")
  %3 = graph.reduce sum %2 {axes = array<i64: 0>, keep_dims} : (tensor<?x16xf32>) -> tensor<1x16xf32> loc("r")
  return %0, %1, %3 : tensor<?x16xf32>, tensor<?x16xf32>, tensor<1x16xf32>
}
