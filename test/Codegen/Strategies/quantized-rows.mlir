// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// How the elements of a row share scales decides how these are read: one scale for a row
// is spread over the lanes, one for each index of the last axis is loaded like x, in
// vectors, and scales of blocks along a row leave scalar code. A unit is a row.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// CHECK-LABEL: func.func private @kernel_quantize_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[X:.*]] = vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK: %[[S:.*]] = memref.load %{{.*}}[%[[UNIT]]] : memref<?xf32>
// CHECK: %[[SCALES:.*]] = vector.broadcast %[[S]]
// CHECK: arith.divf %[[X]], %[[SCALES]]
// CHECK-NOT: memref.store
// CHECK: vector.store {{.*}} : memref<?xi8>, vector<[[$LANES]]xi8>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], {{.*}} : memref<?xi8>
// CHECK-NEXT: }

// CHECK-LABEL: func.func private @kernel_quantize_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.for %[[I:.*]] = {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[X:.*]] = vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK: %[[SCALES:.*]] = vector.load %{{.*}}[%[[I]]] : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK: arith.divf %[[X]], %[[SCALES]]
// CHECK: vector.store {{.*}} : memref<?xi8>, vector<[[$LANES]]xi8>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], {{.*}} : memref<?xi8>
// CHECK-NEXT: }

// CHECK-LABEL: func.func private @kernel_quantize_2(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: vector
// CHECK: scf.for {{.*}} to %c20{{.*}} step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: vector
// CHECK: arith.divf {{.*}} : f32
// CHECK-NOT: vector
// CHECK: memref.store {{.*}} : memref<?xi8>
// CHECK-NOT: vector
// CHECK: return
func.func @main(%x: tensor<3x21xf32>, %s: tensor<3xf32>, %t: tensor<21xf32>, %z: tensor<3x20xf32>, %u: tensor<3x4xf32>)
    -> (tensor<3x21xi8>, tensor<3x21xi8>, tensor<3x20xi8>) {
  %0 = graph.quantize %x, %s {axis = 0 : i64} : (tensor<3x21xf32>, tensor<3xf32>) -> tensor<3x21xi8>
  %1 = graph.quantize %x, %t {axis = 1 : i64} : (tensor<3x21xf32>, tensor<21xf32>) -> tensor<3x21xi8>
  %2 = graph.quantize %z, %u {axis = 1 : i64, block_size = 5 : i64} : (tensor<3x20xf32>, tensor<3x4xf32>) -> tensor<3x20xi8>
  return %0, %1, %2 : tensor<3x21xi8>, tensor<3x21xi8>, tensor<3x20xi8>
}
