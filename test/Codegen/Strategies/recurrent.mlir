// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// A unit of an LSTM is a sequence. Several steps of x are projected at once, so that each
// vector of input weights serves all of them; then each step is a product of h with the
// recurrent weights and the cell's arithmetic. The accumulators of both products are
// carried by the loop over k. State and gates are padded to whole vectors: the cell needs
// no masks, only results do.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s

// CHECK-LABEL: func.func private @kernel_lstm_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.for %[[START:.*]] = %c0 to %c5{{.*}} step %c4{{.*}} {
// Four steps times two vectors of gates.
// CHECK: scf.for {{.*}} to %c64{{.*}} step %c16{{.*}} {
// CHECK: %[[P:.*]]:8 = scf.for %{{.*}} = %c0 to %c7{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK-COUNT-2: vector.load {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK-NOT: vector.load
// CHECK-COUNT-4: vector.broadcast
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-COUNT-8: vector.store %[[P]]#
// CHECK-NEXT: }
// Each step: a product over all of h before any of it changes.
// CHECK: scf.for {{.*}} step %c1{{.*}} {
// CHECK: %[[H:.*]]:6 = scf.for %{{.*}} = %c0 to %c12{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK-COUNT-6: vector.load {{.*}} : memref<?xf32>, vector<8xf32>
// CHECK-NOT: vector.load
// CHECK: %[[ELEMENT:.*]] = memref.load %[[STATE:[a-z0-9_]+]][
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-COUNT-6: vector.store %[[H]]#
// The cell.
// CHECK: scf.for %{{.*}} = %c0 to %c16{{.*}} step %c8{{(_[0-9]+)?}} {
// CHECK-NOT: mask
// CHECK: vector.store %{{.*}}, %[[STATE]]
// CHECK-NEXT: }
// The result.
// CHECK: %[[MASK:.*]] = vector.create_mask %c4
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],
func.func @main(%x: tensor<5x2x7xf32>) -> tensor<5x1x2x12xf32> {
  %w = graph.constant dense<0.1> : tensor<1x48x7xf32>
  %r = graph.constant dense<0.1> : tensor<1x48x12xf32>
  %y, %yh, %yc = graph.lstm %x, %w, %r {hidden_size = 12 : i64, direction = 0 : i32, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>} : (tensor<5x2x7xf32>, tensor<1x48x7xf32>, tensor<1x48x12xf32>) -> (tensor<5x1x2x12xf32>, tensor<1x2x12xf32>, tensor<1x2x12xf32>)
  return %y : tensor<5x1x2x12xf32>
}
