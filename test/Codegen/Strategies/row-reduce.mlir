// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Along an innermost axis a reduction carries four vectors, adds a masked rest and
// combines the lanes in one horizontal step; a unit is one result. Across rows a unit is
// four vectors of kept elements, each lane folds a column of its own, and no lanes are
// combined; what is left of a run goes by single vectors, the last one masked. Nothing is
// stored before a fold has ended. The position of the largest is carried beside it.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// CHECK-LABEL: func.func private @kernel_reduce_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: %[[ACC:.*]]:4 = scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>)
// CHECK-NOT: store
// CHECK-COUNT-4: vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: %[[A:.*]] = arith.addf %[[ACC]]#0, %[[ACC]]#1
// CHECK-NEXT: %[[B:.*]] = arith.addf %[[ACC]]#2, %[[ACC]]#3
// CHECK-NEXT: %[[ALL:.*]] = arith.addf %[[A]], %[[B]]
// CHECK-NOT: scf.for
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: %[[REST:.*]] = vector.maskedload {{.*}}, %[[MASK]],
// CHECK: %[[WITH:.*]] = arith.addf %[[REST]], %[[ALL]]
// CHECK: arith.select %[[MASK]], %[[WITH]], %[[ALL]]
// CHECK: vector.shuffle
// CHECK-NOT: scf.for
// CHECK-NOT: vector.store
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[UNIT]]] : memref<?xf32>
// CHECK-NEXT: }

// CHECK-LABEL: func.func private @kernel_reduce_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: vector.shuffle
// CHECK: scf.if
// CHECK: %[[ACC:.*]]:4 = scf.for %{{.*}} = %{{.*}} to %c5 step {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>)
// CHECK-NOT: store
// CHECK-COUNT-4: vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[ACC]]#0
// CHECK: vector.store %[[ACC]]#1
// CHECK: vector.store %[[ACC]]#2
// CHECK: vector.store %[[ACC]]#3
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[ONE:.*]] = scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>)
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[ONE]]
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<[[$LANES]]xi1>
// CHECK: %[[REST:.*]] = scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>)
// CHECK-NOT: store
// CHECK: vector.maskedload {{.*}}, %[[MASK]],
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[REST]]
// CHECK-NOT: vector.shuffle
// CHECK: return

// CHECK-LABEL: func.func private @kernel_arg_reduce_2(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: %{{.*}}:8 = scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xi32>,
// CHECK-NOT: store
// CHECK-COUNT-4: vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: vector.maskedload {{.*}}, %[[MASK]],
// CHECK: arith.select %[[MASK]], {{.*}}, vector<[[$LANES]]xf32>
// CHECK: arith.select %[[MASK]], {{.*}}, vector<[[$LANES]]xi32>
// CHECK: vector.shuffle
// CHECK-NOT: scf.for
// CHECK-NOT: vector.store
// CHECK: memref.store %{{.*}}, %{{.*}}[%[[UNIT]]] : memref<?xi64>
// CHECK-NEXT: }
func.func @main(%x: tensor<3x69xf32>, %y: tensor<5x85xf32>) -> (tensor<3xf32>, tensor<85xf32>, tensor<3xi64>) {
  %0 = graph.reduce sum %x {axes = array<i64: 1>} : (tensor<3x69xf32>) -> tensor<3xf32>
  %1 = graph.reduce sum %y {axes = array<i64: 0>} : (tensor<5x85xf32>) -> tensor<85xf32>
  %2 = graph.arg_reduce %x {axis = 1 : i64, is_max = true} : (tensor<3x69xf32>) -> tensor<3xi64>
  return %0, %1, %2 : tensor<3xf32>, tensor<85xf32>, tensor<3xi64>
}
