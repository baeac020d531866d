// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A transposition moves square blocks: eight loads along the source, three rounds of
// shuffles in registers, eight stores along the result. A unit is a block's width of what
// is contiguous in the source, with a loop over the blocks of the result's rows. The last
// block moves up to end with its dimension, so nothing is masked. Channels, fewer than a
// vector has lanes, are interleaved instead.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s

// CHECK-LABEL: func.func private @kernel_transpose_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: %[[U:.*]] = arith.muli %[[UNIT]], %c8
// CHECK: arith.minsi %[[U]], %c29
// CHECK: scf.for %[[BLOCK:.*]] = %{{.*}} to %c21{{.*}} step %c8{{(_[0-9]+)?}} {
// CHECK: arith.minsi %[[BLOCK]], %c13
// CHECK-NOT: store
// CHECK-COUNT-8: vector.load {{.*}}, vector<8xf32>
// CHECK-NOT: load
// CHECK-NOT: store
// CHECK-COUNT-24: vector.shuffle {{.*}} : vector<8xf32>, vector<8xf32>
// CHECK-NOT: vector.shuffle
// CHECK-COUNT-8: vector.store {{.*}}, vector<8xf32>
// CHECK-NEXT: }
// CHECK-NEXT: }
// CHECK-NOT: memref.load
// CHECK-NOT: mask
// CHECK: return

// CHECK-LABEL: func.func private @kernel_transpose_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: store
// CHECK-COUNT-3: vector.load {{.*}}, vector<8xf32>
// CHECK-NOT: store
// CHECK: vector.shuffle
// CHECK-NOT: load
// CHECK-COUNT-3: vector.store {{.*}}, vector<8xf32>
// CHECK-NEXT: }
// CHECK-NOT: mask
// CHECK: return
func.func @main(%x: tensor<21x37xf32>, %y: tensor<1x3x5x33xf32>) -> (tensor<37x21xf32>, tensor<1x5x33x3xf32>) {
  %0 = graph.transpose %x {perm = array<i64: 1, 0>} : (tensor<21x37xf32>) -> tensor<37x21xf32>
  %1 = graph.transpose %y {perm = array<i64: 0, 2, 3, 1>} : (tensor<1x3x5x33xf32>) -> tensor<1x5x33x3xf32>
  return %0, %1 : tensor<37x21xf32>, tensor<1x5x33x3xf32>
}
