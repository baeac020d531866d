// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Kernels become functions of buffers, symbols and the units to do; identical ones
// become one. Nothing else of the module is left, and there is no host program.
// RUN: tenon-opt %s --graph-infer-shapes --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s --implicit-check-not='func.func' --implicit-check-not='plan.' --implicit-check-not='graph.unary' --implicit-check-not='graph.constant'
// RUN: not tenon-opt %s --graph-infer-shapes --plan-form-kernels --cpu-emit-kernels=target=cpu:nothing 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// CHECK: func.func private @kernel_elementwise_0(%[[BUFFERS:.*]]: !llvm.ptr {llvm.noalias}, %[[SYMBOLS:.*]]: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64) {
// CHECK: llvm.getelementptr %[[SYMBOLS]][0]
// CHECK: llvm.getelementptr %[[BUFFERS]][1]
// CHECK: math.absf {{.*}} : vector<8xf32>
// CHECK: func.func private @kernel_matmul_2(
// CHECK: vector.fma

// UNKNOWN: error: [TN8010] --target=cpu:nothing
func.func @main(%x: tensor<?x21xf32> {onnx.name = "x", onnx.dims = ["n", ""]},
                %y: tensor<?x21xf32> {onnx.name = "y", onnx.dims = ["m", ""]})
    -> (tensor<?x21xf32> {onnx.name = "a", onnx.dims = ["n", ""]}, tensor<?x21xf32> {onnx.name = "b", onnx.dims = ["m", ""]},
        tensor<?x5xf32> {onnx.name = "c", onnx.dims = ["n", ""]}) {
  %w = graph.constant dense<0.5> : tensor<21x5xf32>
  %0 = graph.unary abs %x : (tensor<?x21xf32>) -> tensor<?x21xf32>
  %1 = graph.unary abs %y : (tensor<?x21xf32>) -> tensor<?x21xf32>
  %2 = graph.matmul %x, %w : (tensor<?x21xf32>, tensor<21x5xf32>) -> tensor<?x5xf32>
  return %0, %1, %2 : tensor<?x21xf32>, tensor<?x21xf32>, tensor<?x5xf32>
}
