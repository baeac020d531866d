// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Narrow weights stay codes in memory. One row takes them straight into multiply-adds,
// with sums of a block that wait in registers and totals that the loop over blocks
// carries. With AVX2 the row is rounded to integers first, where it can be, and bytes are
// multiplied; where it cannot, the kernel goes the direct way. For many rows a part of the
// panel is decoded once, into a buffer that the tiles of all rows read.
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v3 --cpu-emit-kernels=target=cpu:x86-64-v3 | FileCheck %s
// RUN: tenon-opt %s --plan-form-kernels=target=cpu:x86-64-v4 --cpu-emit-kernels=target=cpu:x86-64-v4 | FileCheck %s --check-prefix=DIRECT

// CHECK-LABEL: func.func private @kernel_matmul_0(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// The row is rounded before the units begin, and tested.
// CHECK: %[[FITS:.*]] = scf.for {{.*}} iter_args({{.*}} = %true) -> (i1)
// CHECK: vector.store {{.*}} : memref<1x64xi32>, vector<8xi32>
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.if %[[FITS]] {
// CHECK: %[[Y:.*]]:2 = scf.for %{{.*}} = %{{.*}} to %c2{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK: vector.load {{.*}} : memref<?xi32>, vector<8xi32>
// CHECK-NOT: store
// CHECK: llvm.call_intrinsic "llvm.x86.avx2.pmadd.ub.sw"
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[Y]]#0
// CHECK: vector.store %[[Y]]#1
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],
// CHECK: } else {
// CHECK-NOT: pmadd
// CHECK: %[[Y:.*]]:2 = scf.for %{{.*}} = %{{.*}} to %c2{{.*}} iter_args({{.*}}) -> (vector<8xf32>, vector<8xf32>) {
// CHECK-NOT: store
// CHECK-NOT: pmadd
// CHECK: vector.load {{.*}} : memref<?xi32>, vector<8xi32>
// CHECK-NOT: store
// CHECK-COUNT-64: vector.fma {{.*}} : vector<8xf32>
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK: vector.store %[[Y]]#0
// CHECK: vector.store %[[Y]]#1
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],

// Many rows: the outer loop is over units, which are panels.
// CHECK-LABEL: func.func private @kernel_matmul_1(
// CHECK-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64
// CHECK: %[[PANEL:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<4096xf32>
// CHECK: %[[SUMS:.*]] = memref.alloca() {{.*}} : memref<576xf32>
// CHECK: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// CHECK: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// CHECK: scf.for %[[UNIT:.*]] = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// CHECK: scf.for %[[PART:.*]] = %{{.*}} to %c2{{.*}} step %c8 {
// CHECK: scf.for %{{.*}} = %[[PART]] to
// CHECK-NOT: vector.fma
// CHECK: vector.load {{.*}} : memref<?xi32>, vector<8xi32>
// CHECK-NOT: vector.fma
// CHECK-COUNT-64: vector.store {{.*}}, %[[PANEL]]
// CHECK-NEXT: }
// All row tiles read the decoded part; none decodes.
// CHECK: scf.for %{{.*}} = %{{.*}} to %c33{{.*}} step %c6
// CHECK-NOT: xi32
// CHECK-NOT: store
// CHECK: %[[ACC:.*]]:12 = scf.for {{.*}} iter_args
// CHECK-NOT: xi32
// CHECK-NOT: store
// CHECK: vector.load %[[PANEL]]
// CHECK-NOT: xi32
// CHECK-NOT: store
// CHECK: scf.yield
// CHECK-NEXT: }
// CHECK-COUNT-12: vector.store %[[ACC]]#{{[0-9]+}}, %[[SUMS]]
// CHECK-NEXT: }
// CHECK-NEXT: }
// The sums go through the epilogue in the end.
// CHECK: vector.load %[[SUMS]]
// CHECK: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<8xi1>
// CHECK: vector.maskedstore {{.*}}, %[[MASK]],

// A table of 16 values decodes by one permutation, a register of codes and no memory.
// DIRECT-LABEL: func.func private @kernel_matmul_0(
// DIRECT-SAME: %[[BEGIN:[a-z0-9]+]]: i64, %[[END:[a-z0-9]+]]: i64)
// DIRECT: %[[FIRST:.*]] = arith.index_cast %[[BEGIN]] : i64 to index
// DIRECT: %[[LAST:.*]] = arith.index_cast %[[END]] : i64 to index
// DIRECT: scf.for %{{.*}} = %[[FIRST]] to %[[LAST]] step %c1{{(_[0-9]+)?}} {
// DIRECT: %[[Y:.*]]:2 = scf.for %{{.*}} = %{{.*}} to %c2{{.*}} iter_args({{.*}}) -> (vector<16xf32>, vector<16xf32>) {
// DIRECT-NOT: store
// DIRECT: %[[CODES:.*]] = vector.load {{.*}} : memref<?xi32>, vector<16xi32>
// DIRECT-NEXT: %[[VALUES:.*]] = llvm.call_intrinsic "llvm.x86.avx512.permvar.sf.512"(%{{.*}}, %[[CODES]])
// DIRECT: vector.fma %[[VALUES]]
// DIRECT-NOT: store
// DIRECT-COUNT-63: vector.fma {{.*}} : vector<16xf32>
// DIRECT-NOT: store
// DIRECT: scf.yield
// DIRECT-NEXT: }
// DIRECT: vector.store %[[Y]]#0
// DIRECT: vector.store %[[Y]]#1
// DIRECT: %[[MASK:.*]] = vector.create_mask {{.*}} : vector<16xi1>
// DIRECT: vector.maskedstore {{.*}}, %[[MASK]],
// DIRECT-LABEL: func.func private @kernel_matmul_1(
func.func @main(%a: tensor<1x64xf32>, %b: tensor<33x64xf32>) -> (tensor<1x21xf32>, tensor<33x21xf32>) {
  %codes = graph.constant dense<1> : tensor<64x21xi4>
  %scale = graph.constant dense<0.5> : tensor<2x21xf32>
  %w = graph.dequantize %codes, %scale {axis = 0 : i64, block_size = 32 : i64} : (tensor<64x21xi4>, tensor<2x21xf32>) -> tensor<64x21xf32>
  %0 = graph.matmul %a, %w : (tensor<1x64xf32>, tensor<64x21xf32>) -> tensor<1x21xf32>
  %codes1 = graph.constant dense<1> : tensor<64x21xi4>
  %scale1 = graph.constant dense<0.5> : tensor<2x21xf32>
  %w1 = graph.dequantize %codes1, %scale1 {axis = 0 : i64, block_size = 32 : i64} : (tensor<64x21xi4>, tensor<2x21xf32>) -> tensor<64x21xf32>
  %1 = graph.matmul %b, %w1 : (tensor<33x64xf32>, tensor<64x21xf32>) -> tensor<33x21xf32>
  return %0, %1 : tensor<1x21xf32>, tensor<33x21xf32>
}
