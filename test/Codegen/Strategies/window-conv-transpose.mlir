// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A transposed convolution is a gather: a tile is four columns of one phase times vectors
// of output channels, carried through the loops over taps and input channels, the
// innermost, which loads the weights' vectors once for all four columns. Taps that do not
// reach the tile's row or any column are left out, columns beyond the width are not
// stored. A unit is an output row.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s

// CHECK-LABEL: func.func private @kernel_conv_transpose_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: arith.remui %[[UNIT]], %c8
// Whole blocks of two vectors of channels.
// CHECK: scf.for %{{.*}} = %c0 to %c16 step %c16
// CHECK: scf.for %[[PHASE:.*]] = %c0 to %c2
// CHECK: scf.for %[[TILE:.*]] = %[[PHASE]] to %c10{{.*}} step %c8{{(_[0-9]+)?}} {
// CHECK: %[[ACC:.*]]:8 = scf.for %{{.*}} = %c0 to %c2{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK: :8 = scf.if
// CHECK: :8 = scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK: :8 = scf.if
// CHECK: :8 = scf.for %{{.*}} = %c0 to %c3{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK-COUNT-2: vector.load {{.*}}, vector<8xf32>
// CHECK-NOT: store
// CHECK-NOT: vector.load
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK-NOT: scf.if
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#0 : {{.*}}, vector<8xf32>
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#1 : {{.*}}, vector<8xf32>
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#2 : {{.*}}, vector<8xf32>
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#3 : {{.*}}, vector<8xf32>
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#4 : {{.*}}, vector<8xf32>
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#5 : {{.*}}, vector<8xf32>
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#6 : {{.*}}, vector<8xf32>
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#7 : {{.*}}, vector<8xf32>
// CHECK-NEXT: }
// Single vectors.
// CHECK: scf.for %{{.*}} = %c16{{.*}} to %c20{{.*}} step %c8
// CHECK: scf.for %[[PHASE:.*]] = %c0 to %c2
// CHECK: scf.for %[[TILE:.*]] = %[[PHASE]] to %c10{{.*}} step %c8{{(_[0-9]+)?}} {
// CHECK: %[[ACC:.*]]:4 = scf.for %{{.*}} = %c0 to %c2{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK: :4 = scf.if
// CHECK: :4 = scf.for {{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK: :4 = scf.if
// CHECK: :4 = scf.for %{{.*}} = %c0 to %c3{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK-COUNT-1: vector.load {{.*}}, vector<8xf32>
// CHECK-NOT: store
// CHECK-NOT: vector.load
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK-NOT: scf.if
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#0 : {{.*}}, vector<8xf32>
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#1 : {{.*}}, vector<8xf32>
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#2 : {{.*}}, vector<8xf32>
// CHECK-NEXT: }
// CHECK: scf.if
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]], %[[ACC]]#3 : {{.*}}, vector<8xf32>
// CHECK-NEXT: }
// CHECK-NOT: scf.for
// CHECK: return
func.func @main(%x: tensor<1x4x5x3xf32>) -> tensor<1x8x10x20xf32> {
  %w = graph.constant dense<0.5> : tensor<3x20x2x2xf32>
  %0 = graph.conv_transpose %x, %w {layout = 1 : i32, strides = array<i64: 2, 2>, dilations = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, output_padding = array<i64: 0, 0>} : (tensor<1x4x5x3xf32>, tensor<3x20x2x2xf32>) -> tensor<1x8x10x20xf32>
  return %0 : tensor<1x8x10x20xf32>
}
