// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A direct convolution carries a tile of adjacent pixels times vectors of output channels
// through its loops over filter rows and input channels. The loop over rows has just those
// inside the image, and a filter column at a border runs over just the pixels for which it
// reads inside; nothing is compared or selected within the loops. A pointwise one is a
// matrix product, whose rows are the pixels of all images.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s

// CHECK-LABEL: func.func private @kernel_conv_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// The last panel has one vector of channels, the others two.
// CHECK: scf.if
// CHECK: } else {
// CHECK: %[[LOW:.*]] = arith.maxsi
// CHECK: %[[HIGH:.*]] = arith.minsi
// The tile at the left border: the first filter column misses the first of four pixels.
// CHECK: scf.for %{{.*}} = %c0{{.*}} to %c1{{(_[0-9]+)?}} step
// CHECK: %[[ACC:.*]]:8 = scf.for %{{.*}} = %[[LOW]] to %[[HIGH]] step {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: scf.if
// CHECK: %[[LEFT:.*]]:6 = scf.for %{{.*}} = %{{.*}} to %c3{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK-COUNT-2: vector.load {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK-NOT: arith.select
// CHECK-NOT: arith.cmp
// CHECK-NOT: vector.load
// CHECK-COUNT-6: vector.fma
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// The other columns and the channels of each are one run.
// CHECK: %[[REST:.*]]:8 = scf.for %{{.*}} = %{{.*}} to %c6{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK-NOT: arith.select
// CHECK-NOT: arith.cmp
// CHECK-COUNT-8: vector.fma
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: store
// CHECK: scf.yield %[[REST]]#0
// CHECK-NEXT: }
// CHECK: vector.store %[[ACC]]#0, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#1, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#2, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#3, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#4, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#5, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#6, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#7, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK-NEXT: }
// The tile at the right border: the last column misses the last pixel.
// CHECK: scf.for
// CHECK: %[[ACC:.*]]:8 = scf.for %{{.*}} = %[[LOW]] to %[[HIGH]] step
// CHECK: :8 = scf.for %{{.*}} = %{{.*}} to %c6
// CHECK: :6 = scf.for %{{.*}} = %{{.*}} to %c3
// CHECK-NOT: scf.for
// CHECK-NOT: mask
// CHECK: return

// CHECK-LABEL: func.func private @kernel_conv_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// The last panel ends in a masked vector.
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],
// CHECK: } else {
// CHECK: arith.minsi %{{.*}}, %c34
// CHECK-NOT: scf.for
// CHECK: %[[ACC:.*]]:12 = scf.for %{{.*}} = %{{.*}} to %c3{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK-COUNT-2: vector.load {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK-NOT: vector.load
// CHECK-COUNT-12: vector.fma
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[ACC]]#0, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#1, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#2, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#3, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#4, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#5, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#6, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#7, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#8, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#9, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#10, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK: vector.store %[[ACC]]#11, {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK-NOT: scf.for
// CHECK-NOT: mask
// CHECK: return
func.func @main(%x: tensor<1x5x8x3xf32>) -> (tensor<1x5x8x24xf32>, tensor<1x5x8x21xf32>) {
  %w = graph.constant dense<0.5> : tensor<24x3x3x3xf32>
  %v = graph.constant dense<0.5> : tensor<21x3x1x1xf32>
  %0 = graph.conv %x, %w {layout = 1 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x5x8x3xf32>, tensor<24x3x3x3xf32>) -> tensor<1x5x8x24xf32>
  %1 = graph.conv %x, %v {layout = 1 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>} : (tensor<1x5x8x3xf32>, tensor<21x3x1x1xf32>) -> tensor<1x5x8x21xf32>
  return %0, %1 : tensor<1x5x8x24xf32>, tensor<1x5x8x21xf32>
}
