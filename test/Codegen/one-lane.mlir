// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The generic strategies for a machine without vectors, whose buffers lie in a memory
// space of their own and whose invocations do a unit each (test/lib/ScalarTarget): no
// vector is in the code, each access is to a buffer that the function was given or to a
// temporary, and an invocation beyond the last unit does nothing.
// RUN: rm -rf %t && mkdir %t
// RUN: tenon compile %s --start-from=graph --load-target-plugin=%build/lib/ScalarTarget.so --target=scalar -q -o %t/model.tenon --dump-to=%t
// RUN: tenon-opt %t/4-codegen.mlir | FileCheck %s --implicit-check-not='vector<' --implicit-check-not='vector.'
// RUN: tenon explain --nodes %t/model.tenon | FileCheck %s --check-prefix=EXPLAIN

// EXPLAIN-DAG: matmul-generic (scalar loops)
// EXPLAIN-DAG: row-softmax (scalar loop along the axis)
// EXPLAIN-DAG: movement (scalar loop over a strided source)
// EXPLAIN-DAG: window-pool (scalar loop)

// Rows of the product are units; the epilogue is part of it.
// CHECK-LABEL: func.func private @kernel_matmul_0_unit(
// CHECK-SAME: %[[A:[a-z0-9]+]]: memref<?xf32, 1>, %[[B:[a-z0-9]+]]: memref<?xf32, 1>, %[[Y:[a-z0-9]+]]: memref<?xf32, 1>, %{{.*}}: memref<?xi64, 1>, %{{.*}}: !llvm.ptr, %[[NUMBER:[a-z0-9]+]]: index) {
// CHECK: %[[IS_UNIT:.*]] = arith.cmpi ult, %[[NUMBER]], %c4
// CHECK: scf.if %[[IS_UNIT]] {
// CHECK: %[[LAST:.*]] = arith.addi %[[NUMBER]], %c1
// CHECK: scf.for %[[UNIT:.*]] = %[[NUMBER]] to %[[LAST]]
// CHECK: %[[SUM:.*]] = scf.for {{.*}} iter_args({{.*}}) -> (f32) {
// CHECK: memref.load %[[A]][
// CHECK: memref.load %[[B]][
// CHECK: scf.yield
// CHECK: arith.maximumf
// CHECK: memref.store %{{.*}}, %[[Y]][

// What stands for the grid calls it for each number.
// CHECK-LABEL: func.func private @kernel_matmul_0(
// CHECK-SAME: %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: i64) {
// CHECK: scf.for %[[NUMBER:.*]] =
// CHECK-NEXT: func.call @kernel_matmul_0_unit({{.*}}, %[[NUMBER]])

// CHECK-LABEL: func.func private @kernel_softmax_1_unit(
// CHECK: math.exp {{.*}} : f32

// CHECK-LABEL: func.func private @kernel_transpose_2_unit(
// CHECK: memref.load {{.*}} : memref<?xi8, 1>
// CHECK: memref.store {{.*}} : memref<?xi8, 1>

// CHECK-LABEL: func.func private @kernel_pool_3_unit(
// CHECK: arith.cmpf

func.func @main(%a: tensor<4x5xf32> {onnx.name = "a", onnx.dims = ["", ""]},
                %b: tensor<5x6xf32> {onnx.name = "b", onnx.dims = ["", ""]},
                %t: tensor<7x9xi8> {onnx.name = "t", onnx.dims = ["", ""]},
                %im: tensor<1x4x4x3xf32> {onnx.name = "im", onnx.dims = ["", "", "", ""]})
    -> (tensor<4x6xf32> {onnx.name = "p", onnx.dims = ["", ""]}, tensor<4x6xf32> {onnx.name = "q", onnx.dims = ["", ""]},
        tensor<9x7xi8> {onnx.name = "r", onnx.dims = ["", ""]}, tensor<1x2x2x3xf32> {onnx.name = "s", onnx.dims = ["", "", "", ""]}) {
  %0 = graph.matmul %a, %b : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>
  %1 = graph.unary relu %0 : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %2 = graph.softmax %1 {axis = 1 : i64} : (tensor<4x6xf32>) -> tensor<4x6xf32>
  %3 = graph.transpose %t {perm = array<i64: 1, 0>} : (tensor<7x9xi8>) -> tensor<9x7xi8>
  %4 = graph.pool max %im {kernel = array<i64: 2, 2>, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, layout = 1 : i32} : (tensor<1x4x4x3xf32>) -> tensor<1x2x2x3xf32>
  return %1, %2, %3, %4 : tensor<4x6xf32>, tensor<4x6xf32>, tensor<9x7xi8>, tensor<1x2x2x3xf32>
}
