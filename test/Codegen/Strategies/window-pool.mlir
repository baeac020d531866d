// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// With channels last a block of four vectors of channels passes through all taps before it
// is stored: unrolled where the window is inside the image, else by loops over the taps
// inside, which carry the accumulators. Single vectors follow, the last one masked. With
// channels first lanes run over the columns whose taps are all inside, and the columns at
// the sides are scalar. A unit is a row of the output.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// CHECK-LABEL: func.func private @kernel_pool_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.for %{{.*}} = %{{.*}} to %c9
// CHECK: %[[INSIDE:.*]] = arith.andi
// CHECK-NEXT: scf.if %[[INSIDE]] {
// CHECK: scf.for %{{.*}} = %{{.*}} to %c64
// CHECK-NOT: scf.for
// CHECK-COUNT-36: vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NOT: scf.for
// CHECK-NOT: load
// CHECK-COUNT-4: vector.store {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: scf.for {{.*}} to %c80{{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK-COUNT-9: vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NOT: scf.for
// CHECK-NOT: load
// CHECK: vector.store {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c3{{.*}} : vector<[[$LANES]]xi1>
// CHECK-COUNT-9: vector.maskedload {{.*}}, %[[MASK]],
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],
// CHECK-NEXT: } else {
// CHECK: scf.for %{{.*}} = %{{.*}} to %c64
// CHECK: %[[ACC:.*]]:4 = scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>)
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>)
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[ACC]]#0
// CHECK: vector.store %[[ACC]]#1
// CHECK: vector.store %[[ACC]]#2
// CHECK: vector.store %[[ACC]]#3
// CHECK-NEXT: }
// CHECK: vector.maskedstore

// CHECK-LABEL: func.func private @kernel_pool_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.for %{{.*}} = %{{.*}} to %c1{{(_[0-9]+)?}} step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: vector
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (f32)
// CHECK-NOT: vector
// CHECK: memref.store
// CHECK-NEXT: }
// CHECK: scf.for %{{.*}} = %c1{{.*}} to %c33{{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// The columns' taps are unrolled, the rows' carry the accumulator.
// CHECK: %[[ACC:.*]] = scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>)
// CHECK-NOT: scf.for
// CHECK-NOT: store
// CHECK-COUNT-3: vector.load {{.*}}, vector<[[$LANES]]xf32>
// CHECK-NOT: scf.for
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[ACC]]
// CHECK-NEXT: }
// CHECK: scf.for %{{.*}} = %c33{{.*}} to %c37{{.*}} step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: vector
// CHECK: memref.store
// CHECK-NEXT: }
// CHECK-NEXT: }
func.func @main(%x: tensor<1x9x9x83xf32>, %y: tensor<1x2x9x37xf32>) -> (tensor<1x9x9x83xf32>, tensor<1x2x9x37xf32>) {
  %0 = graph.pool max %x {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, layout = 1 : i32} : (tensor<1x9x9x83xf32>) -> tensor<1x9x9x83xf32>
  %1 = graph.pool max %y {kernel = array<i64: 3, 3>, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>, layout = 0 : i32} : (tensor<1x2x9x37xf32>) -> tensor<1x2x9x37xf32>
  return %0, %1 : tensor<1x9x9x83xf32>, tensor<1x2x9x37xf32>
}
