// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A kernel of elementwise ops runs along rows in vectors of the target's width and ends
// with one masked vector. An operand that broadcasts along the row is loaded once a
// vector, as a scalar. A unit is a row, or a block of elements if all operands are alike.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// Operands of which one broadcasts along the row: the unit is the row.
// CHECK-LABEL: func.func private @kernel_elementwise_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: scf.for
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[ROW:.*]] = arith.muli %[[UNIT]], %c21
// CHECK: %[[AT:.*]] = arith.addi %[[ROW]], %[[I]]
// CHECK: %[[A:.*]] = vector.load %{{.*}}[%[[AT]]] : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK: %[[B:.*]] = memref.load %{{.*}}[%[[UNIT]]] : memref<?xf32>
// CHECK: %[[SPREAD:.*]] = vector.broadcast %[[B]] : f32 to vector<[[$LANES]]xf32>
// CHECK: %[[SUM:.*]] = arith.addf %[[A]], %[[SPREAD]]
// CHECK-NOT: memref.store
// CHECK: vector.store %[[SUM]], {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: vector.maskedload {{.*}}, %[[MASK]], {{.*}} into vector<[[$LANES]]xf32>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: return

// All operands alike: dimensions merge into one, and the units of a call, blocks of 2048
// elements, are one run of it.
// CHECK-LABEL: func.func private @kernel_elementwise_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: %[[BEYOND:.*]] = arith.muli %[[LAST]], %c2048
// CHECK: arith.minsi %[[BEYOND]], %c10100
// CHECK: %[[FROM:.*]] = arith.muli %[[FIRST]], %c2048
// CHECK-NOT: scf.for
// CHECK: scf.for %{{.*}} = %[[FROM]] to %{{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK: vector.store {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<[[$LANES]]xi1>
// CHECK: vector.maskedload {{.*}}, %[[MASK]],
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],
// CHECK-NOT: scf.for
// CHECK: return
func.func @main(%x: tensor<3x21xf32>, %y: tensor<3x1xf32>, %z: tensor<100x101xf32>)
    -> (tensor<3x21xf32>, tensor<100x101xf32>) {
  %0 = graph.binary add %x, %y : (tensor<3x21xf32>, tensor<3x1xf32>) -> tensor<3x21xf32>
  %1 = graph.unary relu %z : (tensor<100x101xf32>) -> tensor<100x101xf32>
  return %0, %1 : tensor<3x21xf32>, tensor<100x101xf32>
}
