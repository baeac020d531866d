// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A row of the result finds its corners before the loop over the run. With channels last
// the corners are contiguous loads. Where columns are resized, their indices and weights
// lie in tables that are made once a call, and lanes gather through them.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// CHECK-LABEL: func.func private @kernel_resize_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// The four corners are found in front of the loop.
// CHECK: arith.divf
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK-NOT: arith.divf
// CHECK-COUNT-4: vector.load {{.*}} : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK-NOT: load
// CHECK-NOT: arith.divf
// CHECK: vector.store {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK-COUNT-4: vector.maskedload {{.*}}, %[[MASK]],
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: return

// CHECK-LABEL: func.func private @kernel_resize_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[INDEX0:.*]] = memref.alloca() {{.*}} : memref<{{[0-9]+}}xi32>
// CHECK: %[[WEIGHT0:.*]] = memref.alloca() {{.*}} : memref<{{[0-9]+}}xf32>
// CHECK: %[[INDEX1:.*]] = memref.alloca() {{.*}} : memref<{{[0-9]+}}xi32>
// CHECK: %[[WEIGHT1:.*]] = memref.alloca() {{.*}} : memref<{{[0-9]+}}xf32>
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[COLUMN:.*]] = %{{.*}} to %c20{{.*}} {
// CHECK: memref.store %{{.*}}, %[[INDEX0]][%[[COLUMN]]]
// CHECK: memref.store %{{.*}}, %[[WEIGHT0]][%[[COLUMN]]]
// CHECK: memref.store %{{.*}}, %[[INDEX1]][%[[COLUMN]]]
// CHECK: memref.store %{{.*}}, %[[WEIGHT1]][%[[COLUMN]]]
// CHECK-NEXT: }
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: memref.store
// CHECK: scf.for %[[I:.*]] = {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK-DAG: %[[AT0:.*]] = vector.load %[[INDEX0]][%[[I]]]
// CHECK-DAG: vector.load %[[WEIGHT0]][%[[I]]]
// CHECK-DAG: %[[AT1:.*]] = vector.load %[[INDEX1]][%[[I]]]
// CHECK-DAG: vector.load %[[WEIGHT1]][%[[I]]]
// CHECK: vector.gather {{.*}} [%[[AT0]]]
// CHECK: vector.gather {{.*}} [%[[AT1]]]
// CHECK: vector.gather {{.*}} [%[[AT0]]]
// CHECK: vector.gather {{.*}} [%[[AT1]]]
// CHECK-NOT: load
// CHECK: vector.store {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c4{{.*}} : vector<[[$LANES]]xi1>
// CHECK-COUNT-4: vector.gather {{.*}}, %[[MASK]],
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],
// CHECK-NEXT: }
func.func @main(%x: tensor<1x4x5x21xf32>, %y: tensor<1x2x4x10xf32>) -> (tensor<1x8x10x21xf32>, tensor<1x2x8x20xf32>) {
  %s = graph.constant dense<[1.0, 2.0, 2.0, 1.0]> : tensor<4xf32>
  %t = graph.constant dense<[1.0, 1.0, 2.0, 2.0]> : tensor<4xf32>
  %0 = graph.resize %x scales %s : tensor<4xf32> {mode = 1 : i32, coordinate = 0 : i32, nearest = 0 : i32} : (tensor<1x4x5x21xf32>) -> tensor<1x8x10x21xf32>
  %1 = graph.resize %y scales %t : tensor<4xf32> {mode = 1 : i32, coordinate = 0 : i32, nearest = 0 : i32} : (tensor<1x2x4x10xf32>) -> tensor<1x2x8x20xf32>
  return %0, %1 : tensor<1x8x10x21xf32>, tensor<1x2x8x20xf32>
}
