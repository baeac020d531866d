// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Attention keeps no matrix of scores: a unit is a head and a block of queries, its keys
// come in blocks of two vectors, and what stays of a block are maxima, totals and weighted
// sums. Scores of four queries are carried by the loop over the head size, with keys in
// the lanes, so that none needs a horizontal sum; weighted sums by a loop over the keys.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s

// CHECK-LABEL: func.func private @kernel_attention_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[QUERIES:.*]] = memref.alloca() {{.*}} : memref<96xf32>
// CHECK: %[[KEYS:.*]] = memref.alloca() {{.*}} : memref<256xf32>
// CHECK: %[[WEIGHTS:.*]] = memref.alloca() {{.*}} : memref<64xf32>
// CHECK: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<96xf32>
// CHECK: %[[MAXIMA:.*]] = memref.alloca() {{.*}} : memref<8xf32>
// CHECK: %[[TOTALS:.*]] = memref.alloca() {{.*}} : memref<8xf32>
// CHECK-NOT: memref.alloca
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: vector.store {{.*}}, %[[QUERIES]]
// CHECK: scf.for %[[BLOCK:.*]] = %c0{{.*}} to %c19{{.*}} step %c16{{(_[0-9]+)?}} {
// CHECK: vector.shuffle
// CHECK: vector.store {{.*}}, %[[KEYS]]
// CHECK: scf.for %[[TILE:.*]] = %{{.*}} to %c8{{.*}} step %c4{{.*}} {
// The scores.
// CHECK: %[[S:.*]]:8 = scf.for %{{.*}} = %{{.*}} to %c12{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK-NOT: shuffle
// CHECK-COUNT-2: vector.load %[[KEYS]]
// CHECK-NOT: vector.load
// CHECK: memref.load %[[QUERIES]]
// CHECK-NOT: store
// CHECK-NOT: shuffle
// CHECK: scf.yield
// CHECK-NEXT: }
// The softmax of each row.
// CHECK: memref.load %[[MAXIMA]]
// CHECK: math.exp {{.*}} : f32
// CHECK: math.exp {{.*}} : vector<8xf32>
// CHECK: vector.store {{.*}}, %[[WEIGHTS]]
// CHECK: memref.store {{.*}}, %[[MAXIMA]]
// CHECK: memref.store {{.*}}, %[[TOTALS]]
// The weighted sums.
// CHECK: scf.for {{.*}} step %c8{{(_[0-9]+)?}} {
// CHECK: %[[SUM:.*]]:4 = scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK: vector.load {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK-NOT: vector.load
// CHECK-COUNT-4: memref.load %[[WEIGHTS]]
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-COUNT-4: vector.store %[[SUM]]#{{[0-3]}}, %[[SUMS]]
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c4
// CHECK: %[[SUM:.*]]:4 = scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-COUNT-4: vector.maskedstore %[[SUMS]]{{.*}}, %[[MASK]], %[[SUM]]#
// In the end each sum is divided by its row's total.
// CHECK: memref.load %[[TOTALS]]
// CHECK: arith.divf
// CHECK-NOT: memref.alloca
// CHECK: return
func.func @main(%q: tensor<1x2x8x12xf32>, %k: tensor<1x2x19x12xf32>, %v: tensor<1x2x19x12xf32>) -> tensor<1x2x8x12xf32> {
  %0 = graph.attention %q, %k, %v {scale = 0.125 : f32} : (tensor<1x2x8x12xf32>, tensor<1x2x19x12xf32>, tensor<1x2x19x12xf32>) -> tensor<1x2x8x12xf32>
  return %0 : tensor<1x2x8x12xf32>
}
