// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Elements move in runs that are contiguous in source and result: whole vectors without
// a mask, then one masked vector where the run is no multiple of them. A unit is a row of
// the result; of a gather, one index, which is read once for its run.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// CHECK-LABEL: func.func private @kernel_slice_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: scf.for
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[V:.*]] = vector.load %{{.*}} : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK: vector.store %[[V]], {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: %[[REST:.*]] = vector.maskedload {{.*}}, %[[MASK]],
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[REST]]
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: return

// CHECK-LABEL: func.func private @kernel_concat_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// The first operand's part of the row.
// CHECK-NOT: scf.for
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[V:.*]] = vector.load %{{.*}} : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK: vector.store %[[V]], {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: %[[REST:.*]] = vector.maskedload {{.*}}, %[[MASK]],
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[REST]]
// The second one's, 16 elements, needs no mask.
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK: vector.store {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK-NOT: vector.maskedstore
// CHECK-NOT: scf.for
// CHECK: return

// CHECK-LABEL: func.func private @kernel_pad_2(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.if
// The value, the run of x, the value.
// CHECK: vector.store {{.*}}, vector<2xf32>
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[V:.*]] = vector.load %{{.*}} : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK: vector.store %[[V]], {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: %[[REST:.*]] = vector.maskedload {{.*}}, %[[MASK]],
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[REST]]
// CHECK: vector.store {{.*}}, vector<2xf32>
// CHECK-NEXT: }
// A row outside of x: nothing but the value.
// CHECK-NEXT: } else {
// CHECK-NOT: load
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK-NOT: load
// CHECK: vector.store {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK-NOT: load
// CHECK: vector.maskedstore
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: return

// CHECK-LABEL: func.func private @kernel_gather_3(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: memref.load %{{.*}}[%[[UNIT]]] : memref<?xi64>
// CHECK-NOT: memref<?xi64>
// CHECK-NOT: scf.for
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[V:.*]] = vector.load %{{.*}} : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK: vector.store %[[V]], {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: %[[REST:.*]] = vector.maskedload {{.*}}, %[[MASK]],
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[REST]]
// CHECK-NEXT: }
func.func @main(%x: tensor<5x30xf32>, %y: tensor<3x21xf32>, %z: tensor<3x16xf32>, %i: tensor<4xi64>)
    -> (tensor<3x21xf32>, tensor<3x37xf32>, tensor<5x25xf32>, tensor<4x21xf32>) {
  %s = graph.constant dense<[1, 4]> : tensor<2xi64>
  %e = graph.constant dense<[4, 25]> : tensor<2xi64>
  %0 = graph.slice %x, %s, %e {axes = array<i64: 0, 1>, steps = array<i64: 1, 1>} : (tensor<5x30xf32>, tensor<2xi64>, tensor<2xi64>) -> tensor<3x21xf32>
  %1 = graph.concat %y, %z {axis = 1 : i64} : (tensor<3x21xf32>, tensor<3x16xf32>) -> tensor<3x37xf32>
  %p = graph.constant dense<[1, 2, 1, 2]> : tensor<4xi64>
  %2 = graph.pad constant %y, %p : (tensor<3x21xf32>, tensor<4xi64>) -> tensor<5x25xf32>
  %3 = graph.gather %y, %i {axis = 0 : i64} : (tensor<3x21xf32>, tensor<4xi64>) -> tensor<4x21xf32>
  return %0, %1, %2, %3 : tensor<3x21xf32>, tensor<3x37xf32>, tensor<5x25xf32>, tensor<4x21xf32>
}
