// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A depthwise convolution has an accumulator for each column of a tile, which the loop over
// filter rows carries, and each vector of the filter serves all columns. Columns at the
// sides go one by one over the filter columns inside the image. Lanes are channels, the
// last vector masked. A unit is an output row.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s

// CHECK-LABEL: func.func private @kernel_conv_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: arith.remui %[[UNIT]], %c5
// CHECK: %[[LOW:.*]] = arith.maxsi
// CHECK: %[[HIGH:.*]] = arith.minsi
// The column at the left.
// CHECK: scf.for %{{.*}} = %c0 to %c1{{(_[0-9]+)?}} step
// CHECK: scf.for %{{.*}} = %c0 to %c8{{.*}} step %c8{{(_[0-9]+)?}} {
// CHECK: %[[FROM:.*]] = arith.maxsi
// CHECK: %[[TO:.*]] = arith.minsi
// CHECK: %[[ONE:.*]] = scf.for %{{.*}} = %[[LOW]] to %[[HIGH]] step {{.*}} iter_args({{.*}}) -> (vector<8xf32>) {
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]] step {{.*}} iter_args({{.*}}) -> (vector<8xf32>) {
// CHECK-NOT: store
// CHECK: vector.fma
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[ONE]]
// CHECK-NEXT: }
// CHECK: vector.create_mask %c4
// CHECK: vector.maskedstore
// The columns between the sides, seven at a time.
// CHECK: scf.for %{{.*}} = %c1{{.*}} to %c8{{.*}} step %c7
// CHECK: scf.for %{{.*}} = %c0 to %c8{{.*}} step %c8{{(_[0-9]+)?}} {
// CHECK: %[[ACC:.*]]:7 = scf.for %{{.*}} = %[[LOW]] to %[[HIGH]] step {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: scf.for
// CHECK-NOT: store
// CHECK: %[[W0:.*]] = vector.load {{.*}}, vector<8xf32>
// CHECK-COUNT-7: vector.fma %{{.*}}, %[[W0]], %{{.*}} : vector<8xf32>
// CHECK: %[[W1:.*]] = vector.load {{.*}}, vector<8xf32>
// CHECK-COUNT-7: vector.fma %{{.*}}, %[[W1]], %{{.*}} : vector<8xf32>
// CHECK: %[[W2:.*]] = vector.load {{.*}}, vector<8xf32>
// CHECK-COUNT-7: vector.fma %{{.*}}, %[[W2]], %{{.*}} : vector<8xf32>
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[ACC]]#0, 
// CHECK: vector.store %[[ACC]]#1, 
// CHECK: vector.store %[[ACC]]#2, 
// CHECK: vector.store %[[ACC]]#3, 
// CHECK: vector.store %[[ACC]]#4, 
// CHECK: vector.store %[[ACC]]#5, 
// CHECK: vector.store %[[ACC]]#6, 
// CHECK-NEXT: }
// CHECK: %[[MASK:.*]] = vector.create_mask %c4
// CHECK: %[[REST:.*]]:7 = scf.for
// CHECK-COUNT-21: vector.maskedload {{.*}}, %[[MASK]],
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-COUNT-7: vector.maskedstore {{.*}}, %[[MASK]], %[[REST]]#
func.func @main(%x: tensor<1x5x9x12xf32>) -> tensor<1x5x9x12xf32> {
  %w = graph.constant dense<0.5> : tensor<12x1x3x3xf32>
  %0 = graph.conv %x, %w {layout = 1 : i32, group = 12 : i64, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x5x9x12xf32>, tensor<12x1x3x3xf32>) -> tensor<1x5x9x12xf32>
  return %0 : tensor<1x5x9x12xf32>
}
