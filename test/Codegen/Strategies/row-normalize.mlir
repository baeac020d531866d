// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A softmax along rows and a norm read each row three times. A statistic is four vectors
// that its loop carries, then a masked rest, then one horizontal step; a unit is a row.
// A softmax across rows has a row in each lane: a unit is a vector of the run, no lanes
// are combined, and each statistic is carried by a loop over the axis.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// CHECK-LABEL: func.func private @kernel_softmax_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// The maximum.
// CHECK: %{{.*}}:4 = scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>)
// CHECK-NOT: store
// CHECK-COUNT-4: vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: vector.shuffle
// CHECK-NOT: scf.for
// The sum, for which each exponential is computed once and kept.
// CHECK: %{{.*}}:4 = scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>)
// CHECK-NOT: memref.store
// CHECK-COUNT-4: vector.store {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: %[[MASK:.*]] = vector.create_mask %c5{{.*}} : vector<[[$LANES]]xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],
// CHECK: vector.shuffle
// CHECK-NOT: scf.for
// CHECK: %[[INVERSE:.*]] = arith.divf {{.*}} : f32
// CHECK: %[[FACTOR:.*]] = vector.broadcast %[[INVERSE]] : f32 to vector<[[$LANES]]xf32>
// The result: one multiplication for each element.
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK-NOT: math.exp
// CHECK: arith.mulf %{{.*}}, %[[FACTOR]]
// CHECK: vector.store
// CHECK-NEXT: }
// CHECK-NOT: math.exp
// CHECK: vector.maskedstore
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: return

// CHECK-LABEL: func.func private @kernel_softmax_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: vector.shuffle
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: scf.for %{{.*}} = %{{.*}} to %c5 step {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>)
// CHECK-NOT: store
// CHECK: vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: scf.for %{{.*}} = %{{.*}} to %c5 step {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>)
// CHECK-NOT: store
// CHECK: math.exp
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: scf.for %{{.*}} = %{{.*}} to %c5 step %c1{{[_0-9]*}} {
// CHECK: vector.store {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK-NEXT: }
// The rest of the run is masked in the same three loops.
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<[[$LANES]]xi1>
// CHECK-COUNT-2: iter_args({{.*}}) -> (vector<[[$LANES]]xf32>)
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],
// CHECK-NOT: vector.shuffle
// CHECK: return

// CHECK-LABEL: func.func private @kernel_norm_2(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// The mean.
// CHECK: %{{.*}}:4 = scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>)
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: vector.create_mask %c5
// CHECK: vector.shuffle
// The squares of what the elements differ from it.
// CHECK: %{{.*}}:4 = scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>)
// CHECK-NOT: store
// CHECK: arith.subf
// CHECK: arith.mulf
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: vector.create_mask %c5
// CHECK: vector.shuffle
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: vector.store {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: vector.maskedstore
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: return
func.func @main(%x: tensor<3x69xf32>, %y: tensor<3x5x21xf32>)
    -> (tensor<3x69xf32>, tensor<3x5x21xf32>, tensor<3x69xf32>) {
  %0 = graph.softmax %x {axis = 1 : i64} : (tensor<3x69xf32>) -> tensor<3x69xf32>
  %1 = graph.softmax %y {axis = 1 : i64} : (tensor<3x5x21xf32>) -> tensor<3x5x21xf32>
  %2 = graph.norm layer %x {axis = 1 : i64, epsilon = 1.0e-5 : f32} : (tensor<3x69xf32>) -> tensor<3x69xf32>
  return %0, %1, %2 : tensor<3x69xf32>, tensor<3x5x21xf32>, tensor<3x69xf32>
}
