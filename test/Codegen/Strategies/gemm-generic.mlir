// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Products that no register tile takes are computed one element at a time: the sum is
// carried by the loop over K and stored once, behind it.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s

// CHECK-LABEL: func.func private @kernel_matmul_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.for %[[N:.*]] = %{{.*}} to %c5{{.*}} {
// CHECK: %[[SUM:.*]] = scf.for %[[K:.*]] = %{{.*}} to %c13{{.*}} iter_args(%[[ACC:.*]] = %{{.*}}) -> (f64)
// CHECK-NOT: store
// CHECK: %[[TERM:.*]] = arith.mulf
// CHECK: %[[NEXT:.*]] = arith.addf %[[ACC]], %[[TERM]]
// CHECK-NEXT: scf.yield %[[NEXT]] : f64
// CHECK-NEXT: }
// CHECK: memref.store %[[SUM]], {{.*}} : memref<?xf64>
// CHECK-NOT: store
// CHECK: return
func.func @main(%a: tensor<3x13xf64>, %b: tensor<13x5xf64>) -> tensor<3x5xf64> {
  %0 = graph.matmul %a, %b : (tensor<3x13xf64>, tensor<13x5xf64>) -> tensor<3x5xf64>
  return %0 : tensor<3x5xf64>
}
