// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A gather of slices has a unit for each tuple of indices, which is read once, and moves
// the slice in vectors. A scatter is one unit: first a copy of the whole operand, then the
// updates one after the other, each in vectors, so that no number of threads changes the
// result. Where a tuple lies outside, nothing is written.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// CHECK-LABEL: func.func private @kernel_gather_nd_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: memref.load {{.*}} : memref<?xi64>
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

// CHECK-LABEL: func.func private @kernel_scatter_nd_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// The copy.
// CHECK-NOT: scf.for
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[V:.*]] = vector.load %{{.*}} : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK: vector.store %[[V]], {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: %[[REST:.*]] = vector.maskedload {{.*}}, %[[MASK]],
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[REST]]
// The updates, in order.
// CHECK: scf.for %[[I:.*]] = %c0{{.*}} to %c4{{(_[0-9]+)?}} step %c1{{(_[0-9]+)?}} {
// CHECK: memref.load {{.*}} : memref<?xi64>
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult
// CHECK: scf.if %[[INSIDE]] {
// CHECK-NOT: memref<?xi64>
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[U:.*]] = vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK: %[[OLD:.*]] = vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK: %[[NEW:.*]] = arith.addf {{.*}} : vector<[[$LANES]]xf32>
// CHECK: vector.store %[[NEW]], {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: vector.maskedstore
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NEXT: }
func.func @main(%x: tensor<17x21xf32>, %i: tensor<4x1xi64>, %u: tensor<4x21xf32>) -> (tensor<4x21xf32>, tensor<17x21xf32>) {
  %0 = graph.gather_nd %x, %i : (tensor<17x21xf32>, tensor<4x1xi64>) -> tensor<4x21xf32>
  %1 = graph.scatter_nd %x, %i, %u {kind = 1 : i32} : (tensor<17x21xf32>, tensor<4x1xi64>, tensor<4x21xf32>) -> tensor<17x21xf32>
  return %0, %1 : tensor<4x21xf32>, tensor<17x21xf32>
}
