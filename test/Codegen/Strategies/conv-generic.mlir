// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// One sum at a time, or one vector of sums, is carried through loops over input channels,
// filter rows and filter columns, in this order; the loops over taps have just those
// inside the image. With channels first vectors run along the columns whose taps are all
// inside, and the columns at the sides are scalar. A unit is a row of one channel.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s -D'$LANES=8'
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s -D'$LANES=16'

// CHECK-LABEL: func.func private @kernel_conv_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.for %{{.*}} = %c0 to %c1{{(_[0-9]+)?}} step %c1{{(_[0-9]+)?}} {
// CHECK: %[[SUM:.*]] = scf.for %{{.*}} = %{{.*}} to %c3{{.*}} iter_args({{.*}}) -> (f32) {
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (f32) {
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (f32) {
// CHECK-NOT: store
// CHECK-NOT: scf.if
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: memref.store %[[SUM]]
// CHECK-NEXT: }
// CHECK: scf.for %{{.*}} = %c1{{.*}} to %c17{{.*}} step %c[[$LANES]]{{(_[0-9]+)?}} {
// CHECK: %[[SUM:.*]] = scf.for %{{.*}} = %{{.*}} to %c3{{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>) {
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>) {
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>) {
// CHECK-NOT: store
// CHECK-NOT: scf.if
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: vector.store %[[SUM]]
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask %c3{{.*}} : vector<[[$LANES]]xi1>
// CHECK: %[[SUM:.*]] = scf.for %{{.*}} = %{{.*}} to %c3{{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>) {
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>) {
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (vector<[[$LANES]]xf32>) {
// CHECK-NOT: store
// CHECK-NOT: scf.if
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[SUM]]
// CHECK-NEXT: }
// CHECK: scf.for %{{.*}} = %c20{{.*}} to %c21{{(_[0-9]+)?}} step %c1{{(_[0-9]+)?}} {
// CHECK: %[[SUM:.*]] = scf.for %{{.*}} = %{{.*}} to %c3{{.*}} iter_args({{.*}}) -> (f32) {
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (f32) {
// CHECK: scf.for {{.*}} iter_args({{.*}}) -> (f32) {
// CHECK-NOT: store
// CHECK-NOT: scf.if
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NEXT: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: memref.store %[[SUM]]
// CHECK-NEXT: }
// CHECK-NEXT: }
func.func @main(%x: tensor<1x3x5x21xf32>, %w: tensor<4x3x3x3xf32>) -> tensor<1x4x5x21xf32> {
  %0 = graph.conv %x, %w {layout = 0 : i32, strides = array<i64: 1, 1>, dilations = array<i64: 1, 1>, pads = array<i64: 1, 1, 1, 1>} : (tensor<1x3x5x21xf32>, tensor<4x3x3x3xf32>) -> tensor<1x4x5x21xf32>
  return %0 : tensor<1x4x5x21xf32>
}
