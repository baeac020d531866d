// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A running sum is a vector of the dimensions behind the axis that the loop over the axis
// carries; each step stores a result, the rest of the run is masked, and without a run the
// code is scalar. A unit is all of an outer coordinate. The k best are kept sorted in the
// results themselves, and a unit is a row.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// CHECK-LABEL: func.func private @kernel_cumsum_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: vector.shuffle
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: scf.for %{{.*}} = %{{.*}} to %c5 step {{.*}} iter_args(%[[SUM:.*]] = %{{.*}}) -> (vector<[[$LANES]]xf32>)
// CHECK: %[[X:.*]] = vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK: %[[NEXT:.*]] = arith.addf %[[SUM]], %[[X]]
// CHECK: vector.store %[[NEXT]], {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: scf.yield %[[NEXT]]
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: scf.for %{{.*}} = %{{.*}} to %c5 step {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>)
// CHECK: vector.maskedload {{.*}}, %[[MASK]],
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: }

// CHECK-LABEL: func.func private @kernel_cumsum_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: vector
// CHECK: scf.for %{{.*}} = %{{.*}} to %c21{{.*}} iter_args({{.*}}) -> (f32)
// CHECK-NOT: vector
// CHECK: memref.store
// CHECK-NEXT: scf.yield
// CHECK-NOT: vector
// CHECK: return

// CHECK-LABEL: func.func private @kernel_top_k_2(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK-NOT: memref.alloca
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %c50 step
// CHECK: %[[X:.*]] = memref.load {{.*}} : memref<?xf32>
// An element goes in while fewer than k are kept, or if it is better than the last.
// CHECK: %[[KEPT:.*]] = arith.minsi %[[I]], %c3
// CHECK: %[[FREE:.*]] = arith.cmpi slt, %[[KEPT]], %c3
// CHECK: %[[ENTERS:.*]] = scf.if %[[FREE]] -> (i1)
// CHECK: memref.load {{.*}} : memref<?xf32>
// CHECK: scf.if %[[ENTERS]]
// Worse ones move down by one place, with their indices.
// CHECK: %[[PLACE:.*]] = scf.while
// CHECK: scf.condition
// CHECK: memref.store {{.*}} : memref<?xf32>
// CHECK: memref.store {{.*}} : memref<?xi64>
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: memref.store %[[X]], {{.*}} : memref<?xf32>
// CHECK: memref.store {{.*}} : memref<?xi64>
// CHECK-NOT: store
// CHECK: return
func.func @main(%x: tensor<2x5x21xf32>, %y: tensor<4x50xf32>)
    -> (tensor<2x5x21xf32>, tensor<2x5x21xf32>, tensor<4x3xf32>, tensor<4x3xi64>) {
  %0 = graph.cumsum %x {axis = 1 : i64} : (tensor<2x5x21xf32>) -> tensor<2x5x21xf32>
  %1 = graph.cumsum %x {axis = 2 : i64} : (tensor<2x5x21xf32>) -> tensor<2x5x21xf32>
  %k = graph.constant dense<3> : tensor<1xi64>
  %2, %3 = graph.top_k %y, %k {axis = 1 : i64, largest = true} : (tensor<4x50xf32>, tensor<1xi64>) -> (tensor<4x3xf32>, tensor<4x3xi64>)
  return %0, %1, %2, %3 : tensor<2x5x21xf32>, tensor<2x5x21xf32>, tensor<4x3xf32>, tensor<4x3xi64>
}
