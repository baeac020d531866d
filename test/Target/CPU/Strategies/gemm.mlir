// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A register tile of rows times vectors of columns is carried by one loop over K, which
// loads each vector of the panel once for all rows and stores nothing; results are stored
// behind it. A unit of a packed operand is one row tile and one panel, of a copied one a
// panel, which is copied once for all row tiles. The last row tile moves up to end with
// the rows, and the last columns are stored with a mask.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// A constant right operand: packed panels, read in place.
// CHECK-LABEL: func.func private @kernel_matmul_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: %[[ROW:.*]] = arith.minsi %{{.*}}, %c20
// CHECK-NOT: scf.for
// CHECK: %[[ACC:.*]]:11 = scf.for %{{.*}} = %{{.*}} to %c13 step %c1{{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>) {
// CHECK-NOT: store
// CHECK: %[[B:.*]] = vector.load %{{.*}} : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK-NOT: store
// CHECK-NOT: vector.load
// CHECK: %[[A:.*]] = memref.load %{{.*}} : memref<?xf32>
// CHECK-NEXT: %[[SPREAD:.*]] = vector.broadcast %[[A]] : f32 to vector<[[$LANES]]xf32>
// CHECK-NEXT: vector.fma %[[SPREAD]], %[[B]], %{{.*}} : vector<[[$LANES]]xf32>
// CHECK-COUNT-10: vector.fma %{{.*}}, %[[B]], %{{.*}} : vector<[[$LANES]]xf32>
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[ACC]]#0, 
// CHECK: vector.store %[[ACC]]#1, 
// CHECK: vector.store %[[ACC]]#2, 
// CHECK: vector.store %[[ACC]]#3, 
// CHECK: vector.store %[[ACC]]#4, 
// CHECK: vector.store %[[ACC]]#5, 
// CHECK: vector.store %[[ACC]]#6, 
// CHECK: vector.store %[[ACC]]#7, 
// CHECK: vector.store %[[ACC]]#8, 
// CHECK: vector.store %[[ACC]]#9, 
// CHECK: vector.store %[[ACC]]#10, 
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: vector.store {{.*}} : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<[[$LANES]]xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],

// One computed at run time: copied into a panel, then all row tiles.
// CHECK-LABEL: func.func private @kernel_matmul_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[PANEL:.*]] = memref.alloca() {{.*}} : memref<{{104|208}}xf32>
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.for %{{.*}} = %{{.*}} to %c13
// CHECK: %[[B:.*]] = vector.maskedload %{{.*}} : memref<?xf32>
// CHECK: vector.store %[[B]], %[[PANEL]]
// CHECK-NEXT: }
// CHECK: scf.for %{{.*}} = %{{.*}} to %c6
// CHECK: arith.minsi %{{.*}}, %c58
// CHECK-NOT: scf.for
// CHECK: %[[ACC:.*]]:12 = scf.for %{{.*}} = %{{.*}} to %c13 step %c1{{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>, vector<[[$LANES]]xf32>) {
// CHECK-NOT: store
// CHECK: %[[B:.*]] = vector.load %[[PANEL]]
// CHECK-NOT: store
// CHECK-NOT: vector.load
// CHECK-COUNT-12: vector.fma %{{.*}}, %[[B]], %{{.*}} : vector<[[$LANES]]xf32>
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[ACC]]#0, 
// CHECK: vector.store %[[ACC]]#1, 
// CHECK: vector.store %[[ACC]]#2, 
// CHECK: vector.store %[[ACC]]#3, 
// CHECK: vector.store %[[ACC]]#4, 
// CHECK: vector.store %[[ACC]]#5, 
// CHECK: vector.store %[[ACC]]#6, 
// CHECK: vector.store %[[ACC]]#7, 
// CHECK: vector.store %[[ACC]]#8, 
// CHECK: vector.store %[[ACC]]#9, 
// CHECK: vector.store %[[ACC]]#10, 
// CHECK: vector.store %[[ACC]]#11, 
// CHECK: scf.for {{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: vector.store {{.*}} : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<[[$LANES]]xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],

// Whole panels are stored as they are.
// CHECK-LABEL: func.func private @kernel_matmul_2(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK-NOT: scf.for
// CHECK: %[[ACC:.*]]:{{[0-9]+}} = scf.for %{{.*}} = %{{.*}} to %c13 {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>,
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[ACC]]#0, {{.*}} : memref<?xf32>, vector<[[$LANES]]xf32>
// CHECK-NOT: mask
// CHECK: return
func.func @main(%a: tensor<31x13xf32>, %c: tensor<70x13xf32>, %d: tensor<13x37xf32>)
    -> (tensor<31x37xf32>, tensor<70x37xf32>, tensor<31x64xf32>) {
  %b = graph.constant dense<0.5> : tensor<13x37xf32>
  %e = graph.constant dense<0.5> : tensor<13x64xf32>
  %0 = graph.matmul %a, %b : (tensor<31x13xf32>, tensor<13x37xf32>) -> tensor<31x37xf32>
  %1 = graph.matmul %c, %d : (tensor<70x13xf32>, tensor<13x37xf32>) -> tensor<70x37xf32>
  %2 = graph.matmul %a, %e : (tensor<31x13xf32>, tensor<13x64xf32>) -> tensor<31x64xf32>
  return %0, %1, %2 : tensor<31x37xf32>, tensor<70x37xf32>, tensor<31x64xf32>
}
